/** The gate of a partition: how far it was read, stored and told, and what its log is. */
import type { Bookmark } from '../model/bookmark.ts';
import { assert } from '../model/errors.ts';
import type { PartitionLag, StartPosition, TopicPartition } from '../model/ports.ts';
import { beyondEnd } from './kafka-errors.ts';

/** An end before our position is believed when it was named so often: after a restart it may be an old one. */
export const BEYOND_END_MAX = 3;

/** What is known of a partition that records may pass from. */
export interface Gate extends TopicPartition {
  next: number;
  /** Up to where the handler has stored what it took, and what of it Kafka was told. */
  stored: number;
  told: number;
  low: number;
  end: number;
  /** Batches in a row that began before `next`. */
  behind: number;
  /** Answers in a row that put the end of the log before `next`. */
  beyondEnd: number;
  /** Record that must be met before anything passes; null: it was, or none is known. */
  proof: Bookmark | null;
}

/**
 * The gate of a partition at the position that the handler names; at the log's beginning where the position
 * lies before it. Throws BROKER_LAYOUT where it lies beyond the end, and asserts that it is one.
 */
export function openGate(at: PartitionLag, position: StartPosition | undefined): Gate {
  const { topic, partition, low, end } = at;
  const offset = position?.offset;
  const proof = position?.proof ?? null;
  const isThere = proof !== null && proof.offset >= low && proof.offset < end;
  assert(offset !== undefined, `no start position for ${topic}/${partition}`);
  assert(Number.isSafeInteger(offset) && offset >= 0, `start position ${offset} is no offset`);
  if (offset > end) throw beyondEnd({ topic, partition }, offset, end);
  return {
    topic,
    partition,
    next: Math.max(offset, low),
    stored: Math.max(offset, low),
    told: offset,
    low,
    end,
    behind: 0,
    beyondEnd: 0,
    proof: isThere ? proof : null,
  };
}
