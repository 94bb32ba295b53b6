/** Writes what governance said of agents, and what of it the journal must hold. */
import { hash } from 'node:crypto';
import type { AgentChange, AgentSession } from '../model/agent-history.ts';
import { idOf } from '../model/ids.ts';
import type { Database, Query } from '../model/ports.ts';
import { idsOf } from './findings.ts';
import { appendJournal, type JournalEntry } from './journal.ts';
import { textOf } from './row.ts';
import { cleanKey, cleanKeyOrNull, storableJson, whole } from './text.ts';

const GRANTS = `insert into grant_set (key, tools)
  select * from unnest($1::text[], $2::jsonb[]) as g (key, tools) order by key
  on conflict (key) do nothing`;
const CHANGES = `insert into agent_change
  (lane, id, tenant, agent, session, time_ms, change, late, grants, body)
  select $1, id, tenant, agent, session, time_ms, change, late, grants, body
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
    $8::boolean[], $9::text[], $10::text[]) with ordinality
    as c (id, tenant, agent, session, time_ms, change, late, grants, body, at)
  order by at on conflict (id) do nothing returning id`;
const OPENED = `insert into agent_session
  (key, tenant, session, agent, opened_ms, parent, principal, body)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
    $7::text[], $8::jsonb[]) as s (key) order by key
  on conflict (key) do nothing returning key as id`;
const CLOSED = `update agent_session s set closed_ms = c.ms
  from unnest($1::text[], $2::bigint[]) as c (key, ms)
  where s.key = c.key and s.closed_ms is null returning s.key as id`;

/** Rows told of in one entry: a step may bring thousands. */
const ROWS_EACH = 200;

/** Key of a session in `agent_session`. */
export function sessionKey(tenant: string, session: string): string {
  return idOf('session', tenant, session);
}

/** Inserts changes that are new; the journal holds a digest of each. */
export const writeAgentChanges = async (
  query: Query,
  lane: number,
  changes: readonly AgentChange[],
  atMs: number,
): Promise<JournalEntry[]> => {
  if (changes.length === 0) return [];
  const sets = new Map(changes.map(({ after, tools }) => [after.grants, tools]));
  const kept = [...sets].flatMap(([key, tools]) => (key === null ? [] : [{ key, tools }]));
  if (kept.length > 0)
    await query(GRANTS, [
      kept.map(({ key }) => key),
      kept.map(({ tools }) => storableJson(tools ?? {})),
    ]);
  const bodies = changes.map(({ tools: _tools, ...change }) => storableJson(change));
  const written = await query(CHANGES, [
    lane,
    changes.map((one) => cleanKey(one.id)),
    changes.map((one) => cleanKey(one.tenant)),
    changes.map((one) => cleanKey(one.agent)),
    changes.map((one) => cleanKeyOrNull(one.session)),
    changes.map((one) => whole(one.timeMs)),
    changes.map((one) => one.change),
    changes.map((one) => one.late),
    changes.map((one) => one.after.grants),
    bodies,
  ]);
  const fresh = idsOf(written);
  const rows = changes.flatMap(({ id }, at) =>
    fresh.has(cleanKey(id)) ? [[id, hash('sha256', bodies[at] ?? '', 'hex')]] : [],
  );
  return inEntries('changes', rows, atMs);
};

/** Inserts sessions that were opened and marks those that were closed; journals both. */
export const writeAgentSessions = async (
  query: Query,
  sessions: readonly AgentSession[],
  atMs: number,
): Promise<JournalEntry[]> => {
  const opened = sessions.filter((one) => one.type === 'opened');
  // Closed twice: the first time counts.
  const seen = new Set<string>();
  const closed = sessions.filter((one) => {
    if (one.type !== 'closed') return false;
    const key = sessionKey(one.tenant, one.session);
    return !seen.has(key) && seen.add(key);
  });
  const entries: JournalEntry[] = [];
  if (opened.length > 0) {
    const keys = opened.map(({ tenant, session }) => sessionKey(tenant, session));
    const bodies = opened.map((one) => storableJson(one));
    const written = await query(OPENED, [
      keys,
      opened.map((one) => cleanKey(one.tenant)),
      opened.map((one) => cleanKey(one.session)),
      opened.map((one) => cleanKey(one.agent)),
      opened.map((one) => whole(one.timeMs)),
      opened.map((one) => cleanKeyOrNull(one.parent)),
      opened.map((one) => cleanKeyOrNull(one.principal)),
      bodies,
    ]);
    const fresh = idsOf(written);
    const rows = keys.flatMap((key, at) =>
      fresh.has(key) ? [[key, hash('sha256', bodies[at] ?? '', 'hex')]] : [],
    );
    entries.push(...inEntries('opened', rows, atMs));
  }
  if (closed.length > 0) {
    const keys = closed.map(({ tenant, session }) => sessionKey(tenant, session));
    const times = closed.map(({ timeMs }) => whole(timeMs));
    const marked = idsOf(await query(CLOSED, [keys, times]));
    const rows = keys.flatMap((key, at) => (marked.has(key) ? [[key, times[at] ?? 0]] : []));
    entries.push(...inEntries('closed', rows, atMs));
  }
  return entries;
};

function inEntries(
  what: 'changes' | 'opened' | 'closed',
  rows: readonly unknown[],
  atMs: number,
): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (let from = 0; from < rows.length; from += ROWS_EACH)
    entries.push({ kind: 'agent', atMs, body: { [what]: rows.slice(from, from + ROWS_EACH) } });
  return entries;
}

const LAST_SETTINGS = 'select digest from settings_in_force order by ord desc limit 1';
const SETTINGS = 'insert into settings_in_force (at_ms, digest, body) values ($1, $2, $3)';
const LOCK_SETTINGS = 'lock table settings_in_force in exclusive mode';

/**
 * Records the settings a daemon begins with, where they are others than the last ones. True: they
 * were. Holds no secret: the caller chooses what of the configuration counts.
 */
export async function recordSettings(
  db: Database,
  lane: number,
  settings: Readonly<Record<string, unknown>>,
  nowMs: number,
): Promise<boolean> {
  const body = storableJson(settings);
  const digest = hash('sha256', body, 'hex');
  return await db.transaction(async (query) => {
    await query(LOCK_SETTINGS);
    const [last] = await query(LAST_SETTINGS);
    if (last !== undefined && textOf(last, 'digest') === digest) return false;
    await query(SETTINGS, [whole(nowMs), digest, body]);
    await appendJournal(query, lane, [
      { kind: 'settings', atMs: nowMs, body: { ...settings, digest } },
    ]);
    return true;
  });
}
