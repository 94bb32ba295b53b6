/** Every sink with its counterpart, as the conformance suite and the integration tests need them. */
import type { Sink, SinkPorts } from '../../src/act/sink.ts';
import { SINKS } from '../../src/act/sinks.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import type { Publisher } from '../../src/model/ports.ts';
import { startAlertmanager } from './alertmanager.ts';
import { startOtlp } from './otlp.ts';
import { startPagerduty } from './pagerduty.ts';
import { startReceiver } from './receiver.ts';
import type { HttpCounterpart, Mood } from './server.ts';
import { startSlack } from './slack.ts';
import { createTopics } from './topics.ts';

/** A sink, what it talks to, and what that one knows of cases. */
export interface SinkAndCounterpart {
  readonly sink: Sink;
  /** How it behaves from now on; `down`: nothing listens. */
  behave(mood: Mood | 'down'): Promise<void>;
  /** uids of alerts it took, each once, in the order of their first arrival. */
  taken(): readonly string[];
  /** How a case stands there. */
  stateOf(caseId: string): 'unknown' | 'open' | 'over';
  /** What it found wrong. */
  refused(): readonly string[];
  /** Everything it holds, as text. */
  everything(): string;
  /** Puts a silence in force, where it knows silences. */
  silence?(matchers: readonly object[], endsMs: number): string;
  /** Secrets that are never to be seen. */
  readonly secrets: readonly string[];
  close(): Promise<void>;
}

const HTTP_TIMEOUT_MS = 400;
const PAGER_KEY = 'c4n4ry'.repeat(6).slice(0, 32);
const SLACK_TOKEN = 'xoxb-canary-0123456789-slack';
const TOKEN = 'canary-bearer-token-0123456789';
const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

/** Secrets of all counterparts, by key of the sink's options. */
export const CANARIES = {
  pagerKey: PAGER_KEY,
  slackToken: SLACK_TOKEN,
  token: TOKEN,
  secret: SECRET,
};

const unique = (list: readonly string[]): readonly string[] => [...new Set(list)];

const behaving = (server: HttpCounterpart) => {
  let isDown = false;
  return async (mood: Mood | 'down') => {
    if (mood === 'down' && !isDown) await server.down();
    if (mood !== 'down' && isDown) await server.up();
    isDown = mood === 'down';
    if (mood !== 'down') server.mood = mood;
  };
};

const portsOf = (clock: SinkPorts['clock'], publisher: Publisher | null = null): SinkPorts => ({
  ...{ http: createHttp(), clock, instance: 'observer-1', timeoutMs: HTTP_TIMEOUT_MS },
  publisher: () => publisher,
});

function made(
  type: keyof typeof SINKS,
  ports: SinkPorts,
  options: object,
  secrets: Readonly<Record<string, string>>,
): Sink {
  const created = SINKS[type].create(ports, { type, ...options }, new Map(Object.entries(secrets)));
  if (!created.ok) throw new Error(`${created.problem.key} ${created.problem.message}`);
  return created.sink;
}

const alertmanager = async (clock: SinkPorts['clock']): Promise<SinkAndCounterpart> => {
  const server = await startAlertmanager(clock.nowMs);
  const url = `${server.url}/`;
  const alerts = () => server.alerts();
  return {
    sink: made('alertmanager', portsOf(clock), { url, labels: { team: 'x' } }, { token: TOKEN }),
    behave: behaving(server),
    taken: () =>
      unique(server.taken.flat().flatMap(({ annotations }) => annotations['dedupe'] ?? [])),
    stateOf: (caseId) => {
      const own = alerts().filter(({ labels }) => labels['case'] === caseId);
      if (own.length === 0) return 'unknown';
      return own.some(({ active }) => active) ? 'open' : 'over';
    },
    refused: () => server.refused,
    silence: server.silence,
    everything: () => JSON.stringify([alerts(), server.taken]),
    secrets: [TOKEN],
    close: server.close,
  };
};

const pagerduty = async (clock: SinkPorts['clock']): Promise<SinkAndCounterpart> => {
  const server = await startPagerduty(PAGER_KEY);
  const url = `${server.url}/v2/enqueue`;
  return {
    sink: made('pagerduty', portsOf(clock), { url }, { routingKey: PAGER_KEY }),
    behave: behaving(server),
    taken: () => unique([...server.incidents.values()].flatMap(({ seen }) => seen)),
    stateOf: (caseId) => {
      const state = server.incidents.get(caseId)?.state;
      if (state === undefined) return 'unknown';
      return state === 'triggered' ? 'open' : 'over';
    },
    refused: () => server.refused,
    everything: () => JSON.stringify([...server.incidents]),
    secrets: [PAGER_KEY],
    close: server.close,
  };
};

const slack = async (clock: SinkPorts['clock']): Promise<SinkAndCounterpart> => {
  const server = await startSlack(SLACK_TOKEN, 'C0123');
  const url = `${server.url}/api/chat.postMessage`;
  return {
    sink: made('slack', portsOf(clock), { url, channel: 'C0123' }, { token: SLACK_TOKEN }),
    behave: behaving(server),
    taken: () => unique(server.messages.map(({ uid }) => uid)),
    // A channel knows no state: people read the last message.
    stateOf: () => {
      const last = server.messages.at(-1);
      if (last === undefined) return 'unknown';
      return last.text.includes('quiet for an hour') ? 'over' : 'open';
    },
    refused: () => [...server.refused, ...server.rendered],
    everything: () => JSON.stringify(server.messages),
    secrets: [SLACK_TOKEN],
    close: server.close,
  };
};

type Event = Readonly<Record<string, unknown>>;
const lastOf = (events: readonly Event[], caseId: string): 'unknown' | 'open' | 'over' => {
  const own = events.filter(
    (event) => (event['finding_info'] as { uid?: unknown } | undefined)?.uid === caseId,
  );
  const last = own.at(-1);
  if (last === undefined) return 'unknown';
  return last['activity_id'] === 3 ? 'over' : 'open';
};

const webhook = async (clock: SinkPorts['clock']): Promise<SinkAndCounterpart> => {
  const server = await startReceiver(SECRET, clock.nowMs);
  const url = `${server.url}/alerts`;
  return {
    sink: made('webhook', portsOf(clock), { url }, { secret: SECRET }),
    behave: behaving(server),
    taken: () => [...server.events.keys()],
    stateOf: (caseId) => lastOf([...server.events.values()], caseId),
    refused: () => server.refused,
    everything: () => JSON.stringify([...server.events]),
    secrets: [SECRET, SECRET.slice(6)],
    close: server.close,
  };
};

const otlp = async (clock: SinkPorts['clock']): Promise<SinkAndCounterpart> => {
  const server = await startOtlp(TOKEN);
  const events = () =>
    server.records.map(
      ({ attributes }) => JSON.parse(String(attributes['plumbline.ocsf'])) as Event,
    );
  return {
    sink: made('otlp', portsOf(clock), { url: server.url }, { token: TOKEN }),
    behave: behaving(server),
    taken: () =>
      unique(server.records.map(({ attributes }) => String(attributes['log.record.uid']))),
    stateOf: (caseId) => lastOf(events(), caseId),
    refused: () => server.refused,
    everything: () => JSON.stringify(server.records),
    secrets: [TOKEN],
    close: server.close,
  };
};

const kafka = async (clock: SinkPorts['clock']): Promise<SinkAndCounterpart> => {
  const topics = createTopics();
  const uids = () => topics.records.map(({ headers }) => headers?.['ce_id'] ?? '');
  return {
    sink: made('kafka', portsOf(clock, topics.publisher), {}, {}),
    behave: async (mood) => {
      topics.mood = mood;
    },
    taken: () => unique(uids()),
    stateOf: (caseId) =>
      lastOf(
        topics.records.map(({ value }) => JSON.parse(String(value)) as Event),
        caseId,
      ),
    refused: () => [],
    everything: () => JSON.stringify(topics.records),
    secrets: [],
    close: async () => undefined,
  };
};

/** One line for each sink; the type refuses a map that forgets one. */
export const COUNTERPARTS: Readonly<
  Record<keyof typeof SINKS, (clock: SinkPorts['clock']) => Promise<SinkAndCounterpart>>
> = { alertmanager, pagerduty, slack, webhook, otlp, kafka };
