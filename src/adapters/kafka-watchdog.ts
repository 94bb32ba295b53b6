/** Watchdog of partitions: which have records that nobody gets, although the client is alive. */
import type { PartitionLag, TopicPartition } from '../model/ports.ts';
import { partitionKey } from './kafka-face.ts';

/** A partition whose position did not move although there was more, and since when, ms. */
export interface StuckPartition extends TopicPartition {
  readonly next: number;
  readonly end: number;
  readonly sinceMs: number;
}

interface Seen {
  next: number;
  sinceMs: number;
  isStuck: boolean;
}

/**
 * Position below the end and unmoved for `afterMs`: the partition is stuck, which is blind and not quiet.
 * One that was paused on purpose is not; its time begins anew when it goes on.
 */
export class StuckWatch {
  readonly #afterMs: number;
  readonly #seen = new Map<string, Seen>();

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  /** Takes in where reading stands now; tells who got stuck, and who moved again, since the last time. */
  look(
    lags: readonly PartitionLag[],
    isPaused: (at: TopicPartition) => boolean,
    nowMs: number,
  ): { readonly stuck: readonly StuckPartition[]; readonly freed: readonly StuckPartition[] } {
    const stuck: StuckPartition[] = [];
    const freed: StuckPartition[] = [];
    const present = new Set<string>();
    for (const lag of lags) {
      const { topic, partition, next, end } = lag;
      const key = partitionKey(lag);
      present.add(key);
      const own = this.#seen.get(key);
      const moves = own === undefined || next !== own.next || next >= end || isPaused(lag);
      if (moves) {
        if (own?.isStuck === true)
          freed.push({ topic, partition, next, end, sinceMs: own.sinceMs });
        this.#seen.set(key, { next, sinceMs: nowMs, isStuck: false });
      } else if (!own.isStuck && nowMs - own.sinceMs >= this.#afterMs) {
        own.isStuck = true;
        stuck.push({ topic, partition, next, end, sinceMs: own.sinceMs });
      }
    }
    // Partitions of somebody else begin anew, should they come back.
    for (const key of this.#seen.keys()) if (!present.has(key)) this.#seen.delete(key);
    return { stuck, freed };
  }
}
