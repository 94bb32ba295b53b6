/** What the record says of the observer itself: outbox, leases, sinks, signatures, baselines. */
import type { Database, Row } from '../model/ports.ts';
import { silentAfterMs } from '../model/posture.ts';
import { type SinkStatus, sinkStatuses } from './alert-read.ts';
import { lastCheckpoint } from './checkpoints.ts';
import { listPollers } from './posture.ts';
import { type ResponseTimes, responseTimes } from './response-times.ts';
import { numberOf, numberOrNull, onlyRow, textOf } from './row.ts';

/** Steps of one driver that are not settled. */
export interface OpenSteps {
  readonly driver: string;
  readonly open: number;
  /** When the oldest was written or first sent, ms; of an end that was never sent, its event time. */
  readonly oldestMs: number;
}

/** Leases that stand, counted by how they stand. */
export interface StandingLeases {
  readonly driver: string;
  readonly verb: string;
  readonly state: string;
  readonly verification: string;
  readonly count: number;
}

/** Baselines in force at one level. */
export interface BaselineStanding {
  readonly level: string;
  readonly count: number;
  /** When the one longest not looked at was approved or revalidated, ms; null where none says. */
  readonly oldestMs: number | null;
}

/** All of it, as of one moment. */
export interface SelfReading {
  readonly steps: readonly OpenSteps[];
  readonly leases: readonly StandingLeases[];
  readonly response: ResponseTimes;
  readonly sinks: readonly SinkStatus[];
  readonly pollers: { readonly asking: number; readonly silent: number };
  /** Books known to be blind, by source. */
  readonly blind: readonly { readonly source: string; readonly books: number }[];
  readonly baselines: readonly BaselineStanding[];
  readonly signedMs: number | null;
  readonly journalEntries: number;
}

type Reads = Pick<Database, 'query'>;

// What waits for people is not late; once agreed, its time begins with the decision.
const STEPS = `select o.intention->>'driver' as driver, count(*)::int as open,
    min(coalesce(o.first_sent_ms, case when o.step = 'request' then l.recorded_ms end,
      (o.intention->>'issuedMs')::bigint)) as oldest_ms
  from outbox o left join lease l on l.id = o.lease_id
  where o.state <> 'done' and coalesce(l.state, '') <> 'awaiting' group by 1 order by 1 limit 200`;
const LEASES = `select driver, verb, state, verification, count(*)::int as n from lease
  where state in ('awaiting', 'requested', 'accepted', 'releasing')
  group by driver, verb, state, verification order by 1, 2, 3, 4 limit 400`;
const BLIND = `select source, count(*)::int as books from coverage_gap
  where to_ms is null group by source order by source limit 200`;
const BASELINES = `select level, count(*)::int as n,
    min(coalesce(revalidated_ms, in_force_ms)) as oldest_ms
  from baseline_version where state = 'promoted' group by level order by level`;
const ENTRIES = 'select coalesce(sum(n), 0)::bigint as n from journal_head';

/** Reads all of it. `sinceMs`: from when on response times count. */
export async function readSelf(db: Reads, sinceMs: number, nowMs: number): Promise<SelfReading> {
  const pollers = (await listPollers(db)).filter(({ about }) => about === '');
  const silent = pollers.filter(({ lastMs, gapMs }) => nowMs - lastMs > silentAfterMs(gapMs));
  return {
    steps: (await db.query(STEPS)).map(stepsOf),
    leases: (await db.query(LEASES)).map(leasesOf),
    response: await responseTimes(db, sinceMs),
    sinks: await sinkStatuses(db),
    pollers: { asking: pollers.length - silent.length, silent: silent.length },
    blind: (await db.query(BLIND)).map((row) => ({
      source: textOf(row, 'source'),
      books: numberOf(row, 'books'),
    })),
    baselines: (await db.query(BASELINES)).map((row) => ({
      level: textOf(row, 'level'),
      count: numberOf(row, 'n'),
      oldestMs: numberOrNull(row, 'oldest_ms'),
    })),
    signedMs: (await lastCheckpoint(db))?.atMs ?? null,
    journalEntries: numberOf(onlyRow(await db.query(ENTRIES)), 'n'),
  };
}

function stepsOf(row: Row): OpenSteps {
  return {
    driver: textOf(row, 'driver'),
    open: numberOf(row, 'open'),
    oldestMs: numberOf(row, 'oldest_ms'),
  };
}

function leasesOf(row: Row): StandingLeases {
  return {
    driver: textOf(row, 'driver'),
    verb: textOf(row, 'verb'),
    state: textOf(row, 'state'),
    verification: textOf(row, 'verification'),
    count: numberOf(row, 'n'),
  };
}
