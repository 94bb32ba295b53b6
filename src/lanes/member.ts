/** Member: holds the lanes that a rebalance gives it, each with a loop of its own. */
import { OperatingError } from '../model/errors.ts';
import type {
  Broker,
  Clock,
  LaneHandler,
  Log,
  PartitionLag,
  Rec,
  SliceControl,
  SliceOutcome,
  StartPosition,
  TopicPartition,
} from '../model/ports.ts';
import { Stint } from '../observer/steps.ts';
import type { MissingRecords } from '../observer.ts';
import { LaneFeed } from './feed.ts';

/** A lane at work over its feed. */
export interface LaneLoop {
  /** Runs until the signal aborts, or until all there was is decided. Rejects with what went wrong. */
  run(signal: AbortSignal): Promise<void>;
  missing(gap: MissingRecords): void;
  /** Does the record still show what is in memory? False: it must be loaded anew. */
  isOurs(): Promise<boolean>;
}

/** What a member is made of. */
export interface MemberParts {
  /** Reads the internal topic as a member of its group. */
  readonly broker: Broker;
  /** Name of the internal topic. */
  readonly topic: string;
  /** Ends of every source partition, asked of Kafka. */
  readonly ends: () => Promise<readonly PartitionLag[]>;
  /** Makes the loop of a lane. */
  readonly open: (lane: number, feed: LaneFeed) => LaneLoop;
  /**
   * Tells other members which source partitions lanes of this one want to wait, and returns what theirs
   * want: whoever forwards a partition is not who holds the lane that is full.
   */
  readonly share: (wanted: readonly TopicPartition[]) => Promise<readonly TopicPartition[]>;
  /** Source partitions that this process forwards pause or go on. */
  readonly pause: (partitions: readonly TopicPartition[], paused: boolean) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** How a member is run. */
export interface MemberOptions {
  /** Ends once every lane that is held has decided all there was. */
  readonly untilCaughtUp: boolean;
}

/** Ends are asked for at least so often, as the port promises. */
const ENDS_MS = 1000;
const STOP_WITHIN_MS = 20_000;

interface Held {
  readonly feed: LaneFeed;
  readonly loop: LaneLoop;
  readonly over: AbortController;
  readonly running: Promise<void>;
  ended: boolean;
}

/** Stage 2. One member of the group that reads the internal topic. */
export class Member implements LaneHandler {
  readonly #parts: MemberParts;
  readonly #options: MemberOptions;
  readonly #held = new Map<number, Held>();
  /** Of all lanes together: the event loop is theirs in common. */
  readonly #stint: Stint;
  readonly #ended = Promise.withResolvers<void>();
  /** Which lanes want a source partition to wait. */
  readonly #paused = new Map<
    string,
    { readonly at: TopicPartition; readonly lanes: Set<number> }
  >();
  /** What lanes of other members want to wait. */
  #elsewhere: readonly TopicPartition[] = [];
  /** What is far ahead of the slowest partition, whatever lanes want. */
  #ahead: readonly TopicPartition[] = [];
  /** What waits, for whichever reason. */
  #waiting: ReadonlyMap<string, TopicPartition> = new Map();
  #ends: readonly PartitionLag[] = [];
  #isStopping = false;
  #isOpening = false;
  /** Lanes that were given to others since partitions were assigned last. */
  readonly #unwanted = new Set<number>();

  constructor(parts: MemberParts, options: MemberOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#stint = new Stint(parts.clock);
    this.#ended.promise.catch(() => undefined);
  }

  /** Lanes held now. */
  get lanes(): readonly number[] {
    return [...this.#held.keys()].sort((a, b) => a - b);
  }

  /** Runs until the signal aborts, or until caught up. Rejects with what went wrong in any lane. */
  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const stop = () => {
      over.abort();
      this.#ended.resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const asking = this.#askEnds(over.signal);
    try {
      await Promise.race([this.#parts.broker.start(this), this.#ended.promise]);
      await this.#ended.promise;
    } finally {
      this.#isStopping = true;
      over.abort();
      signal.removeEventListener('abort', stop);
      // What a lane has not stored is read again by whoever takes it over.
      const lanes = [...this.#held.values()];
      for (const lane of lanes) lane.over.abort();
      await this.#parts.broker.stop(STOP_WITHIN_MS);
      await Promise.all([asking, ...lanes.map(({ running }) => running)]);
      this.#held.clear();
    }
  }

  /** Source partitions that this process is to forward no further for now: these, and no longer any other. */
  hold(partitions: readonly TopicPartition[]): void {
    this.#ahead = partitions;
    this.#settle();
  }

  async assigned(partitions: readonly PartitionLag[]): Promise<readonly StartPosition[]> {
    this.#unwanted.clear();
    this.#isOpening = true;
    this.#ends = await this.#parts.ends();
    const starts: StartPosition[] = [];
    for (const { topic, partition } of partitions)
      starts.push({ topic, partition, offset: await this.#startOf(partition) });
    this.#isOpening = false;
    this.#parts.log.info({ lanes: this.lanes }, 'lanes held');
    this.#endIfOver();
    return starts;
  }

  revoked(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) {
      this.#unwanted.add(partition);
      void this.#drop(partition);
    }
  }

  async slice(records: readonly Rec[], control: SliceControl): Promise<SliceOutcome> {
    const held = this.#held.get(records[0]?.partition ?? -1);
    if (held === undefined) return 'fenced';
    // Decided to the end as it was: what came since is read by the next who starts.
    if (held.ended) return 'held';
    return await held.feed.slice(records, control);
  }

  progress(): void {
    // How far the internal log goes says nothing about the sources: their ends are asked for.
  }

  failed(cause: Error): void {
    this.#ended.reject(cause);
  }

  /** Offsets of the internal topic that were gone before the lane read them. */
  missing(gap: MissingRecords): void {
    this.#held.get(gap.partition)?.loop.missing(gap);
  }

  /** Where a lane goes on: in memory where it was ours all the time, else as it is stored. */
  async #startOf(lane: number): Promise<number> {
    const kept = this.#held.get(lane);
    if (kept?.ended === true && this.#options.untilCaughtUp) return kept.feed.next;
    if (kept?.feed.isSound === true && (await kept.loop.isOurs())) return kept.feed.next;
    await this.#drop(lane);
    if (this.#isStopping) throw stopping();
    // Given to somebody else meanwhile: to claim it now would take it from whoever has it.
    return this.#unwanted.has(lane) ? 0 : await this.#open(lane);
  }

  #endIfOver(): void {
    if (!this.#options.untilCaughtUp || this.#isOpening || this.#held.size === 0) return;
    if ([...this.#held.values()].every(({ ended }) => ended)) this.#ended.resolve();
  }

  async #open(lane: number): Promise<number> {
    const { topic, log, open } = this.#parts;
    const feed: LaneFeed = new LaneFeed({
      ...{ lane, topic, log },
      ends: () => this.#ends,
      onMissing: (gap) => loop.missing(gap),
      onPause: (partitions, paused) => this.#pause(lane, partitions, paused),
      giveWay: async () => {
        if (this.#stint.isDue) await this.#stint.giveWay();
      },
    });
    const loop = open(lane, feed);
    const over = new AbortController();
    const running = this.#running(lane, loop, over.signal);
    this.#held.set(lane, { feed, loop, over, running, ended: false });
    return await feed.opened;
  }

  async #running(lane: number, loop: LaneLoop, signal: AbortSignal): Promise<void> {
    try {
      await loop.run(signal);
      if (signal.aborted) return;
      const held = this.#held.get(lane);
      if (held !== undefined) held.ended = true;
      this.#endIfOver();
    } catch (cause) {
      // Of a lane that is not ours any more, nothing is to be said: whoever has it reads on.
      if (signal.aborted) return;
      this.#ended.reject(cause);
    }
  }

  async #drop(lane: number): Promise<void> {
    const held = this.#held.get(lane);
    if (held === undefined) return;
    this.#held.delete(lane);
    held.over.abort();
    held.feed.close();
    for (const { at } of [...this.#paused.values()]) this.#release(lane, at);
    this.#settle();
    await held.running;
  }

  /** A partition waits while any lane of any member wants it to. */
  #pause(lane: number, partitions: readonly TopicPartition[], paused: boolean): void {
    for (const at of partitions) {
      if (!paused) this.#release(lane, at);
      else {
        const key = keyOf(at);
        const known = this.#paused.get(key);
        if (known === undefined) this.#paused.set(key, { at, lanes: new Set([lane]) });
        else known.lanes.add(lane);
      }
    }
    this.#settle();
  }

  #release(lane: number, at: TopicPartition): void {
    const key = keyOf(at);
    const known = this.#paused.get(key);
    if (known === undefined || !known.lanes.delete(lane) || known.lanes.size > 0) return;
    this.#paused.delete(key);
  }

  /** Pauses what is to wait from now on, and lets go on what nothing holds any more. */
  #settle(): void {
    const before = this.#waiting;
    const wanted = [...this.#paused.values()].map(({ at }) => at);
    const now = new Map(
      [...wanted, ...this.#elsewhere, ...this.#ahead].map((at) => [keyOf(at), at] as const),
    );
    this.#waiting = now;
    const begun = [...now].flatMap(([key, at]) => (before.has(key) ? [] : at));
    const over = [...before].flatMap(([key, at]) => (now.has(key) ? [] : at));
    if (begun.length > 0) this.#parts.pause(begun, true);
    if (over.length > 0) this.#parts.pause(over, false);
  }

  async #shareWishes(): Promise<void> {
    const wanted = [...this.#paused.values()].map(({ at }) => at);
    this.#elsewhere = await this.#parts.share(wanted);
    this.#settle();
  }

  async #askEnds(signal: AbortSignal): Promise<void> {
    const { clock, log, ends } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(ENDS_MS, signal);
      if (signal.aborted) return;
      try {
        this.#ends = await ends();
        for (const { feed } of this.#held.values()) feed.progress(this.#ends);
        await this.#shareWishes();
      } catch (cause) {
        if (!(cause instanceof OperatingError)) throw cause;
        log.warn({ code: cause.code }, 'the sources do not tell how far they go');
      }
    }
  }
}

function keyOf(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}

function stopping(): OperatingError {
  return new OperatingError('BROKER_CRASHED', 'stopped while lanes were being opened', {
    retryable: true,
  });
}
