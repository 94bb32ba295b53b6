/** JSON-lines files as a broker: a file per topic, plain or gzip, followed or read once. */
import { OperatingError } from '../model/errors.ts';
import type {
  Broker,
  LaneHandler,
  PartitionLag,
  StartPosition,
  TopicPartition,
} from '../model/ports.ts';
import { type JsonlOptions, TopicFile } from './jsonl-file.ts';

const PROGRESS_MS = 1000;

/**
 * Reads lines as records of partition 0. The offset of a record is the byte at which its line
 * begins in the (decompressed) file, above its generation. Nothing is lost while the broker runs:
 * a renamed file is read to its end before the new one begins, a truncated file is reported and
 * read from its start. After a restart on a file that cannot be the one that was left, reading
 * begins at its first byte: repeats are recognised by identity, gaps could not be.
 *
 * Where a topic has a plain and a gzip file, the plain one is read and the other one is reported.
 *
 * A last line without newline is held while following, and delivered otherwise. `finished` resolves
 * when everything was delivered (`follow: false`) or the broker was stopped, and rejects with what
 * `failed` was told.
 */
export function createJsonlBroker(options: JsonlOptions): Broker & {
  readonly finished: Promise<void>;
} {
  return new JsonlBroker(options);
}

class JsonlBroker implements Broker {
  readonly finished: Promise<void>;
  readonly #options: JsonlOptions;
  readonly #files: readonly TopicFile[];
  readonly #paused = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #settle: { resolve(): void; reject(cause: Error): void };
  /** Past the deadline of stopping: a slice that is still at work must not take effect. */
  #isDead = false;
  #loop: Promise<void> | null = null;

  constructor(options: JsonlOptions) {
    this.#options = options;
    this.#files = options.topics.map((topic) => new TopicFile(topic, options));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#settle = { resolve, reject };
    // Whoever does not wait for the end is still told through `failed`.
    promise.catch((cause: unknown) => {
      options.log.debug(
        { reason: cause instanceof Error ? cause.name : 'unknown' },
        'reader ended',
      );
    });
  }

  async start(handler: LaneHandler): Promise<void> {
    let found = 0;
    for (const file of this.#files) if (await file.look()) found += 1;
    if (found === 0 && !this.#options.follow) {
      throw new OperatingError(
        'SOURCE_UNREADABLE',
        `${this.#options.path} holds no file for ${this.#options.topics.join(', ')}: expected ` +
          '<topic>.jsonl or <topic>.jsonl.gz',
        { retryable: false },
      );
    }
    const starts = await handler.assigned(await this.lag());
    for (const file of this.#files) file.seek(startOf(starts, file.topic));
    this.#loop = this.#run(handler);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic } of partitions) this.#paused.add(topic);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic } of partitions) this.#paused.delete(topic);
  }

  async lag(): Promise<readonly PartitionLag[]> {
    return this.#files.map((file) => file.lag());
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    if (this.#loop !== null) {
      const waited = new AbortController();
      const loop = this.#loop.finally(() => waited.abort());
      await Promise.race([loop, this.#options.clock.sleep(deadlineMs, waited.signal)]);
    }
    this.#isDead = true;
    for (const file of this.#files) await file.close();
    this.#settle.resolve();
  }

  async #run(handler: LaneHandler): Promise<void> {
    try {
      await this.#deliver(handler);
      this.#settle.resolve();
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#settle.reject(error);
      handler.failed(error);
    } finally {
      for (const file of this.#files) await file.close();
    }
  }

  /** Slices in turn, one topic after the other, until stopped or at the end. */
  async #deliver(handler: LaneHandler): Promise<void> {
    const { clock, follow, pollMs = 200 } = this.#options;
    const { signal } = this.#stopping;
    let reportedMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      let delivered = 0;
      let open = 0;
      const done = this.#files.filter(({ isDone }) => isDone).length;
      for (const file of this.#files) {
        if (signal.aborted) return;
        if (this.#paused.has(file.topic)) {
          if (!file.isDone) open += 1;
          continue;
        }
        delivered += await this.#slice(file, handler);
        if (!file.isDone) open += 1;
      }
      if (open === 0 && !follow) {
        handler.progress(await this.lag());
        return;
      }
      // That a file has ended is news by itself: others may be waiting for it.
      const hasEnded = this.#files.filter(({ isDone }) => isDone).length > done;
      if (hasEnded || clock.nowMs() - reportedMs >= PROGRESS_MS) {
        reportedMs = clock.nowMs();
        handler.progress(await this.lag());
      }
      if (delivered === 0) await clock.sleep(pollMs, signal);
    }
  }

  async #slice(file: TopicFile, handler: LaneHandler): Promise<number> {
    const records = await file.read();
    if (records.length === 0) return 0;
    const { next, end } = file.lag();
    const control = {
      heartbeat: async () => undefined,
      live: () => !this.#isDead,
      end,
      more: next < end,
    };
    const answer = await handler.slice(records, control);
    if (this.#isDead) return 0;
    if (answer === 'fenced') {
      throw new OperatingError(
        'LANE_FENCED',
        `topic ${file.topic}: another observer owns this topic in the same database; stop one`,
        { retryable: false },
      );
    }
    return records.length;
  }
}

function startOf(starts: readonly StartPosition[], topic: string): number {
  return starts.find((start) => start.topic === topic && start.partition === 0)?.offset ?? 0;
}
