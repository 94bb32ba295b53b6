/** The Broker on Kafka: joins, watches over the client, replaces it when it falls silent. */
import { OperatingError } from '../model/errors.ts';
import type { Broker, Clock, LaneHandler, PartitionLag, TopicPartition } from '../model/ports.ts';
import type { UnreadableBatch } from './kafka-codecs.ts';
import { standingBefore, unreadable } from './kafka-errors.ts';
import {
  type GroupConsumer,
  type KafkaBrokerOptions,
  type KafkaClient,
  type OffsetRange,
  type OffsetReader,
  systemClock,
} from './kafka-face.ts';
import { KafkaLane } from './kafka-lane.ts';
import { StuckWatch } from './kafka-watchdog.ts';

// Ends of logs are passed on at least each 3 s; a question takes a few ms.
const PROBE_EVERY_MS = 2_000;
const RANGES_RETRY_MS = 500;
const SILENCE_MIN_MS = 90_000;
const STUCK_MS = 60_000;
const REBUILDS_MAX = 3;
const REBUILD_WINDOW_MS = 600_000;
const CLOSE_DEADLINE_MS = 10_000;
// Right after its creation a topic may be unknown to a broker for a moment.
const MISSING_MAX = 3;
// A batch that cannot be unpacked is met so often in a row only where reading stands in front of it.
const MET_MAX = 50;

/** A Broker whose Kafka client may hang, crash or lie. */
export class KafkaBroker implements Broker {
  readonly #options: KafkaBrokerOptions;
  readonly #client: KafkaClient;
  readonly #clock: Clock;
  readonly #offsets: OffsetReader;
  readonly #stopping = new AbortController();
  readonly #started = Promise.withResolvers<void>();
  #isStarted = false;
  #hasFailed = false;
  #handler: LaneHandler | null = null;
  #lane: KafkaLane | null = null;
  #consumer: GroupConsumer | null = null;
  #aliveMs = 0;
  /** The batch that could not be unpacked last, and how often in a row. */
  #met = { first: -1, times: 0 };
  readonly #rebuiltMs: number[] = [];
  readonly #stuck: StuckWatch;
  #watching: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | null = null;

  constructor(options: KafkaBrokerOptions, client: KafkaClient) {
    this.#options = options;
    this.#client = client;
    this.#clock = options.clock ?? systemClock;
    this.#offsets = client.offsets();
    this.#stuck = new StuckWatch(options.watch?.stuckMs ?? STUCK_MS);
  }

  /** Rejects with BROKER_UNREACHABLE, BROKER_TOPIC_MISSING, or whatever `assigned` rejected with. */
  async start(handler: LaneHandler): Promise<void> {
    if (this.#handler !== null) throw new Error('invariant broken: a broker starts once');
    this.#handler = handler;
    try {
      await this.#offsets.ranges(this.#options.topics);
      if (this.#stopping.signal.aborted) throw stoppedEarly();
      const { onStep, onGap, log } = this.#options;
      this.#lane = new KafkaLane({
        handler,
        log,
        whole: this.#options.whole === true,
        nowMs: () => this.#clock.nowMs(),
        ranges: (isWanted) => this.#ranges(isWanted),
        wait: () => this.#clock.sleep(RANGES_RETRY_MS, this.#stopping.signal),
        fail: (cause) => this.#fail(cause),
        opened: () => {
          this.#isStarted = true;
          this.#started.resolve();
        },
        onStep,
        onGap,
      });
      this.#join(this.#lane);
      await this.#started.promise;
    } catch (cause) {
      await this.stop(CLOSE_DEADLINE_MS);
      throw cause;
    }
    this.#watching = this.#watch();
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#lane?.pause(this.#consumer, partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#lane?.resume(this.#consumer, partitions);
  }

  /** Asks the broker. Rejects with BROKER_UNREACHABLE. */
  async lag(): Promise<readonly PartitionLag[]> {
    const lane = this.#lane;
    if (lane === null) return [];
    const asked = lane.lag();
    lane.progress(await this.#offsets.ranges(this.#options.topics), asked);
    return lane.lag();
  }

  /** Resolves at the latest after `deadlineMs`; what is still at work then is no longer live. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#shutDown(deadlineMs);
    return this.#stopped;
  }

  async #shutDown(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    if (this.#lane !== null && !this.#isStarted) this.#started.reject(stoppedEarly());
    this.#lane?.closing();
    await this.#consumer?.close(deadlineMs);
    this.#lane?.closed();
    await this.#offsets.close();
    await this.#watching;
  }

  #join(lane: KafkaLane): void {
    this.#aliveMs = this.#clock.nowMs();
    const isOurs = () => this.#consumer === consumer;
    const consumer = this.#client.consumer({
      joined: (assigned) => {
        if (!isOurs()) return;
        this.#aliveMs = this.#clock.nowMs();
        lane.joined(consumer, assigned);
      },
      batch: async (batch) => {
        if (isOurs()) await lane.batch(consumer, batch);
      },
      skipped: (at) => {
        if (isOurs()) lane.skipped(at);
      },
      alive: () => {
        this.#aliveMs = this.#clock.nowMs();
      },
      unreadable: (batch) => {
        if (isOurs() && !this.#stopping.signal.aborted) this.#standBefore(batch, lane.lag());
      },
      crashed: (cause) => {
        if (isOurs() && !this.#stopping.signal.aborted) this.#fail(crashed(cause));
      },
    });
    this.#consumer = consumer;
    void consumer.run();
  }

  /**
   * Ends reading once a partition has come to the batch. It may be another member's, or a fetch that
   * is thrown away; but one that comes again and again is ours, whatever lies in front of it.
   */
  #standBefore(batch: UnreadableBatch, lag: readonly PartitionLag[]): void {
    if (lag.length === 0) return;
    const first = batch.head?.firstOffset ?? -1;
    this.#met = { first, times: this.#met.first === first ? this.#met.times + 1 : 1 };
    const at = standingBefore(batch, lag);
    if (this.#options.undecodable === 'skip' && this.#skip(batch, at)) return;
    if (at.length > 0 || this.#met.times >= MET_MAX) this.#fail(unreadable(batch, at));
  }

  /**
   * Goes on behind the batch: its head says where it ends. True where that is done, or where it is to be
   * met again: of several partitions that may stand there those move on that are not in front of it.
   */
  #skip(batch: UnreadableBatch, at: readonly PartitionLag[]): boolean {
    const { head, packing, reason } = batch;
    if (head === null) return false;
    const [only] = at;
    if (only === undefined || at.length > 1) return this.#met.times < MET_MAX;
    const { topic, partition, next: from } = only;
    const to = head.lastOffset + 1;
    if (this.#lane?.skip(only, to) !== true) return true;
    const undecodable = `a batch packed with ${packing}: ${reason}`;
    this.#options.log.error({ topic, partition, from, to, reason }, 'records skipped: undecodable');
    this.#options.onGap?.({ topic, partition, from, to, undecodable });
    return true;
  }

  /** Reports the end once, and lets nothing more through. */
  #fail(cause: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    if (this.#isStarted) this.#handler?.failed(cause);
    else this.#started.reject(cause);
    void this.stop(CLOSE_DEADLINE_MS);
  }

  async #ranges(isWanted: () => boolean): Promise<readonly OffsetRange[]> {
    for (;;) {
      try {
        return await this.#offsets.ranges(this.#options.topics);
      } catch (cause) {
        if (!isWanted() || !isUnreachable(cause)) throw cause;
        this.#options.log.warn({ code: 'BROKER_UNREACHABLE' }, 'waiting for log ends after a join');
        await this.#clock.sleep(RANGES_RETRY_MS, this.#stopping.signal);
      }
    }
  }

  /** Asks for log ends all the time; silence of the client counts only while the broker answers. */
  async #watch(): Promise<void> {
    let missing = 0;
    const { signal } = this.#stopping;
    for (;;) {
      await this.#clock.sleep(PROBE_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        const asked = this.#lane?.lag() ?? [];
        const ranges = await this.#offsets.ranges(this.#options.topics);
        missing = 0;
        this.#lane?.progress(ranges, asked);
        this.#lookForStuck();
        await this.#rebuildIfSilent();
      } catch (cause) {
        this.#aliveMs = this.#clock.nowMs();
        if (signal.aborted) return;
        missing = isUnreachable(cause) ? 0 : missing + 1;
        this.#options.log.warn({ code: codeOf(cause) }, 'the broker does not tell its log ends');
        if (missing >= MISSING_MAX) this.#fail(cause as Error);
      }
    }
  }

  #lookForStuck(): void {
    const lane = this.#lane;
    if (lane === null) return;
    const nowMs = this.#clock.nowMs();
    const { stuck, freed } = this.#stuck.look(lane.lag(), (at) => lane.isPaused(at), nowMs);
    for (const { topic, partition, next, end, sinceMs } of stuck)
      this.#options.log.error(
        { topic, partition, next, end, sinceMs, code: 'BROKER_STUCK' },
        'partition stuck: there are records, and none arrives; it is blind',
      );
    if (stuck.length > 0) this.#handler?.stuck?.(stuck);
    if (freed.length > 0) this.#handler?.freed?.(freed);
  }

  async #rebuildIfSilent(): Promise<void> {
    const lane = this.#lane;
    const nowMs = this.#clock.nowMs();
    const silentMs = nowMs - this.#aliveMs;
    const leastMs = this.#options.watch?.silenceMs ?? SILENCE_MIN_MS;
    if (lane === null || silentMs < Math.max(2 * this.#options.sessionTimeoutMs, leastMs)) {
      return;
    }
    while ((this.#rebuiltMs[0] ?? nowMs) < nowMs - REBUILD_WINDOW_MS) this.#rebuiltMs.shift();
    if (this.#rebuiltMs.length >= REBUILDS_MAX) return this.#fail(stuck(silentMs));
    this.#rebuiltMs.push(nowMs);
    this.#options.log.error({ silentMs, code: 'BROKER_STUCK' }, 'Kafka client silent; replaced');
    const old = this.#consumer;
    this.#consumer = null;
    lane.shut([]);
    await old?.close(CLOSE_DEADLINE_MS);
    if (!this.#stopping.signal.aborted) this.#join(lane);
  }
}

function stoppedEarly(): OperatingError {
  return new OperatingError('BROKER_CRASHED', 'stopped before reading had begun', {
    retryable: true,
  });
}

function isUnreachable(cause: unknown): boolean {
  return codeOf(cause) === 'BROKER_UNREACHABLE';
}

function codeOf(cause: unknown): string {
  return cause instanceof OperatingError ? cause.code : 'unknown';
}

function crashed(cause: Error): Error {
  const origin = cause.cause instanceof OperatingError ? cause.cause : cause;
  if (origin instanceof OperatingError) return origin;
  return new OperatingError(
    'BROKER_CRASHED',
    `the Kafka client gave up for good (${cause.name}: ${cause.message}); restart the observer, ` +
      'which goes on at its recorded positions',
    { retryable: true, cause },
  );
}

function stuck(silentMs: number): OperatingError {
  return new OperatingError(
    'BROKER_STUCK',
    `the Kafka client shows no sign of life for ${Math.round(silentMs / 1000)} s although the ` +
      `broker answers, and was replaced ${REBUILDS_MAX} times within ten minutes; restart the observer`,
    { retryable: true },
  );
}
