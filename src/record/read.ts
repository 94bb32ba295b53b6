/** Reads the record for people: cases, leases, detections, coverage, notices, status. */
import type { Prior } from '../model/action-log.ts';
import type { CausalChain } from '../model/chain.ts';
import type {
  Announcement,
  Case,
  Decision,
  Intention,
  LeaseState,
  Subject,
  Verb,
  Verdict,
  Verification,
} from '../model/decision.ts';
import {
  type CoverageGap,
  type DeadLetter,
  type Detection,
  LEVELS,
  type Level,
  type Notice,
} from '../model/detection.ts';
import { OperatingError } from '../model/errors.ts';
import type { Kind, Position } from '../model/event.ts';
import { short } from '../model/ids.ts';
import type { Database, Row } from '../model/ports.ts';
import {
  booleanOf,
  bytesOf,
  jsonOf,
  numberOf,
  numberOrNull,
  onlyRow,
  textOf,
  textOrNull,
  textsOf,
} from './row.ts';
import { cleanKey } from './text.ts';

type Reads = Pick<Database, 'query'>;

/** A detection with what was learnt of it later. */
export interface StoredDetection {
  /** As decided, except that `blind` has grown by later amendments. */
  readonly detection: Detection;
  readonly retracted: boolean;
  readonly retractedReason: string | null;
}

/** A case as lists show it. */
export interface ListedCase {
  readonly case: Case;
  /** At least one of its detections stands: neither retracted nor judged to be nothing. */
  readonly open: boolean;
  /** Leases that stand or may stand. */
  readonly standing: number;
}

/** A lease with all that is known of it. */
export interface StoredLease {
  readonly id: string;
  readonly caseId: string;
  readonly decisionId: string;
  readonly driver: string;
  readonly verb: Verb;
  readonly subject: Subject;
  readonly level: Level;
  readonly reason: string;
  readonly issuedMs: number;
  readonly acceptedMs: number | null;
  readonly expiresMs: number | null;
  readonly endedMs: number | null;
  readonly state: LeaseState;
  readonly cause: string | null;
  readonly verification: Verification;
  readonly verifiedBy: string | null;
  readonly verifiedMs: number | null;
  readonly leakedCalls: number;
  readonly latencyCalls: number;
  /** Times anything was sent for it. */
  readonly attempts: number;
  /** What the target last said; its own words, to be escaped. */
  readonly lastDetail: string | null;
  /** Why it is to end before its time, where it is; names who undid it. To be escaped. */
  readonly endReason: string | null;
}

/** A case with everything that belongs to it. */
export interface CaseFile extends ListedCase {
  /** By time; at most 1,000. */
  readonly detections: readonly StoredDetection[];
  readonly decisions: readonly Decision[];
  readonly leases: readonly StoredLease[];
  /** Gaps that overlap the case. */
  readonly coverage: readonly CoverageGap[];
  /** What led to what; null for a case of before chains were kept. */
  readonly chain: CausalChain | null;
  /** Each analyst's last word on each detection. */
  readonly verdicts: readonly Verdict[];
  /** What people were told of it, in order; at most 200. */
  readonly announcements: readonly Announcement[];
}

const caseOf = (row: Row): ListedCase => ({
  case: jsonOf<Case>(row, 'body'),
  open: booleanOf(row, 'open'),
  standing: numberOf(row, 'standing'),
});

const detectionOf = (row: Row): StoredDetection => ({
  detection: {
    ...jsonOf<Detection>(row, 'body'),
    blind: textsOf(row, 'blind') as readonly Kind[],
  },
  retracted: booleanOf(row, 'retracted'),
  retractedReason: textOrNull(row, 'retracted_reason'),
});

const leaseOf = (row: Row): StoredLease => ({
  id: textOf(row, 'id'),
  caseId: textOf(row, 'case_id'),
  decisionId: textOf(row, 'decision_id'),
  driver: textOf(row, 'driver'),
  verb: textOf(row, 'verb') as Verb,
  subject: jsonOf<Subject>(row, 'subject'),
  level: textOf(row, 'level') as Level,
  reason: textOf(row, 'reason'),
  issuedMs: numberOf(row, 'issued_ms'),
  acceptedMs: numberOrNull(row, 'accepted_ms'),
  expiresMs: numberOrNull(row, 'expires_ms'),
  endedMs: numberOrNull(row, 'ended_ms'),
  state: textOf(row, 'state') as LeaseState,
  cause: textOrNull(row, 'cause'),
  verification: textOf(row, 'verification') as Verification,
  verifiedBy: textOrNull(row, 'verified_by'),
  verifiedMs: numberOrNull(row, 'verified_ms'),
  leakedCalls: numberOf(row, 'leaked_calls'),
  latencyCalls: numberOf(row, 'latency_calls'),
  attempts: numberOf(row, 'attempts'),
  lastDetail: textOrNull(row, 'last_detail'),
  endReason: textOrNull(row, 'end_reason'),
});

const verdictOf = (row: Row): Verdict => ({
  detectionId: textOf(row, 'detection_id'),
  detector: textOf(row, 'detector'),
  version: textOf(row, 'version'),
  verdict: textOf(row, 'verdict') as Verdict['verdict'],
  by: textOf(row, 'analyst'),
  note: textOf(row, 'note'),
  atMs: numberOf(row, 'at_ms'),
});

const gapOf = (row: Row): CoverageGap => ({
  id: textOf(row, 'id'),
  ...(textOf(row, 'tenant') === '-' ? {} : { tenant: textOf(row, 'tenant') }),
  source: textOf(row, 'source'),
  kind: textOf(row, 'kind') as Kind,
  fromMs: numberOf(row, 'from_ms'),
  toMs: numberOrNull(row, 'to_ms'),
  reason: textOf(row, 'reason'),
  sessions: numberOf(row, 'sessions'),
});

const CASES = `select body, open, standing from case_listed
  where ($1::text is null or agent = $1) and level = any ($2::text[])
    and ($3::boolean is null or open = $3) and ($5::boolean or state <> 'folded')
  order by last_ms desc, id limit $4`;

/**
 * Cases, newest first. `minLevel` includes the levels above it. Those that a fleet case tells are left
 * out unless `folded` is set.
 */
export async function listCases(
  db: Reads,
  filter: {
    readonly open?: boolean;
    readonly minLevel?: Level;
    readonly agent?: string;
    readonly folded?: boolean;
    readonly limit: number;
  },
): Promise<readonly ListedCase[]> {
  const levels = LEVELS.slice(LEVELS.indexOf(filter.minLevel ?? 'informational'));
  const agent = filter.agent === undefined ? null : cleanKey(filter.agent);
  const rows = await db.query(CASES, [
    ...[agent, levels, filter.open ?? null, filter.limit],
    filter.folded ?? false,
  ]);
  return rows.map(caseOf);
}

// One statement per table: a name of a table cannot be bound, and is never put together.
const IDS = {
  case: `select id from case_record where starts_with(id, $1) order by id limit 11`,
  lease: `select id from lease where starts_with(id, $1) order by id limit 11`,
  decision: `select id from decision where starts_with(id, $1) order by id limit 11`,
  detection: `select id from detection where starts_with(id, $1) order by id limit 11`,
} as const;

/** The one id that begins so. Rejects with NOT_FOUND: none does, or several do, which are named. */
export async function idByPrefix(
  db: Reads,
  what: keyof typeof IDS,
  prefix: string,
): Promise<string> {
  const clean = cleanKey(prefix.trim());
  const rows = clean === '' ? [] : await db.query(IDS[what], [clean]);
  const ids = rows.map((row) => textOf(row, 'id'));
  const only = ids.find((id) => id === clean) ?? (ids.length === 1 ? ids[0] : undefined);
  if (only !== undefined) return only;
  const shown = clean.slice(0, 64);
  const candidates = ids.slice(0, 10).map((id) => (clean.length < 12 ? short(id) : id));
  const message =
    ids.length === 0
      ? `no ${what} has an id that begins with "${shown}": list them with \`plumbline ${what}s\``
      : `"${shown}" is the beginning of several ${what}s: ${candidates.join(', ')}` +
        `${ids.length > 10 ? ', …' : ''}; write more of the id`;
  throw new OperatingError('NOT_FOUND', message, { retryable: false });
}

const CASE = `select body, open, standing from case_listed where id = $1`;
const CASE_DETECTIONS = `select d.body, d.blind, d.retracted, d.retracted_reason
  from detection d join case_member m on m.detection_id = d.id
  where m.case_id = $1 order by d.decided_ms, d.id limit 1000`;
const CASE_CHAIN = `select body from case_chain where case_id = $1`;
const CASE_VERDICTS = `select v.detection_id, v.detector, v.version, v.verdict, v.analyst, v.note, v.at_ms
  from verdict_current v join case_member m on m.detection_id = v.detection_id
  where m.case_id = $1 order by v.ord limit 1000`;
const CASE_ANNOUNCEMENTS = `select body from announcement where case_id = $1
  order by time_ms, id limit 200`;
const CASE_DECISIONS = `select body from decision where case_id = $1
  order by time_ms, id limit 1000`;
const CASE_LEASES = `select id, case_id, decision_id, driver, verb, subject, level, reason,
    issued_ms, accepted_ms, expires_ms, ended_ms, state, cause, verification, verified_by,
    verified_ms, leaked_calls, latency_calls, attempts, last_detail,
    (select o.intention ->> 'reason' from outbox o where o.lease_id = lease_listed.id
      and o.step = 'release' and lease_listed.cause <> 'expired' order by o.ord limit 1) as end_reason
  from lease_listed where case_id = $1 order by issued_ms, id limit 1000`;
const CASE_COVERAGE = `select id, tenant, source, kind, from_ms, to_ms, reason, sessions
  from coverage_gap where tenant = $3 and from_ms <= $2 and (to_ms is null or to_ms >= $1)
  order by from_ms, id limit 1000`;

/** One case by a unique beginning of its id. Rejects with NOT_FOUND. */
export async function readCase(db: Reads, prefix: string): Promise<CaseFile> {
  const id = await idByPrefix(db, 'case', prefix);
  const listed = caseOf(onlyRow(await db.query(CASE, [id])));
  const { openedMs, lastMs, entity } = listed.case;
  const decisions = await db.query(CASE_DECISIONS, [id]);
  const [chain] = await db.query(CASE_CHAIN, [id]);
  return {
    ...listed,
    detections: (await db.query(CASE_DETECTIONS, [id])).map(detectionOf),
    decisions: decisions.map((row) => jsonOf<Decision>(row, 'body')),
    leases: (await db.query(CASE_LEASES, [id])).map(leaseOf),
    coverage: (await db.query(CASE_COVERAGE, [openedMs, lastMs, entity.tenant])).map(gapOf),
    chain: chain === undefined ? null : jsonOf<CausalChain>(chain, 'body'),
    verdicts: (await db.query(CASE_VERDICTS, [id])).map(verdictOf),
    announcements: (await db.query(CASE_ANNOUNCEMENTS, [id])).map((row) =>
      jsonOf<Announcement>(row, 'body'),
    ),
  };
}

const LEASES = `select id, case_id, decision_id, driver, verb, subject, level, reason,
    issued_ms, accepted_ms, expires_ms, ended_ms, state, cause, verification, verified_by,
    verified_ms, leaked_calls, latency_calls, attempts, last_detail,
    (select o.intention ->> 'reason' from outbox o where o.lease_id = lease_listed.id
      and o.step = 'release' and lease_listed.cause <> 'expired' order by o.ord limit 1) as end_reason
  from lease_listed
  where ($1::text is null or agent = $1) and ($2::text is null or id = $2)
    and ($3::boolean is null or (state in ('requested', 'accepted', 'releasing')) = $3)
  order by issued_ms desc, id limit $4`;

/** Leases, newest first. `standing` = they stand or may stand. */
export async function listLeases(
  db: Reads,
  filter: { readonly standing?: boolean; readonly agent?: string; readonly limit: number },
): Promise<readonly StoredLease[]> {
  const agent = filter.agent === undefined ? null : cleanKey(filter.agent);
  const rows = await db.query(LEASES, [agent, null, filter.standing ?? null, filter.limit]);
  return rows.map(leaseOf);
}

/** One lease by a unique beginning of its id. Rejects with NOT_FOUND. */
export async function readLease(db: Reads, prefix: string): Promise<StoredLease> {
  const id = await idByPrefix(db, 'lease', prefix);
  return leaseOf(onlyRow(await db.query(LEASES, [null, id, null, 1])));
}

/** The request a lease began with, and what stood before it was sent. Rejects with NOT_FOUND. */
export async function readRequest(
  db: Reads,
  leaseId: string,
): Promise<{ readonly request: Intention; readonly prior: Prior | null }> {
  const row = onlyRow(await db.query('select request, prior from lease where id = $1', [leaseId]));
  const prior = row['prior'] === null ? null : jsonOf<Prior>(row, 'prior');
  return { request: jsonOf<Intention>(row, 'request'), prior };
}

const DETECTIONS = `select id, decided_ms, body, blind, retracted, retracted_reason from detection
  where (decided_ms, id) > ($1, $2) order by decided_ms, id limit 500`;

/** Every detection by time decided, then id; read in batches, so that a dump of all fits memory. */
export async function* exportDetections(db: Reads): AsyncGenerator<StoredDetection, void> {
  let after: readonly [number, string] = [Number.MIN_SAFE_INTEGER, ''];
  for (;;) {
    const rows = await db.query(DETECTIONS, after);
    for (const row of rows) {
      after = [numberOf(row, 'decided_ms'), textOf(row, 'id')];
      yield detectionOf(row);
    }
    if (rows.length < 500) return;
  }
}

const COVERAGE = `select id, tenant, source, kind, from_ms, to_ms, reason, sessions from coverage_gap
  order by from_ms desc, id limit $1`;

/** Coverage gaps, newest first. */
export async function listCoverage(db: Reads, limit: number): Promise<readonly CoverageGap[]> {
  return (await db.query(COVERAGE, [limit])).map(gapOf);
}

/** A notice and how often it was given for its subject. */
export interface StoredNotice extends Notice {
  readonly count: number;
  readonly firstMs: number;
}

const NOTICES = `select code, subject, detail, count, first_ms, last_ms from notice
  order by last_ms desc, id limit $1`;

/** Notices, latest first; `timeMs` is the last time. The record keeps 1,000 code-and-subject pairs. */
export async function listNotices(db: Reads, limit: number): Promise<readonly StoredNotice[]> {
  const rows = await db.query(NOTICES, [limit]);
  return rows.map((row) => ({
    code: textOf(row, 'code') as Notice['code'],
    subject: textOf(row, 'subject'),
    detail: textOf(row, 'detail'),
    timeMs: numberOf(row, 'last_ms'),
    count: numberOf(row, 'count'),
    firstMs: numberOf(row, 'first_ms'),
  }));
}

const DEAD_LETTERS = `select topic, partition, record_offset, index, source, format, reason, detail,
    size, raw, received_ms
  from dead_letter order by received_ms desc, topic, partition, record_offset desc, index limit $1`;

const positionOf = (row: Row): Position => ({
  topic: textOf(row, 'topic'),
  partition: numberOf(row, 'partition'),
  offset: numberOf(row, 'record_offset'),
  index: numberOf(row, 'index'),
});

/** Dead letters, newest first, with up to 64 KiB of each record. */
export async function listDeadLetters(db: Reads, limit: number): Promise<readonly DeadLetter[]> {
  const rows = await db.query(DEAD_LETTERS, [limit]);
  return rows.map((row) => ({
    position: positionOf(row),
    source: textOf(row, 'source'),
    format: textOf(row, 'format'),
    reason: textOf(row, 'reason') as DeadLetter['reason'],
    detail: textOf(row, 'detail'),
    size: numberOf(row, 'size'),
    raw: bytesOf(row, 'raw'),
    receivedMs: numberOf(row, 'received_ms'),
  }));
}
