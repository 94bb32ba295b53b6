/** Where logs begin and end, and where a moment lies in them. */
import type { StartPosition } from '../model/ports.ts';
import { type ClientAdmin, createProbe, disconnect, withAdmin } from './kafka-client.ts';
import { isMissingTopic, missingTopic, operatingError } from './kafka-errors.ts';
import type { KafkaOptions, OffsetRange, OffsetReader } from './kafka-face.ts';
import { safeOffset } from './kafka-shapes.ts';
import { createSockets, type Sockets } from './kafka-sockets.ts';

/** Answers questions about logs until it is closed. Nothing is connected before the first. */
export function openOffsets(options: KafkaOptions): OffsetReader {
  let current: { admin: ClientAdmin; sockets: Sockets; connected: Promise<void> } | null = null;
  let isClosed = false;
  const open = () => {
    const sockets = createSockets();
    const admin = createProbe(options, sockets);
    return { admin, sockets, connected: admin.connect() };
  };
  const drop = async (): Promise<void> => {
    const old = current;
    current = null;
    if (old === null) return;
    await disconnect(old.admin, options.log);
    old.sockets.close();
  };
  return {
    ranges: async (topics) => {
      if (isClosed) throw operatingError(new Error('closed'), 'reading log ends', options.brokers);
      current ??= open();
      const { admin, connected } = current;
      try {
        await connected;
        const ranges = await Promise.all(topics.map((topic) => rangesOf(admin, topic)));
        return ranges.flat();
      } catch (cause) {
        // An admin client keeps asking for a topic that it once did not find: begin anew.
        await drop();
        throw operatingError(cause, `reading log ends of ${topics.join(', ')}`, options.brokers);
      }
    },
    close: async () => {
      isClosed = true;
      await drop();
    },
  };
}

/** First and one-past-last offset of every partition of the topics. Rejects as `OffsetReader` does. */
export async function readOffsets(
  options: KafkaOptions,
  topics: readonly string[],
): Promise<readonly OffsetRange[]> {
  const reader = openOffsets(options);
  try {
    return await reader.ranges(topics);
  } finally {
    await reader.close();
  }
}

/**
 * Offset of the first record of each partition that was written at or after `ms`; the end of the log
 * where there is none. Times are the broker's, not those in the records.
 */
export async function readOffsetsAt(
  options: KafkaOptions,
  topics: readonly string[],
  ms: number,
): Promise<readonly StartPosition[]> {
  return await withAdmin(options, `looking for ${new Date(ms).toISOString()}`, async (admin) => {
    const found: StartPosition[] = [];
    for (const topic of topics)
      for (const { partition, offset } of await admin.fetchTopicOffsetsByTimestamp(topic, ms))
        found.push({ topic, partition, offset: safeOffset(offset, { topic, partition }) });
    return found;
  });
}

async function rangesOf(admin: ClientAdmin, topic: string): Promise<OffsetRange[]> {
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.map(({ partition, low, high }) => ({
      topic,
      partition,
      low: safeOffset(low, { topic, partition }),
      end: safeOffset(high, { topic, partition }),
    }));
  } catch (cause) {
    if (!isMissingTopic(cause)) throw cause;
    throw missingTopic(topic, cause);
  }
}
