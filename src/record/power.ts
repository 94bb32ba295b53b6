/** Reads what bears on power: demotions, pauses, verdicts, exceptions, shadows. */
import type { Judged, Rung, Verb } from '../model/decision.ts';
import type { Detection, Level } from '../model/detection.ts';
import type { Database } from '../model/ports.ts';
import { jsonOf, numberOf, numberOrNull, onlyRow, textOf, textOrNull } from './row.ts';
import { cleanKey } from './text.ts';

type Reads = Pick<Database, 'query'>;

/** What a person stopped: the kill switch, as last set for each scope and target. */
export interface StandingPause {
  readonly scope: 'fleet' | 'role' | 'agent' | 'driver';
  readonly target: string;
}

/** What is in force besides files and configuration. */
export interface Orders {
  /** `stem version` of those that may only alert. */
  readonly demoted: ReadonlySet<string>;
  readonly pauses: readonly StandingPause[];
}

const DEMOTED = `select detector, version from demotion where stands`;
const PAUSES = `select scope, target from (
    select distinct on (body ->> 'scope', body ->> 'target') type, body ->> 'scope' as scope,
      body ->> 'target' as target
    from operator_request where type in ('pause', 'resume')
    order by body ->> 'scope', body ->> 'target', ord desc) last
  where type = 'pause' order by 1, 2`;

/** Demotions and pauses as they stand now: what the executor asks before it sends. */
export async function readOrders(db: Reads): Promise<Orders> {
  // At once: an action waits for the answer.
  const [demoted, pauses] = await Promise.all([db.query(DEMOTED), db.query(PAUSES)]);
  return {
    demoted: new Set(demoted.map((row) => `${textOf(row, 'detector')} ${textOf(row, 'version')}`)),
    pauses: pauses.map((row) => ({
      scope: textOf(row, 'scope') as StandingPause['scope'],
      target: textOf(row, 'target'),
    })),
  };
}

/** Latest watermark of any lane: what "now" is in event time; null before the first commit. */
export async function eventNowMs(db: Reads): Promise<number | null> {
  return numberOrNull(
    onlyRow(await db.query('select max(watermark_ms) as now_ms from lane')),
    'now_ms',
  );
}

const JUDGED = `select d.id, d.body,
    (select c.asked from decision c where c.detection_id = d.id and c.outcome in ('act', 'renew')
      order by c.time_ms limit 1) as acted
  from detection d where d.id = any ($1::text[]) order by d.decided_ms, d.id`;
const OF_CASE = `select m.detection_id from case_member m join detection d on d.id = m.detection_id
  where m.case_id = $1 and not d.retracted order by d.decided_ms, d.id limit $2`;

/** Detections a verdict can be given on at once. */
export const JUDGED_MAX = 1000;

/** Detections as a verdict names them, with what was done because of each. */
export async function readJudged(db: Reads, ids: readonly string[]): Promise<readonly Judged[]> {
  const rows = await db.query(JUDGED, [ids.map((id) => cleanKey(id))]);
  return rows.map((row) => {
    const { id, detector, version, entity } = jsonOf<Detection>(row, 'body');
    const acted = textOrNull(row, 'acted') as Verb | null;
    return { id, detector, version, entity, acted };
  });
}

/** Ids of the detections of a case that stand, at most 1,000. */
export async function detectionsOfCase(db: Reads, caseId: string): Promise<readonly string[]> {
  const rows = await db.query(OF_CASE, [cleanKey(caseId), JUDGED_MAX]);
  return rows.map((row) => textOf(row, 'detection_id'));
}

const DETECTIONS = `select body from detection where id = any ($1::text[]) order by decided_ms, id`;

/** Detections in full. */
export async function readDetections(
  db: Reads,
  ids: readonly string[],
): Promise<readonly Detection[]> {
  const rows = await db.query(DETECTIONS, [ids.map((id) => cleanKey(id))]);
  return rows.map((row) => jsonOf<Detection>(row, 'body'));
}

const RECORDED = `select (extract(epoch from recorded_at) * 1000)::bigint as recorded_ms
  from detection where id = $1`;

/**
 * When a detection was written, ms by the clock of the database: all that it rests on had been read
 * by then, however late it came. Null where there is none.
 */
export async function recordedMs(db: Reads, detectionId: string): Promise<number | null> {
  const [row] = await db.query(RECORDED, [cleanKey(detectionId)]);
  return row === undefined ? null : numberOf(row, 'recorded_ms');
}

/** What a shadow would have done. */
export interface ShadowRow {
  readonly detector: string;
  readonly version: string;
  /** What its response asks for; alert where it asks for nothing. */
  readonly rung: Rung;
  readonly detections: number;
  /** In so many it would have acted, were it to enforce and the role autonomous. */
  readonly wouldAct: number;
  readonly agents: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

const SHADOWS = `select d.detector, d.body ->> 'version' as version, c.asked, count(*) as detections,
    count(*) filter (where c.would_act) as would_act,
    count(distinct (d.tenant, d.agent)) as agents, min(d.time_ms) as first_ms,
    max(d.time_ms) as last_ms
  from detection d join decision c on c.detection_id = d.id
  where d.maturity = 'shadow' and d.exception is null and not d.retracted
    and d.decided_ms >= $1
  group by 1, 2, 3 order by 1, 2, 3`;

/** What detectors in shadow said since `sinceMs`, and would have done. */
export async function shadowReport(db: Reads, sinceMs: number): Promise<readonly ShadowRow[]> {
  const rows = await db.query(SHADOWS, [sinceMs]);
  return rows.map((row) => ({
    detector: textOf(row, 'detector'),
    version: textOf(row, 'version'),
    rung: textOf(row, 'asked') as Rung,
    detections: numberOf(row, 'detections'),
    wouldAct: numberOf(row, 'would_act'),
    agents: numberOf(row, 'agents'),
    firstMs: numberOf(row, 'first_ms'),
    lastMs: numberOf(row, 'last_ms'),
  }));
}

/** What an exception excused. */
export interface ExceptionHits {
  readonly hits: number;
  readonly recent: number;
  readonly lastMs: number;
}

const HITS = `select exception, count(*) as hits,
    count(*) filter (where decided_ms >= $1) as recent, max(time_ms) as last_ms
  from detection where exception is not null group by exception order by exception`;

/** Hits of every exception that ever had one, by id; `recent` counts those since `sinceMs`. */
export async function exceptionHits(
  db: Reads,
  sinceMs: number,
): Promise<ReadonlyMap<string, ExceptionHits>> {
  const rows = await db.query(HITS, [sinceMs]);
  return new Map(
    rows.map((row) => [
      textOf(row, 'exception'),
      {
        hits: numberOf(row, 'hits'),
        recent: numberOf(row, 'recent'),
        lastMs: numberOf(row, 'last_ms'),
      },
    ]),
  );
}

const EXCUSED = `select id, detector, level, agent, session, time_ms from detection
  where exception = $1 order by decided_ms desc, id limit $2`;

/** One detection that was excused. */
export interface Excused {
  readonly id: string;
  readonly detector: string;
  readonly level: Level;
  readonly agent: string;
  readonly session: string | null;
  readonly timeMs: number;
}

/** What an exception excused, newest first. */
export async function excusedBy(
  db: Reads,
  exception: string,
  limit: number,
): Promise<readonly Excused[]> {
  const rows = await db.query(EXCUSED, [cleanKey(exception), limit]);
  return rows.map((row) => ({
    id: textOf(row, 'id'),
    detector: textOf(row, 'detector'),
    level: textOf(row, 'level') as Level,
    agent: textOf(row, 'agent'),
    session: textOrNull(row, 'session'),
    timeMs: numberOf(row, 'time_ms'),
  }));
}

/** What a detector said over a time, and what people said of it. */
export interface Scorecard {
  readonly detector: string;
  readonly detections: number;
  readonly excepted: number;
  readonly retracted: number;
  readonly agents: number;
  /** Detections on which at least one analyst's last word stands, by that word. */
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly benignTruePositive: number;
  readonly acted: number;
  /** Whose lease a person undid; and those of them on which nobody gave a verdict. */
  readonly undone: number;
  readonly questions: number;
}

const SCORECARDS = `with said as (
    select detection_id,
      bool_or(verdict = 'false_positive') as wrong,
      bool_or(verdict = 'true_positive') as right_,
      bool_or(verdict = 'benign_true_positive') as benign
    from verdict_current group by detection_id),
  undone as (
    select distinct c.detection_id from lease l join decision c on c.id = l.decision_id
    where l.cause = 'undone')
  select d.detector, count(*) as detections,
    count(*) filter (where d.exception is not null) as excepted,
    count(*) filter (where d.retracted) as retracted,
    count(distinct (d.tenant, d.agent)) as agents,
    count(*) filter (where s.wrong) as wrong,
    count(*) filter (where s.right_ and not s.wrong) as right_,
    count(*) filter (where s.benign and not s.wrong and not s.right_) as benign,
    count(*) filter (where exists (select 1 from decision c where c.detection_id = d.id
      and c.outcome in ('act', 'renew'))) as acted,
    count(u.detection_id) as undone,
    count(u.detection_id) filter (where s.detection_id is null) as questions
  from detection d left join said s on s.detection_id = d.id
    left join undone u on u.detection_id = d.id
  where d.decided_ms >= $1 group by d.detector order by d.detector`;

/** Every detector that said something since `sinceMs`. */
export async function scorecards(db: Reads, sinceMs: number): Promise<readonly Scorecard[]> {
  const rows = await db.query(SCORECARDS, [sinceMs]);
  return rows.map((row) => ({
    detector: textOf(row, 'detector'),
    detections: numberOf(row, 'detections'),
    excepted: numberOf(row, 'excepted'),
    retracted: numberOf(row, 'retracted'),
    agents: numberOf(row, 'agents'),
    truePositive: numberOf(row, 'right_'),
    falsePositive: numberOf(row, 'wrong'),
    benignTruePositive: numberOf(row, 'benign'),
    acted: numberOf(row, 'acted'),
    undone: numberOf(row, 'undone'),
    questions: numberOf(row, 'questions'),
  }));
}

/** A lease that a person undid without saying what the detection was. */
export interface OpenQuestion {
  readonly leaseId: string;
  readonly detectionId: string;
  readonly detector: string;
  readonly verb: Verb;
  readonly agent: string;
  /** Who undid it, and why, in their words; to be escaped. */
  readonly said: string;
  /** Event time of the detection, ms. */
  readonly timeMs: number;
}

const QUESTIONS = `select l.id as lease_id, d.id as detection_id, d.detector, l.verb, l.agent, d.time_ms,
    coalesce((select o.intention ->> 'reason' from outbox o where o.lease_id = l.id
      and o.step = 'release' order by o.ord limit 1), '') as said
  from lease l join decision c on c.id = l.decision_id join detection d on d.id = c.detection_id
  where l.cause = 'undone' and d.decided_ms >= $1 and not d.retracted
    and not exists (select 1 from verdict_current v where v.detection_id = d.id)
  order by d.decided_ms desc, l.id limit $2`;

/** Leases undone since `sinceMs` on whose detection nobody gave a verdict, newest first. */
export async function openQuestions(
  db: Reads,
  sinceMs: number,
  limit: number,
): Promise<readonly OpenQuestion[]> {
  const rows = await db.query(QUESTIONS, [sinceMs, limit]);
  return rows.map((row) => ({
    leaseId: textOf(row, 'lease_id'),
    detectionId: textOf(row, 'detection_id'),
    detector: textOf(row, 'detector'),
    verb: textOf(row, 'verb') as Verb,
    agent: textOf(row, 'agent'),
    said: textOf(row, 'said'),
    timeMs: numberOf(row, 'time_ms'),
  }));
}
