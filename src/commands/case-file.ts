/** Cases of detectors as they are written, and their shorthand (detectors/README.md). */
import { factsOf, type ToolEntry } from '../baseline/inventory.ts';
import type { Kind, WireEvent } from '../model/event.ts';
import type { ToolFacts } from '../model/expectation.ts';
import { FLEET, type Written } from './case-preamble.ts';

/** What a case expects of one detection; a key that is left out is not looked at. */
export interface Expected {
  readonly detector: string;
  readonly agent?: string;
  readonly session?: string | null;
  readonly seq?: number | null;
  readonly tool?: string | null;
  /** Labels of its witnesses, in any order; an event of the preamble is `setup`. */
  readonly evidence?: readonly string[];
}

/** Bounds that a case may set. */
export interface CaseBounds {
  readonly maxSessionsPerAgent?: number;
  readonly maxActsPerSession?: number;
}

/** A case as written. */
export interface WrittenCase {
  readonly name: string;
  readonly why: string;
  /** `fleet` (default): the preamble below. `bare`: nothing before the first event. */
  readonly setup?: 'fleet' | 'bare';
  readonly library?: readonly ToolEntry[];
  /** Hosts of the trust zone, for this case. */
  readonly zone?: readonly string[];
  /** How much is kept, where so little of it is to be said: `correlate` of the configuration. */
  readonly bounds?: CaseBounds;
  /** Offset at which the log of a book begins: what came before is gone. */
  readonly begins?: Partial<Readonly<Record<Kind, number>>>;
  readonly given: readonly Written[];
  readonly expect: readonly Expected[];
}

/** An event on its way, with the label that expectations call it by. */
export interface Labelled {
  readonly label: string;
  readonly ms: number;
  readonly event: WireEvent;
  /** When the broker got it, ms; event time unless the case says otherwise. */
  readonly receivedMs: number;
  /** What the record holds instead of the event, where it is to be unreadable. */
  readonly raw: string | null;
}

/** A case ready to run. */
export interface DetectorCase {
  readonly name: string;
  readonly events: readonly Labelled[];
  readonly library: readonly ToolFacts[];
  /** Hosts of the trust zone; null: as the inventory has it. */
  readonly zone: readonly string[] | null;
  readonly bounds: CaseBounds;
  readonly begins: Partial<Readonly<Record<Kind, number>>>;
  readonly expect: readonly Expected[];
}

/** `+0s` of every case, ms since 1970. */
export const START_MS = 1_800_000_000_000;

const KEYS = new Set(
  (
    'at label times every id seq call agent session kind category tenant order keys principal ' +
    'evidence reasoning action governance metric states claims tokens calls measures registers ' +
    'retires grants revokes opens closes approves changes received raw'
  ).split(' '),
);

function fail(where: string, message: string): never {
  throw new RangeError(`${where}: ${message}`);
}

/** Milliseconds of `+12s`, `-1.5m`, `+250ms`. */
function offsetMs(where: string, text: unknown): number {
  const match = /^([+-])(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(text));
  if (match === null) fail(where, `a time is written +12s, +1.5m or +250ms, not ${String(text)}`);
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[3] as 'ms'];
  return Math.round(Number(`${match[1]}${match[2]}`) * factor);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** A stated call: `call` is the call id. */
function stated(value: unknown, suffix: string): unknown {
  const { call, ...rest } = value as { call?: string };
  return call === undefined ? rest : { toolCallId: `${call}${suffix}`, ...rest };
}

function reasoning(written: Written, suffix: string): unknown {
  const { states = [], claims = [], tokens } = written;
  return {
    op: 'chat',
    intents: listOf(states).map((each) => stated(each, suffix)),
    claims: listOf(claims).map((each) => stated(each, suffix)),
    ...(tokens === undefined ? {} : { tokens: { in: tokens } }),
  };
}

function action(value: unknown): unknown {
  const { policy, ...rest } = value as { policy?: unknown };
  return {
    phase: 'result',
    decision: 'allow',
    outcome: 'ok',
    ...rest,
    ...(policy === undefined
      ? {}
      : { policy: typeof policy === 'string' ? { id: policy } : policy }),
  };
}

const tools = (value: unknown) =>
  listOf(value).map((each) => (typeof each === 'string' ? { tool: each } : each));

/** Governance in short: the change, its category, and the rest of the body. */
function governance(written: Written): { category: string; body: unknown } | null {
  const { registers, retires, grants, revokes, opens, closes, approves, changes } = written;
  const said = (category: string, change: string, rest: object = {}) => ({
    category,
    body: { change, ...rest },
  });
  if (registers !== undefined)
    return said('agent', 'agent.registered', { detail: { role: registers } });
  if (retires !== undefined) return said('agent', 'agent.retired');
  if (grants !== undefined)
    return said('grant', 'tools.granted', { detail: { tools: tools(grants) } });
  if (revokes !== undefined)
    return said('grant', 'tools.revoked', { detail: { tools: tools(revokes) } });
  if (opens !== undefined)
    return said('session', 'session.opened', opens === true ? {} : { detail: opens as object });
  if (closes !== undefined) return said('session', 'session.closed');
  if (approves !== undefined) return said('approval', 'approval.granted', { approval: approves });
  if (changes !== undefined) return said('policy', String(changes));
  return null;
}

/** The body a shorthand stands for, and the kind and category that go with it. */
function bodyOf(written: Written, suffix: string): Partial<WireEvent> | null {
  const made = (parts: unknown) => parts as Partial<WireEvent>;
  if (['states', 'claims', 'tokens'].some((key) => written[key] !== undefined))
    return made({
      kind: 'reasoning',
      category: 'model_call',
      reasoning: reasoning(written, suffix),
    });
  if (written['calls'] !== undefined)
    return made({ kind: 'gateway', category: 'tool_call', action: action(written['calls']) });
  if (written['measures'] !== undefined) {
    const metric = { type: 'counter', temporality: 'delta', ...(written['measures'] as object) };
    return made({ kind: 'metrics', category: 'usage', metric });
  }
  const change = governance(written);
  if (change === null) return null;
  return made({ kind: 'governance', category: change.category, governance: change.body });
}

const KIND_OF = {
  reasoning: 'reasoning',
  action: 'gateway',
  governance: 'governance',
  metric: 'metrics',
};
const CATEGORY_OF = {
  reasoning: 'model_call',
  action: 'tool_call',
  governance: 'session',
  metric: 'usage',
};

/** Kind and category of an event that brings its own body. */
function ownBody(where: string, written: Written): Partial<WireEvent> {
  const name = (Object.keys(KIND_OF) as (keyof typeof KIND_OF)[]).find(
    (key) => written[key] !== undefined,
  );
  if (name === undefined) fail(where, 'says nothing: no body and no shorthand for one');
  return {
    kind: KIND_OF[name],
    category: CATEGORY_OF[name],
    [name]: written[name],
  } as unknown as Partial<WireEvent>;
}

/** One event, `n` of `times`. */
function eventOf(where: string, written: Written, label: string, ms: number, n: number): WireEvent {
  const suffix = written['times'] === undefined ? '' : `-${n + 1}`;
  const { id, seq, call, agent = 'agent-1', session: held = 's-1', keys } = written;
  // One session each, where the name has a place for the number.
  const session = typeof held === 'string' ? held.replace('*', String(n + 1)) : held;
  const made: Record<string, unknown> = {
    ...(bodyOf(written, suffix) ?? ownBody(where, written)),
    time: { eventNs: `${ms}000000` },
    agent: typeof agent === 'string' ? { id: agent } : agent,
  };
  if (agent === 'none') delete made['agent'];
  for (const key of ['kind', 'category', 'tenant', 'order', 'principal', 'evidence'])
    if (written[key] !== undefined) made[key] = written[key];
  if (session !== 'none') made['session'] = typeof session === 'string' ? { id: session } : session;
  if (seq !== undefined) made['order'] = { seq: Number(seq) + n, of: 'session' };
  // Real producers give an id or a counter; an event with neither would be a repeat of its twin.
  if (id !== undefined) made['id'] = `${String(id)}${suffix}`;
  else if (made['order'] === undefined) made['id'] = label;
  if (call !== undefined) made['keys'] = { toolCallId: `${String(call)}${suffix}` };
  if (keys !== undefined) made['keys'] = keys;
  return made as unknown as WireEvent;
}

/** Every event a written one stands for. */
function expand(where: string, written: Written, index: number, prefix: string): Labelled[] {
  for (const key of Object.keys(written))
    if (!KEYS.has(key)) fail(where, `unknown key ${key}; there are: ${[...KEYS].join(', ')}`);
  const firstMs = START_MS + offsetMs(where, written['at']);
  const times = Number(written['times'] ?? 1);
  const everyMs =
    written['every'] === undefined ? 0 : offsetMs(where, `+${String(written['every'])}`);
  const events: Labelled[] = [];
  for (let n = 0; n < times; n += 1) {
    const name = prefix === '' ? String(written['label'] ?? `event ${index + 1}`) : 'setup';
    const label = times > 1 ? `${name}#${n + 1}` : name;
    const ms = firstMs + n * everyMs;
    const id = prefix === '' ? label : `${prefix}-${index + 1}`;
    const { received, raw } = written;
    const receivedMs = received === undefined ? ms : START_MS + offsetMs(where, received);
    const event = eventOf(where, written, id, ms, n);
    events.push({ label, ms, event, receivedMs, raw: raw === undefined ? null : String(raw) });
  }
  return events;
}

/** Reads one case. Throws RangeError naming the event that cannot be understood. */
export function readCase(file: string, written: WrittenCase): DetectorCase {
  const where = `${file}: ${written.name}`;
  if (!Array.isArray(written.given) || !Array.isArray(written.expect))
    fail(where, 'a case has `given` and `expect`, both lists');
  if (typeof written.why !== 'string') fail(where, 'a case says why it is there');
  const before = (written.setup ?? 'fleet') === 'fleet' ? FLEET : [];
  const events = [
    ...before.flatMap((each, at) => expand(`preamble ${at + 1}`, each, at, 'setup')),
    ...written.given.flatMap((each, at) => expand(`${where}: event ${at + 1}`, each, at, '')),
  ];
  const labels = events.map(({ label }) => label).filter((label) => label !== 'setup');
  const twice = labels.find((label, at) => labels.indexOf(label) !== at);
  if (twice !== undefined) fail(where, `two events are labelled ${twice}`);
  const ordered = events.toSorted((a, b) => a.ms - b.ms);
  const library = (written.library ?? []).map(factsOf);
  const zone = written.zone?.map((host) => host.toLowerCase()) ?? null;
  const { name, expect, bounds = {}, begins = {} } = written;
  return { name, events: ordered, library, zone, bounds, begins, expect };
}
