/** The spine: records in, effects out. Only this room knows the order of the stages. */
import { Reorder } from './correlate/reorder.ts';
import { type PartitionStanding, Watermarks } from './correlate/watermark.ts';
import type { OperatorRequest } from './model/decision.ts';
import type { Amendment, Detection, Entity } from './model/detection.ts';
import type { LaneCommit, LaneState, StoredParts, Turn } from './model/effects.ts';
import type { Event, Kind } from './model/event.ts';
import type { Fact } from './model/fact.ts';
import type {
  PartitionLag,
  Rec,
  Standstill,
  StartPosition,
  TopicPartition,
} from './model/ports.ts';
import type { UnitReading } from './model/reading.ts';
import { DeadLetters } from './pipeline/dead-letters.ts';
import { Draft } from './pipeline/draft.ts';
import { createEarlyPath, type EarlyPath } from './pipeline/early.ts';
import { type FactLogParts, logFact } from './pipeline/fact-log.ts';
import { followDetection, resolveQuiet } from './pipeline/findings.ts';
import { type GapParts, sayLost, sayMissing, sayStandstill } from './pipeline/gaps.ts';
import { InForce } from './pipeline/in-force.ts';
import { Intake } from './pipeline/intake.ts';
import { Notices } from './pipeline/notices.ts';
import type { PipelineOptions, Reloaded } from './pipeline/options.ts';
import { Pages } from './pipeline/pages.ts';
import { Positions } from './pipeline/positions.ts';
import { Release } from './pipeline/release.ts';
import { type RequestParts, takeRequest } from './pipeline/requests.ts';
import { countersOf, createStages, restoringStages, type Stages } from './pipeline/stages.ts';
import { amend } from './pipeline/taken-back.ts';
import { arrivedBy } from './source/arrival.ts';
import { Slots } from './state/slots.ts';

/** One lane's core: synchronous, deterministic, no I/O, no clock of its own. */
export interface Pipeline {
  /** Takes some of the stored state before `restoring` takes what is left of it, likewise in steps. */
  loading(parts: StoredParts): Generator<undefined, void>;
  /**
   * Takes the stored state in steps of some tens of milliseconds. All of them come before `assign`;
   * a pipeline that stopped half-way is thrown away.
   */
  restoring(
    state: LaneState,
    watermarkMs: number | null,
    counters: Readonly<Record<string, number>>,
  ): Generator<undefined, void>;
  /** Takes over partitions; returns where each is to be read from. */
  assign(partitions: readonly PartitionLag[], nowMs: number): StartPosition[];
  /**
   * Records of one partition, in order. `next`: where reading goes on; `end`: end of its log. One that
   * claims to have come after `nowMs` counts as having come then.
   */
  slice(records: readonly Rec[], next: number, end: number, nowMs: number): void;
  /**
   * A partition was read up to `next` by somebody else, and what of it is this lane's was handed over.
   * `newestMs`: the highest event time in there, or null; `end`: end of its log.
   */
  passed(
    at: TopicPartition,
    next: number,
    end: number,
    newestMs: number | null,
    nowMs: number,
  ): void;
  /** Log ends as the broker says, and the passing of time. */
  tick(lags: readonly PartitionLag[], nowMs: number): void;
  operate(request: OperatorRequest): void;
  /**
   * Exchanges detectors and exceptions; `by`: who, or what, asked for it. A changed detector warms up
   * while its old version has the say. Returns what turns.
   */
  reload(library: Reloaded, by: string): readonly Turn[];
  /** Detectors that were to be exchanged had mistakes: says so, and goes on with those in force. */
  refuse(detail: string): void;
  /**
   * Records `from` up to but without `to` of a partition were gone before they could be read; or, where
   * `undecodable` says why, were skipped because nobody can read them.
   */
  missing(at: TopicPartition, from: number, to: number, nowMs: number, undecodable?: string): void;
  /** Partitions stand still although there is more to read (`isOver`: go on again). */
  standstill(partitions: readonly Standstill[], isOver: boolean, nowMs: number): void;
  /** Every stream has ended: decides all that can still be decided. */
  drain(): void;
  /** Could more be released than one step does? Then take steps until there is not. */
  isBehind(): boolean;
  /** Is there anything to write? */
  dirty(): boolean;
  /**
   * Must it be written before more is taken in? An action waits for it, or so much changed that writing
   * more at once would hold up what comes meanwhile.
   */
  isPressing(): boolean;
  /** What to write. After it was written call `committed`; if it failed, throw the pipeline away. */
  commit(): LaneCommit;
  committed(): void;
  /** Partitions that run ahead of the watermark: pausing them holds nothing up. */
  ahead(): TopicPartition[];
  /** Must those that are ahead pause, so that the buffer stays bounded? */
  isFull(): boolean;
  /** Has the buffer emptied enough for all paused partitions to go on? */
  hasRoom(): boolean;
  /** Is this book known to be blind at the moment? Of a tenant; absent: of agents without one. */
  blind(kind: Kind, tenant?: string): boolean;
  readonly watermarkMs: number;
  readonly buffered: number;
  counters(): Readonly<Record<string, number>>;
  /** How far event time is in each partition, for people. */
  standing(): readonly PartitionStanding[];
}

/** Some 2 MiB of rows with as much of pages: 60 to 100 ms, in which nobody else has the event loop. */
const COMMIT_ROWS = 4000;

/** Makes a lane's core with empty state. */
export function createPipeline(options: PipelineOptions): Pipeline {
  return new Spine(options);
}

/** What the functions of this room are given: each takes of it what it needs. */
type Parts = FactLogParts & GapParts & RequestParts;

class Spine implements Pipeline {
  readonly #options: PipelineOptions;
  readonly #slots: Slots;
  readonly #draft = new Draft();
  readonly #positions = new Positions();
  readonly #reorder = new Reorder();
  readonly #watermarks: Watermarks;
  readonly #pages: Pages;
  readonly #stages: Stages;
  readonly #inForce: InForce;
  readonly #early: EarlyPath;
  readonly #intake: Intake;
  readonly #release: Release;
  readonly #parts: Parts;

  constructor(options: PipelineOptions) {
    this.#slots = new Slots(options.packer ?? null);
    const hear = (fact: Fact) => this.#fact(fact);
    const [slots, draft, positions] = [this.#slots, this.#draft, this.#positions];
    const notices = new Notices(draft, hear);
    const deadLetters = new DeadLetters(draft, notices);
    const watermarks = new Watermarks(slots, options.timings);
    const stages = createStages(slots, options, { draft, notices, hear });
    const common = { draft, notices, watermarks, stages };
    const waiting = { ...common, reorder: this.#reorder };
    const inForce = new InForce(options, common);
    const early = createEarlyPath(options, { ...common, inForce });
    const fold = (events: readonly Event[], ms: number) => this.#fold(events, ms);
    this.#options = options;
    this.#watermarks = watermarks;
    this.#pages = new Pages(slots, options.pageEveryBytes);
    this.#stages = stages;
    this.#inForce = inForce;
    this.#early = early;
    this.#intake = new Intake(options, { ...waiting, slots, deadLetters, early });
    this.#release = new Release(options, { ...waiting, fold });
    this.#parts = { ...common, options, positions, deadLetters, inForce, early, hear };
  }

  *loading(parts: StoredParts): Generator<undefined, void> {
    yield* this.#slots.loading(parts);
    this.#pages.restore(parts.pages);
  }

  *restoring(
    state: LaneState,
    watermarkMs: number | null,
    counters: Readonly<Record<string, number>>,
  ): Generator<undefined, void> {
    yield* this.loading(state);
    yield* restoringStages(this.#stages, watermarkMs);
    const restoredMs = watermarkMs ?? Number.MIN_SAFE_INTEGER;
    this.#watermarks.restore(restoredMs);
    this.#intake.restore(restoredMs);
    this.#positions.restore(state.positions);
    this.#draft.restore(counters);
  }

  assign(partitions: readonly PartitionLag[], nowMs: number): StartPosition[] {
    const taken = partitions.map((lag) => {
      const { start, until, loss } = this.#positions.begin(lag);
      if (loss !== null) sayLost(this.#parts, lag, loss, nowMs);
      return { start, lag: { ...lag, next: start.offset, until } };
    });
    this.#watermarks.assign(
      taken.map(({ lag }) => lag),
      nowMs,
    );
    return taken.map(({ start }) => start);
  }

  slice(records: readonly Rec[], next: number, end: number, nowMs: number): void {
    const last = records.at(-1);
    if (last === undefined) return;
    const readTo = this.#positions.nextOf(last);
    for (const record of records)
      this.#intake.take(arrivedBy(record, nowMs), record.offset < readTo, nowMs);
    this.#positions.read(last, next);
    this.#watermarks.read(last.topic, last.partition, next, end, nowMs);
    this.#draft.markDirty();
    this.#release.came(records.length, nowMs - last.timestampMs, end - next, nowMs);
    this.#release.advance(nowMs);
  }

  passed(
    at: TopicPartition,
    next: number,
    end: number,
    newestMs: number | null,
    nowMs: number,
  ): void {
    this.#positions.passed(at, next, nowMs);
    if (newestMs !== null) this.#watermarks.heardOf(at.topic, at.partition, newestMs);
    this.#watermarks.read(at.topic, at.partition, next, end, nowMs);
    this.#release.advance(nowMs);
  }

  tick(lags: readonly PartitionLag[], nowMs: number): void {
    if (this.#positions.isOverdue(nowMs)) this.#draft.markDirty();
    this.#watermarks.ends(lags);
    this.#release.advance(nowMs);
    // Where nothing comes nothing is committed, and what lies there may rest all the same.
    this.#pages.rest(this.watermarkMs);
  }

  drain(): void {
    const newestMs = this.#watermarks.newestMs();
    if (newestMs < 0) return;
    const horizonMs = this.#stages.correlate.horizonMs(newestMs);
    this.#fold(this.#reorder.take(newestMs, Number.POSITIVE_INFINITY), newestMs);
    this.#passTime(horizonMs);
    this.#stages.correlate.finish(newestMs);
    // Stamps from the future were clamped and moved no watermark: they come last.
    const last = this.#reorder.take(Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY);
    this.#fold(last, newestMs);
    this.#passTime(horizonMs);
    this.#stages.behaviour.finish(horizonMs, this.#onReading);
    this.#watermarks.restore(Math.max(this.watermarkMs, horizonMs));
    this.#draft.markDirty();
  }

  /** The fold: these events and the timers at or before `ms`, interleaved in event time. */
  #fold(events: readonly Event[], ms: number): void {
    for (const event of events) {
      this.#passTime(event.time.eventMs - 1);
      this.#stages.correlate.fold(event, false);
      this.#draft.markDirty();
    }
    this.#passTime(ms);
    this.#early.settle(ms, this.#watermarks.newestMs());
    if (this.#slots.dirty > 0) this.#draft.markDirty();
  }

  /**
   * Timers of acts, deadlines of correlations and ends of units up to `ms`, in the order of their
   * time however it is cut.
   */
  #passTime(ms: number): void {
    for (let at = this.#nextMs(); at <= ms; at = this.#nextMs()) {
      this.#stages.correlate.passTime(at);
      this.#stages.detect.passTime(at, this.#onFinding);
      this.#stages.behaviour.passTime(at, this.#onReading);
    }
    this.#stages.correlate.passTime(ms);
    resolveQuiet(this.#parts, ms);
  }

  #nextMs(): number {
    const never = Number.POSITIVE_INFINITY;
    const { behaviour, detect } = this.#stages;
    return Math.min(behaviour.nextMs() ?? never, detect.nextMs() ?? never);
  }

  readonly #onFinding = {
    detection: (detection: Detection) => followDetection(this.#parts, detection),
    amendment: (amendment: Amendment, entity: Entity) => amend(this.#parts, amendment, entity),
  };

  /** Reading → evidence → firings, each of them a fact that detectors see like any other. */
  readonly #onReading = (reading: UnitReading): void => {
    this.#options.baseline.onReading?.(reading);
    for (const firing of this.#stages.evidence.see(reading)) this.#fact(firing);
  };

  /** What a stage states, in the order in which the others hear it. */
  #fact(fact: Fact): void {
    logFact(this.#parts, fact);
    this.#options.onFact?.(fact);
    if (fact.type === 'event') {
      this.#options.baseline.onEvent?.(fact);
      this.#stages.casework.see(fact);
      for (const burning of this.#stages.objectives.see(fact)) this.#fact(burning);
      this.#stages.levels.see(fact.event, fact.tenant, fact.agent, fact.late);
      this.#stages.chains.see(fact.event, fact.agent);
    }
    this.#stages.detect.see(fact, this.#onFinding);
    this.#stages.behaviour.see(fact, this.#onReading);
  }

  commit(): LaneCommit {
    const moves = this.#positions.moves((topic, partition) => this.#reorder.low(topic, partition));
    this.#watermarks.settle();
    const delta = this.#slots.takeDelta();
    this.#pages.rest(this.watermarkMs);
    const pages = this.#pages.due(delta?.length ?? 0);
    const { effects } = this.#draft;
    effects.objectiveCounts.push(...this.#stages.objectives.takeCounts());
    effects.usage.push(...this.#stages.objectives.takeUsage());
    effects.levels.push(...this.#stages.levels.takeWindows());
    return {
      moves,
      delta,
      pages,
      effects: this.#draft.take(),
      watermarkMs: this.watermarkMs,
      counters: this.counters(),
    };
  }

  committed(): void {
    this.#positions.written();
  }

  operate(request: OperatorRequest): void {
    takeRequest(this.#parts, request);
  }

  reload(library: Reloaded, by: string): readonly Turn[] {
    return this.#inForce.reload(library, by);
  }

  refuse(detail: string): void {
    this.#inForce.refuse(detail);
  }

  missing(at: TopicPartition, from: number, to: number, nowMs: number, undecodable?: string): void {
    sayMissing(this.#parts, at, from, to, nowMs, undecodable);
  }

  standstill(partitions: readonly Standstill[], isOver: boolean, nowMs: number): void {
    sayStandstill(this.#parts, partitions, isOver, nowMs);
  }

  isBehind(): boolean {
    return this.#release.isBehind();
  }

  dirty(): boolean {
    return this.#draft.isDirty;
  }

  isPressing(): boolean {
    const isHeavy = this.#slots.dirty >= (this.#options.commitRows ?? COMMIT_ROWS);
    return isHeavy || this.#draft.effects.intentions.length > 0;
  }

  get watermarkMs(): number {
    return this.#watermarks.effectiveMs;
  }

  get buffered(): number {
    return this.#reorder.size;
  }

  ahead(): TopicPartition[] {
    return this.#release.ahead();
  }

  isFull(): boolean {
    return this.#release.isFull();
  }

  hasRoom(): boolean {
    return this.#release.hasRoom();
  }

  blind(kind: Kind, tenant = '-'): boolean {
    return this.#stages.correlate.blind(kind, tenant);
  }

  counters(): Readonly<Record<string, number>> {
    return countersOf(this.#stages, this.#draft.counters);
  }

  standing(): readonly PartitionStanding[] {
    return this.#watermarks.standing();
  }
}
