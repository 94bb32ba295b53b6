/** Learning windows as recorded: one row each, every change of it journalled. */
import { OperatingError } from '../model/errors.ts';
import { short } from '../model/ids.ts';
import type { Database, Query, Row } from '../model/ports.ts';
import type { LearningWindow, WindowScope } from '../model/window.ts';
import { appendJournal } from './journal.ts';
import { jsonOf, numberOrNull, onlyRow, textOf, textOrNull } from './row.ts';
import { cleanKey, cleanText, storableJson, whole } from './text.ts';

type Reads = Pick<Database, 'query'>;

/** The chain that baselines are journalled in: that of the daemon. */
export const BASELINE_LANE = 0;

const INSERT = `insert into learning_window
    (id, level, subject, state, opens_ms, expires_ms, proposal, body)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::text[], $8::jsonb[]) as w (id) order by id
  on conflict (id) do nothing returning id`;
const UPDATE = `update learning_window set state = $2, expires_ms = $3, proposal = $4, body = $5
  where id = $1`;
const ONE = `select body from learning_window where id = $1`;
const ONE_LOCKED = `select body from learning_window where id = $1 for update`;
const LIST = `select body from learning_window
  where ($1::boolean is false or state in ('LEARNING', 'CALIBRATING', 'REVIEW'))
    and ($2::text is null or level = $2) and ($3::text is null or subject = $3)
  order by opens_ms desc, id limit $4`;
const IDS = `select id from learning_window where starts_with(id, $1) order by id limit 11`;
const WATERMARK = `select max(watermark_ms) as now_ms from lane`;
// A window of the fleet is about everybody; shadow detectors have not earned the word evidence.
const HARD = `select id, session from detection
  where evidence_class = 'hard' and maturity <> 'shadow' and not retracted
    and time_ms >= $3 and time_ms < $4
    and ($1 = 'fleet' or ($1 = 'agent' and agent = $2)
      or ($1 = 'role' and body -> 'entity' ->> 'role' = $2))
  order by decided_ms, id limit 1000`;

const windowOf = (row: Row): LearningWindow => jsonOf<LearningWindow>(row, 'body');

/**
 * Event time of the record, ms: the furthest watermark of any lane; where nothing was observed yet,
 * `clockMs`. Windows open and end by it, so that a replay and a daemon that catches up agree.
 */
export async function eventNowMs(db: Reads, clockMs: number): Promise<number> {
  return numberOrNull(onlyRow(await db.query(WATERMARK)), 'now_ms') ?? clockMs;
}

/** Records a new window. False: a window of this id is there already, and stays as it is. */
export async function insertWindow(
  query: Query,
  window: LearningWindow,
  atMs: number,
): Promise<boolean> {
  return (await insertWindows(query, [window], atMs)).length > 0;
}

/**
 * Records new windows, and returns those that were; of an id that is there already nothing changes. They are
 * journalled at once: the chain of baselines is one for all lanes, and they wait while one appends to it.
 */
export async function insertWindows(
  query: Query,
  windows: readonly LearningWindow[],
  atMs: number,
): Promise<readonly LearningWindow[]> {
  if (windows.length === 0) return [];
  const rows = await query(INSERT, [
    windows.map(({ id }) => cleanKey(id)),
    windows.map(({ scope }) => scope.level),
    windows.map(({ scope }) => cleanKey(scope.subject)),
    windows.map(({ state }) => state),
    windows.map(({ opensMs }) => whole(opensMs)),
    windows.map(({ expiresMs }) => whole(expiresMs)),
    windows.map(({ proposal }) => proposal),
    windows.map((one) => storableJson(one)),
  ]);
  const fresh = new Set(rows.map((row) => textOf(row, 'id')));
  const added = windows.filter(({ id }) => fresh.delete(cleanKey(id)));
  const bodies = added.map((window) => bodyOf(window, null));
  await journalBodies(query, bodies, atMs);
  return added;
}

/** Records what became of a window that was read with `lockWindow` in the same transaction. */
export async function updateWindow(
  query: Query,
  before: LearningWindow,
  window: LearningWindow,
  atMs: number,
): Promise<void> {
  const { id, state, expiresMs, proposal } = window;
  await query(UPDATE, [id, state, whole(expiresMs), proposal, storableJson(window)]);
  await journalBodies(query, [bodyOf(window, before)], atMs);
}

/** What the journal says of a window, and of what became of it. */
function bodyOf(window: LearningWindow, before: LearningWindow | null) {
  const { id, scope, state, change, rule, dimensions, tools, expiresMs, proposal } = window;
  const from = before?.state ?? null;
  const approval = window.approvals.at(-1) ?? null;
  const isApproved = window.approvals.length > (before?.approvals.length ?? 0);
  return {
    ...{ id, scope, from, state, change, rule, dimensions, tools, expiresMs, proposal },
    openedBy: cleanText(window.openedBy, 512),
    ...(from === null ? { reason: cleanText(window.reason, 1024) } : {}),
    ...(isApproved && approval !== null ? { approval, of: window.approvalsNeeded } : {}),
    ...(from !== 'REVIEW' && state === 'REVIEW'
      ? { proposedBy: window.proposedBy, criteria: window.criteria }
      : {}),
    ...(window.ended === null ? {} : { ended: window.ended }),
  };
}

async function journalBodies(
  query: Query,
  bodies: readonly ReturnType<typeof bodyOf>[],
  atMs: number,
): Promise<void> {
  const entries = bodies.map((body) => ({ kind: 'window' as const, atMs, body }));
  await appendJournal(query, BASELINE_LANE, entries);
}

/** Windows, newest first; `open` leaves out those that have ended. */
export async function listWindows(
  db: Reads,
  filter: { readonly open: boolean; readonly scope?: WindowScope; readonly limit: number },
): Promise<readonly LearningWindow[]> {
  const { open, scope, limit } = filter;
  const subject = scope === undefined ? null : cleanKey(scope.subject);
  const rows = await db.query(LIST, [open, scope?.level ?? null, subject, limit]);
  return rows.map(windowOf);
}

/** One window by a unique beginning of its id. NOT_FOUND: none, or several, which are named. */
export async function readWindow(db: Reads, prefix: string): Promise<LearningWindow> {
  const clean = cleanKey(prefix.trim());
  const rows = clean === '' ? [] : await db.query(IDS, [clean]);
  const ids = rows.map((row) => textOf(row, 'id'));
  const id = ids.find((one) => one === clean) ?? (ids.length === 1 ? ids[0] : undefined);
  if (id !== undefined) return windowOf(onlyRow(await db.query(ONE, [id])));
  const shown = clean.slice(0, 64);
  const message =
    ids.length === 0
      ? `no window has an id that begins with "${shown}": list them with \`plumbline window list\``
      : `"${shown}" is the beginning of several windows: ${ids.map(short).join(', ')}; write more`;
  throw new OperatingError('NOT_FOUND', message, { retryable: false });
}

/** A window as it stands, locked until the transaction ends. Null: there is none. */
export async function lockWindow(query: Query, id: string): Promise<LearningWindow | null> {
  const [row] = await query(ONE_LOCKED, [cleanKey(id)]);
  return row === undefined ? null : windowOf(row);
}

/**
 * Findings of hard evidence about a scope from `fromMs` until before `toMs`, oldest first, at most
 * 1,000: not taken back, from detectors that are past shadow.
 */
export async function hardEvidenceIn(
  db: Reads,
  { level, subject }: WindowScope,
  fromMs: number,
  toMs: number,
): Promise<readonly { readonly id: string; readonly session: string | null }[]> {
  const rows = await db.query(HARD, [level, cleanKey(subject), whole(fromMs), whole(toMs)]);
  return rows.map((row) => ({ id: textOf(row, 'id'), session: textOrNull(row, 'session') }));
}
