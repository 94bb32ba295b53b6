/** Pauses: which source partitions the lanes of all members want to wait, told from one to another. */
import type { Database, TopicPartition } from '../model/ports.ts';
import { numberOf, textOf } from './row.ts';
import { cleanKey } from './text.ts';

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
