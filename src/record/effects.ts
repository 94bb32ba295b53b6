/** Writes the effects of a commit, and says what of them the journal must hold. */
import type { LeaseActivity } from '../model/decision.ts';
import type { CoverageGap, DeadLetter, Notice } from '../model/detection.ts';
import type { Effects } from '../model/effects.ts';
import { idOf } from '../model/ids.ts';
import type { Query } from '../model/ports.ts';
import { writeAgentChanges, writeAgentSessions } from './agents.ts';
import { writeCasework } from './casework.ts';
import {
  byId,
  idsOf,
  writeAmendments,
  writeCases,
  writeDecisions,
  writeDetections,
} from './findings.ts';
import { writeIntentions } from './intentions.ts';
import type { JournalEntry } from './journal.ts';
import { writeLevels } from './levels.ts';
import { writeObjectiveCounts, writeUsage } from './objectives.ts';
import { jsonOf } from './row.ts';
import { cleanKey, cleanText, whole, wholeOrNull } from './text.ts';

const NOTICE_ROWS_MAX = 1000;

// Only what changed is returned, and only that is journalled.
const COVERAGE = `insert into coverage_gap
  (lane, id, source, kind, from_ms, to_ms, reason, sessions, tenant)
  select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::text[], $8::bigint[], $9::text[])
  on conflict (id) do update set to_ms = excluded.to_ms, reason = excluded.reason,
    sessions = excluded.sessions
  where (coverage_gap.to_ms, coverage_gap.reason, coverage_gap.sessions)
    is distinct from (excluded.to_ms, excluded.reason, excluded.sessions)
  returning id`;

const writeCoverage = async (
  query: Query,
  lane: number,
  gaps: readonly CoverageGap[],
  atMs: number,
): Promise<JournalEntry[]> => {
  if (gaps.length === 0) return [];
  const list = byId(gaps);
  const written = await query(COVERAGE, [
    lane,
    list.map((one) => cleanKey(one.id)),
    list.map((one) => cleanKey(one.source)),
    list.map((one) => one.kind),
    list.map((one) => whole(one.fromMs)),
    list.map((one) => wholeOrNull(one.toMs)),
    list.map((one) => cleanText(one.reason, 1024)),
    list.map((one) => whole(one.sessions)),
    list.map((one) => cleanKey(one.tenant ?? '-')),
  ]);
  const changed = idsOf(written);
  return list
    .filter((one) => changed.has(cleanKey(one.id)))
    .map((one) => ({ kind: 'coverage', atMs, body: { ...one } }));
};

const NOTICES = `insert into notice (id, code, subject, detail, count, first_ms, last_ms)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::bigint[])
  on conflict (id) do update set detail = excluded.detail, count = notice.count + excluded.count,
    first_ms = least(notice.first_ms, excluded.first_ms),
    last_ms = greatest(notice.last_ms, excluded.last_ms)`;
const NOTICE_TOTALS = `insert into notice_total (code, count)
  select * from unnest($1::text[], $2::bigint[])
  on conflict (code) do update set count = notice_total.count + excluded.count`;
// Subjects are named by agents: without a bound they would fill the table.
const TRIM_NOTICES = `delete from notice where id in
  (select id from notice order by last_ms desc, id offset $1)`;

interface NoticeSum {
  readonly id: string;
  readonly latest: Notice;
  readonly count: number;
  readonly firstMs: number;
}

const sumNotices = (notices: readonly Notice[]): readonly NoticeSum[] => {
  const sums = new Map<string, NoticeSum>();
  for (const notice of notices) {
    const id = idOf(notice.code, cleanKey(notice.subject));
    const sum = sums.get(id) ?? { id, latest: notice, count: 0, firstMs: notice.timeMs };
    const latest = notice.timeMs >= sum.latest.timeMs ? notice : sum.latest;
    const firstMs = Math.min(sum.firstMs, notice.timeMs);
    sums.set(id, { id, latest, count: sum.count + 1, firstMs });
  }
  return byId([...sums.values()]);
};

/** Adds notices to those that were given before; returns what is to be journalled. */
export const writeNotices = async (
  query: Query,
  notices: readonly Notice[],
  atMs: number,
): Promise<JournalEntry[]> => {
  if (notices.length === 0) return [];
  const sums = sumNotices(notices);
  await query(NOTICES, [
    sums.map((sum) => sum.id),
    sums.map((sum) => sum.latest.code),
    sums.map((sum) => cleanKey(sum.latest.subject)),
    sums.map((sum) => cleanText(sum.latest.detail, 1024)),
    sums.map((sum) => sum.count),
    sums.map((sum) => whole(sum.firstMs)),
    sums.map((sum) => whole(sum.latest.timeMs)),
  ]);
  await query(TRIM_NOTICES, [NOTICE_ROWS_MAX]);
  const totals: Record<string, number> = {};
  for (const { code } of notices) totals[code] = (totals[code] ?? 0) + 1;
  const codes = Object.keys(totals).sort();
  await query(NOTICE_TOTALS, [codes, codes.map((code) => totals[code])]);
  return [{ kind: 'notice', atMs, body: { codes: totals } }];
};

const DEAD_LETTERS = `insert into dead_letter
  (topic, partition, record_offset, index, source, format, reason, detail, size, raw, received_ms)
  select * from unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::text[], $6::text[],
    $7::text[], $8::text[], $9::bigint[], $10::bytea[], $11::bigint[])
  as d (topic, partition, record_offset, index) order by 1, 2, 3, 4
  on conflict (topic, partition, record_offset, index) do nothing`;

const writeDeadLetters = async (
  query: Query,
  letters: readonly DeadLetter[],
  atMs: number,
): Promise<JournalEntry[]> => {
  if (letters.length === 0) return [];
  await query(DEAD_LETTERS, [
    letters.map((one) => cleanKey(one.position.topic)),
    letters.map((one) => one.position.partition),
    letters.map((one) => one.position.offset),
    letters.map((one) => one.position.index),
    letters.map((one) => cleanKey(one.source)),
    letters.map((one) => cleanKey(one.format)),
    letters.map((one) => one.reason),
    letters.map((one) => cleanText(one.detail, 256)),
    letters.map((one) => whole(one.size)),
    letters.map((one) => one.raw.subarray(0, 65_536)),
    letters.map((one) => whole(one.receivedMs)),
  ]);
  // One entry a commit: a flood of unreadable records must not become a flood of entries.
  const list = letters.map(({ position, reason }) => ({ position, reason }));
  return [{ kind: 'dead-letter', atMs, body: { letters: list } }];
};

const ACTIVITY = `insert into lease_activity (lease_id, event_id, time_ms, allowed, tool)
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::text[])
    as a (lease_id, event_id) order by lease_id, event_id
  on conflict (lease_id, event_id) do nothing`;

const writeActivity = async (query: Query, activity: readonly LeaseActivity[]): Promise<void> => {
  if (activity.length === 0) return;
  await query(ACTIVITY, [
    activity.map((one) => cleanKey(one.leaseId)),
    // Two keys in one index: this one has to be the shorter.
    activity.map((one) => cleanKey(one.eventId, 256)),
    activity.map((one) => whole(one.timeMs)),
    activity.map((one) => one.allowed),
    activity.map((one) => cleanKey(one.tool)),
  ]);
};

const REQUESTS_DONE = `insert into operator_request_done (lane, id, done_ms)
  select $1, id, $3 from operator_request where id = any ($2::text[]) order by id
  on conflict (id, lane) do nothing
  returning id, (select body from operator_request r where r.id = operator_request_done.id) as body`;

const writeRequestsDone = async (
  query: Query,
  lane: number,
  ids: readonly string[],
  atMs: number,
): Promise<JournalEntry[]> => {
  if (ids.length === 0) return [];
  const done = await query(REQUESTS_DONE, [lane, ids.map((id) => cleanKey(id)), whole(atMs)]);
  return done.map((row) => ({ kind: 'operator-request', atMs, body: jsonOf(row, 'body') }));
};

/** What was decided before its turn goes in first: what the fold says of the same takes its place. */
const writeEarly = async (
  query: Query,
  lane: number,
  { early, settled }: Effects,
): Promise<JournalEntry[]> => {
  if (early.length === 0 && settled.length === 0) return [];
  const detections = early.map(({ detection }) => detection);
  const decisions = early.map(({ decision }) => decision);
  const decisionInputs = early.map(({ decision, inputs }) => ({ decisionId: decision.id, inputs }));
  return [
    ...(await writeDetections(query, lane, detections)),
    ...(await writeDecisions(query, lane, { decisions, decisionInputs })),
    ...settled.map((one) => ({ kind: 'early' as const, atMs: one.timeMs, body: { ...one } })),
  ];
};

/**
 * Writes everything a step wants recorded, within the caller's transaction, and returns what is to
 * be journalled. Rows that were there already (same id) are left alone and not journalled again.
 */
export async function writeEffects(
  query: Query,
  lane: number,
  effects: Effects,
  atMs: number,
): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = [];
  entries.push(...(await writeEarly(query, lane, effects)));
  entries.push(...(await writeDetections(query, lane, effects.detections)));
  entries.push(...(await writeAmendments(query, effects.amendments, atMs)));
  await writeCases(query, lane, effects.cases);
  entries.push(...(await writeCasework(query, lane, effects, atMs)));
  entries.push(...(await writeDecisions(query, lane, effects)));
  entries.push(...(await writeIntentions(query, lane, effects.intentions)));
  entries.push(...(await writeCoverage(query, lane, effects.coverage, atMs)));
  entries.push(...(await writeNotices(query, effects.notices, atMs)));
  entries.push(...(await writeDeadLetters(query, effects.deadLetters, atMs)));
  await writeActivity(query, effects.activity);
  for (const reload of effects.reloads) entries.push({ kind: 'reload', atMs, body: { ...reload } });
  await writeObjectiveCounts(query, effects.objectiveCounts);
  await writeUsage(query, effects.usage);
  await writeLevels(query, effects.levels);
  entries.push(...(await writeAgentChanges(query, lane, effects.agentChanges, atMs)));
  entries.push(...(await writeAgentSessions(query, effects.agentSessions, atMs)));
  entries.push(...(await writeRequestsDone(query, lane, effects.operatorRequests, atMs)));
  return entries;
}
