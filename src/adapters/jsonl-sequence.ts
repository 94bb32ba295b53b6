/** Several folders of JSON-lines files as one broker: each topic's files one after the other. */
import type {
  Broker,
  Clock,
  LaneHandler,
  PartitionLag,
  Rec,
  TopicPartition,
} from '../model/ports.ts';
import { readLines, topicFile } from './jsonl-lines.ts';

/** What is read in sequence. */
export interface SequenceOptions {
  /** Folders in the order of their time. One need not hold every topic. */
  readonly folders: readonly string[];
  readonly topics: readonly string[];
  readonly clock: Clock;
}

const SLICE_RECORDS_MAX = 500;
const SLICE_BYTES_MAX = 1024 * 1024;
/** How long a topic that is to wait for the others is left alone, ms. */
const PAUSE_MS = 20;

/**
 * Reads every topic through all folders, once. Offsets count the lines of a topic over all its files.
 * `finished` resolves when everything was delivered or the broker was stopped, and rejects with what
 * `failed` was told.
 */
export function createJsonlSequence(options: SequenceOptions): Broker & {
  readonly finished: Promise<void>;
} {
  return new JsonlSequence(options);
}

class JsonlSequence implements Broker {
  readonly finished: Promise<void>;
  readonly #options: SequenceOptions;
  readonly #topics: readonly Topic[];
  readonly #paused = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #settle: { resolve(): void; reject(cause: Error): void };
  #loop: Promise<void> | null = null;

  constructor(options: SequenceOptions) {
    this.#options = options;
    this.#topics = options.topics.map((topic) => new Topic(topic, options));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#settle = { resolve, reject };
    // Whoever does not wait for the end is still told through `failed`.
    promise.catch(() => undefined);
  }

  async start(handler: LaneHandler): Promise<void> {
    await handler.assigned(await this.lag());
    this.#loop = this.#run(handler);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic } of partitions) this.#paused.add(topic);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic } of partitions) this.#paused.delete(topic);
  }

  async lag(): Promise<readonly PartitionLag[]> {
    return this.#topics.map((topic) => topic.lag());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
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
      for (const topic of this.#topics) await topic.close();
    }
  }

  async #deliver(handler: LaneHandler): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      let delivered = 0;
      for (const topic of this.#topics) {
        if (signal.aborted) return;
        if (topic.isDone || this.#paused.has(topic.name)) continue;
        const records = await topic.read();
        delivered += records.length;
        if (records.length === 0) continue;
        const control = {
          heartbeat: async () => undefined,
          live: () => !signal.aborted,
          end: topic.lag().end,
        };
        await handler.slice(records, control);
      }
      handler.progress(await this.lag());
      if (this.#topics.every(({ isDone }) => isDone)) return;
      if (delivered === 0) await this.#options.clock.sleep(PAUSE_MS, signal);
    }
  }
}

/** One topic through all folders. */
class Topic {
  readonly name: string;
  isDone = false;
  readonly #clock: Clock;
  readonly #lines: AsyncGenerator<Buffer, void>;
  #next = 0;

  constructor(name: string, { folders, clock }: SequenceOptions) {
    this.name = name;
    this.#clock = clock;
    this.#lines = linesOf(folders, name);
  }

  /** The next records, at most a slice; none at the end. */
  async read(): Promise<Rec[]> {
    const records: Rec[] = [];
    let bytes = 0;
    while (records.length < SLICE_RECORDS_MAX && bytes < SLICE_BYTES_MAX) {
      const line = await this.#lines.next();
      if (line.done === true) {
        this.isDone = true;
        break;
      }
      const value = line.value;
      bytes += value.length;
      const timestampMs = this.#clock.nowMs();
      const at = { topic: this.name, partition: 0, offset: this.#next };
      records.push({ ...at, timestampMs, key: null, value });
      this.#next += 1;
    }
    return records;
  }

  lag(): PartitionLag {
    const end = this.isDone ? this.#next : this.#next + 1;
    return { topic: this.name, partition: 0, next: this.#next, end, low: 0 };
  }

  async close(): Promise<void> {
    await this.#lines.return();
  }
}

async function* linesOf(folders: readonly string[], topic: string): AsyncGenerator<Buffer, void> {
  for (const folder of folders) {
    const file = await topicFile(folder, topic);
    if (file !== null) yield* readLines(file);
  }
}
