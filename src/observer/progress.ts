/** Progress: where reading has got to, and where each log ended when it was taken over. */
import type { PartitionLag, StartPosition, TopicPartition } from '../model/ports.ts';

/** Follows the partitions of a lane. */
export class Progress {
  #lags = new Map<string, PartitionLag>();
  #reached = new Map<string, number>();
  #goals = new Map<string, number>();

  /** Begins anew with the partitions that were taken over. */
  begin(partitions: readonly PartitionLag[], starts: readonly StartPosition[]): void {
    this.#lags = new Map(partitions.map((lag) => [keyOf(lag), lag]));
    this.#goals = new Map(partitions.map((lag) => [keyOf(lag), lag.end]));
    this.#reached = new Map(starts.map((start) => [keyOf(start), start.offset]));
  }

  /** As the broker said last. */
  get lags(): readonly PartitionLag[] {
    return [...this.#lags.values()];
  }

  /** The broker says how far partitions are. */
  heard(lags: readonly PartitionLag[]): void {
    for (const lag of lags) this.#lags.set(keyOf(lag), lag);
  }

  /** Reading of a partition goes on at `next`. */
  read(at: TopicPartition, next: number): void {
    this.#reached.set(keyOf(at), next);
  }

  /** Somebody else read up to `next`. */
  passed(at: TopicPartition, next: number): void {
    this.read(at, Math.max(next, this.#reached.get(keyOf(at)) ?? 0));
  }

  /** Was all read that was there at the takeover? Not before there is a partition. */
  isCaughtUp(): boolean {
    for (const [key, goal] of this.#goals) if ((this.#reached.get(key) ?? 0) < goal) return false;
    return this.#goals.size > 0;
  }
}

/** Names a partition. */
export function keyOf(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}
