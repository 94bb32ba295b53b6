/** Routing: what was journalled becomes alerts, one for each sink, exactly once. */
import type { AlertActivity, AlertFacts, AlertKind, AlertStep } from '../model/alert.ts';
import type { Routed, Routing } from '../model/alert-log.ts';
import type { Announced, Case } from '../model/decision.ts';
import { LEVELS, type Level } from '../model/detection.ts';
import { idOf } from '../model/ids.ts';
import type { Database, Query, Row } from '../model/ports.ts';
import { jsonOf, numberOf, numberOrNull, onlyRow, textOf, textOrNull } from './row.ts';
import { cleanKey, storableJson, whole } from './text.ts';

/** Entries of the journal that one transaction reads. */
const WINDOW = 1000;

const LANES = `select h.lane, h.n from journal_head h left join alert_cursor c on c.lane = h.lane
  where h.n > coalesce(c.n, 0) order by h.lane`;
const NEW_CURSOR = `insert into alert_cursor (lane, n) values ($1, 0) on conflict do nothing`;
const LOCK_CURSOR = `select n from alert_cursor where lane = $1 for update`;
// The head is moved last in every transaction that writes: what it names is all there.
const HEAD = `select n from journal_head where lane = $1`;
const ENTRIES = `select n, kind, at_ms, body from journal
  where lane = $1 and n > $2 and n <= $3
    and kind in ('announcement', 'outcome', 'verification', 'lease') order by n`;
const MOVE = `update alert_cursor set n = $2 where lane = $1`;

/** One entry of the journal that somebody may be told of. */
interface Entry {
  readonly kind: string;
  readonly atMs: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Routes every lane's news, a window of each. */
export async function routeNews(db: Database, routing: Routing, nowMs: number): Promise<Routed> {
  const total = { read: 0, written: 0, grouped: 0, more: false };
  for (const row of await db.query(LANES)) {
    const one = await db.transaction((query) =>
      routeLane(query, numberOf(row, 'lane'), routing, nowMs),
    );
    total.read += one.read;
    total.written += one.written;
    total.grouped += one.grouped;
    total.more ||= one.more;
  }
  return total;
}

async function routeLane(
  query: Query,
  lane: number,
  routing: Routing,
  nowMs: number,
): Promise<Routed> {
  await query(NEW_CURSOR, [lane]);
  const [cursor] = await query(LOCK_CURSOR, [lane]);
  const [head] = await query(HEAD, [lane]);
  if (cursor === undefined || head === undefined)
    return { read: 0, written: 0, grouped: 0, more: false };
  const from = numberOf(cursor, 'n');
  const end = numberOf(head, 'n');
  const upto = Math.min(end, from + WINDOW);
  const rows = await query(ENTRIES, [lane, from, upto]);
  const news: News = { query, lane, routing, nowMs, written: 0, grouped: 0 };
  for (const row of rows) {
    const entry = entryOf(row);
    if (entry.kind === 'announcement') await routeAnnouncement(news, entry);
    else await routeStep(news, entry);
  }
  await query(MOVE, [lane, upto]);
  const { written, grouped } = news;
  return { read: upto - from, written, grouped, more: upto < end };
}

interface News {
  readonly query: Query;
  readonly lane: number;
  readonly routing: Routing;
  readonly nowMs: number;
  written: number;
  grouped: number;
}

function entryOf(row: Row): Entry {
  return {
    kind: textOf(row, 'kind'),
    atMs: numberOf(row, 'at_ms'),
    body: JSON.parse(textOf(row, 'body')) as Entry['body'],
  };
}

const CASE = `select body from case_record where id = $1`;
// What a sink has heard of a case, and what still waits to be told.
const HEARD = `select sink, count(*)::int as alerts, max(sequence) as sequence,
    (array_agg(activity order by ord desc))[1] as activity,
    (array_agg(uid order by ord desc))[1] as uid
  from alert where case_id = $1 and kind = 'finding' group by sink`;

interface Heard {
  readonly sequence: number;
  readonly activity: AlertActivity;
}

async function heardOf(query: Query, caseId: string): Promise<ReadonlyMap<string, Heard>> {
  const rows = await query(HEARD, [caseId]);
  return new Map(
    rows.map((row) => [
      textOf(row, 'sink'),
      {
        sequence: numberOf(row, 'sequence'),
        activity: textOf(row, 'activity') as AlertActivity,
      },
    ]),
  );
}

async function factsOf(
  query: Query,
  caseId: string,
  kind: AlertKind,
  level: Level | null,
): Promise<AlertFacts | null> {
  const [row] = await query(CASE, [caseId]);
  if (row === undefined) return null;
  const one = jsonOf<Case>(row, 'body');
  return {
    kind,
    level: level ?? one.level,
    role: one.entity.role,
    detectors: one.folds.map(({ detector }) => detector),
  };
}

/** An announcement to every sink it is routed to; an end to every sink that knows of the case. */
async function routeAnnouncement(news: News, { body, atMs }: Entry): Promise<void> {
  const { query, routing } = news;
  const { id, caseId, why, level, detector } = body as {
    id: string;
    caseId: string;
    why: Announced;
    level: Level;
    detector: string | null;
  };
  const key = cleanKey(caseId);
  const facts = await factsOf(query, key, 'finding', level);
  if (facts === null) return;
  const heard = await heardOf(query, key);
  const says = await saysOf(query, id, why);
  const about = { caseId: key, level, why, says, announcement: id, announcedMs: atMs };
  if (why === 'resolved') {
    for (const [sink, one] of heard)
      if (one.activity !== 'close')
        await write(news, { ...about, sink, activity: 'close', sequence: one.sequence + 1 });
    return;
  }
  const detectors = detector === null ? facts.detectors : [detector, ...facts.detectors];
  for (const sink of routing.choose({ ...facts, detectors })) {
    const one = heard.get(sink);
    if (why === 'repeat' && one !== undefined && (await isTooSoon(news, sink, key, atMs))) {
      news.grouped += 1;
      continue;
    }
    const activity = one === undefined ? 'create' : 'update';
    if (one !== undefined && one.activity !== 'close') {
      if (await joins(news, sink, about)) continue;
    }
    await write(news, { ...about, sink, activity, sequence: (one?.sequence ?? 0) + 1 });
  }
}

/** Causes whose announcement says more than its case does: who is asked for what, what stopped. */
const SPEAKING: ReadonlySet<string> = new Set(['approval', 'breaker', 'leaking']);
const SAYS = `select body ->> 'title' as title from announcement where id = $1`;

async function saysOf(query: Query, id: string, why: string): Promise<readonly string[]> {
  if (!SPEAKING.has(why)) return [];
  const [row] = await query(SAYS, [cleanKey(id)]);
  return row === undefined ? [] : [textOf(row, 'title')];
}

// What a silence held back was not told.
const LAST_TOLD = `select max(announced_ms) as ms from alert
  where case_id = $1 and sink = $2 and kind = 'finding' and state <> 'silenced'`;

async function isTooSoon(
  { query, routing }: News,
  sink: string,
  caseId: string,
  atMs: number,
): Promise<boolean> {
  const [row] = await query(LAST_TOLD, [caseId, sink]);
  const last = row === undefined ? null : numberOrNull(row, 'ms');
  return last !== null && atMs - last < routing.repeatMs;
}

interface Wanted {
  readonly sink: string;
  readonly caseId: string;
  readonly activity: AlertActivity;
  readonly level: Level;
  readonly why: string;
  readonly says: readonly string[];
  readonly sequence: number;
  /** Id of what began it: its uid is made of it, so that it is the same after any crash. */
  readonly announcement: string;
  /** Event time, ms. */
  readonly announcedMs: number;
}

// The last that waits, unless it is an end or was begun to be sent: its uid and bytes are out.
const WAITING = `select ord, level from alert where case_id = $1 and sink = $2 and kind = 'finding'
    and state = 'waiting' and attempts = 0 and body is null and activity <> 'close'
    and ord = (select max(ord) from alert where case_id = $1 and sink = $2 and kind = 'finding')
  for update`;
const JOIN = `update alert set why = case when $2 = any (why) then why else why || $2 end,
    level = $3, due_ms = least(due_ms, $4), announced_ms = greatest(announced_ms, $5),
    says = case when cardinality(says) < 8 then says || $6 else says end
  where ord = $1`;

// People are to do something, or what was done does not hold: it is not for thirty seconds later.
const URGENT: ReadonlySet<string> = new Set(['level', 'approval', 'breaker', 'leaking']);

/** Told together with what waits. Worse news does not wait: it takes the rest along, now. */
async function joins(
  news: News,
  sink: string,
  { caseId, level, why, says, announcedMs }: Omit<Wanted, 'sink' | 'activity' | 'sequence'>,
): Promise<boolean> {
  const { query, nowMs } = news;
  const [row] = await query(WAITING, [caseId, sink]);
  if (row === undefined) return false;
  const waiting = textOf(row, 'level') as Level;
  const isWorse = LEVELS.indexOf(level) > LEVELS.indexOf(waiting);
  await query(JOIN, [
    numberOf(row, 'ord'),
    why,
    isWorse ? level : waiting,
    isWorse || URGENT.has(why) ? whole(nowMs) : Number.MAX_SAFE_INTEGER,
    whole(announcedMs),
    [...says],
  ]);
  news.grouped += 1;
  return true;
}

const WRITE = `insert into alert (sink, uid, lane, kind, activity, case_id, level, sequence, why, step,
    due_ms, created_ms, announced_ms, says)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
  on conflict (sink, uid) do nothing returning ord`;

async function write(news: News, wanted: Wanted): Promise<void> {
  const { query, lane, nowMs, routing } = news;
  const { sink, caseId, activity, level, why, sequence, announcement, announcedMs, says } = wanted;
  // What is already known to be bad and gets worse is told at once, and so is an end.
  const waits = activity === 'close' || URGENT.has(why) ? 0 : routing.groupMs;
  const written = await query(WRITE, [
    ...[cleanKey(sink), idOf(caseId, activity, announcement), lane, 'finding', activity, caseId],
    ...[level, sequence, [why], null],
    ...[whole(nowMs + waits), whole(nowMs), whole(announcedMs), [...says]],
  ]);
  news.written += written.length;
}

const LEASE_CASE = `select l.case_id, c.level from lease l join case_record c on c.id = l.case_id
  where l.id = $1`;
const HEARD_STEPS = `select count(*)::int as n,
    (array_agg(step order by ord desc) filter (where step ->> 'leaseId' = $3))[1] as last
  from alert where case_id = $1 and sink = $2 and kind = 'action'`;

/** A step of containment to the sinks that keep records of them. */
async function routeStep(news: News, entry: Entry): Promise<void> {
  const { query, lane, nowMs, routing } = news;
  const step = stepOf(entry);
  if (step === null) return;
  const [row] = await query(LEASE_CASE, [cleanKey(step.leaseId)]);
  if (row === undefined) return;
  const caseId = textOf(row, 'case_id');
  const facts = await factsOf(query, caseId, 'action', null);
  if (facts === null) return;
  for (const sink of routing.choose(facts)) {
    const heard = onlyRow(await query(HEARD_STEPS, [caseId, sink, step.leaseId]));
    // Each leaked call changes the figures; that it leaks is told once.
    if (heard['last'] !== null && isSame(jsonOf<AlertStep>(heard, 'last'), step)) {
      news.grouped += 1;
      continue;
    }
    const sequence = numberOf(heard, 'n') + 1;
    const uid = idOf(caseId, 'action', storableJson(step));
    const written = await query(WRITE, [
      ...[cleanKey(sink), uid, lane, 'action', 'create', caseId, facts.level, sequence],
      ...[[step.step], storableJson(step), whole(nowMs), whole(nowMs), whole(step.atMs), []],
    ]);
    news.written += written.length;
  }
}

function isSame(last: AlertStep, step: AlertStep): boolean {
  return step.step === 'verification' && last.step === step.step && last.outcome === step.outcome;
}

/** What the journal says of a lease, where it is the end of a step; null where it goes on. */
function stepOf({ kind, atMs, body }: Entry): AlertStep | null {
  const { leaseId, verification, leakedCalls } = body;
  if (typeof leaseId !== 'string') return null;
  const text = (value: unknown) => (typeof value === 'string' ? value : 'unknown');
  const about = {
    leaseId,
    state: text(body['state']),
    verification: text(verification),
    leakedCalls: typeof leakedCalls === 'number' ? leakedCalls : 0,
    atMs,
  };
  if (kind === 'lease')
    return { ...about, step: 'lapsed', outcome: 'lapsed', verification: 'none' };
  if (kind === 'verification') {
    if (verification !== 'verified' && verification !== 'leaking' && verification !== 'unverified')
      return null;
    return { ...about, step: 'verification', outcome: verification };
  }
  const { step, outcome, again } = body;
  if (again === true || (step !== 'request' && step !== 'renew' && step !== 'release')) return null;
  return { ...about, step, outcome: text(outcome) };
}

// Believed open, and not: told by a fleet case, taken back, judged to be nothing, or resolved. An end
// that was given up is not written again while the record knows of it: it would die of the same. The
// sweep removes what was sent long ago; then what the sink was last told says how far we were.
const ENDED = `select t.sink, t.case_id, t.uid, t.closed, c.state, c.open, c.level, r.lane,
    c.last_ms,
    coalesce((select max(a.sequence) from alert a
      where a.case_id = t.case_id and a.sink = t.sink and a.kind = 'finding'),
      (t.body ->> 'sequence')::int, 0) as sequence
  from alert_told t join case_listed c on c.id = t.case_id join case_record r on r.id = c.id
  where not t.closed and (c.state <> 'open' or not c.open)
    and not exists (select 1 from alert a where a.case_id = t.case_id and a.sink = t.sink
      and a.kind = 'finding' and (a.state in ('waiting', 'sending')
        or (a.activity = 'close' and a.state = 'dead' and a.ord > coalesce(
          (select b.ord from alert b where b.sink = t.sink and b.uid = t.uid), 0))))
  order by t.sink, t.case_id limit 200`;

/** Ends that nobody announced; how many were written. */
export async function routeEnds(db: Database, nowMs: number): Promise<number> {
  return await db.transaction(async (query) => {
    const rows = await query(ENDED);
    let written = 0;
    for (const row of rows) {
      const state = textOrNull(row, 'state') ?? 'open';
      const why = state === 'open' ? 'withdrawn' : state;
      const caseId = textOf(row, 'case_id');
      const uid = idOf(caseId, 'close', textOf(row, 'uid'));
      const sequence = numberOf(row, 'sequence') + 1;
      const done = await query(WRITE, [
        ...[textOf(row, 'sink'), uid, numberOf(row, 'lane'), 'finding', 'close', caseId],
        ...[textOf(row, 'level'), sequence, [why], null, whole(nowMs), whole(nowMs)],
        ...[numberOf(row, 'last_ms'), []],
      ]);
      written += done.length;
    }
    return written;
  });
}
