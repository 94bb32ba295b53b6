/** An agent at a moment: what the record holds of it, as of then. */
import type { AgentChange, AgentSession } from '../model/agent-history.ts';
import type { CoverageGap } from '../model/detection.ts';
import { OperatingError } from '../model/errors.ts';
import type { Kind } from '../model/event.ts';
import type { GrantView } from '../model/event-context.ts';
import type { Database, Row } from '../model/ports.ts';
import {
  type BaselineAt,
  baselinesAt,
  behaviourAt,
  type CaseAt,
  type ConductAt,
  casesAt,
  type LeaseAt,
  leasesAt,
} from './agent-conduct.ts';
import { sessionKey } from './agents.ts';
import { jsonOf, numberOf, numberOrNull, textOf, textOrNull } from './row.ts';
import { cleanKey } from './text.ts';

type Reads = Pick<Database, 'query'>;

const SESSIONS_MAX = 20;
const GENERATIONS_MAX = 32;

/** A session and the sessions that led to it. */
export interface SessionAt {
  readonly session: string;
  readonly openedMs: number;
  /** Null: it was open at the moment asked for. */
  readonly closedMs: number | null;
  readonly opened: Extract<AgentSession, { readonly type: 'opened' }>;
  /** Sessions above it, the nearest first, up to the root or to what is not known. */
  readonly chain: readonly Extract<AgentSession, { readonly type: 'opened' }>[];
  /** A session above that the record does not hold: from there on the origin is not known. */
  readonly brokenAt: string | null;
  /** For whom the root session runs, as governance said; null: not known, or never said. */
  readonly origin: string | null;
}

/** Everything the record holds of an agent as of a moment. What it does not hold is null or empty. */
export interface AgentAt extends ConductAt {
  readonly tenant: string;
  readonly agent: string;
  readonly atMs: number;
  /** The earliest that is known of it, ms; null: governance never spoke of it. */
  readonly knownSinceMs: number | null;
  /** Before this time its history was let go of; null: it is whole as far as it was kept. */
  readonly cutBeforeMs: number | null;
  /** What governance had last said of it; its state afterwards is its state then. */
  readonly last: Omit<AgentChange, 'tools'> | null;
  /** The newest of what governance had said, newest first, at most 20. */
  readonly changes: readonly Omit<AgentChange, 'tools'>[];
  readonly grants: Readonly<Record<string, GrantView>> | null;
  /** Open then, newest first; where none was, the last one before. */
  readonly sessions: readonly SessionAt[];
  readonly sessionsOpen: number;
  /** Settings the daemon had last begun with; null: none were recorded by then. */
  readonly settings: {
    readonly atMs: number;
    readonly body: Readonly<Record<string, unknown>>;
  } | null;
  readonly paused: readonly {
    readonly scope: string;
    readonly target: string;
    readonly by: string;
    readonly atMs: number;
  }[];
  readonly baselines: readonly BaselineAt[];
  readonly leases: readonly LeaseAt[];
  readonly cases: readonly CaseAt[];
  /** Books that could not be heard at that moment. */
  readonly blind: readonly CoverageGap[];
}

const TENANTS = `select tenant from agent_change where agent = $1
  union select tenant from agent_session where agent = $1
  union select tenant from detection where agent = $1
  union select tenant from usage_day where agent = $1 order by 1`;
const CHANGES = `select body, grants from agent_change
  where agent = $1 and tenant = $2 and time_ms <= $3 order by time_ms desc, ord desc limit 20`;
const SINCE = `select least((select min(time_ms) from agent_change where agent = $1 and tenant = $2),
    (select min(opened_ms) from agent_session where agent = $1 and tenant = $2)) as since_ms,
  (select max(before_ms) from agent_history_cut where agent = $1 and tenant = $2) as cut_ms`;
const GRANTS = 'select tools from grant_set where key = $1';

/** The agent as the record knows it as of `atMs`. NOT_FOUND: no such agent, or one in several tenants. */
export async function readAgentAt(
  db: Reads,
  asked: { readonly agent: string; readonly tenant: string | null; readonly atMs: number },
): Promise<AgentAt> {
  const { agent, atMs } = asked;
  const key = cleanKey(agent);
  const tenant = await tenantOf(db, agent, asked.tenant);
  const who = [key, cleanKey(tenant)];
  const changed = await db.query(CHANGES, [...who, atMs]);
  const changes = changed.map(changeOf);
  const [since] = await db.query(SINCE, who);
  const grantsKey = changed[0] === undefined ? null : textOrNull(changed[0], 'grants');
  const [set] = grantsKey === null ? [] : await db.query(GRANTS, [grantsKey]);
  const role = changes[0]?.after.role ?? null;
  return {
    ...{ tenant, agent, atMs, changes, last: changes[0] ?? null },
    knownSinceMs: since === undefined ? null : numberOrNull(since, 'since_ms'),
    cutBeforeMs: since === undefined ? null : numberOrNull(since, 'cut_ms'),
    grants: set === undefined ? null : jsonOf<Record<string, GrantView>>(set, 'tools'),
    ...(await sessionsAt(db, tenant, key, atMs)),
    settings: await settingsAt(db, atMs),
    paused: await pausedAt(db, agent, role, atMs),
    baselines: await baselinesAt(db, agent, role, atMs),
    leases: await leasesAt(db, who, atMs),
    cases: await casesAt(db, who, atMs),
    ...(await behaviourAt(db, who, atMs)),
    blind: await blindAt(db, tenant, atMs),
  };
}

async function tenantOf(db: Reads, agent: string, wanted: string | null): Promise<string> {
  const tenants = (await db.query(TENANTS, [cleanKey(agent)])).map((row) => textOf(row, 'tenant'));
  const [only] = tenants;
  if (wanted !== null && tenants.includes(cleanKey(wanted))) return wanted;
  if (wanted === null && tenants.length === 1 && only !== undefined) return only;
  const message =
    wanted === null && tenants.length > 1
      ? `the agent is known in several tenants (${tenants.slice(0, 10).join(', ')}): name one with --tenant`
      : 'the record holds nothing of an agent of this name; it is written as its events name it';
  throw new OperatingError('NOT_FOUND', message, { retryable: false });
}

function changeOf(row: Row): Omit<AgentChange, 'tools'> {
  return JSON.parse(textOf(row, 'body')) as Omit<AgentChange, 'tools'>;
}

type Opened = Extract<AgentSession, { readonly type: 'opened' }>;

const OPEN = `select body, closed_ms, count(*) over () as open from agent_session
  where agent = $1 and tenant = $2 and opened_ms <= $3 and (closed_ms is null or closed_ms > $3)
  order by opened_ms desc, key limit $4`;
const LAST_CLOSED = `select body, closed_ms, 0 as open from agent_session
  where agent = $1 and tenant = $2 and opened_ms <= $3 and closed_ms <= $3
  order by closed_ms desc, key limit 1`;
const SESSION = 'select body from agent_session where key = $1';

async function sessionsAt(
  db: Reads,
  tenant: string,
  agent: string,
  atMs: number,
): Promise<Pick<AgentAt, 'sessions' | 'sessionsOpen'>> {
  const who = [agent, cleanKey(tenant), atMs];
  const open = await db.query(OPEN, [...who, SESSIONS_MAX]);
  const rows = open.length > 0 ? open : await db.query(LAST_CLOSED, who);
  const sessions: SessionAt[] = [];
  for (const row of rows) {
    const opened = jsonOf<Opened>(row, 'body');
    const closedMs = numberOrNull(row, 'closed_ms');
    sessions.push({
      session: opened.session,
      openedMs: opened.timeMs,
      closedMs: closedMs !== null && closedMs <= atMs ? closedMs : null,
      opened,
      ...(await ancestry(db, tenant, opened)),
    });
  }
  return { sessions, sessionsOpen: open[0] === undefined ? 0 : numberOf(open[0], 'open') };
}

async function ancestry(
  db: Reads,
  tenant: string,
  opened: Opened,
): Promise<Pick<SessionAt, 'chain' | 'brokenAt' | 'origin'>> {
  const chain: Opened[] = [];
  const seen = new Set([opened.session]);
  let top = opened;
  for (let { parent } = opened; parent !== null; parent = top.parent) {
    if (seen.has(parent) || chain.length >= GENERATIONS_MAX)
      return { chain, brokenAt: parent, origin: null };
    seen.add(parent);
    const [row] = await db.query(SESSION, [sessionKey(tenant, parent)]);
    if (row === undefined) return { chain, brokenAt: parent, origin: null };
    top = jsonOf<Opened>(row, 'body');
    chain.push(top);
  }
  return { chain, brokenAt: null, origin: top.principal };
}

const SETTINGS = `select at_ms, body from settings_in_force where at_ms <= $1
  order by ord desc limit 1`;

async function settingsAt(db: Reads, atMs: number): Promise<AgentAt['settings']> {
  const [row] = await db.query(SETTINGS, [atMs]);
  if (row === undefined) return null;
  return { atMs: numberOf(row, 'at_ms'), body: JSON.parse(textOf(row, 'body')) };
}

// The last word on each scope and target; taken up by a lane, whenever that was.
const PAUSED = `select distinct on (body ->> 'scope', body ->> 'target') type, at_ms,
    body ->> 'scope' as scope, body ->> 'target' as target, body ->> 'by' as by_whom
  from operator_request where type in ('pause', 'resume') and at_ms <= $1
    and (body ->> 'scope' in ('fleet', 'driver')
      or (body ->> 'scope' = 'role' and body ->> 'target' = $2)
      or (body ->> 'scope' = 'agent' and body ->> 'target' = $3))
  order by body ->> 'scope', body ->> 'target', ord desc`;

async function pausedAt(
  db: Reads,
  agent: string,
  role: string | null,
  atMs: number,
): Promise<AgentAt['paused']> {
  const rows = await db.query(PAUSED, [atMs, role ?? '', agent]);
  return rows
    .filter((row) => textOf(row, 'type') === 'pause')
    .map((row) => ({
      scope: textOf(row, 'scope'),
      target: textOf(row, 'target'),
      by: textOf(row, 'by_whom'),
      atMs: numberOf(row, 'at_ms'),
    }));
}

const BLIND = `select id, tenant, source, kind, from_ms, to_ms, reason, sessions from coverage_gap
  where tenant = $2 and from_ms <= $1 and (to_ms is null or to_ms > $1) order by from_ms, id limit 50`;

async function blindAt(db: Reads, tenant: string, atMs: number): Promise<readonly CoverageGap[]> {
  return (await db.query(BLIND, [atMs, cleanKey(tenant)])).map((row) => ({
    id: textOf(row, 'id'),
    ...(tenant === '-' ? {} : { tenant }),
    source: textOf(row, 'source'),
    kind: textOf(row, 'kind') as Kind,
    fromMs: numberOf(row, 'from_ms'),
    toMs: numberOrNull(row, 'to_ms'),
    reason: textOf(row, 'reason'),
    sessions: numberOf(row, 'sessions'),
  }));
}
