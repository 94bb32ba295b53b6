/** Pauses: which source partitions are to wait, told from one member to the others. */
import type { Database, TopicPartition } from '../model/ports.ts';
import { numberOf, numberOrNull, textOf } from './row.ts';
import { cleanKey, wholeOrNull } from './text.ts';

/** A wish that its member does not repeat counts no longer than this, in seconds. */
const COUNTS_S = 10;

const FORGET = `delete from lane_pause where consumer_group = $1
  and (member = $2 or wished_at < now() - make_interval(secs => $3))`;
const WISH = `insert into lane_pause (consumer_group, member, topic, partition, wished_at)
  select distinct $1, $2, topic, partition, now()
  from unnest($3::text[], $4::int[]) as w (topic, partition)`;
const WISHED = `select distinct topic, partition from lane_pause where consumer_group = $1
  and member <> $2 and wished_at >= now() - make_interval(secs => $3) order by topic, partition`;

/**
 * Says which partitions the lanes of this member want to wait, and returns what those of others want.
 * Whoever dies wants nothing after ten seconds.
 */
export async function sharePauses(
  db: Database,
  group: string,
  member: string,
  wanted: readonly TopicPartition[],
): Promise<readonly TopicPartition[]> {
  const name = cleanKey(member);
  return await db.transaction(async (query) => {
    await query(FORGET, [group, name, COUNTS_S]);
    if (wanted.length > 0) {
      const topics = wanted.map(({ topic }) => topic);
      await query(WISH, [group, name, topics, wanted.map(({ partition }) => partition)]);
    }
    const rows = await query(WISHED, [group, name, COUNTS_S]);
    return rows.map((row) => ({
      topic: textOf(row, 'topic'),
      partition: numberOf(row, 'partition'),
    }));
  });
}

/** How far a source partition was forwarded. */
export interface ForwardedTo extends TopicPartition {
  /** Highest event time seen in it, ms; null: this member has seen none, what was told before holds. */
  readonly newestMs: number | null;
  /** Where it is taken to stand if neither this member nor one before it has seen any, ms; null: not known. */
  readonly heardMs: number | null;
  /** Everything in its log was forwarded: nobody waits for it. */
  readonly isAtEnd: boolean;
  /** Offset of the first record that was not. */
  readonly next: number;
}

/** What was not told again for so long concerns a partition that is there no more, in seconds. */
const STALE_S = 300;

const TELL = `insert into lane_forwarded
    (consumer_group, topic, partition, newest_ms, at_end, next_offset, told_at)
  select $1, f.topic, f.partition, coalesce(f.newest, had.newest_ms,
    case when not f.at_end then coalesce(f.heard, others.slowest) end), f.at_end, f.next, now()
  from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::boolean[], $8::bigint[])
    as f (topic, partition, newest, heard, at_end, next)
  left join lane_forwarded had on had.consumer_group = $1 and had.topic = f.topic
    and had.partition = f.partition
  cross join (select min(newest_ms) as slowest from lane_forwarded where consumer_group = $1
    and not at_end and told_at >= now() - make_interval(secs => $7)) as others
  order by f.topic, f.partition
  on conflict (consumer_group, topic, partition) do update
    set newest_ms = coalesce(excluded.newest_ms, lane_forwarded.newest_ms),
    at_end = excluded.at_end, next_offset = excluded.next_offset, told_at = excluded.told_at`;
const SLOWEST = `select min(newest_ms) as slowest from lane_forwarded
  where consumer_group = $1 and told_at >= now() - make_interval(secs => $2)
  and (not at_end or exists (select from unnest($5::text[], $6::int[], $7::bigint[])
    as log (topic, partition, log_end) where log.topic = lane_forwarded.topic
    and log.partition = lane_forwarded.partition and log.log_end > lane_forwarded.next_offset))
  and not exists (select from unnest($3::text[], $4::int[]) as own (topic, partition)
    where own.topic = lane_forwarded.topic and own.partition = lane_forwarded.partition)`;

/**
 * Says how far this member has forwarded its partitions, and returns the event time of the slowest of those
 * of others, and of its own of which nothing came yet, that are not at their end, ms; null where all are. One
 * that nobody forwards any more counts, also where it was at its end when that was last said and its log has
 * grown since: `ends` are those of all logs as they are now. Of which nothing came yet stands where its member,
 * or the slowest, began.
 */
export async function shareForwarded(
  db: Pick<Database, 'query'>,
  group: string,
  forwarded: readonly ForwardedTo[],
  ends: readonly (TopicPartition & { readonly end: number })[],
): Promise<number | null> {
  if (forwarded.length > 0)
    await db.query(TELL, [
      group,
      forwarded.map(({ topic }) => topic),
      forwarded.map(({ partition }) => partition),
      forwarded.map(({ newestMs }) => wholeOrNull(newestMs)),
      forwarded.map(({ heardMs }) => wholeOrNull(heardMs)),
      forwarded.map(({ isAtEnd }) => isAtEnd),
      STALE_S,
      forwarded.map(({ next }) => next),
    ]);
  const read = forwarded.filter(({ newestMs }) => newestMs !== null);
  const [row] = await db.query(SLOWEST, [
    ...[group, STALE_S],
    ...[read.map(({ topic }) => topic), read.map(({ partition }) => partition)],
    ...[ends.map(({ topic }) => topic), ends.map(({ partition }) => partition)],
    ends.map(({ end }) => end),
  ]);
  return row === undefined ? null : numberOrNull(row, 'slowest');
}
