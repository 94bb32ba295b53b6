/** Groups by Kafka's own account: how far one has come, and that one is no more. */
import type { StartPosition } from '../model/ports.ts';
import { withAdmin } from './kafka-client.ts';
import type { KafkaOptions } from './kafka-face.ts';
import { safeOffset } from './kafka-shapes.ts';

/**
 * How far a group is by Kafka's own account, for the partitions of `topics` that it ever committed.
 * Rejects with BROKER_UNREACHABLE.
 */
export async function readCommitted(
  options: KafkaOptions,
  group: string,
  topics: readonly string[],
): Promise<readonly StartPosition[]> {
  return await withAdmin(options, `reading offsets of group ${group}`, async (admin) => {
    const found: StartPosition[] = [];
    const answers = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
    for (const { topic, partitions } of answers)
      for (const { partition, offset } of partitions)
        if (Number(offset) >= 0)
          found.push({ topic, partition, offset: safeOffset(offset, { topic, partition }) });
    return found;
  });
}

/** Deletes a group that has no member any more. One that is not there is no mistake. */
export async function forgetGroup(options: KafkaOptions, group: string): Promise<void> {
  await withAdmin(options, `deleting group ${group}`, async (admin) => {
    const { groups } = await admin.listGroups();
    if (groups.some(({ groupId }) => groupId === group)) await admin.deleteGroups([group]);
  });
}
