/** Gate between Kafka and a lane: nothing passes before its position is known and sought. */
import { type Bookmark, isMarked } from '../model/bookmark.ts';
import type {
  LaneHandler,
  Log,
  PartitionLag,
  Rec,
  SliceControl,
  SliceOutcome,
  StartPosition,
  TopicPartition,
} from '../model/ports.ts';
import { KafkaClaim } from './kafka-claim.ts';
import { KafkaCourtesy } from './kafka-courtesy.ts';
import { fenced } from './kafka-errors.ts';
import {
  type FetchedBatch,
  type GroupConsumer,
  type OffsetGap,
  type OffsetRange,
  partitionKey,
} from './kafka-face.ts';
import { BEYOND_END_MAX, type Gate, openGate } from './kafka-gate.ts';
import { BatchPace } from './kafka-pace.ts';
import { cutSlices } from './kafka-slices.ts';
import { type TakeoverWorld, takeOver } from './kafka-takeover.ts';

// A batch before our position is dropped and sought again; so often in a row is another log.
const BEHIND_MAX = 3;

/** What a lane needs of its surroundings. */
export interface LaneWorld extends TakeoverWorld {
  readonly handler: LaneHandler;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Ends the broker: called at most once for each cause. */
  readonly fail: (cause: Error) => void;
  /** All gates of a join are open. */
  readonly opened: () => void;
  readonly onStep?: ((step: 'broker-committed', at: StartPosition) => void) | undefined;
  readonly onGap?: ((gap: OffsetGap) => void) | undefined;
}

/** Order, generations and positions of everything this member reads. Outlives consumers. */
export class KafkaLane {
  readonly #world: LaneWorld;
  #generation = 0;
  #isClosing = false;
  #held: readonly TopicPartition[] = [];
  readonly #gates = new Map<string, Gate>();
  readonly #paused = new Set<string>();
  #consumer: GroupConsumer | null = null;
  readonly #claim = new KafkaClaim();
  /** Partitions whose log is another one than our positions are of. */
  readonly #recreated = new Set<string>();
  /** Calls of the handler queue here, so that they never overlap. */
  #turn: Promise<unknown> = Promise.resolve();
  #isProgressQueued = false;
  /** Slices that wait for their turn. */
  #waiting = 0;
  readonly #pace: BatchPace;
  readonly #courtesy: KafkaCourtesy;

  constructor(world: LaneWorld) {
    this.#world = world;
    this.#pace = new BatchPace(world.nowMs);
    this.#courtesy = new KafkaCourtesy(world.nowMs, world.onStep);
  }

  /**
   * Begins a generation. The synchronous part pauses before kafkajs can fetch: a seek alone comes
   * too late and lets records from the old position through.
   */
  joined(consumer: GroupConsumer, assigned: readonly TopicPartition[]): void {
    const generation = this.shut(assigned);
    this.#held = assigned;
    this.#consumer = consumer;
    consumer.pause(assigned);
    void this.#takeOver(generation, consumer, assigned);
  }

  /** Closes every gate and tells the handler which partitions are not in `kept`. */
  shut(kept: readonly TopicPartition[]): number {
    this.#generation += 1;
    this.#gates.clear();
    const keep = new Set(kept.map(partitionKey));
    const lost = this.#held.filter((at) => !keep.has(partitionKey(at)));
    this.#held = this.#held.filter((at) => keep.has(partitionKey(at)));
    if (lost.length > 0) {
      this.#claim.over();
      this.#world.handler.revoked(lost);
    }
    return this.#generation;
  }

  /** Lets the slice at hand finish and no further one begin. */
  closing(): void {
    this.#isClosing = true;
  }

  /** From now on every slice at hand is no longer live. */
  closed(): void {
    this.#isClosing = true;
    this.#generation += 1;
    this.#gates.clear();
  }

  pause(consumer: GroupConsumer | null, partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#paused.add(partitionKey(at));
    consumer?.pause(partitions.filter((at) => this.#gates.has(partitionKey(at))));
  }

  resume(consumer: GroupConsumer | null, partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#paused.delete(partitionKey(at));
    // Behind a closed gate the end of the take-over resumes, not the caller.
    consumer?.resume(partitions.filter((at) => this.#gates.has(partitionKey(at))));
  }

  /**
   * Takes in what the broker says of its logs and passes it on. `asked` is `lag()` as it was when
   * the broker was asked: reading goes on meanwhile, and an answer may be older than a position.
   */
  progress(ranges: readonly OffsetRange[], asked: readonly PartitionLag[]): void {
    const nextThen = new Map(asked.map((at) => [partitionKey(at), at.next]));
    for (const range of ranges) {
      const gate = this.#gates.get(partitionKey(range));
      if (gate === undefined) continue;
      gate.low = range.low;
      gate.end = Math.max(gate.end, range.end);
      gate.beyondEnd =
        range.end < (nextThen.get(partitionKey(range)) ?? 0) ? gate.beyondEnd + 1 : 0;
      if (gate.beyondEnd >= BEYOND_END_MAX) {
        this.#takeAnew(gate, `its log ends at ${range.end}, before our position ${gate.next}`);
        return;
      }
    }
    if (this.#isProgressQueued || this.#gates.size === 0) return;
    this.#isProgressQueued = true;
    void this.#inTurn(async () => {
      this.#isProgressQueued = false;
      if (!this.#isClosing && this.#gates.size > 0) this.#world.handler.progress(this.lag());
    }).catch((cause: unknown) => this.#world.fail(asError(cause)));
  }

  /** Everything read so far and known of the ends, for partitions whose gate is open. */
  lag(): readonly PartitionLag[] {
    return [...this.#gates.values()].map(({ topic, partition, next, end, low }) => ({
      topic,
      partition,
      next,
      end,
      low,
    }));
  }

  /** Records that are never delivered were read over: what ends with them is at its end all the same. */
  skipped(at: StartPosition): void {
    const gate = this.#gates.get(partitionKey(at));
    if (gate === undefined || at.offset <= gate.next) return;
    gate.next = at.offset;
    const isLive = () => this.#gates.get(partitionKey(gate)) === gate && !this.#isClosing;
    void this.#inTurn(async () => {
      const { topic, partition, next, end } = gate;
      const over = { topic, partition, next, end, newestMs: null };
      if (isLive()) await this.#world.handler.passed?.([over]);
    }).catch((cause: unknown) => isLive() && this.#world.fail(asError(cause)));
  }

  /**
   * Hands a batch over, slice by slice. Returning without resolving means that the rest comes
   * again. Rejects only with errors of the group, which the client must see at once.
   */
  async batch(consumer: GroupConsumer, batch: FetchedBatch): Promise<void> {
    const generation = this.#generation;
    const gate = this.#gates.get(partitionKey(batch));
    if (gate === undefined || this.#isClosing) return;
    gate.end = Math.max(gate.end, batch.end);
    if (gate.proof !== null) {
      this.#prove(consumer, gate, gate.proof, batch);
      return;
    }
    if (!this.#isAtPosition(consumer, gate, batch)) return;
    this.#pace.came();
    for (const records of cutSlices(batch.records)) {
      const isTaken = await this.#slice(generation, gate, batch, records);
      if (!isTaken) return;
      // While others wait their turn, or come all the time, telling would only hold them up.
      const isLast = records.at(-1) === batch.records.at(-1) && this.#waiting === 0;
      if (this.#courtesy.isDue() || (isLast && !this.#pace.isStream()))
        await this.#courtesy.tell(batch, this.#gates.values());
      await batch.heartbeat();
    }
  }

  /**
   * Compares the last record that was read with the one that stands there now. Where another one does it
   * is another log; where none does, retention or compaction took it, and nothing can be told.
   */
  #prove(consumer: GroupConsumer, gate: Gate, proof: Bookmark, batch: FetchedBatch): void {
    const { topic, partition, next } = gate;
    const there = batch.records.find(({ offset }) => offset === proof.offset);
    if (there !== undefined && !isMarked(there, proof)) {
      this.#takeAnew(gate, `another record stands at ${proof.offset} than the one that was read`);
      return;
    }
    gate.proof = null;
    consumer.seek({ topic, partition, offset: next });
  }

  /** Everything is taken over again, this partition as one that nobody has read yet. */
  #takeAnew(at: TopicPartition, why: string): void {
    const { topic, partition } = at;
    this.#world.log.error(
      { topic, partition, why },
      'the topic is another one than was read before',
    );
    this.#recreated.add(partitionKey(at));
    this.#claim.over();
    if (this.#consumer !== null) this.joined(this.#consumer, this.#held);
  }

  /** Goes on behind records that cannot be read. False where the position is not ours to move. */
  skip(at: TopicPartition, to: number): boolean {
    const gate = this.#gates.get(partitionKey(at));
    if (gate === undefined || to <= gate.next || this.#consumer === null) return false;
    if (!this.#consumer.seek({ topic: at.topic, partition: at.partition, offset: to }))
      return false;
    gate.next = to;
    this.#claim.over();
    return true;
  }

  /** Does the partition stand still because somebody wants it to? */
  isPaused(at: TopicPartition): boolean {
    return this.#paused.has(partitionKey(at));
  }

  /** kafkajs falls back to another offset without a word: every batch is compared with ours. */
  #isAtPosition(consumer: GroupConsumer, gate: Gate, batch: FetchedBatch): boolean {
    const { topic, partition } = gate;
    if (batch.firstOffset < gate.next) {
      gate.behind += 1;
      this.#world.log.warn(
        { topic, partition, expected: gate.next, got: batch.firstOffset },
        'batch begins before the position; sought again',
      );
      if (gate.behind >= BEHIND_MAX)
        this.#takeAnew(gate, `it is read from ${batch.firstOffset}, not from ${gate.next}`);
      else consumer.seek({ topic, partition, offset: gate.next });
      return false;
    }
    gate.behind = 0;
    if (batch.firstOffset > gate.next)
      this.#world.onGap?.({ topic, partition, from: gate.next, to: batch.firstOffset });
    return true;
  }

  /** True when the records took effect and reading may go on. */
  #slice(
    generation: number,
    gate: Gate,
    batch: FetchedBatch,
    records: readonly Rec[],
  ): Promise<boolean> {
    this.#waiting += 1;
    return this.#inTurn(async () => {
      this.#waiting -= 1;
      const live = () => generation === this.#generation;
      if (!live() || this.#isClosing || this.#paused.has(partitionKey(gate))) return false;
      if (!batch.isCurrent()) return false;
      const isLast = records.at(-1) === batch.records.at(-1);
      let groupError: unknown = null;
      const offset = records.at(-1)?.offset ?? gate.next - 1;
      // Behind the last record there may be markers of transactions, which are read over.
      const next = Math.max(gate.next, (isLast ? batch.lastOffset : offset) + 1);
      const control: SliceControl = {
        stored: storing(this.#gates.values(), gate, next),
        heartbeat: () =>
          batch.heartbeat().catch((cause: unknown) => {
            groupError = cause;
            throw cause;
          }),
        live,
        end: gate.end,
        next,
        more: this.#waiting > 0 || !isLast || this.#pace.isStream(),
      };
      this.#claim.over();
      let outcome: SliceOutcome;
      try {
        outcome = await this.#world.handler.slice(records, control);
      } catch (cause) {
        // A handler may let the rejection of its heartbeat through; that one belongs to the client.
        if (groupError !== null) throw groupError;
        if (live()) this.#world.fail(asError(cause));
        else this.#logStale(gate);
        return false;
      }
      if (!live()) {
        this.#logStale(gate);
        return false;
      }
      if (outcome === 'fenced') {
        this.#world.fail(fenced(gate));
        return false;
      }
      batch.resolve(offset);
      gate.next = Math.max(gate.next, next);
      if (outcome === 'done') for (const one of this.#gates.values()) one.stored = one.next;
      return true;
    });
  }

  #logStale({ topic, partition }: TopicPartition): void {
    this.#world.log.info({ topic, partition }, 'slice ended after its partitions were taken away');
  }

  #logPart(assigned: number, partitions: number): void {
    this.#world.log.warn(
      { assigned, partitions },
      'another member of the group holds the other partitions: nothing is read until it is gone',
    );
  }

  async #takeOver(
    generation: number,
    consumer: GroupConsumer,
    assigned: readonly TopicPartition[],
  ): Promise<void> {
    const isWanted = () => generation === this.#generation && !this.#isClosing;
    try {
      if (assigned.length === 0) {
        this.#world.opened();
        return;
      }
      const taken = await takeOver(this.#world, assigned, this.#recreated, isWanted, (lag) =>
        this.#starts(lag),
      );
      if (taken?.type === 'part') {
        this.#logPart(assigned.length, taken.partitions);
        this.#world.opened();
      } else if (taken !== null && isWanted()) {
        this.#recreated.clear();
        this.#open(consumer, taken.lag, taken.positions);
      }
    } catch (cause) {
      if (isWanted()) this.#world.fail(asError(cause));
    }
  }

  /** Where the handler goes on, asked for between two slices. Null: somebody asks for other partitions. */
  #starts(lag: readonly PartitionLag[]): Promise<readonly StartPosition[] | null> {
    const { handler } = this.#world;
    return this.#claim.starts(lag, (isAwaited) => {
      const isWanted = () => isAwaited() && !this.#isClosing;
      return this.#inTurn(async () => (isWanted() ? await handler.assigned(lag) : null));
    });
  }

  #open(
    consumer: GroupConsumer,
    lag: readonly PartitionLag[],
    positions: readonly StartPosition[],
  ): void {
    const wanted = new Map(positions.map((at) => [partitionKey(at), at]));
    const gates: Gate[] = [];
    for (const at of lag) {
      const gate = openGate(at, wanted.get(partitionKey(at)));
      const { topic, partition, told: from, low: to } = gate;
      if (from < to) this.#world.onGap?.({ topic, partition, from, to });
      gates.push(gate);
    }
    // Every partition, kept ones too: each join sets kafkajs back to what Kafka has committed.
    const isMember = gates.every(({ topic, partition, next, proof }) =>
      consumer.seek({ topic, partition, offset: proof?.offset ?? next }),
    );
    if (!isMember) return; // the client restarts; its next join comes here again
    for (const gate of gates) this.#gates.set(partitionKey(gate), gate);
    consumer.resume(gates.filter((gate) => !this.#paused.has(partitionKey(gate))));
    this.#world.opened();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => null); // whoever asked for the turn gets the rejection
    return result;
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** What is to be done when a slice of `gate` up to `next` is stored, and all that was handed over before it. */
function storing(gates: Iterable<Gate>, gate: Gate, next: number): () => void {
  const before = [...gates].map((one) => [one, one === gate ? next : one.next] as const);
  return () => {
    for (const [one, to] of before) one.stored = Math.max(one.stored, to);
  };
}
