/** The loop: poll, step, record, act, record, commit; one lane, one owner. */
import type { Actor } from './act/act.ts';
import type { OperatorRequest } from './model/decision.ts';
import type { LaneCommit, Turn } from './model/effects.ts';
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
import { BackPressure } from './observer/back-pressure.ts';
import { Commits, type Written } from './observer/commits.ts';
import { Inbox } from './observer/inbox.ts';
import { Progress } from './observer/progress.ts';
import { type Claims, makeReady, takeOver } from './observer/takeover.ts';
import { Turns } from './observer/turns.ts';
import type { Reloaded } from './pipeline/options.ts';
import type { Pipeline } from './pipeline.ts';
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

/** What the loop keeps of a lane, durably. Implementation: record/lane. */
export interface LaneStore extends Claims {
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
   * How long slices may wait for one commit while more of them are at hand, ms. Default 100. Nothing waits
   * where an action was decided, much has changed, or no other slice is there. Where storing is slow it is
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
const STOP_WITHIN_MS = 20_000;

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
  readonly #progress = new Progress();
  readonly #backPressure: BackPressure;
  readonly #turns = new Turns(() => {
    this.#pipeline = null;
  });
  readonly #commits: Commits;
  #ended = Promise.withResolvers<void>();
  #finished = false;
  #isCatchingUp = false;
  readonly #pace: Pace;
  readonly #inbox: Inbox;
  #over: AbortSignal | null = null;
  /** How often partitions were taken away: what was begun before that must not go on. */
  #losses = 0;

  constructor(parts: ObserverParts, options: ObserverOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pace = new Pace(options.commitEveryMs);
    this.#inbox = new Inbox(parts.store, parts.log);
    this.#backPressure = new BackPressure(parts.broker, parts.log);
    this.#commits = new Commits({
      write: (commit) => this.#write(commit),
      isHeld: (pipeline) => this.#pipeline === pipeline,
      stored: (commit) => this.#stored(commit),
      lost: (pipeline, cause, isAwaited) => {
        // Where the lane was taken away meanwhile, that is no failure.
        if (this.#pipeline !== pipeline) return;
        this.#pipeline = null;
        if (!isAwaited) this.#ended.reject(cause as Error);
      },
    });
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
    return await this.#turns.take(async () => this.#pipeline?.reload(library, by) ?? []);
  }

  async refuse(detail: string): Promise<void> {
    await this.#turns.take(async () => this.#pipeline?.refuse(detail));
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
      await this.#turns.over();
      await this.#commits.landed();
      this.#pipeline = null;
    }
  }

  async assigned(partitions: readonly PartitionLag[]): Promise<readonly StartPosition[]> {
    const losses = this.#losses;
    return await this.#turns.take(async () => {
      const { clock, log } = this.#parts;
      // The earlier state may be as large as the one to come, and is worth nothing once claimed anew.
      this.#pipeline = null;
      await this.#commits.over();
      this.#pace.over();
      const isWanted = () => losses === this.#losses && this.#over?.aborted !== true;
      const claim = () => takeOver(this.#parts, partitions, isWanted);
      const lane = await this.#patiently(claim, isWanted);
      this.#options.onStep?.('claimed');
      await makeReady(lane, clock, isWanted);
      const { claimed, pipeline } = lane;
      const starts = pipeline.assign(partitions, clock.nowMs());
      this.#pipeline = pipeline;
      this.#backPressure.lift();
      this.#progress.begin(partitions, starts);
      const { watermarkMs } = claimed;
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
    return await this.#turns.take(async () => {
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
      this.#commits.tell(control.stored);
      const canWait = control.more === true && !pipeline.isPressing();
      if (canWait && this.#pace.isDue(clock.nowMs())) await this.#commits.writeAside(pipeline);
      const outcome = canWait ? 'held' : await this.#commits.write(pipeline);
      if (outcome === 'fenced' || this.#pipeline !== pipeline) return 'fenced';
      this.#progress.read(last, next);
      this.#backPressure.makeRoom(pipeline);
      this.#catchUp(pipeline);
      this.#options.onStep?.('slice-done');
      return outcome;
    });
  }

  async passed(partitions: readonly Passed[]): Promise<void> {
    await this.#turns.take(async () => {
      const nowMs = this.#parts.clock.nowMs();
      for (const { topic, partition, next, end, newestMs } of partitions) {
        this.#pipeline?.passed({ topic, partition }, next, end, newestMs, nowMs);
        this.#progress.passed({ topic, partition }, next);
      }
    });
  }

  progress(lags: readonly PartitionLag[]): void {
    this.#progress.heard(lags);
  }

  failed(cause: Error): void {
    this.#ended.reject(cause);
  }

  missing(gap: MissingRecords): void {
    this.#inbox.missing(gap, gap.from, gap.to, gap.undecodable);
  }

  stuck(partitions: readonly Standstill[]): void {
    this.#inbox.standstill(partitions, false);
  }

  freed(partitions: readonly Standstill[]): void {
    this.#inbox.standstill(partitions, true);
  }

  /**
   * Everything that changed, and waits until it is stored. What is pressing is written so: slices that were
   * taken in meanwhile would come between its statements, some twenty of them one after the other.
   */
  async #store(pipeline: Pipeline): Promise<void> {
    await this.#commits.writeAside(pipeline);
    await this.#commits.landed();
  }

  /** One transaction; tried again with the same content while the database is away. */
  async #write(commit: LaneCommit): Promise<Written> {
    const { store, clock } = this.#parts;
    this.#pace.over();
    const sinceMs = clock.nowMs();
    const outcome = await this.#patiently(() => store.commit(commit));
    this.#pace.stored(clock.nowMs() - sinceMs);
    return outcome;
  }

  #stored(commit: LaneCommit): void {
    this.#options.onStep?.('store-committed');
    if (commit.effects.intentions.length > 0) this.#parts.actor?.wake();
    this.#options.onCommit?.(commit);
  }

  /** Told to stop, we stop: what was not committed is read again at the next start. */
  async #patiently<T>(work: () => Promise<T>, worth = () => true): Promise<T> {
    const { clock, log } = this.#parts;
    const forMs = this.#options.commitPatienceMs ?? 60_000;
    const signal = this.#over === null ? {} : { signal: this.#over };
    return await patiently(work, { clock, log, forMs, worth, ...signal });
  }

  async #tickUntil(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal);
      if (signal.aborted) return;
      const ended = await this.#turns.take(() => this.#tick());
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
      if (pipeline.isPressing()) await this.#store(pipeline);
      this.#backPressure.makeRoom(pipeline);
    };
    const steps = async () => {
      while (isWanted() && pipeline.isBehind()) {
        await clock.sleep(0);
        await this.#turns.take(step);
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
    this.#inbox.deliver(pipeline, nowMs);
    pipeline.tick(this.#progress.lags, nowMs);
    if (this.#inbox.isDue(nowMs)) await this.#inbox.operate(pipeline, nowMs);
    const { untilCaughtUp, finished } = this.#options;
    const isAtEnd = finished === undefined ? this.#progress.isCaughtUp() : this.#finished;
    // A source that was stopped says that it is finished, too: that is no end of the story.
    const caughtUp = untilCaughtUp && isAtEnd && this.#over?.aborted !== true;
    if (caughtUp) pipeline.drain();
    const isWaited = caughtUp || pipeline.isPressing();
    if (pipeline.dirty())
      await (isWaited ? this.#store(pipeline) : this.#commits.writeAside(pipeline));
    if (caughtUp) await this.#commits.landed();
    if (this.#pipeline !== pipeline) return false;
    this.#backPressure.makeRoom(pipeline);
    this.#catchUp(pipeline);
    if (caughtUp) this.#ended.resolve();
    return caughtUp;
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
