/** Reads how the lanes stand and how much the record holds, for `status`. */
import type { LanePosition } from '../model/effects.ts';
import type { Database } from '../model/ports.ts';
import { jsonOf, numberOf, numberOrNull, onlyRow, textOf, textOrNull } from './row.ts';

/** How a lane stands as of its last commit. */
export interface LaneStatus {
  readonly group: string;
  readonly lane: number;
  readonly owner: string | null;
  readonly epoch: number;
  /** Commits so far. */
  readonly seq: number;
  readonly watermarkMs: number | null;
  /** By the database's clock, ms; null before the first commit. */
  readonly committedMs: number | null;
  readonly counters: Readonly<Record<string, number>>;
  readonly positions: readonly LanePosition[];
}

/** What the record holds. */
export interface RecordStatus {
  readonly lanes: readonly LaneStatus[];
  readonly detections: number;
  readonly retracted: number;
  readonly cases: number;
  readonly decisions: number;
  readonly leasesStanding: number;
  readonly leasesLeaking: number;
  /** Intentions not yet settled. */
  readonly outboxOpen: number;
  readonly gapsOpen: number;
  readonly deadLetters: number;
  readonly journalEntries: number;
  /** How often each notice was given. */
  readonly notices: Readonly<Record<string, number>>;
}

const LANES = `select l.consumer_group, l.lane, l.owner, l.owner_epoch, l.seq, l.watermark_ms,
    (extract(epoch from l.committed_at) * 1000)::bigint as committed_ms, l.counters,
    coalesce((select jsonb_agg(jsonb_build_object('topic', p.topic, 'partition', p.partition,
        'low', p.low_offset, 'next', p.next_offset) order by p.topic, p.partition)
      from progress p where p.consumer_group = l.consumer_group and p.lane = l.lane), '[]')
      as positions
  from lane l order by l.consumer_group, l.lane`;
const TOTALS = `select
  (select count(*) from detection) as detections,
  (select count(*) from detection where retracted) as retracted,
  (select count(*) from case_record) as cases,
  (select count(*) from decision) as decisions,
  (select count(*) from lease where state in ('requested', 'accepted', 'releasing')) as standing,
  (select count(*) from lease where state in ('accepted', 'releasing')
    and verification = 'leaking') as leaking,
  (select count(*) from outbox where state <> 'done') as outbox_open,
  (select count(*) from coverage_gap where to_ms is null) as gaps_open,
  (select count(*) from dead_letter) as dead_letters,
  (select coalesce(sum(n), 0)::bigint from journal_head) as journal_entries,
  (select coalesce(jsonb_object_agg(code, count), '{}') from notice_total) as notices`;

const readLanes = async (db: Pick<Database, 'query'>): Promise<readonly LaneStatus[]> => {
  const rows = await db.query(LANES);
  return rows.map((row) => ({
    group: textOf(row, 'consumer_group'),
    lane: numberOf(row, 'lane'),
    owner: textOrNull(row, 'owner'),
    epoch: numberOf(row, 'owner_epoch'),
    seq: numberOf(row, 'seq'),
    watermarkMs: numberOrNull(row, 'watermark_ms'),
    committedMs: numberOrNull(row, 'committed_ms'),
    counters: jsonOf<Record<string, number>>(row, 'counters'),
    positions: jsonOf<LanePosition[]>(row, 'positions'),
  }));
};

/** Lanes and totals as they stand. */
export async function readStatus(db: Pick<Database, 'query'>): Promise<RecordStatus> {
  const totals = onlyRow(await db.query(TOTALS));
  return {
    lanes: await readLanes(db),
    detections: numberOf(totals, 'detections'),
    retracted: numberOf(totals, 'retracted'),
    cases: numberOf(totals, 'cases'),
    decisions: numberOf(totals, 'decisions'),
    leasesStanding: numberOf(totals, 'standing'),
    leasesLeaking: numberOf(totals, 'leaking'),
    outboxOpen: numberOf(totals, 'outbox_open'),
    gapsOpen: numberOf(totals, 'gaps_open'),
    deadLetters: numberOf(totals, 'dead_letters'),
    journalEntries: numberOf(totals, 'journal_entries'),
    notices: jsonOf<Record<string, number>>(totals, 'notices'),
  };
}
