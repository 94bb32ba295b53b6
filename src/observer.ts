/** The loop: poll, step, record, act, record, commit; one lane, one owner. */
import type { Actor } from './act/act.ts';
import type { OperatorRequest } from './model/decision.ts';
import type { LaneCommit, LaneState, StoredParts, Turn } from './model/effects.ts';
import { OperatingError } from './model/errors.ts';
import type {
  Broker,
  Clock,
  LaneHandler,
  Log,
  PartitionLag,
  Passed,
  Rec,
  SliceControl,
  SliceOutcome,
  Standstill,
  StartPosition,
  TopicPartition,
} from './model/ports.ts';
import type { Pipeline, Reloaded } from './pipeline.ts';
import { Pace } from './record/pace.ts';
import { aborted, patiently } from './record/patience.ts';

/** The points of the loop that a crash may fall between. */
export type ObserverStep =
  | 'slice-received'
  | 'stepped'
  | 'store-committed'
  | 'slice-done'
  | 'claimed'
  | 'loaded';

/** What a lane holds when it is taken over. */
export interface Claimed {
  readonly state: LaneState;
  readonly watermarkMs: number | null;
  readonly counters: Readonly<Record<string, number>>;
}

/** Takes some of the stored state; resolves when the next part may come. */
export type TakeParts = (parts: StoredParts) => Promise<void>;

/** What the loop keeps of a lane, durably. Implementation: record/lane. */
export interface LaneStore {
  /**
   * Takes the lane over and loads what it holds; earlier owners are fenced from then on. What is handed to
   * `take` as it is read is not in what this resolves to; where the claim fails, it was for nothing.
   */
  claim(partitions: readonly TopicPartition[], take?: TakeParts): Promise<Claimed>;
  /** One transaction. 'fenced': somebody else owns the lane. */
  commit(commit: LaneCommit): Promise<'done' | 'fenced'>;
  /** What operators asked for and no commit has taken up. */
  requests(): Promise<readonly OperatorRequest[]>;
}

/** What the loop is made of. */
export interface ObserverParts {
  readonly broker: Broker;
  readonly store: LaneStore;
  /** Makes the core with empty state. */
  readonly pipeline: () => Pipeline;
  /** Carries intentions out; null where nothing may be done (replay). */
  readonly actor: Actor | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** How the loop is run. */
export interface ObserverOptions {
  /** Read to the log ends seen at the start, decide all that can be decided, and end. */
  readonly untilCaughtUp: boolean;
  /** Resolves when the source has delivered all it will ever have; then that is the end instead. */
  readonly finished?: Promise<void>;
  /** Called synchronously; crash tests kill the process there. */
  readonly onStep?: (step: ObserverStep) => void;
  /** What each commit wrote; for people who watch. */
  readonly onCommit?: (commit: LaneCommit) => void;
  /** How long a commit is tried again while the database is away, ms. Default 60,000. */
  readonly commitPatienceMs?: number;
  /**
   * How long slices may wait for one commit while more of them are at hand, ms. Default 100. Nothing
   * waits where an action was decided, or where no other slice is there. Where storing is slow it is
   * longer, 250 ms at most. 0: each is committed.
   */
  readonly commitEveryMs?: number;
}

/** A running observer. */
export interface Observer {
  /**
   * Runs until the signal aborts, or until caught up. Rejects with what went wrong; the caller may
   * make a new observer and go on: positions are in the store.
   */
  run(signal: AbortSignal): Promise<void>;
  /** What is known of the gateway's stream of a tenant, for verification; absent: of agents without one. */
  gateway(tenant?: string): { readonly watermarkMs: number; readonly alive: boolean };
  /** Records `from` up to but without `to` were gone from the log: recorded with the next commit. */
  missing(gap: MissingRecords): void;
  /**
   * Exchanges detectors and exceptions between two slices. A lane that is taken over later must be made
   * with the same. Resolves to what turned; to nothing where no lane is held.
   */
  reload(library: Reloaded, by: string): Promise<readonly Turn[]>;
  /** Says that an exchange was refused, and why. */
  refuse(detail: string): Promise<void>;
}

/** Offsets that retention or deletion took away before they were read. */
export interface MissingRecords extends TopicPartition {
  readonly from: number;
  readonly to: number;
  /** Why nobody can read them, where they are there and were skipped. */
  readonly undecodable?: string;
}

const TICK_MS = 250;
const REQUESTS_EVERY_MS = 1000;
const STOP_WITHIN_MS = 20_000;
/** How long loading keeps the event loop for itself, but for the step that it is in. */
const WORK_MS = 25;

/** Makes the loop. */
export function createObserver(parts: ObserverParts, options: ObserverOptions): Observer {
  const loop = new Loop(parts, options);
  return {
    run: (signal) => loop.run(signal),
    gateway: (tenant) => loop.gateway(tenant),
    missing: (gap) => loop.missing(gap),
    reload: (library, by) => loop.reload(library, by),
    refuse: (detail) => loop.refuse(detail),
  };
}

class Loop implements LaneHandler {
  readonly #parts: ObserverParts;
  readonly #options: ObserverOptions;
  #pipeline: Pipeline | null = null;
  #lags = new Map<string, PartitionLag>();
  /** Where reading has got to, and where each log ended when we took over. */
  #reached = new Map<string, number>();
  #goals = new Map<string, number>();
  #paused: readonly TopicPartition[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #ended = Promise.withResolvers<void>();
  #requestsMs = Number.NEGATIVE_INFINITY;
  #finished = false;
  #isCatchingUp = false;
  readonly #pace: Pace;
  readonly #missing: MissingRecords[] = [];
  /** Partitions that came to stand still, and such as go on (true). */
  readonly #standing: [partitions: readonly Standstill[], isOver: boolean][] = [];
  #over: AbortSignal | null = null;
  /** How often partitions were taken away: what was begun before that must not go on. */
  #losses = 0;

  constructor(parts: ObserverParts, options: ObserverOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pace = new Pace(options.commitEveryMs);
    options.finished?.then(
      () => {
        this.#finished = true;
      },
      (cause: unknown) => this.#ended.reject(cause),
    );
    // Somebody may be told of the end before anybody waits for it.
    this.#ended.promise.catch(() => undefined);
  }

  gateway(tenant?: string): { watermarkMs: number; alive: boolean } {
    const pipeline = this.#pipeline;
    if (pipeline === null) return { watermarkMs: Number.MIN_SAFE_INTEGER, alive: false };
    return { watermarkMs: pipeline.watermarkMs, alive: !pipeline.blind('gateway', tenant) };
  }

  async reload(library: Reloaded, by: string): Promise<readonly Turn[]> {
    return await this.#inTurn(async () => this.#pipeline?.reload(library, by) ?? []);
  }

  async refuse(detail: string): Promise<void> {
    await this.#inTurn(async () => this.#pipeline?.refuse(detail));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { broker, actor } = this.#parts;
    const over = new AbortController();
    this.#over = over.signal;
    const stop = () => over.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const acting = this.#guard(actor === null ? Promise.resolve() : actor.run(over.signal));
    const ticking = this.#guard(this.#tickUntil(over.signal));
    try {
      // A lane may load for minutes: told to stop, nobody waits for that.
      await Promise.race([broker.start(this), aborted(over.signal)]);
      await Promise.race([this.#ended.promise, aborted(over.signal)]);
    } finally {
      over.abort();
      signal.removeEventListener('abort', stop);
      await broker.stop(STOP_WITHIN_MS);
      await Promise.all([acting, ticking]);
      await this.#turn.catch(() => undefined);
      this.#pipeline = null;
    }
  }

  async assigned(partitions: readonly PartitionLag[]): Promise<readonly StartPosition[]> {
    const losses = this.#losses;
    return await this.#inTurn(async () => {
      const { clock, log } = this.#parts;
      // The earlier state may be as large as the one to come, and is worth nothing once claimed anew.
      this.#pipeline = null;
      this.#pace.over();
      const { loaded, pipeline } = await this.#patiently(
        () => this.#claimed(partitions, losses),
        () => this.#isWanted(losses),
      );
      this.#options.onStep?.('claimed');
      await this.#rebuilt(pipeline, loaded, losses);
      const starts = pipeline.assign(partitions, clock.nowMs());
      this.#pipeline = pipeline;
      // Pauses outlive rebalances; those of the old buffer have nothing to wait for any more.
      this.#parts.broker.resume(this.#paused);
      this.#paused = [];
      this.#lags = new Map(partitions.map((lag) => [keyOf(lag), lag]));
      this.#goals = new Map(partitions.map((lag) => [keyOf(lag), lag.end]));
      this.#reached = new Map(starts.map((start) => [keyOf(start), start.offset]));
      const { watermarkMs } = loaded;
      log.info({ partitions: partitions.length, watermarkMs }, 'lane claimed and loaded');
      this.#options.onStep?.('loaded');
      return starts;
    });
  }

  revoked(): void {
    this.#losses += 1;
    this.#pipeline = null;
  }

  async slice(records: readonly Rec[], control: SliceControl): Promise<SliceOutcome> {
    return await this.#inTurn(async () => {
      const pipeline = this.#pipeline;
      const last = records[records.length - 1];
      if (pipeline === null || last === undefined) return 'fenced';
      this.#options.onStep?.('slice-received');
      const next = control.next ?? last.offset + 1;
      const { clock } = this.#parts;
      const nowMs = clock.nowMs();
      pipeline.slice(records, next, control.end, nowMs);
      this.#options.onStep?.('stepped');
      if (!control.live()) return 'fenced';
      this.#pace.took(records.length, nowMs);
      const isDue = pipeline.isPressing() || this.#pace.isDue(clock.nowMs());
      const canWait = control.more === true && !isDue;
      const outcome = canWait ? 'held' : await this.#commit(pipeline);
      if (outcome === 'fenced') return 'fenced';
      this.#reached.set(keyOf(last), next);
      this.#makeRoom(pipeline);
      this.#catchUp(pipeline);
      this.#options.onStep?.('slice-done');
      return outcome;
    });
  }

  async passed(partitions: readonly Passed[]): Promise<void> {
    await this.#inTurn(async () => {
      const nowMs = this.#parts.clock.nowMs();
      for (const { topic, partition, next, end, newestMs } of partitions) {
        this.#pipeline?.passed({ topic, partition }, next, end, newestMs, nowMs);
        const key = keyOf({ topic, partition });
        this.#reached.set(key, Math.max(next, this.#reached.get(key) ?? 0));
      }
    });
  }

  progress(lags: readonly PartitionLag[]): void {
    for (const lag of lags) this.#lags.set(keyOf(lag), lag);
  }

  failed(cause: Error): void {
    this.#ended.reject(cause);
  }

  missing(gap: MissingRecords): void {
    this.#missing.push(gap);
  }

  stuck(partitions: readonly Standstill[]): void {
    this.#standing.push([partitions, false]);
  }

  freed(partitions: readonly Standstill[]): void {
    this.#standing.push([partitions, true]);
  }

  /** Claims the lane. What it holds is loaded into a new core while the rest of it is read. */
  async #claimed(
    partitions: readonly TopicPartition[],
    losses: number,
  ): Promise<{ readonly loaded: Claimed; readonly pipeline: Pipeline }> {
    const { store, pipeline: make } = this.#parts;
    const pipeline = make();
    // What is handed over one after the other is one piece of work: together it is to give way, too.
    const turn = { sinceMs: this.#parts.clock.nowMs() };
    const loaded = await store.claim(partitions, async (parts) => {
      await this.#inSteps(pipeline.loading(parts), losses, turn);
      // Reading the rest would be for nothing, and would keep whoever has the lane next waiting.
      if (!this.#isWanted(losses)) throw interrupted();
    });
    return { loaded, pipeline };
  }

  /** Rebuilds the core from what is left to load, and from what was loaded. */
  async #rebuilt(pipeline: Pipeline, loaded: Claimed, losses: number): Promise<void> {
    const { state, watermarkMs, counters } = loaded;
    await this.#inSteps(pipeline.restoring(state, watermarkMs, counters), losses);
    if (!this.#isWanted(losses)) throw interrupted();
  }

  /**
   * Takes steps as long as they are wanted. Between them the event loop turns, or the client of the broker
   * could not say that it is alive, would be put out of its group, and would begin anew for ever.
   */
  async #inSteps(
    steps: Iterable<undefined>,
    losses: number,
    turn = { sinceMs: this.#parts.clock.nowMs() },
  ): Promise<void> {
    const { clock } = this.#parts;
    for (const _step of steps) {
      if (!this.#isWanted(losses)) return;
      if (clock.nowMs() - turn.sinceMs < WORK_MS) continue;
      await clock.sleep(0);
      turn.sinceMs = clock.nowMs();
    }
  }

  /** Were the partitions not taken away since then, and are we not to stop? */
  #isWanted(losses: number): boolean {
    return losses === this.#losses && this.#over?.aborted !== true;
  }

  /**
   * One transaction; tried again with the same content while the database is away. What it took out of
   * the core is nowhere else: a core whose commit failed must not commit again (see `#inTurn`).
   */
  async #commit(pipeline: Pipeline): Promise<'done' | 'fenced'> {
    const { store, actor, clock } = this.#parts;
    this.#pace.over();
    const commit = pipeline.commit();
    const sinceMs = clock.nowMs();
    const outcome = await this.#patiently(() => store.commit(commit));
    this.#pace.stored(clock.nowMs() - sinceMs);
    if (outcome === 'fenced') {
      this.#pipeline = null;
      return 'fenced';
    }
    pipeline.committed();
    this.#options.onStep?.('store-committed');
    if (commit.effects.intentions.length > 0) actor?.wake();
    this.#options.onCommit?.(commit);
    return 'done';
  }

  /** Told to stop, we stop: what was not committed is read again at the next start. */
  async #patiently<T>(work: () => Promise<T>, worth = () => true): Promise<T> {
    const { clock, log } = this.#parts;
    const forMs = this.#options.commitPatienceMs ?? 60_000;
    const signal = this.#over;
    return await patiently(work, {
      clock,
      log,
      forMs,
      worth,
      ...(signal === null ? {} : { signal }),
    });
  }

  async #tickUntil(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal);
      if (signal.aborted) return;
      const ended = await this.#inTurn(() => this.#tick());
      if (ended) return;
    }
  }

  /**
   * When event time leaps, much is ripe at once. It is released step by step, and what comes in between
   * takes its turn in between: something early may be in it.
   */
  #catchUp(pipeline: Pipeline): void {
    if (this.#isCatchingUp || !pipeline.isBehind()) return;
    this.#isCatchingUp = true;
    const { clock } = this.#parts;
    const isWanted = () => this.#pipeline === pipeline && this.#over?.aborted !== true;
    const step = async () => {
      if (!isWanted()) return;
      pipeline.tick([], clock.nowMs());
      const outcome = pipeline.isPressing() ? await this.#commit(pipeline) : 'done';
      if (outcome === 'fenced') throw taken();
      this.#makeRoom(pipeline);
    };
    const steps = async () => {
      while (isWanted() && pipeline.isBehind()) {
        await clock.sleep(0);
        await this.#inTurn(step);
      }
    };
    void this.#guard(steps()).finally(() => {
      this.#isCatchingUp = false;
    });
  }

  /** Passes time on, takes up what operators ask, ends where that was asked for. */
  async #tick(): Promise<boolean> {
    const pipeline = this.#pipeline;
    if (pipeline === null) return false;
    const nowMs = this.#parts.clock.nowMs();
    for (const gap of this.#missing.splice(0))
      pipeline.missing(gap, gap.from, gap.to, nowMs, gap.undecodable);
    for (const [partitions, isOver] of this.#standing.splice(0))
      pipeline.standstill(partitions, isOver, nowMs);
    pipeline.tick([...this.#lags.values()], nowMs);
    if (nowMs - this.#requestsMs >= REQUESTS_EVERY_MS) {
      this.#requestsMs = nowMs;
      for (const request of await this.#requests()) pipeline.operate(request);
    }
    // A source that was stopped says that it is finished, too: that is no end of the story.
    const isStopping = this.#over?.aborted === true;
    const caughtUp = this.#options.untilCaughtUp && !isStopping && this.#caughtUp();
    if (caughtUp) pipeline.drain();
    if (pipeline.dirty() && (await this.#commit(pipeline)) === 'fenced') throw taken();
    this.#makeRoom(pipeline);
    this.#catchUp(pipeline);
    if (caughtUp) this.#ended.resolve();
    return caughtUp;
  }

  /** What operators ask for; nothing while the database is away: it is asked again in a second. */
  async #requests(): Promise<readonly OperatorRequest[]> {
    const { store, log } = this.#parts;
    try {
      return await store.requests();
    } catch (cause) {
      if (!(cause instanceof OperatingError && cause.retryable)) throw cause;
      log.warn({ code: cause.code }, 'the database is away; requests of operators wait');
      return [];
    }
  }

  #caughtUp(): boolean {
    if (this.#options.finished !== undefined) return this.#finished;
    for (const [key, goal] of this.#goals) if ((this.#reached.get(key) ?? 0) < goal) return false;
    return this.#goals.size > 0;
  }

  /** Back-pressure: partitions that run ahead of the watermark wait until the buffer has room. */
  #makeRoom(pipeline: Pipeline): void {
    const isFull = pipeline.isFull();
    if (!isFull && this.#paused.length === 0) return;
    const { broker, log } = this.#parts;
    const ahead = pipeline.hasRoom() ? [] : pipeline.ahead();
    const before = new Set(this.#paused.map(keyOf));
    const wanted = isFull ? ahead : ahead.filter((at) => before.has(keyOf(at)));
    if (wanted.length > 0 && before.size === 0)
      log.info({ buffered: pipeline.buffered, paused: wanted.length }, 'sources run ahead: paused');
    // One that was ahead may by now be the one all others wait for. It must go on, however full the
    // buffer: nothing else empties it.
    const still = new Set(wanted.map(keyOf));
    broker.resume(this.#paused.filter((at) => !still.has(keyOf(at))));
    broker.pause(wanted.filter((at) => !before.has(keyOf(at))));
    this.#paused = wanted;
  }

  /**
   * Slices, ticks and takeovers never overlap. One that fails leaves the core between two steps, or with
   * a commit that nobody wrote. Turns that wait already must find nothing: if they committed, what that
   * step changed and found would be missing from the record for good.
   */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const turn = (async () => {
      await before.catch(() => undefined);
      try {
        return await work();
      } catch (cause) {
        this.#pipeline = null;
        throw cause;
      }
    })();
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  /** A background part that fails ends the run with its reason. */
  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (cause) {
      this.#ended.reject(cause);
    }
  }
}

function interrupted(): OperatingError {
  return new OperatingError(
    'LANE_FENCED',
    'the partitions were taken away, or the observer was stopped, while the lane was loading',
    { retryable: true },
  );
}

function taken(): OperatingError {
  return new OperatingError('LANE_FENCED', 'another observer owns this lane now', {
    retryable: true,
  });
}

function keyOf(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}
