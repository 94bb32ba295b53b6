/** Positions: how far each partition was read, what of that is stored, and where to start. */
import { bookmarkOf } from '../model/bookmark.ts';
import type { LaneCommit, LanePosition } from '../model/effects.ts';
import { assert } from '../model/errors.ts';
import type { PartitionLag, Rec, StartPosition, TopicPartition } from '../model/ports.ts';

/** How long positions that moved over the records of others may stay unwritten, ms. */
const PASSED_EVERY_MS = 2000;

/** What of a log is lost to us. `lastMs`: when it got the last record that we read; null: unknown. */
export type Loss =
  /** It was never read before, and begins later than at its beginning. */
  | { readonly type: 'beginning'; readonly low: number }
  /** Records that were still to be used are gone. */
  | {
      readonly type: 'unused';
      readonly from: number;
      readonly to: number;
      readonly lastMs: number | null;
    }
  /** It is another log: it is read from its beginning, and what is lost of the former is not known. */
  | {
      readonly type: 'log';
      /** By what that was seen, for people. */
      readonly how: string;
      readonly low: number;
      readonly incarnation: number;
      readonly lastMs: number | null;
    };

/** How the reading of a partition begins. */
export interface Beginning {
  readonly start: StartPosition;
  /** What lies below was read before, and is read again. */
  readonly until: number;
  /** Null: nothing that we know of. */
  readonly loss: Loss | null;
}

/** Positions of the partitions of a lane. All but `begin` are about partitions that began. */
export class Positions {
  readonly #known = new Map<string, LanePosition>();
  readonly #stored = new Map<string, LanePosition>();
  /** Where reading stands: behind `next` while records of before a restart are read again. */
  readonly #cursors = new Map<string, number>();
  /** Since when positions are known that no commit has written, ms; null: they are written. */
  #passedMs: number | null = null;
  /** Where the commit that is being written moves to. */
  #moving: readonly LanePosition[] = [];

  restore(positions: readonly LanePosition[]): void {
    for (const position of positions) {
      const key = partitionKey(position);
      this.#known.set(key, position);
      this.#stored.set(key, position);
    }
  }

  /** Where to start: the oldest record still waiting, else where reading stopped. */
  begin(lag: PartitionLag): Beginning {
    const { start, loss } = this.#begin(lag);
    const key = partitionKey(lag);
    this.#cursors.set(key, start.offset);
    return { start, until: this.#of(lag).next, loss };
  }

  #begin(lag: PartitionLag): Omit<Beginning, 'until'> {
    const key = partitionKey(lag);
    const { topic, partition, low, end } = lag;
    const known = this.#known.get(key);
    const start = { topic, partition, offset: low };
    if (known === undefined || (known.next === 0 && known.low === 0)) {
      this.#known.set(key, { topic, partition, low, next: low });
      this.#stored.set(key, { topic, partition, low: 0, next: 0 });
      return { start, loss: low > 0 ? { type: 'beginning', low } : null };
    }
    const lastMs = known.bookmark?.timestampMs ?? null;
    if (lag.isRecreated === true || known.next > end) {
      const incarnation = (known.incarnation ?? 1) + 1;
      const how =
        lag.isRecreated === true
          ? 'another record stands where we had read'
          : `its log ends at ${end}, before our position ${known.next}`;
      this.#known.set(key, { topic, partition, low, next: low, incarnation });
      return { start, loss: { type: 'log', how, low, incarnation, lastMs } };
    }
    const proven = known.bookmark === undefined ? {} : { proof: known.bookmark };
    if (known.low >= low)
      return { start: { topic, partition, offset: known.low, ...proven }, loss: null };
    this.#known.set(key, { ...known, low, next: Math.max(known.next, low) });
    const loss = { type: 'unused', from: known.low, to: low, lastMs } as const;
    return { start: { ...start, ...proven }, loss };
  }

  /** Offset one past the last record that was read, now or before a restart. */
  nextOf(at: TopicPartition): number {
    return this.#of(at).next;
  }

  /** When the log got the last record that was read, ms; null where none is known. */
  lastMs(at: TopicPartition): number | null {
    return this.#known.get(partitionKey(at))?.bookmark?.timestampMs ?? null;
  }

  /** Records were read, `last` the last of them; reading goes on at `next`. */
  read(last: Rec, next: number): void {
    const key = partitionKey(last);
    const position = this.#of(last);
    const isNewest = last.offset > (position.bookmark?.offset ?? -1);
    const bookmark = isNewest ? { bookmark: bookmarkOf(last) } : {};
    this.#known.set(key, { ...position, ...bookmark, next: Math.max(position.next, next) });
    this.#cursors.set(key, next);
  }

  /** Somebody else read up to `next`. */
  passed(at: TopicPartition, next: number, nowMs: number): void {
    const key = partitionKey(at);
    const position = this.#of(at);
    this.#known.set(key, { ...position, next: Math.max(position.next, next) });
    this.#cursors.set(key, Math.max(next, this.#cursors.get(key) ?? 0));
    this.#passedMs ??= nowMs;
  }

  /** Must they be written although nothing else is to be? */
  isOverdue(nowMs: number): boolean {
    return this.#passedMs !== null && nowMs - this.#passedMs >= PASSED_EVERY_MS;
  }

  /** Nobody can read what lies before `to`. Of a partition that never began nothing is known. */
  skip(at: TopicPartition, to: number): void {
    const key = partitionKey(at);
    const position = this.#known.get(key);
    if (position === undefined || position.next >= to) return;
    this.#known.set(key, { ...position, next: to });
    this.#cursors.set(key, to);
  }

  /** What moved since it was stored. `heldLow`: the oldest record of a partition that still waits, or null. */
  moves(heldLow: (topic: string, partition: number) => number | null): LaneCommit['moves'] {
    const moves: { from: number; to: LanePosition }[] = [];
    for (const [key, position] of this.#known) {
      const { topic, partition, next } = position;
      // What a restart made us read again, and is not read again yet, is still needed.
      const unread = Math.min(next, this.#cursors.get(key) ?? next);
      const low = Math.min(unread, heldLow(topic, partition) ?? unread);
      const stored = this.#stored.get(key);
      const to = { ...position, low, next };
      if (stored !== undefined && stored.next === next && stored.low === low) continue;
      this.#known.set(key, to);
      moves.push({ from: stored?.next ?? next, to });
    }
    this.#passedMs = null;
    this.#moving = moves.map(({ to }) => to);
    return moves;
  }

  /** The last moves were written. What was read meanwhile was not. */
  written(): void {
    for (const to of this.#moving) this.#stored.set(partitionKey(to), to);
    this.#moving = [];
  }

  #of(at: TopicPartition): LanePosition {
    const key = partitionKey(at);
    const position = this.#known.get(key);
    assert(position !== undefined, `word of ${key}, which was never assigned`);
    return position;
  }
}

/** Names a partition. */
export function partitionKey(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}
