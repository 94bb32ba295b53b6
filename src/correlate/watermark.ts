/** Watermarks: how far event time is complete, per partition, per source and for the lane. */

import { assert } from '../model/errors.ts';
import type { PartitionLag } from '../model/ports.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';

/** What a source's watermark depends on; ms. */
export interface SourceTiming {
  readonly topic: string;
  readonly latenessMs: number;
  readonly idleAfterMs: number;
}

/** How far event time is in one partition, ms. */
export interface PartitionStanding {
  readonly topic: string;
  readonly partition: number;
  /** Highest event time seen. */
  readonly newestMs: number;
  readonly watermarkMs: number;
}

interface Stored extends Entity {
  /** Highest event time seen, ms; clamped stamps do not count. */
  max: number;
}

interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly timing: SourceTiming;
  readonly stored: Stored;
  /** Offset one past the last record seen here. */
  next: number;
  end: number;
  /** When it was last read with an event in it, ms on the caller's clock; when it was taken over, at first. */
  arrivedMs: number;
  /** When its highest event time last rose, likewise. */
  risenMs: number;
  /** Since it was last read: did it have an event, and did its highest event time rise? */
  isHeard: boolean;
  isRisen: boolean;
  /** Records below this offset were read before a restart and are being read again. */
  readonly until: number;
  finished: boolean;
}

/**
 * The lane's watermark W: no record with event time ≤ W is expected any more. Per partition: highest
 * event time − lateness − 1 ms; the lane: the lowest over partitions that still count. A partition
 * that was read to its end and had no event for idleAfter does not count, nor does one whose events are
 * all older than its highest for idleAfter + lateness: repeats would hold W for ever, and what is only
 * late would not. When none counts, event time goes on at the pace of the clock, so that deadlines
 * still pass. W never goes back.
 */
export class Watermarks {
  readonly #slots: Slots;
  readonly #timings: ReadonlyMap<string, SourceTiming>;
  readonly #partitions = new Map<string, Partition>();
  readonly #unwritten = new Set<string>();
  #last: Partition | undefined;
  #effective = Number.MIN_SAFE_INTEGER;
  /** Where W would be, were it not held. */
  #ripe = Number.MIN_SAFE_INTEGER;

  constructor(slots: Slots, timings: readonly SourceTiming[]) {
    this.#slots = slots;
    this.#timings = new Map(timings.map((timing) => [timing.topic, timing]));
  }

  /** W in ms; MIN_SAFE_INTEGER before anything is known. */
  get effectiveMs(): number {
    return this.#effective;
  }

  /** Where W would be, were it not held: up to there everything may be released. */
  get ripeMs(): number {
    return this.#ripe;
  }

  /** Continues from a stored W. */
  restore(effectiveMs: number): void {
    this.#effective = effectiveMs;
    this.#ripe = effectiveMs;
  }

  /** Right after `advance`: W goes only to `ms` for now, for what lies beyond is not released yet. */
  hold(ms: number): void {
    this.#effective = ms;
  }

  /** Is something being read again that was read before a restart? */
  get isCatchingUp(): boolean {
    for (const { next, until } of this.#partitions.values()) if (next < until) return true;
    return false;
  }

  /** W goes on to `ms` at least, whatever is still expected: there is no more room to wait for it. */
  hasten(ms: number): void {
    this.#effective = Math.max(this.#effective, ms);
    this.#ripe = Math.max(this.#ripe, ms);
  }

  /**
   * Takes over partitions; forgets all others. `next`: where reading starts; `until`: what lies below
   * was read before: W stands still until it has been read again, or events would be overtaken.
   */
  assign(partitions: readonly (PartitionLag & { readonly until: number })[], nowMs: number): void {
    this.#partitions.clear();
    this.#unwritten.clear();
    this.#last = undefined;
    for (const { topic, partition, next, end, until } of partitions) {
      const timing = this.#timings.get(topic);
      assert(timing !== undefined, `no source is configured for topic ${topic}`);
      const key = `${topic}/${partition}`;
      let stored = this.#slots.get<Stored>('W', key);
      if (stored === undefined) {
        stored = { max: Number.MIN_SAFE_INTEGER };
        this.#slots.put('W', key, stored);
      }
      this.#partitions.set(key, {
        topic,
        partition,
        timing,
        stored,
        next,
        end,
        arrivedMs: nowMs,
        risenMs: nowMs,
        isHeard: false,
        isRisen: false,
        until,
        finished: false,
      });
    }
  }

  /** A record of this partition carried this event time. */
  saw(topic: string, partition: number, eventMs: number): void {
    // Records come slice by slice: it is often the partition of the last one.
    let known = this.#last;
    if (known?.topic !== topic || known.partition !== partition) {
      known = this.#partitions.get(`${topic}/${partition}`);
      this.#last = known;
    }
    if (known === undefined) return;
    known.isHeard = true;
    if (eventMs <= known.stored.max) return;
    known.stored.max = eventMs;
    known.isRisen = true;
    this.#slots.touch('W', `${topic}/${partition}`);
  }

  /**
   * A record of this partition that others were given carried this event time. Written with the next
   * commit there is, which `settle` precedes: it is said several times a second, and costs no commit.
   */
  heardOf(topic: string, partition: number, eventMs: number): void {
    const key = `${topic}/${partition}`;
    const known = this.#partitions.get(key);
    if (known === undefined) return;
    known.isHeard = true;
    if (eventMs <= known.stored.max) return;
    known.stored.max = eventMs;
    known.isRisen = true;
    this.#unwritten.add(key);
  }

  /** Hands what was only heard of to the next delta. */
  settle(): void {
    for (const key of this.#unwritten) this.#slots.touch('W', key);
    this.#unwritten.clear();
  }

  /** The partition was read up to `next`; its log ends at `end`. */
  read(topic: string, partition: number, next: number, end: number, nowMs: number): void {
    const known = this.#partitions.get(`${topic}/${partition}`);
    if (known === undefined) return;
    // What is read again cannot rise: its time begins when that is over.
    const isAgain = known.next < known.until;
    known.next = Math.max(known.next, next);
    known.end = Math.max(end, known.next);
    // Records without an event are no sign that one is still to come.
    if (known.isHeard || isAgain) known.arrivedMs = nowMs;
    if (known.isRisen || isAgain) known.risenMs = nowMs;
    known.isHeard = false;
    known.isRisen = false;
  }

  /**
   * Log ends as the broker says; no record was read. The end of a file is only known once it was
   * reached: what was said before then may have been too high, and is taken back.
   */
  ends(lags: readonly PartitionLag[]): void {
    for (const { topic, partition, next, end } of lags) {
      const known = this.#partitions.get(`${topic}/${partition}`);
      if (known === undefined) continue;
      const isFresh = next >= known.next;
      if (isFresh || end > known.end) known.end = Math.max(end, known.next);
    }
  }

  /** Every stream has ended for good: only what was read counts. */
  finish(): void {
    for (const partition of this.#partitions.values()) partition.finished = true;
  }

  /** Recomputes W. `nowMs` is the caller's clock, or null where only event time may decide. */
  advance(nowMs: number | null): number {
    let lowest = Number.POSITIVE_INFINITY;
    let newest: Partition | undefined;
    let lateness = 0;
    for (const partition of this.#partitions.values()) {
      if (newest === undefined || partition.stored.max > newest.stored.max) newest = partition;
      lateness = Math.max(lateness, partition.timing.latenessMs);
      if (partition.next < partition.until) return this.#effective;
      if (partition.finished || this.#idle(partition, nowMs)) continue;
      lowest = Math.min(lowest, partition.stored.max - partition.timing.latenessMs - 1);
    }
    let next = lowest;
    if (lowest === Number.POSITIVE_INFINITY) {
      if (newest === undefined || nowMs === null || newest.stored.max < 0) return this.#effective;
      next = newest.stored.max + Math.max(0, nowMs - newest.risenMs) - lateness - 1;
    }
    if (next > this.#effective) this.#effective = next;
    this.#ripe = this.#effective;
    return this.#effective;
  }

  /**
   * Partitions whose own watermark runs more than `aheadMs` in front of W: pause these first. That W
   * is held counts for nothing here: no partition could help that.
   */
  ahead(aheadMs: number): { topic: string; partition: number }[] {
    const found: { topic: string; partition: number }[] = [];
    for (const { topic, partition, stored, timing, next, until } of this.#partitions.values()) {
      // What is being read again must go on, or W would stand still for ever.
      if (next < until || stored.max < 0) continue;
      if (stored.max - timing.latenessMs - this.#ripe > aheadMs) found.push({ topic, partition });
    }
    return found;
  }

  /** Highest event time of all partitions, ms. */
  newestMs(): number {
    let newest = Number.NEGATIVE_INFINITY;
    for (const { stored } of this.#partitions.values()) newest = Math.max(newest, stored.max);
    return newest;
  }

  /** How far each partition is, for people. `newestMs` below 0: nothing was read. */
  standing(): PartitionStanding[] {
    return [...this.#partitions.values()].map(({ topic, partition, stored, timing }) => ({
      ...{ topic, partition, newestMs: stored.max },
      watermarkMs: stored.max - timing.latenessMs - 1,
    }));
  }

  #idle(partition: Partition, nowMs: number | null): boolean {
    if (nowMs === null || partition.next < partition.end) return false;
    const { arrivedMs, risenMs, timing } = partition;
    const { idleAfterMs, latenessMs } = timing;
    return nowMs - arrivedMs >= idleAfterMs || nowMs - risenMs >= idleAfterMs + latenessMs;
  }
}
