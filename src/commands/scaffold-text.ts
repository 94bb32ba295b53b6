/** Texts of a scaffold: a detector that says where it is unwritten, and ten cases that fail. */
import type { Kind } from '../model/event.ts';
import type { Schema } from '../model/schema.ts';

/** What is scaffolded. */
export interface Scaffold {
  readonly stem: string;
  readonly uuid: string;
  /** Today, YYYY-MM-DD. */
  readonly date: string;
  /** Path from the detector's folder to its schema. */
  readonly schema: string;
  /** `rule`, `correlation`, or a kind of analytic with the schema of its parameters. */
  readonly form: 'rule' | 'correlation' | { readonly kind: string; readonly params: Schema };
  readonly service: Kind;
}

/** Per book: its commonest category, and a field that most rules begin with. */
const BOOKS: Readonly<Record<Kind, { readonly category: string; readonly field: string }>> = {
  gateway: { category: 'tool_call', field: 'action.tool' },
  reasoning: { category: 'model_call', field: 'reasoning.model' },
  governance: { category: 'grant', field: 'governance.change' },
  metrics: { category: 'usage', field: 'metric.name' },
};

/** The detector file. Everything marked TODO is refused by `lint` until it is written. */
export function detectorText(scaffold: Scaffold): string {
  const { stem, uuid, date, schema, form, service } = scaffold;
  const name = nameOf(stem);
  const { category } = BOOKS[service];
  const source = `{ product: ai_agent, service: ${service}, category: ${category} }`;
  const isCorrelation = form === 'correlation';
  const analytic = typeof form === 'string' ? [] : analyticLines(form, service);
  return [
    `# yaml-language-server: $schema=${schema}`,
    'title: TODO what fired, in a few words',
    `id: ${uuid}`,
    `name: ${name}`,
    'taxonomy: plumbline',
    'status: experimental',
    `date: ${date}`,
    ...(isCorrelation ? [] : [`logsource: ${source}`]),
    ...whatLines(scaffold),
    'falsepositives:',
    '  - TODO the sound work that looks like it, and how to tell the two apart.',
    'level: medium # TODO informational, low, medium, high or critical',
    'tags: [owasp-asi.asi02] # TODO the ids of ATLAS and OWASP that it answers',
    'plumbline:',
    '  format: 1',
    '  maturity: shadow',
    ...analytic,
    '  evidence_class: statistical # TODO hard: exact breach; statistical: unusual; content: reads text',
    `  needs: { sources: [${service}], evidence: L0 } # TODO every book without which it cannot judge`,
    '  entity: [agent.id, session.id]',
    '  why: >-',
    '    TODO which harm follows, and why nobody would see it otherwise.',
    '  misses: >-',
    '    TODO when it stays silent although it should not.',
    '  triage: >-',
    '    TODO what to look at first, and what to do when it is true.',
    ...(isCorrelation ? baseLines(name, source, service) : []),
    '',
  ].join('\n');
}

function nameOf(stem: string): string {
  return stem.replaceAll('-', '_');
}

/** What a Sigma detector looks for; nothing for analytics. */
function whatLines({ stem, form, service }: Scaffold): string[] {
  if (form === 'rule')
    return [
      'detection:',
      `  wanted: { ${BOOKS[service].field}: TODO }`,
      `  sound: { agent.role: TODO }`,
      '  condition: wanted and not sound',
    ];
  if (form !== 'correlation') return [];
  return [
    'correlation:',
    '  type: event_count # TODO value_count, temporal, temporal_ordered, value_sum, …',
    `  rules: [${nameOf(stem)}_one]`,
    '  group-by: [agent.id, session.id]',
    '  timespan: 10m',
    '  condition: { gte: 5 } # TODO',
  ];
}

function baseLines(name: string, source: string, service: Kind): string[] {
  return [
    '---',
    'title: TODO one of the events that are counted',
    `name: ${name}_one`,
    `logsource: ${source}`,
    'detection:',
    `  wanted: { ${BOOKS[service].field}: TODO }`,
    '  condition: wanted',
  ];
}

function analyticLines(
  { kind, params }: { readonly kind: string; readonly params: Schema },
  service: Kind,
): string[] {
  const members = Object.entries(params.properties ?? {}).filter(([key]) =>
    params.required?.includes(key),
  );
  return [
    `  kind: ${kind}`,
    '  params: # TODO',
    ...members.map(([key, member]) => {
      const comment = member.description === undefined ? '' : ` # ${member.description}`;
      return `    ${key}: ${JSON.stringify(sampleOf(member, service))}${comment}`;
    }),
  ];
}

/** A value that a schema accepts: the book, the first of a choice, a usual length of time. */
function sampleOf(schema: Schema, service: Kind): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum.includes(service) ? service : schema.enum[0];
  const [first] = schema.anyOf ?? [];
  if (first !== undefined) return sampleOf(first, service);
  if (schema.type === 'array')
    return schema.items === undefined ? [] : [sampleOf(schema.items, service)];
  if (schema.type === 'number' || schema.type === 'integer')
    return Math.max(10, schema.minimum ?? 0);
  if (schema.type === 'boolean') return false;
  if (schema.type === 'object')
    return Object.fromEntries(
      Object.entries(schema.properties ?? {})
        .filter(([name]) => schema.required?.includes(name))
        .map(([name, member]) => [name, sampleOf(member, service)]),
    );
  return schema.pattern?.includes('m|h') === true ? '5m' : 'session.id';
}

const FIRING: readonly (readonly [name: string, why: string])[] = [
  ['the plain form', 'what an analyst would show a colleague.'],
  ['at the bound', 'the least that must still fire.'],
  ['in another guise', 'another tool, spelling or route to the same end.'],
  ['amid sound work', 'the agent does its ordinary calls before, between and after.'],
  ['all at once', 'parallel calls, the same millisecond.'],
];
const SILENT: readonly (readonly [name: string, why: string])[] = [
  ['the look-alike', 'the first of the false positives named in the detector.'],
  ['just below the bound', 'the most that must stay silent.'],
  ['with permission', 'governance granted or approved it, and says so.'],
  ['spread over two', 'the same in two sessions or by two agents, neither of them enough.'],
  ['without the evidence', 'a field is missing, which proves nothing.'],
];

/**
 * The cases. A firing one waits for an alert that its events do not cause yet; a silent one waits for
 * an impossible alert until its author writes `[]`: none of them passes before it was written.
 */
export function casesText(stem: string): string {
  const events = [
    '    - { at: +5s, id: t, states: { call: c, tool: read_record } }',
    '    - { at: +5.1s, seq: 1, call: c, label: act, calls: { tool: read_record } }',
  ];
  const written = (name: string, why: string, expect: readonly string[]): readonly string[] => [
    `- name: ${name}`,
    `  why: TODO ${why}`,
    '  given:',
    ...events,
    ...expect,
  ];
  return [
    '# Every case fails until it is written. The form is in detectors/README.md.',
    ...FIRING.flatMap(([name, why]) =>
      written(name, why, ['  expect:', `    - { detector: ${stem}, evidence: [act] }`]),
    ),
    ...SILENT.flatMap(([name, why]) =>
      written(name, why, [
        '  expect: [{ detector: TODO }] # make it [] when the events are written',
      ]),
    ),
    '',
  ].join('\n');
}
