/** The hop between sources and lanes in one process: members die, stall and are too late, by a seed. */
import assert from 'node:assert/strict';
import { LaneFeed } from '../../src/lanes/feed.ts';
import { createRekeyer, type Rekeyer } from '../../src/lanes/rekeyer.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { OutRecord, PartitionLag, Rec, TopicPartition } from '../../src/model/ports.ts';
import { createObserver, type LaneStore as Store } from '../../src/observer.ts';
import type { PipelineOptions } from '../../src/pipeline/options.ts';
import { createPipeline } from '../../src/pipeline.ts';
import { chance, integer, pick, type Random } from '../../src/simulation/random.ts';
import { createLaneOf, decodeFor, lanesOf } from '../../src/source/lanes.ts';
import { quietLog } from '../integration/kafka-lane-recorder.ts';
import { createLaneStore, type LaneStore } from './lane-store.ts';
import type { MemoryLog } from './memory-log.ts';

/** What came of it. */
export interface Hopped {
  /** By lane. */
  readonly stores: readonly LaneStore[];
  readonly happened: Readonly<Record<string, number>>;
}

interface InFlight {
  readonly records: readonly OutRecord[];
  readonly answer: PromiseWithResolvers<void>;
  readonly of: Stage1;
}

interface Stage1 {
  readonly rekeyer: Rekeyer;
  readonly over: AbortController;
  parts: readonly PartitionLag[];
  readonly cursors: Map<string, number>;
  busy: boolean;
  /** It is no member any more, and may not know. */
  isOut: boolean;
  isDead: boolean;
}

interface Owner {
  readonly lane: number;
  readonly feed: LaneFeed;
  readonly over: AbortController;
  next: number;
  busy: boolean;
  isOut: boolean;
  isDead: boolean;
  hasEnded: boolean;
}

const TOPIC = 'events';
const STEP_MS = 50;
const STEPS_MAX = 200_000;
const keyOf = (at: TopicPartition) => `${at.topic}/${at.partition}`;

/** Everything that a seed decides. */
class World {
  readonly #log: MemoryLog;
  readonly #options: PipelineOptions;
  readonly #lanes: number;
  readonly #random: Random;
  readonly #laneOf: ReturnType<typeof createLaneOf>;
  readonly #internal: Buffer[][];
  readonly #stores: { readonly kept: LaneStore; epoch: number }[];
  readonly #committed = new Map<string, number>();
  #sleeping: { readonly atMs: number; readonly wake: () => void }[] = [];
  #inFlight: InFlight[] = [];
  #stage1: Stage1[] = [];
  #owners: Owner[] = [];
  #nowMs: number;
  #isCalm = false;
  readonly happened: Record<string, number> = {};

  constructor(
    log: MemoryLog,
    options: PipelineOptions,
    lanes: number,
    random: Random,
    nowMs: number,
  ) {
    this.#log = log;
    this.#options = options;
    this.#lanes = lanes;
    this.#random = random;
    this.#nowMs = nowMs;
    this.#laneOf = createLaneOf(lanes);
    this.#internal = Array.from({ length: lanes }, () => []);
    this.#stores = Array.from({ length: lanes }, () => ({ kept: createLaneStore(), epoch: 0 }));
  }

  async run(): Promise<Hopped> {
    await this.#rebalance();
    for (let lane = 0; lane < this.#lanes; lane += 1) await this.#take(lane);
    let trouble = integer(this.#random, 5, 40);
    for (let step = 0; ; step += 1) {
      assert.ok(step < STEPS_MAX, 'it does not come to an end');
      if (trouble > 0 && chance(this.#random, 0.1)) {
        trouble -= 1;
        await this.#trouble();
      }
      if (trouble === 0 && !this.#isCalm) this.#calm();
      this.#work();
      await this.#turn();
      if (this.#isCalm && this.#isOver()) break;
    }
    for (const one of this.#stage1) one.over.abort();
    this.#wakeAll();
    await settled();
    return { stores: this.#stores.map(({ kept }) => kept), happened: this.happened };
  }

  /** From now on nobody dies, and whoever is out has noticed. */
  #calm(): void {
    this.#isCalm = true;
    for (const one of this.#stage1) if (one.isOut) this.#kill(one);
    for (const one of this.#owners) if (one.isOut) this.#bury(one);
  }

  #isOver(): boolean {
    const isForwarded = this.#stage1.every(
      (one) => one.isDead || one.parts.every((at) => (one.cursors.get(keyOf(at)) ?? 0) >= at.end),
    );
    return isForwarded && this.#owners.every((one) => one.isDead || one.hasEnded);
  }

  async #trouble(): Promise<void> {
    const isStage1 = chance(this.#random, 0.4);
    if (isStage1) await this.#rebalance();
    else {
      const lane = integer(this.#random, 0, this.#lanes - 1);
      const owner = this.#owners.find((one) => one.lane === lane && !one.isOut);
      if (owner === undefined || owner.hasEnded) return;
      owner.isOut = true;
      // A stalled owner goes on as if it had it: what it stores must fail.
      const isStalled = chance(this.#random, 0.5);
      this.#count(isStalled ? 'lanes taken from the living' : 'lanes taken from the dead');
      if (!isStalled) this.#bury(owner);
      await this.#take(lane);
    }
  }

  /** Members come and go: the partitions are given out anew. */
  async #rebalance(): Promise<void> {
    const before = this.#stage1.filter((one) => !one.isOut);
    const staying = before.filter(() => chance(this.#random, 0.5));
    for (const one of before) {
      if (staying.includes(one)) continue;
      one.isOut = true;
      const isStalled = chance(this.#random, 0.5);
      this.#count(isStalled ? 'members stalled' : 'members died');
      if (!isStalled) this.#kill(one);
    }
    const joining = Array.from(
      { length: integer(this.#random, staying.length > 0 ? 0 : 1, 2) },
      () => this.#makeStage1(),
    );
    const members = [...staying, ...joining];
    this.#stage1 = [...this.#stage1.filter((one) => one.isOut && !one.isDead), ...members];
    const shares = new Map(members.map((one) => [one, [] as PartitionLag[]]));
    for (const at of this.#log.partitions()) shares.get(pick(this.#random, members))?.push(at);
    for (const one of members) {
      const parts = shares.get(one) ?? [];
      const kept = new Set(parts.map(keyOf));
      const lost = one.parts.filter((at) => !kept.has(keyOf(at)));
      if (lost.length > 0) one.rekeyer.revoked(lost);
      one.parts = [];
      await this.#until(() => !one.busy);
      const starts = await this.#pump(one.rekeyer.assigned(parts));
      one.cursors.clear();
      for (const start of starts) one.cursors.set(keyOf(start), start.offset);
      one.parts = parts;
    }
    this.#count('rebalances');
  }

  #makeStage1(): Stage1 {
    const { decode } = this.#options;
    const over = new AbortController();
    const rekeyer = createRekeyer({
      lanes: this.#lanes,
      topic: TOPIC,
      clock: this.#clock(),
      log: quietLog,
      address: (rec) => {
        const decoded = decode(rec);
        const times = decoded.events.flatMap(({ time }) => (time.clamped ? [] : time.eventMs));
        const newestMs = times.length === 0 ? null : Math.max(...times);
        return { lanes: lanesOf(decoded, this.#laneOf), newestMs };
      },
      publish: async (records) => {
        const answer = Promise.withResolvers<void>();
        this.#inFlight.push({ records, answer, of: one });
        await answer.promise;
      },
      committed: async (wanted) =>
        wanted.flatMap(({ topic, partition }) => {
          const offset = this.#committed.get(keyOf({ topic, partition }));
          return offset === undefined ? [] : { topic, partition, offset };
        }),
      // Whatever the order in which partitions are forwarded: here they are read on regardless.
      hold: () => undefined,
    });
    const one: Stage1 = {
      ...{ rekeyer, over, parts: [], cursors: new Map() },
      ...{ busy: false, isOut: false, isDead: false },
    };
    rekeyer.run(over.signal).catch(() => this.#kill(one));
    return one;
  }

  #kill(one: Stage1): void {
    one.isDead = true;
    one.over.abort();
  }

  #bury(owner: Owner): void {
    owner.isDead = true;
    owner.over.abort();
    owner.feed.close();
  }

  async #take(lane: number): Promise<void> {
    const kept = this.#stores[lane] as { readonly kept: LaneStore; epoch: number };
    let mine = 0;
    const store: Store = {
      claim: async () => {
        kept.epoch += 1;
        mine = kept.epoch;
        const state = kept.kept.load();
        return { state, watermarkMs: kept.kept.watermarkMs, counters: kept.kept.counters };
      },
      commit: async (commit) => {
        if (kept.epoch !== mine) {
          this.#count('commits refused');
          return 'fenced';
        }
        if (!this.#isCalm && chance(this.#random, 0.02)) {
          this.#count('commits tried again');
          throw away('DATABASE_TRANSIENT');
        }
        kept.kept.apply(commit);
        return 'done';
      },
      requests: async () => [],
    };
    const feed = new LaneFeed({
      ...{ lane, topic: TOPIC, log: quietLog },
      ends: () => this.#log.partitions(),
      onMissing: (gap) => assert.fail(`missing: ${JSON.stringify(gap)}`),
      onPause: () => undefined,
    });
    const over = new AbortController();
    const owner: Owner = {
      ...{ lane, feed, over, next: 0, busy: false, isOut: false, isDead: false, hasEnded: false },
    };
    const decode = decodeFor(lane, this.#laneOf, this.#options.decode);
    const observer = createObserver(
      {
        broker: feed.broker,
        store: feed.store(store),
        pipeline: () => createPipeline({ ...this.#options, decode }),
        actor: null,
        clock: this.#clock(),
        log: quietLog,
      },
      { untilCaughtUp: true, commitEveryMs: pick(this.#random, [0, 100, 100]) },
    );
    observer.run(over.signal).then(
      () => {
        owner.hasEnded = !owner.isDead;
      },
      (cause: unknown) => {
        assert.ok(owner.isOut, `lane ${lane} ended: ${cause}`);
        owner.isDead = true;
      },
    );
    owner.next = await this.#pump(feed.opened);
    this.#owners = [...this.#owners.filter((one) => !one.isDead), owner];
  }

  /** Whoever can do something does, in an order of the seed. */
  #work(): void {
    for (const one of this.#stage1) if (chance(this.#random, 0.6)) this.#forward(one);
    for (const one of this.#owners) if (chance(this.#random, 0.6)) this.#deliver(one);
    const landing = this.#inFlight.filter(() => this.#isCalm || chance(this.#random, 0.5));
    for (const one of landing) this.#land(one);
  }

  #forward(one: Stage1): void {
    if (one.isDead || one.busy) return;
    const waiting = one.parts.filter((at) => (one.cursors.get(keyOf(at)) ?? 0) < at.end);
    if (waiting.length === 0) return;
    const at = pick(this.#random, waiting);
    const from = one.cursors.get(keyOf(at)) ?? 0;
    const records = this.#log.read(at, from, integer(this.#random, 1, 30));
    const next = from + records.length;
    one.busy = true;
    const control = {
      heartbeat: async () => undefined,
      live: () => !one.isDead,
      end: at.end,
      more: chance(this.#random, 0.5),
    };
    one.rekeyer.slice(records, control).then(
      (outcome) => {
        one.busy = false;
        if (outcome === 'fenced' || one.isDead) return;
        one.cursors.set(keyOf(at), next);
        // Kafka takes no offsets from whoever is out of the group.
        if (outcome === 'done' && !one.isOut)
          for (const [key, offset] of one.cursors) this.#committed.set(key, offset);
      },
      () => this.#kill(one),
    );
  }

  #deliver(owner: Owner): void {
    if (owner.isDead || owner.busy || owner.hasEnded) return;
    const log = this.#internal[owner.lane] as Buffer[];
    const most = integer(this.#random, 1, 6);
    const records = log.slice(owner.next, owner.next + most).map(
      (value, at): Rec => ({
        ...{ topic: TOPIC, partition: owner.lane, offset: owner.next + at },
        ...{ timestampMs: this.#nowMs, key: null, value },
      }),
    );
    const last = records.at(-1);
    if (last === undefined) return;
    owner.busy = true;
    const control = {
      heartbeat: async () => undefined,
      live: () => !owner.isDead,
      end: log.length,
      more: chance(this.#random, 0.5),
    };
    owner.feed.slice(records, control).then(
      (outcome) => {
        owner.busy = false;
        if (outcome === 'fenced') {
          assert.ok(owner.isOut || owner.isDead, `lane ${owner.lane} was fenced by nobody`);
          this.#bury(owner);
        } else owner.next = last.offset + 1;
      },
      (cause: unknown) => {
        assert.ok(owner.isOut || owner.isDead, `lane ${owner.lane}: ${cause}`);
        this.#bury(owner);
      },
    );
  }

  /** What was sent arrives: at once, late, twice, or in part; and the answer may be lost. */
  #land(sent: InFlight): void {
    this.#inFlight = this.#inFlight.filter((one) => one !== sent);
    const fate = this.#isCalm
      ? 'arrives'
      : pick(this.#random, [
          'arrives',
          'arrives',
          'arrives',
          'unanswered',
          'in part',
          'lost',
        ] as const);
    if (fate !== 'arrives') this.#count(fate);
    const upto =
      fate === 'lost'
        ? 0
        : fate === 'in part'
          ? integer(this.#random, 0, sent.records.length)
          : sent.records.length;
    for (const { partition, value } of sent.records.slice(0, upto))
      this.#internal[partition ?? 0]?.push(value as Buffer);
    if (sent.of.isOut && upto > 0) this.#count('bundles of those who are out');
    if (fate === 'arrives') sent.answer.resolve();
    else sent.answer.reject(away('BROKER_UNREACHABLE'));
  }

  async #until(isTrue: () => boolean): Promise<void> {
    for (let step = 0; !isTrue(); step += 1) {
      assert.ok(step < STEPS_MAX, 'it is waited for in vain');
      for (const one of [...this.#inFlight]) this.#land(one);
      await this.#turn();
    }
  }

  /** Lets the world go on until this is there. */
  async #pump<T>(wanted: Promise<T>): Promise<T> {
    let isThere = false;
    wanted.then(
      () => {
        isThere = true;
      },
      () => {
        isThere = true;
      },
    );
    await settled();
    await this.#until(() => isThere);
    return await wanted;
  }

  async #turn(): Promise<void> {
    this.#nowMs += STEP_MS;
    this.#wakeAll();
    await settled();
  }

  #wakeAll(): void {
    const due = this.#sleeping.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#sleeping = this.#sleeping.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { wake } of due) wake();
  }

  #clock() {
    return {
      nowMs: () => this.#nowMs,
      sleep: async (ms: number, signal?: AbortSignal) => {
        if (signal?.aborted === true) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#sleeping.push({ atMs: this.#nowMs + ms, wake: resolve });
        signal?.addEventListener('abort', () => resolve(), { once: true });
        await promise;
      },
    };
  }

  #count(what: string): void {
    this.happened[what] = (this.happened[what] ?? 0) + 1;
  }
}

/** Nothing here waits for the world: a few turns of the event loop, and all that can go on has. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1)
    await new Promise<void>((resolve) => setImmediate(resolve));
}

function away(code: 'BROKER_UNREACHABLE' | 'DATABASE_TRANSIENT'): OperatingError {
  return new OperatingError(code, 'away for a moment', { retryable: true });
}

/** Re-keys the log into lanes and folds them, with everything going wrong that a seed brings. */
export async function hop(
  log: MemoryLog,
  options: PipelineOptions,
  lanes: number,
  random: Random,
  nowMs: number,
): Promise<Hopped> {
  return await new World(log, options, lanes, random, nowMs).run();
}
