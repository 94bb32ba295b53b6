/** A range of offsets as a broker that ends: reads what was recorded and nothing after it. */
import { OperatingError } from '../model/errors.ts';
import type {
  Broker,
  LaneHandler,
  PartitionLag,
  Rec,
  SliceControl,
  SliceOutcome,
  StartPosition,
  TopicPartition,
} from '../model/ports.ts';
import { type OffsetRange, partitionKey } from './kafka-face.ts';

interface Part extends TopicPartition {
  readonly from: number;
  readonly to: number;
  next: number;
}

/**
 * Delivers the records of `ranges` (`low` up to but without `end` of each partition) from a broker
 * that reads at least these partitions, each as if its log began and ended there. `finished` resolves
 * when all of it was delivered, and rejects with what `failed` was told; also where partitions are
 * taken away meanwhile, since half a range must not pass for a whole one.
 */
export function createKafkaRange(
  inner: Broker,
  ranges: readonly OffsetRange[],
): Broker & { readonly finished: Promise<void> } {
  return new KafkaRange(inner, ranges);
}

class KafkaRange implements Broker {
  readonly finished: Promise<void>;
  readonly #inner: Broker;
  readonly #parts: ReadonlyMap<string, Part>;
  readonly #settle: { resolve(): void; reject(cause: Error): void };
  #handler: LaneHandler | null = null;
  /** Partitions of the same topics that no range names. */
  #others: readonly PartitionLag[] = [];
  #isAssigned = false;
  #isStopping = false;

  constructor(inner: Broker, ranges: readonly OffsetRange[]) {
    this.#inner = inner;
    this.#parts = new Map(
      ranges.map(({ topic, partition, low, end }) => [
        partitionKey({ topic, partition }),
        { topic, partition, from: low, to: end, next: low },
      ]),
    );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#settle = { resolve, reject };
    // Whoever does not wait for the end is still told through `failed`.
    promise.catch(() => undefined);
  }

  async start(handler: LaneHandler): Promise<void> {
    this.#handler = handler;
    await this.#inner.start({
      assigned: (partitions) => this.#assigned(handler, partitions),
      revoked: (partitions) => {
        handler.revoked(partitions);
        if (!this.#isStopping) this.#fail(takenAway());
      },
      slice: (records, control) => this.#slice(handler, records, control),
      progress: (lags) => this.#progress(handler, lags),
      failed: (cause) => this.#fail(cause),
    });
    this.#inner.pause([...this.#parts.values(), ...this.#others].filter((at) => !this.#isOpen(at)));
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#inner.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#inner.resume(partitions.filter((at) => this.#isOpen(at)));
  }

  async lag(): Promise<readonly PartitionLag[]> {
    return [...this.#parts.values()].map(lagOf);
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#inner.stop(deadlineMs);
    this.#settle.resolve();
  }

  async #assigned(
    handler: LaneHandler,
    partitions: readonly PartitionLag[],
  ): Promise<readonly StartPosition[]> {
    // The handler would begin anew and see everything before this point twice.
    if (this.#isAssigned) throw takenAway();
    this.#isAssigned = true;
    this.#others = partitions.filter((at) => !this.#parts.has(partitionKey(at)));
    const starts = await handler.assigned([...this.#parts.values()].map(lagOf));
    this.#endIfRead();
    const rest = this.#others.map(({ topic, partition, end }) => ({
      topic,
      partition,
      offset: end,
    }));
    return [...starts, ...rest];
  }

  async #slice(
    handler: LaneHandler,
    records: readonly Rec[],
    control: SliceControl,
  ): Promise<SliceOutcome> {
    const last = records.at(-1);
    const part = last === undefined ? undefined : this.#parts.get(partitionKey(last));
    // Nothing of it is wanted, and nothing is known of what was handed on before.
    if (last === undefined || part === undefined) return 'held';
    const own = records.filter(({ offset }) => offset >= part.next && offset < part.to);
    const next = Math.min(control.next ?? last.offset + 1, part.to);
    let outcome: SliceOutcome = 'held';
    if (own.length > 0) {
      outcome = await handler.slice(own, { ...control, end: part.to, next });
      if (outcome === 'fenced') return 'fenced';
    }
    this.#reached(handler, part, next);
    return outcome;
  }

  #progress(handler: LaneHandler, lags: readonly PartitionLag[]): void {
    for (const lag of lags) {
      const part = this.#parts.get(partitionKey(lag));
      // What holds nothing to deliver (transaction markers, compacted records) is passed here.
      if (part !== undefined && lag.next > part.next) this.#reached(handler, part, lag.next);
    }
  }

  #reached(handler: LaneHandler, part: Part, next: number): void {
    part.next = Math.max(part.next, Math.min(next, part.to));
    if (part.next < part.to) return;
    this.#inner.pause([part]);
    handler.progress([...this.#parts.values()].map(lagOf));
    this.#endIfRead();
  }

  #endIfRead(): void {
    if ([...this.#parts.values()].every(({ next, to }) => next >= to)) this.#settle.resolve();
  }

  #isOpen(at: TopicPartition): boolean {
    const part = this.#parts.get(partitionKey(at));
    return part !== undefined && part.next < part.to;
  }

  #fail(cause: Error): void {
    this.#settle.reject(cause);
    this.#handler?.failed(cause);
  }
}

function lagOf({ topic, partition, from, to, next }: Part): PartitionLag {
  return { topic, partition, low: from, end: to, next };
}

function takenAway(): OperatingError {
  const message = 'the group was rebalanced while the range was read; run it again';
  return new OperatingError('BROKER_CRASHED', message, { retryable: true });
}
