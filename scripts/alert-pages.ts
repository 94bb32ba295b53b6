/** The generated part of alerts.md: options of each sink, and what each sends, for one sample case. */
import { renderAlert } from '../src/act/finding/finding.ts';
import type { SinkType } from '../src/act/sink.ts';
import { SINKS } from '../src/act/sinks.ts';
import type { Alert } from '../src/model/alert.ts';
import { BEGAN_MS, dueOf, FINDING, matterOf, stepOf } from '../test/act/matter.ts';

interface Options {
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties: Readonly<
    Record<string, { readonly description?: string; readonly default?: unknown }>
  >;
}

/** Options and secrets with which each sink renders the sample. */
const SAMPLES: Readonly<Record<keyof typeof SINKS, readonly [options: object, secrets: object]>> = {
  alertmanager: [{ url: 'http://alertmanager:9093' }, {}],
  pagerduty: [{}, { routingKey: '0'.repeat(32) }],
  slack: [{ channel: 'C0123456789' }, { token: 'xoxb-0' }],
  webhook: [
    { url: 'https://ops.internal/alerts' },
    { secret: `whsec_${Buffer.alloc(32).toString('base64')}` },
  ],
  otlp: [{ url: 'http://collector:4318' }, {}],
  kafka: [{}, {}],
};

function optionsTable(type: SinkType): string[] {
  const { properties, required = [] } = type.options as Options;
  const rows = Object.entries(properties)
    .filter(([name]) => name !== 'type')
    .map(([name, { description, default: fallback }]) => {
      const must = required.includes(name) ? 'yes' : '';
      const without = fallback === undefined ? '' : `\`${String(fallback)}\``;
      return `| \`${name}\` | ${must} | ${without} | ${description ?? ''} |`;
    });
  return ['| option | needed | default | is |', '|---|---|---|---|', ...rows];
}

function payload(name: keyof typeof SINKS, alert: Alert): string[] {
  const [options, secrets] = SAMPLES[name];
  const made = SINKS[name].create(
    {
      http: async () => ({ status: 200, headers: {}, body: '' }),
      clock: { nowMs: () => BEGAN_MS, sleep: async () => undefined },
      publisher: () => ({ publish: async () => undefined, close: async () => undefined }),
      ...{ instance: 'plumbline', timeoutMs: 1 },
    },
    { type: name, ...options },
    new Map(Object.entries(secrets)),
  );
  if (!made.ok) throw new Error(`${name}: ${made.problem.message}`);
  return made.sink
    .render(alert, null, BEGAN_MS + 60_000)
    .flatMap(({ to, body }) => [
      `\`${to}\``,
      '',
      '```json',
      JSON.stringify(shortened(JSON.parse(body)), null, 1),
      '```',
    ]);
}

/** Long texts are cut for the page: the whole event stands once, under Finding. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 180 ? `${value.slice(0, 179)}…` : value;
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shortened(one)]));
}

function sample(kind: 'finding' | 'action'): Alert {
  const matter = matterOf();
  const detections = matter.detections.map(({ detection, retracted }) => ({
    detection: { ...detection, tags: ['atlas.t0053', 'owasp-asi.asi02'] },
    retracted,
  }));
  const step = kind === 'action' ? stepOf() : null;
  const link = 'https://plumbline.internal/cases/{case}';
  const tagOf = () => ({ name: 'AI Agent Tool Invocation', version: '5.6.0' });
  const due = dueOf({ kind, step, matter: { ...matter, detections } });
  const alert = renderAlert(due, { ...FINDING, link, tagOf });
  if (alert === null) throw new Error('the sample cannot be rendered');
  return alert;
}

/** Sections for each sink, then the events that webhook, OTLP and Kafka carry whole. */
export function alertSections(): string {
  const finding = sample('finding');
  const events = [
    '## Finding: OCSF 2004',
    '',
    '```json',
    JSON.stringify(finding.event, null, 1),
    '```',
    '',
    '## Step of containment: OCSF 7001',
    '',
    '```json',
    JSON.stringify(sample('action').event, null, 1),
    '```',
  ];
  const names = Object.keys(SINKS) as (keyof typeof SINKS)[];
  const sections = names.flatMap((name) => {
    const { description } = SINKS[name].options as Options;
    const carriesEvent = name === 'webhook' || name === 'kafka';
    return [
      `## \`${name}\``,
      '',
      `${description ?? ''}`,
      '',
      ...optionsTable(SINKS[name]),
      '',
      ...(carriesEvent ? ['The body is the event below, as it is.'] : payload(name, finding)),
      '',
    ];
  });
  return [...sections, ...events].join('\n');
}
