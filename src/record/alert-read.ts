/** Reads alerts for people: how each sink stands, what waits, what was given up. */
import type { Announced } from '../model/decision.ts';
import type { Level } from '../model/detection.ts';
import type { Database, Row } from '../model/ports.ts';
import { numberOf, numberOrNull, textOf, textOrNull, textsOf } from './row.ts';
import { cleanKey, whole } from './text.ts';

type Reads = Pick<Database, 'query'>;

/** How a sink stands. */
export interface SinkStatus {
  readonly sink: string;
  /** Alerts on their way, and when the oldest of them was written; null where there is none. */
  readonly depth: number;
  readonly oldestMs: number | null;
  /** Since when nothing was taken; null while it works. */
  readonly failingSinceMs: number | null;
  readonly lastSentMs: number | null;
  /** What it last said, or what went wrong. */
  readonly lastDetail: string | null;
  /** Alerts that were given up, and that wait for `alerts retry`. */
  readonly dead: number;
  /** Cases it believes open. */
  readonly standing: number;
}

const SINKS = `select s.sink, k.failing_since_ms, k.last_sent_ms, k.last_detail,
    (select count(*)::int from alert a where a.sink = s.sink and a.state in ('waiting', 'sending'))
      as depth,
    (select min(a.created_ms) from alert a
      where a.sink = s.sink and a.state in ('waiting', 'sending')) as oldest_ms,
    (select count(*)::int from alert a where a.sink = s.sink and a.state = 'dead') as dead,
    (select count(*)::int from alert_told t where t.sink = s.sink and not t.closed) as standing
  from (select sink from alert_sink union select distinct sink from alert) s
    left join alert_sink k on k.sink = s.sink
  order by s.sink`;

/** Every sink that was ever told anything, by name. */
export async function sinkStatuses(db: Reads): Promise<readonly SinkStatus[]> {
  return (await db.query(SINKS)).map((row) => ({
    sink: textOf(row, 'sink'),
    depth: numberOf(row, 'depth'),
    oldestMs: numberOrNull(row, 'oldest_ms'),
    failingSinceMs: numberOrNull(row, 'failing_since_ms'),
    lastSentMs: numberOrNull(row, 'last_sent_ms'),
    lastDetail: textOrNull(row, 'last_detail'),
    dead: numberOf(row, 'dead'),
    standing: numberOf(row, 'standing'),
  }));
}

/** States of an alert. */
export const ALERT_STATES = ['waiting', 'sending', 'sent', 'silenced', 'dead'] as const;
/** One of ALERT_STATES. */
export type AlertState = (typeof ALERT_STATES)[number];

/** An alert as lists show it. */
export interface ListedAlert {
  readonly uid: string;
  readonly sink: string;
  readonly kind: string;
  readonly activity: string;
  readonly caseId: string;
  readonly level: Level;
  readonly sequence: number;
  readonly why: readonly (Announced | string)[];
  readonly state: AlertState;
  readonly attempts: number;
  readonly createdMs: number;
  readonly settledMs: number | null;
  readonly detail: string | null;
}

const LIST = `select uid, sink, kind, activity, case_id, level, sequence, why, state, attempts,
    created_ms, settled_ms, detail
  from alert where ($1::text is null or sink = $1) and ($2::text is null or state = $2)
  order by ord desc limit $3`;

const listedOf = (row: Row): ListedAlert => ({
  uid: textOf(row, 'uid'),
  sink: textOf(row, 'sink'),
  kind: textOf(row, 'kind'),
  activity: textOf(row, 'activity'),
  caseId: textOf(row, 'case_id'),
  level: textOf(row, 'level') as Level,
  sequence: numberOf(row, 'sequence'),
  why: textsOf(row, 'why'),
  state: textOf(row, 'state') as AlertState,
  attempts: numberOf(row, 'attempts'),
  createdMs: numberOf(row, 'created_ms'),
  settledMs: numberOrNull(row, 'settled_ms'),
  detail: textOrNull(row, 'detail'),
});

/** Alerts, newest first. */
export async function listAlerts(
  db: Reads,
  filter: { readonly sink?: string; readonly state?: AlertState; readonly limit: number },
): Promise<readonly ListedAlert[]> {
  const sink = filter.sink === undefined ? null : cleanKey(filter.sink);
  return (await db.query(LIST, [sink, filter.state ?? null, filter.limit])).map(listedOf);
}

// The 24 hours begin anew; the uid, and what was rendered, stay.
const RETRY = `update alert set state = 'waiting', due_ms = $2, first_sent_ms = null,
    settled_ms = null
  where state = 'dead' and ($1::text is null or sink = $1) returning ord`;

/** Dead letters wait again, as if never sent; how many. */
export async function retryDead(db: Reads, sink: string | null, nowMs: number): Promise<number> {
  return (await db.query(RETRY, [sink, whole(nowMs)])).length;
}
