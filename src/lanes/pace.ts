/** Pace: source partitions that are far ahead of the slowest wait until that has come as far. */
import type { TopicPartition } from '../model/ports.ts';

/** How far a partition was read. */
export interface Reading extends TopicPartition {
  next: number;
  /** Offset one past the last record in the log, as last known. */
  end: number;
  /** Highest event time seen in it since it was assigned, ms; null: none. */
  newestMs: number | null;
  /** `newestMs` as it was when the slowest elsewhere was last told; null: none, or it was far ahead even then. */
  calmMs: number | null;
}

/** How far partitions may be forwarded ahead of the slowest, ms of event time. */
const AHEAD_MS = 120_000;
/** Without a word of those elsewhere for so long, ms, nobody goes on. They are asked for every second. */
const UNTOLD_MS = 4000;

/**
 * Says which of the partitions held are to wait. Those held here are compared at each slice: a second of
 * reading from a backlog is many minutes of event time. With those elsewhere, too, as they were last told; and
 * where that is long ago, none goes on.
 */
export class Pace {
  readonly #hold: (partitions: readonly TopicPartition[]) => void;
  #heardMs: number | null = null;
  /** The slowest elsewhere that is not at its end, as it was last told, and when that was, ms. */
  #elsewhereMs: number | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;
  /** What is to wait, as it was last said. */
  #held = '';

  /** `hold` is called whenever what is to wait changes, with all of it. */
  constructor(hold: (partitions: readonly TopicPartition[]) => void) {
    this.#hold = hold;
  }

  /** Event time of the first event of any partition since they were assigned, ms; null: none came. */
  get heardMs(): number | null {
    return this.#heardMs;
  }

  /** Partitions are assigned anew: nothing was heard of any, and none waits. */
  begin(nowMs: number): void {
    this.#heardMs = null;
    this.#elsewhereMs = null;
    this.#toldMs = nowMs;
    this.moved(new Map(), nowMs);
  }

  /** An event of some partition came. */
  heard(eventMs: number | null): void {
    this.#heardMs ??= eventMs;
  }

  /** Event time of the slowest partition elsewhere that is not at its end, ms; null: none is behind. */
  elsewhere(held: ReadonlyMap<string, Reading>, slowestMs: number | null, nowMs: number): void {
    const slowestHere = this.#slowest(held);
    this.#elsewhereMs = slowestMs;
    this.#toldMs = nowMs;
    for (const read of held.values())
      read.calmMs = isFarAhead(read.newestMs, slowestHere) ? null : read.newestMs;
    this.moved(held, nowMs);
  }

  /**
   * Partitions held moved, or their ends did. Whoever leaps far ahead waits at once. At the ends of the logs
   * nobody leaps, and one that is behind for a moment makes nobody wait.
   */
  moved(held: ReadonlyMap<string, Reading>, nowMs: number): void {
    const slowestMs = this.#slowest(held);
    // Who cannot hear of the others may be far ahead of them already.
    const isUntold = nowMs - this.#toldMs > UNTOLD_MS;
    const waiting = [...held].filter(
      ([, { newestMs, calmMs }]) =>
        (isUntold && newestMs !== null) ||
        isFarAhead(newestMs, this.#elsewhereMs) ||
        (isFarAhead(newestMs, slowestMs) && (calmMs === null || isFarAhead(newestMs, calmMs))),
    );
    const keys = waiting.map(([key]) => key).join(' ');
    if (keys === this.#held) return;
    this.#held = keys;
    this.#hold(waiting.map(([, { topic, partition }]) => ({ topic, partition })));
  }

  /** Event time of the slowest of these that is not at its end, ms. What is unread stands where all began. */
  #slowest(held: ReadonlyMap<string, Reading>): number | null {
    let slowestMs: number | null = null;
    for (const { newestMs, next, end } of held.values()) {
      const ms = newestMs ?? this.#heardMs;
      if (next < end && ms !== null && (slowestMs === null || ms < slowestMs)) slowestMs = ms;
    }
    return slowestMs;
  }
}

function isFarAhead(newestMs: number | null, ofMs: number | null): boolean {
  return newestMs !== null && ofMs !== null && newestMs > ofMs + AHEAD_MS;
}
