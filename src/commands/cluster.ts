/** Cluster: refuses to read another Kafka cluster than the one whose positions are recorded. */
import type { readClusterId } from '../adapters/kafka-cluster.ts';
import { OperatingError } from '../model/errors.ts';
import type { Database, Log } from '../model/ports.ts';
import { changeCluster, clusterOf } from '../record/cluster.ts';

/** What the question is asked with. */
export interface ClusterCheck {
  readonly db: Pick<Database, 'query'>;
  readonly group: string;
  readonly log: Log;
  /** Somebody said that the change is meant. */
  readonly isAccepted: boolean;
  readonly read: () => ReturnType<typeof readClusterId>;
}

/**
 * Compares the id of the cluster with the recorded one; the first is recorded. Rejects with BROKER_CLUSTER
 * where it is another and nobody accepted that. Positions are kept then: each log is compared with its
 * bookmark, and read from its beginning where it is another one.
 */
export async function checkCluster(check: ClusterCheck): Promise<void> {
  const { db, group, log, isAccepted } = check;
  const id = await check.read();
  if (id === null) return;
  const known = await clusterOf(db, group, id);
  if (known === id) return;
  if (!isAccepted)
    throw new OperatingError(
      'BROKER_CLUSTER',
      `kafka.brokers lead to cluster ${id}, and the positions of group ${group} are those of cluster ` +
        `${known}: correct the addresses, or, if the move is meant, run once with --accept-cluster-change`,
      { retryable: false },
    );
  await changeCluster(db, group, id);
  log.warn({ group, before: known, now: id }, 'another Kafka cluster is read from now on');
}
