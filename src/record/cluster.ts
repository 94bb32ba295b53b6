/** Clusters: which one a group reads, for positions of one mean nothing in another. */
import type { Database } from '../model/ports.ts';
import { onlyRow, textOf } from './row.ts';
import { cleanKey, cleanText } from './text.ts';

const KEEP = `insert into broker_cluster (consumer_group, cluster_id) values ($1, $2)
  on conflict (consumer_group) do nothing`;
const READ = 'select cluster_id from broker_cluster where consumer_group = $1';
const CHANGE = `update broker_cluster set cluster_id = $2, since = now() where consumer_group = $1`;

/** The cluster that a group is recorded to read; `id` where it is the first. Safe to run twice at once. */
export async function clusterOf(
  db: Pick<Database, 'query'>,
  group: string,
  id: string,
): Promise<string> {
  await db.query(KEEP, [cleanKey(group), cleanText(id, 256)]);
  return textOf(onlyRow(await db.query(READ, [cleanKey(group)])), 'cluster_id');
}

/** From now on the group reads this one. */
export async function changeCluster(
  db: Pick<Database, 'query'>,
  group: string,
  id: string,
): Promise<void> {
  await db.query(CHANGE, [cleanKey(group), cleanText(id, 256)]);
}
