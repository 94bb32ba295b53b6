/** The spine: records in, effects out. The only file that knows the order of the stages. */
import { type Behaviour, createBehaviour } from './baseline/behaviour.ts';
import type { Profiles } from './baseline/in-force.ts';
import { type ChainWatch, createChains } from './correlate/chains.ts';
import type { Correlate, CorrelateOptions } from './correlate/correlate.ts';
import { createCorrelate } from './correlate/correlate.ts';
import { changeSaid, sessionSaid } from './correlate/history.ts';
import { createLevels, type Levels } from './correlate/levels.ts';
import { Reorder } from './correlate/reorder.ts';
import { type PartitionStanding, type SourceTiming, Watermarks } from './correlate/watermark.ts';
import { type Because, createDecide, type Decide, type DecideOptions } from './decide/decide.ts';
import { createExceptions, type Exceptions } from './decide/exceptions.ts';
import type { Circumstances, OpenWindow } from './decide/falsify.ts';
import { CONTAINMENT_LEAK, callsForPeople, leakDetection } from './decide/leak.ts';
import type { Operated } from './decide/operate.ts';
import { powerChanges } from './decide/reloaded.ts';
import type { Meter } from './detect/meter.ts';
import { createRoster, type Roster } from './detect/roster.ts';
import { bookmarkOf } from './model/bookmark.ts';
import {
  type Case,
  type Intention,
  type Judged,
  type OperatorRequest,
  VERBS,
  type Verb,
} from './model/decision.ts';
import type {
  Amendment,
  DeadLetter,
  Detection,
  Entity,
  Maturity,
  NoticeCode,
} from './model/detection.ts';
import type { Detector } from './model/detector.ts';
import {
  type Effects,
  type LaneCommit,
  type LanePosition,
  type LaneState,
  noEffects,
  type StoredParts,
  type Turn,
} from './model/effects.ts';
import { assert } from './model/errors.ts';
import type { Event, Kind } from './model/event.ts';
import type { Exception } from './model/exception.ts';
import type { EventFact, Fact, NoticeFact } from './model/fact.ts';
import { eventIdOf, idOf } from './model/ids.ts';
import type { ServiceLevels } from './model/objective.ts';
import type {
  PartitionLag,
  Rec,
  Standstill,
  StartPosition,
  TopicPartition,
} from './model/ports.ts';
import { maturityInForce } from './model/power.ts';
import type { UnitReading } from './model/reading.ts';
import { createEarlyPath, type EarlyPath } from './pipeline/early.ts';
import type { RungPlan } from './score/budget.ts';
import { type Casework, createCasework, type Lineage } from './score/casework.ts';
import { createObjectiveStage, type ObjectiveStage } from './score/objectives/objectives.ts';
import { createEvidenceStage, type EvidenceStage, type Judging } from './score/stage.ts';
import { Legibility } from './source/legible.ts';
import { Letters } from './source/letters.ts';
import type { Decode } from './source/source.ts';
import { PAGES, Slots } from './state/slots.ts';

/** Everything the pipeline is made from. */
export interface PipelineOptions {
  readonly decode: Decode;
  readonly timings: readonly SourceTiming[];
  /** Topics that carry governance: it proves absence only if heard from its beginning. */
  readonly governanceTopics: ReadonlySet<string>;
  /** What each topic may carry: what is missing of it is missing of these books. Absent: nothing is known. */
  readonly topicKinds?: ReadonlyMap<string, readonly Kind[]>;
  readonly correlate: CorrelateOptions;
  readonly detectors: readonly Detector[];
  readonly maturity: Readonly<Record<string, Maturity>>;
  readonly exceptions: readonly Exception[];
  readonly decide: DecideOptions;
  readonly baseline: BaselineOptions;
  /** What roles and workflows promise. */
  readonly levels: ServiceLevels;
  /** Events that may wait for the watermark before sources that run ahead are to pause. */
  readonly maxBuffered: number;
  /** Bytes of records whose events may wait, likewise. At twice either the oldest are released early. */
  readonly maxBufferedBytes: number;
  /** Event time behind the watermark beyond which a record is no longer evaluated, ms. */
  readonly tooLateMs: number;
  /** An event that is older when it arrives has nothing early done about it, ms. Default: the largest lateness. */
  readonly freshMs?: number;
  /** Is this tenant folded here? Absent: everybody is. For what operators ask of all lanes. */
  readonly owns?: (tenant: string) => boolean;
  /** Events released in one step, about; the rest waits for the next one. Default 500. */
  readonly releaseMax?: number;
  /**
   * Bytes of deltas in which every page is rewritten once; a larger state sets the pace itself.
   * Default 64 MiB: recovery then reads a second more at most, and a small state is not rewritten
   * as fast as it changes.
   */
  readonly pageEveryBytes?: number;
  /** Told of every fact before detectors see it; for backtests, which measure them apart. */
  readonly onFact?: (fact: Fact) => void;
  /** Times detectors on a sample of facts. */
  readonly meter?: Meter;
}

/** What behaviour is judged by. */
export interface BaselineOptions {
  readonly profiles: Profiles;
  /** What evidence needs to know of each profile. */
  readonly judgings: readonly Judging[];
  readonly plans: readonly RungPlan[];
  /** Told of every reading, and of every folded event; for replay, which learns and ranks by them. */
  readonly onReading?: (reading: UnitReading) => void;
  readonly onEvent?: (fact: EventFact) => void;
}

/** What can be exchanged while a lane works. */
export type Reloaded = Pick<PipelineOptions, 'detectors' | 'exceptions'>;

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
  /** Records of one partition, in order. `next`: where reading goes on; `end`: end of its log. */
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
  /** Does an action wait for being written? */
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

/** Deltas are folded into pages so often that recovery reads about twice the state, or this. */
const PAGE_EVERY_BYTES = 64 * 1024 * 1024;

/** All pages may go to rest in so much event time, one after the other, ms. */
const REST_PAGE_EACH_MS = 600_000 / PAGES;
const REST_PAGES = 4;
/** So many times its bound the buffer may hold before events are released early; twice that where pausing helps. */
const EARLY_AT = 2;
/** How long positions that moved over the records of others may stay unwritten, ms. */
const PASSED_EVERY_MS = 2000;

/** Some 25 ms of work: what comes meanwhile may be something that is asked for early. */
const RELEASE_MAX = 500;

/** Makes a lane's core with empty state. */
export function createPipeline(options: PipelineOptions): Pipeline {
  return new Spine(options);
}

class Spine implements Pipeline {
  readonly #options: PipelineOptions;
  readonly #slots = new Slots();
  readonly #watermarks: Watermarks;
  readonly #reorder = new Reorder();
  readonly #letters = new Letters();
  readonly #legibility: Legibility;
  readonly #correlate: Correlate;
  readonly #behaviour: Behaviour;
  readonly #evidence: EvidenceStage;
  readonly #objectives: ObjectiveStage;
  readonly #levels: Levels;
  readonly #chains: ChainWatch;
  readonly #detect: Roster;
  #exceptions: Exceptions;
  /** What `#exceptions` was made of. */
  #excused: readonly Exception[];
  readonly #casework: Casework;
  readonly #decide: Decide;
  readonly #early: EarlyPath;
  /** Time on the clock of whoever gave the last slice. */
  #nowMs = 0;
  readonly #positions = new Map<string, LanePosition>();
  readonly #stored = new Map<string, LanePosition>();
  /** Where reading stands: behind `next` while records of before a restart are read again. */
  readonly #cursors = new Map<string, number>();
  readonly #counters: Record<string, number> = {};
  /** W when the state was stored: what was read before and lies above it is still to be released. */
  #restoredMs = Number.MIN_SAFE_INTEGER;
  #effects: Effects = noEffects();
  /** Where in the effects a case stands. */
  readonly #caseAt = new Map<string, number>();
  #worked = false;
  /** Since when positions are known that no commit has written, ms; null: they are written. */
  #passedMs: number | null = null;
  #telling = false;
  #pageCursor = 0;
  /** By page that was loaded: the last delta it contains. */
  readonly #pagesUpto = new Array<number>(PAGES).fill(0);
  /** Stretches of event time in each of which a page may go to rest. */
  #restedTo = 0;
  #pageBudget = 0;
  #stateBytes = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#watermarks = new Watermarks(this.#slots, options.timings);
    const notice = (
      code: NoticeCode,
      subject: string,
      detail: string,
      ms: number,
      tenant?: string,
    ) => this.#notice(code, subject, detail, ms, tenant);
    const evicted = (subject: string, detail: string, ms: number) =>
      notice('state.evicted', subject, detail, ms);
    this.#legibility = new Legibility(this.#slots, ({ source, lost, of, timeMs }) =>
      notice('source.illegible', source, `${lost} of ${of} records cannot be read`, timeMs),
    );
    this.#correlate = createCorrelate(
      this.#slots,
      options.correlate,
      (fact) => this.#fact(fact),
      notice,
      (tenant, agent, call) => this.#decide.restrains(tenant, agent, call),
    );
    const { profiles, judgings, plans } = options.baseline;
    const { inventory } = options.correlate;
    const blind = (kind: Kind, tenant: string) => this.#correlate.blind(kind, tenant);
    this.#behaviour = createBehaviour(this.#slots, profiles, {
      ...{ inventory, blind, evicted },
      opened: (window) => this.#effects.windows.push(window),
    });
    this.#evidence = createEvidenceStage(this.#slots, judgings, plans, evicted);
    this.#objectives = createObjectiveStage(this.#slots, options.levels, evicted);
    this.#levels = createLevels(this.#slots, notice);
    this.#chains = createChains(this.#slots, notice);
    this.#detect = createRoster(options.detectors, {
      blind,
      slots: this.#slots,
      inventory,
      maturity: options.maturity,
      evicted,
      notice,
      ...(options.meter === undefined ? {} : { meter: options.meter }),
    });
    const { neverTouch } = options.decide.guardrails;
    this.#exceptions = createExceptions(options.exceptions, neverTouch);
    this.#excused = options.exceptions;
    this.#casework = createCasework(this.#slots, evicted);
    this.#decide = createDecide(this.#slots, options.decide);
    this.#early = createEarlyPath(this.#decide, {
      inventory,
      freshMs: options.freshMs ?? Math.max(0, ...options.timings.map((one) => one.latenessMs)),
      detectors: () => this.#detect.detectors,
      foresee: (event) => this.#correlate.foresee(event),
      inForce: (fired) => this.#inForce(fired),
      circumstances: (detection) => this.#circumstances(detection),
      fleet: (tenant) => this.#correlate.fleet(tenant),
      effects: () => this.#effects,
      count: (name) => this.#count(name),
    });
  }

  get watermarkMs(): number {
    return this.#watermarks.effectiveMs;
  }

  get buffered(): number {
    return this.#reorder.size;
  }

  *loading(parts: StoredParts): Generator<undefined, void> {
    yield* this.#slots.loading(parts);
    // Pages say how large the state is, deltas only how much changed.
    for (const { page, uptoSeq, bytes } of parts.pages) {
      this.#stateBytes += bytes.length;
      this.#pagesUpto[page] = uptoSeq;
    }
  }

  *restoring(
    state: LaneState,
    watermarkMs: number | null,
    counters: Readonly<Record<string, number>>,
  ): Generator<undefined, void> {
    yield* this.loading(state);
    yield* this.#correlate.restoring();
    yield* this.#behaviour.restoring();
    yield* this.#casework.cases.restoring();
    yield* this.#detect.restoring(watermarkMs);
    yield* this.#decide.early.restoring();
    this.#restoredMs = watermarkMs ?? Number.MIN_SAFE_INTEGER;
    this.#watermarks.restore(this.#restoredMs);
    for (const position of state.positions) {
      const key = partitionKey(position);
      this.#positions.set(key, position);
      this.#stored.set(key, position);
    }
    // Rewriting goes on with the page that was rewritten longest ago, or the first that never was:
    // frequent restarts would let the deltas grow without end.
    this.#pageCursor = this.#pagesUpto.indexOf(Math.min(...this.#pagesUpto));
    Object.assign(this.#counters, counters);
  }

  assign(partitions: readonly PartitionLag[], nowMs: number): StartPosition[] {
    const starts = partitions.map((lag) => this.#startOf(lag, nowMs));
    for (const start of starts) this.#cursors.set(partitionKey(start), start.offset);
    this.#watermarks.assign(
      partitions.map((lag, at) => ({
        ...lag,
        next: (starts[at] as StartPosition).offset,
        until: this.#positions.get(partitionKey(lag))?.next ?? 0,
      })),
      nowMs,
    );
    return starts;
  }

  slice(records: readonly Rec[], next: number, end: number, nowMs: number): void {
    const first = records[0];
    if (first === undefined) return;
    const key = partitionKey(first);
    const position = this.#positions.get(key);
    assert(position !== undefined, `a slice of ${key}, which was never assigned`);
    this.#nowMs = nowMs;
    for (const record of records) this.#record(record, record.offset < position.next);
    const last = records.at(-1) as Rec;
    const isNewest = last.offset > (position.bookmark?.offset ?? -1);
    const bookmark = isNewest ? { bookmark: bookmarkOf(last) } : {};
    this.#positions.set(key, { ...position, ...bookmark, next: Math.max(position.next, next) });
    this.#cursors.set(key, next);
    this.#watermarks.read(first.topic, first.partition, next, end, nowMs);
    this.#worked = true;
    this.#advance(nowMs);
  }

  passed(
    at: TopicPartition,
    next: number,
    end: number,
    newestMs: number | null,
    nowMs: number,
  ): void {
    const key = partitionKey(at);
    const position = this.#positions.get(key);
    assert(position !== undefined, `word of ${key}, which was never assigned`);
    this.#positions.set(key, { ...position, next: Math.max(position.next, next) });
    this.#cursors.set(key, Math.max(next, this.#cursors.get(key) ?? 0));
    if (newestMs !== null) this.#watermarks.heardOf(at.topic, at.partition, newestMs);
    this.#watermarks.read(at.topic, at.partition, next, end, nowMs);
    this.#passedMs ??= nowMs;
    this.#advance(nowMs);
  }

  tick(lags: readonly PartitionLag[], nowMs: number): void {
    if (this.#passedMs !== null && nowMs - this.#passedMs >= PASSED_EVERY_MS) this.#worked = true;
    this.#watermarks.ends(lags);
    this.#advance(nowMs);
  }

  operate(request: OperatorRequest): void {
    // Not taken up: whoever asks asks again, until its turn has come.
    if (this.#early.defers(request, Math.max(0, this.watermarkMs))) {
      this.#worked = true;
      return;
    }
    if (request.type === 'verdict')
      for (const judged of request.detections) this.#judged(request, judged);
    else if (request.type === 'reinstate') this.#reinstated(request);
    else this.#operated(this.#decide.operate(request, Math.max(0, this.watermarkMs)));
    this.#effects.operatorRequests.push(request.id);
    this.#worked = true;
  }

  reload({ detectors, exceptions }: Reloaded, by: string): readonly Turn[] {
    const timeMs = Math.max(0, this.watermarkMs);
    const before = { detectors: this.#detect.detectors, exceptions: this.#excused };
    const turns = this.#detect.reload(detectors, timeMs);
    this.#exceptions = createExceptions(exceptions, this.#options.decide.guardrails.neverTouch);
    this.#excused = exceptions;
    const changes = powerChanges(before, { detectors: this.#detect.detectors, exceptions });
    if (turns.length > 0 || changes.length > 0)
      this.#effects.reloads.push({ by, timeMs, detectors: detectors.length, turns, changes });
    for (const { subject, says } of changes)
      this.#notice('detectors.reloaded', subject, `${says} by ${by}`, timeMs);
    for (const { stem, from, to, untilMs } of turns) {
      const when = untilMs > timeMs ? `in ${(untilMs - timeMs) / 1000} s of event time` : 'at once';
      const said = `${from ?? 'nothing'} gives way to ${to ?? 'nothing'} by ${by}, ${when}`;
      this.#notice('detectors.reloaded', stem, said, timeMs);
    }
    this.#worked = true;
    return turns;
  }

  refuse(detail: string): void {
    this.#notice('detectors.refused', 'detectors', detail, Math.max(0, this.watermarkMs));
  }

  missing(at: TopicPartition, from: number, to: number, nowMs: number, undecodable?: string): void {
    const { topic, partition } = at;
    const detail =
      undecodable === undefined
        ? `records ${from} to ${to} are gone from the log before they were read`
        : `records ${from} to ${to} were skipped: ${undecodable}`;
    this.#count(undecodable === undefined ? 'missing-offsets' : 'undecodable-offsets', to - from);
    this.#gap(at, detail, nowMs);
    if (undecodable === undefined) return;
    const position = this.#positions.get(partitionKey(at));
    if (position !== undefined && position.next < to) {
      this.#positions.set(partitionKey(at), { ...position, next: to });
      this.#cursors.set(partitionKey(at), to);
    }
    this.#count('dead-letters');
    this.#posted({
      position: { topic, partition, offset: from, index: 0 },
      ...{ source: topic, format: 'batch', reason: 'codec-unsupported', detail, size: 0 },
      ...{ raw: Buffer.alloc(0), receivedMs: nowMs },
    });
  }

  standstill(partitions: readonly Standstill[], isOver: boolean, nowMs: number): void {
    for (const { topic, partition, sinceMs } of partitions) {
      const reason = `partition ${partition} of ${topic} stands still although it holds more records`;
      if (!isOver) this.#count('partitions-stuck');
      const toMs = isOver ? nowMs : null;
      this.#uncovered(topic, [partition, sinceMs], reason, sinceMs, toMs, !isOver);
    }
  }

  drain(): void {
    const newestMs = this.#watermarks.newestMs();
    if (newestMs < 0) return;
    const horizonMs = this.#correlate.horizonMs(newestMs);
    this.#release(this.#reorder.take(newestMs, Number.POSITIVE_INFINITY), newestMs);
    this.#passTime(horizonMs);
    this.#correlate.finish(newestMs);
    // Stamps from the future were clamped and moved no watermark: they come last.
    const last = this.#reorder.take(Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY);
    this.#release(last, newestMs);
    this.#passTime(horizonMs);
    this.#behaviour.finish(horizonMs, this.#onReading);
    this.#watermarks.restore(Math.max(this.watermarkMs, horizonMs));
    this.#worked = true;
  }

  isBehind(): boolean {
    return (this.#reorder.nextMs() ?? Number.POSITIVE_INFINITY) <= this.#watermarks.ripeMs;
  }

  dirty(): boolean {
    return this.#worked;
  }

  isPressing(): boolean {
    return this.#effects.intentions.length > 0;
  }

  commit(): LaneCommit {
    const moves: { from: number; to: LanePosition }[] = [];
    for (const [key, position] of this.#positions) {
      const { topic, partition, next } = position;
      // What a restart made us read again, and is not read again yet, is still needed.
      const unread = Math.min(next, this.#cursors.get(key) ?? next);
      const low = Math.min(unread, this.#reorder.low(topic, partition) ?? unread);
      const stored = this.#stored.get(key);
      const to = { ...position, low, next };
      if (stored !== undefined && stored.next === next && stored.low === low) continue;
      this.#positions.set(key, to);
      moves.push({ from: stored?.next ?? next, to });
    }
    this.#watermarks.settle();
    this.#passedMs = null;
    const delta = this.#slots.takeDelta();
    this.#rest();
    const pages = this.#pagesFor(delta?.length ?? 0);
    const effects = this.#effects;
    effects.objectiveCounts.push(...this.#objectives.takeCounts());
    effects.usage.push(...this.#objectives.takeUsage());
    effects.levels.push(...this.#levels.takeWindows());
    this.#effects = noEffects();
    this.#caseAt.clear();
    this.#worked = false;
    return {
      moves,
      delta,
      pages,
      effects,
      watermarkMs: this.watermarkMs,
      counters: this.counters(),
    };
  }

  committed(): void {
    for (const [key, position] of this.#positions) this.#stored.set(key, position);
  }

  ahead(): TopicPartition[] {
    return this.#watermarks.ahead(1000);
  }

  isFull(): boolean {
    return this.#fullness() > 1;
  }

  hasRoom(): boolean {
    return this.#fullness() <= 0.5;
  }

  /** How full the buffer is: 1 where sources that run ahead are to pause. */
  #fullness(): number {
    const { maxBuffered, maxBufferedBytes } = this.#options;
    return Math.max(this.#reorder.size / maxBuffered, this.#reorder.bytes / maxBufferedBytes);
  }

  blind(kind: Kind, tenant = '-'): boolean {
    return this.#correlate.blind(kind, tenant);
  }

  counters(): Readonly<Record<string, number>> {
    const all = { ...this.#counters };
    const stages = [this.#correlate, this.#behaviour, this.#casework, this.#detect];
    for (const { counters: counted } of stages)
      for (const [name, value] of Object.entries(counted)) all[name] = (all[name] ?? 0) + value;
    return all;
  }

  standing(): readonly PartitionStanding[] {
    return this.#watermarks.standing();
  }

  /** Where to start: the oldest record still waiting, else where reading stopped. */
  #startOf(lag: PartitionLag, nowMs: number): StartPosition {
    const key = partitionKey(lag);
    const { topic, partition, low, end } = lag;
    const known = this.#positions.get(key);
    if (known === undefined || (known.next === 0 && known.low === 0)) {
      this.#positions.set(key, { topic, partition, low, next: low });
      this.#stored.set(key, { topic, partition, low: 0, next: 0 });
      if (low > 0)
        this.#truncated(lag, `its log begins at ${low}: what came before is not known`, nowMs);
      return { topic, partition, offset: low };
    }
    if (lag.isRecreated === true || known.next > end) return this.#recreated(known, lag, nowMs);
    const { bookmark: proof } = known;
    const proven = proof === undefined ? {} : { proof };
    if (known.low < low) {
      const detail = `records ${known.low} to ${low} are gone from the log before they were used`;
      this.#count('missing-offsets', low - known.low);
      this.#gap(lag, detail, nowMs);
      this.#positions.set(key, { ...known, low, next: Math.max(known.next, low) });
      return { topic, partition, offset: low, ...proven };
    }
    return { topic, partition, offset: known.low, ...proven };
  }

  /** The log is another one: it is read from its beginning, and what is lost of the former is said. */
  #recreated(known: LanePosition, lag: PartitionLag, nowMs: number): StartPosition {
    const { topic, partition, low, end } = lag;
    const incarnation = (known.incarnation ?? 1) + 1;
    const how =
      lag.isRecreated === true
        ? 'another record stands where we had read'
        : `its log ends at ${end}, before our position ${known.next}`;
    const detail = `${how}: truncated or recreated; read from ${low} on as incarnation ${incarnation}`;
    this.#count('topics-recreated');
    this.#gap(lag, detail, nowMs);
    this.#notice('topic.recreated', topic, detail, nowMs);
    this.#positions.set(partitionKey(lag), { topic, partition, low, next: low, incarnation });
    return { topic, partition, offset: low };
  }

  #truncated(at: TopicPartition, detail: string, nowMs: number): void {
    if (this.#options.governanceTopics.has(at.topic)) this.#correlate.historyIsPartial();
    this.#notice('history.truncated', partitionKey(at), detail, nowMs);
    this.#worked = true;
  }

  /** Records that were there are lost to us: since the last one that was read nothing is known. */
  #gap(at: TopicPartition, detail: string, nowMs: number): void {
    this.#truncated(at, detail, nowMs);
    const last = this.#positions.get(partitionKey(at))?.bookmark?.timestampMs ?? nowMs;
    this.#uncovered(at.topic, [at.partition, detail], detail, Math.min(last, nowMs), nowMs);
  }

  /** A stretch of time of which a topic told us nothing; `of` tells it from others. */
  #uncovered(
    topic: string,
    of: readonly (string | number)[],
    reason: string,
    fromMs: number,
    toMs: number | null,
    isNews = true,
  ): void {
    for (const kind of this.#options.topicKinds?.get(topic) ?? []) {
      const id = idOf('coverage', topic, kind, ...of);
      const coverage = { id, source: topic, kind, fromMs, toMs, reason, sessions: 0 };
      this.#fact({ type: 'blind', coverage, decidedMs: toMs ?? fromMs, begins: isNews });
    }
  }

  #record(record: Rec, again: boolean): void {
    const { events, deadLetters, flags } = this.#options.decode(record);
    if (!again) {
      this.#count('records');
      const { topic, partition, timestampMs } = record;
      this.#legibility.read(topic, partition, timestampMs, deadLetters[0]?.source ?? null);
      for (const letter of deadLetters) {
        this.#count('dead-letters');
        this.#posted(letter);
        this.#told('dead-letter', letter.source, record.timestampMs);
      }
      if (flags.duplicateKeys > 0) this.#count('duplicate-keys', flags.duplicateKeys);
      if (flags.ignored > 0) this.#count('ignored', flags.ignored);
      if (flags.nonconforming > 0) this.#count('nonconforming', flags.nonconforming);
    }
    const bytes = (record.value?.length ?? 0) / Math.max(1, events.length);
    for (const event of events) this.#event(event, bytes, again);
  }

  #posted(came: DeadLetter): void {
    const { letter, isFirst } = this.#letters.post(came);
    if (letter !== null) this.#effects.deadLetters.push(letter);
    else this.#count('dead-letters-not-kept');
    if (!isFirst) return;
    const detail = `more dead letters of ${came.source} in an hour than are kept as they are`;
    this.#notice('state.evicted', 'dead-letters', detail, came.receivedMs);
  }

  #event(event: Event, bytes: number, again: boolean): void {
    const { eventMs, clamped } = event.time;
    if (!clamped) this.#watermarks.saw(event.src.topic, event.src.partition, eventMs);
    if (again) {
      // Read before the crash: released then, unless it still lay above the watermark.
      if (eventMs > this.#restoredMs) this.#reorder.offer(event, bytes);
      return;
    }
    this.#count('events');
    if (eventMs <= this.watermarkMs) {
      if (clamped) this.#skewed(event);
      this.#late(event);
      return;
    }
    const offered = this.#reorder.offer(event, bytes);
    if (offered === 'repeat') this.#count('repeats');
    else if (clamped) this.#skewed(event);
    if (offered === 'held') this.#early.see(event, this.#nowMs);
    if (offered === 'forged') this.#forged(event);
  }

  #skewed({ src, time, tenant }: Event): void {
    this.#count('clamped');
    const where = `${src.topic}/${src.partition}@${src.offset}`;
    const detail = `the time at ${where} lies in the future`;
    this.#notice('event.clock-skew', src.name, detail, time.eventMs, tenant);
  }

  #late(event: Event): void {
    const {
      tenant,
      time: { eventMs },
    } = event;
    const behindMs = this.watermarkMs - eventMs;
    this.#count('late');
    if (behindMs > this.#options.tooLateMs) {
      this.#count('too-late');
      this.#notice(
        'event.too-late',
        event.src.name,
        'records too old to be evaluated',
        eventMs,
        tenant,
      );
      return;
    }
    this.#notice('event.late', event.src.name, 'records behind the watermark', eventMs, tenant);
    this.#correlate.fold(event, true);
  }

  #forged(event: Event): void {
    this.#count('forged-ids');
    const { topic, partition, offset } = event.src;
    this.#notice(
      'event.duplicate-id',
      event.agent?.id ?? event.src.name,
      `the record at ${topic}/${partition}@${offset} bears the id of another with other content; the first is kept`,
      event.time.eventMs,
      event.tenant,
    );
  }

  /** When W leaps, all that the buffer holds is ripe at once: W goes as far as one step releases. */
  #advance(nowMs: number): void {
    const ripeMs = this.#watermarks.advance(nowMs);
    const events = this.#reorder.take(ripeMs, this.#options.releaseMax ?? RELEASE_MAX);
    const last = events.at(-1);
    const isCut = (this.#reorder.nextMs() ?? Number.POSITIVE_INFINITY) <= ripeMs;
    if (isCut && last !== undefined) this.#watermarks.hold(last.time.eventMs);
    this.#release(events, this.watermarkMs);
    const fullness = this.#fullness();
    const canPause = fullness > EARLY_AT && this.ahead().length > 0;
    // What is read again must find W where it was, or it would be taken for released.
    if (fullness > (canPause ? 2 * EARLY_AT : EARLY_AT) && !this.#watermarks.isCatchingUp)
      this.#releaseEarly();
  }

  /**
   * What waits is more than back-pressure can help: one source alone sends too much within its own
   * lateness. The oldest go before their time, and what comes behind them is late, and says so.
   */
  #releaseEarly(): void {
    const early: Event[] = [];
    while (this.#fullness() > 1) {
      const ms = this.#reorder.nextMs();
      if (ms === undefined) break;
      early.push(...this.#reorder.take(ms, Number.POSITIVE_INFINITY));
    }
    const last = early.at(-1);
    if (last === undefined) return;
    const { eventMs } = last.time;
    this.#count('released-early', early.length);
    const detail = `${early.length} events released before their time: more wait than there is room for`;
    this.#notice('state.evicted', 'reorder-buffer', detail, eventMs);
    this.#watermarks.hasten(eventMs);
    this.#release(early, this.watermarkMs);
  }

  /** The fold: these events and the timers at or before `ms`, interleaved in event time. */
  #release(events: readonly Event[], ms: number): void {
    for (const event of events) {
      this.#passTime(event.time.eventMs - 1);
      this.#correlate.fold(event, false);
      this.#worked = true;
    }
    this.#passTime(ms);
    this.#early.settle(ms, this.#watermarks.newestMs());
    if (this.#slots.dirty > 0) this.#worked = true;
  }

  /**
   * Timers of acts, deadlines of correlations and ends of units up to `ms`, in the order of their
   * time however it is cut.
   */
  #passTime(ms: number): void {
    for (let at = this.#nextMs(); at <= ms; at = this.#nextMs()) {
      this.#correlate.passTime(at);
      this.#detect.passTime(at, this.#onFinding);
      this.#behaviour.passTime(at, this.#onReading);
    }
    this.#correlate.passTime(ms);
    this.#resolve(ms);
  }

  /** Cases that were quiet for an hour at `ms`. */
  #resolve(ms: number): void {
    if ((this.#casework.cases.nextMs() ?? Number.POSITIVE_INFINITY) > ms) return;
    const { cases, announcements } = this.#casework.cases.passTime(ms);
    this.#cases(cases);
    this.#effects.announcements.push(...announcements);
  }

  #nextMs(): number {
    const never = Number.POSITIVE_INFINITY;
    return Math.min(this.#behaviour.nextMs() ?? never, this.#detect.nextMs() ?? never);
  }

  readonly #onFinding = {
    detection: (detection: Detection) => this.#detection(detection),
    amendment: (amendment: Amendment, entity: Entity) => this.#amendment(amendment, entity),
  };

  /** A case that grows many times in a step is written once, as it stands last. */
  #cases(cases: readonly Case[]): void {
    for (const one of cases) {
      const at = this.#caseAt.get(one.id);
      if (at !== undefined) this.#effects.cases[at] = one;
      else this.#caseAt.set(one.id, this.#effects.cases.push(one) - 1);
    }
  }

  /** Reading → evidence → firings, each of them a fact that detectors see like any other. */
  readonly #onReading = (reading: UnitReading): void => {
    this.#options.baseline.onReading?.(reading);
    for (const firing of this.#evidence.see(reading)) this.#fact(firing);
  };

  #fact(fact: Fact): void {
    if (fact.type === 'blind') {
      this.#effects.coverage.push(fact.coverage);
      const code = fact.coverage.toMs === null ? 'source.blind' : 'source.back';
      const { tenant, source, reason } = fact.coverage;
      this.#notice(code, source, reason, fact.decidedMs, tenant);
    } else if (fact.type === 'blind-session') {
      const { tenant, id } = fact.session;
      this.#effects.amendments.push({ type: 'blind', tenant, session: id, source: fact.book });
    } else if (fact.type === 'attempt') {
      const { session, attempt } = fact;
      const id = eventIdOf(attempt.topic, attempt.nativeId);
      const { tenant, agent } = session;
      this.#effects.activity.push(...this.#decide.activity(tenant, agent, session.id, attempt, id));
    }
    this.#options.onFact?.(fact);
    if (fact.type === 'event') {
      this.#options.baseline.onEvent?.(fact);
      this.#casework.see(fact);
      for (const burning of this.#objectives.see(fact)) this.#fact(burning);
      this.#levels.see(fact.event, fact.tenant, fact.agent, fact.late);
      this.#chains.see(fact.event, fact.agent);
      this.#closedUnit(fact);
      this.#remember(fact);
    }
    this.#detect.see(fact, this.#onFinding);
    this.#behaviour.see(fact, this.#onReading);
  }

  /** A session of a role came to its end: one more live unit. */
  #closedUnit({ event, session, late }: EventFact): void {
    const isClose = event.governance?.change === 'session.closed';
    // A late one may be a repetition; to count a unit too few lends nobody power.
    if (!isClose || late || session === null || session.role === null) return;
    // Closed twice, or by a second record: the first one counts.
    if (session.closedMs !== event.time.eventMs) return;
    this.#effects.closedUnits.push({ role: session.role, units: 1 });
  }

  /** What governance said: who the agent was, what it might do, and when, for whoever asks later. */
  #remember(fact: EventFact): void {
    if (fact.event.governance === undefined) return;
    const session = sessionSaid(fact);
    if (session !== null) this.#effects.agentSessions.push(session);
    else this.#effects.agentChanges.push(changeSaid(fact));
  }

  /** Detection → exception → risk and case → decision → intention (handbook, detection §8.1). */
  #detection(fired: Detection, above: Verb | null = null): void {
    if (!this.#casework.hear(fired)) return;
    this.#early.hear(fired.id);
    const detection = this.#inForce(fired);
    this.#effects.detections.push(detection);
    if (detection.exception !== undefined) {
      this.#count('excepted');
      return;
    }
    if (detection.maturity === 'shadow') {
      this.#count('shadow-detections');
      this.#decided(detection, '', { shared: null, above, principal: null });
      return;
    }
    this.#count('detections');
    this.#resolve(detection.decidedMs - 1);
    const { tenant, agent, session } = detection.entity;
    this.#correlate.suspect(tenant, agent, session);
    const lineage = this.#lineage(detection);
    const told = this.#casework.take(detection, lineage, this.#correlate.fleet(tenant));
    this.#cases(told.cases);
    this.#effects.members.push(...told.members);
    this.#effects.announcements.push(...told.announcements);
    const { caseId, shared } = told;
    const { principal } = lineage;
    const [intention] = this.#decided(detection, caseId, { shared, above, principal });
    const answer =
      intention?.step === 'request'
        ? { leaseId: intention.leaseId, verb: intention.verb, ms: intention.issuedMs }
        : null;
    const calls = session === null ? [] : this.#correlate.calls(tenant, session);
    const known = { calls, ancestors: lineage.ancestors };
    const chain = this.#casework.grow(caseId, detection, known, answer);
    if (chain !== null) this.#effects.chains.push(chain);
  }

  /** The detection as it counts now: excused, or of a detector that was demoted. */
  #inForce(fired: Detection): Detection {
    const exception = this.#exceptions.excusing(fired);
    if (exception !== null) return { ...fired, exception: exception.id };
    const { detector, version, maturity } = fired;
    const isDemoted = maturity === 'enforce' && this.#decide.demotions.stands(detector, version);
    return isDemoted ? { ...fired, maturity: 'alert' } : fired;
  }

  #lineage({ entity: { tenant, session } }: Detection): Lineage {
    if (session === null) return { principal: null, ancestors: [] };
    return this.#correlate.lineage(tenant, session);
  }

  /** What is done about it. A shadow is asked too, and nothing comes of it. */
  #decided(
    detection: Detection,
    caseId: string,
    known: Pick<Circumstances, 'shared' | 'above' | 'principal'>,
  ): readonly Intention[] {
    const { tenant } = detection.entity;
    const detector = this.#detect.detectors.get(detection.detector);
    assert(detector !== undefined, `a detection of unknown detector ${detection.detector}`);
    const decided = this.#decide.decide(
      detection,
      caseId,
      detector.response,
      { ...this.#circumstances(detection), ...known },
      this.#correlate.fleet(tenant),
    );
    const { decision, inputs } = decided;
    this.#effects.decisions.push(decision);
    this.#effects.decisionInputs.push({ decisionId: decision.id, inputs });
    if (decided.taken === undefined) this.#effects.intentions.push(...decided.intentions);
    else this.#early.confirmed(decided.taken, detection.decidedMs);
    this.#effects.announcements.push(...callsForPeople(decided));
    if (decided.tripped)
      this.#notice(
        'breaker.tripped',
        'fleet',
        'no further action until a person resumes',
        detection.decidedMs,
        tenant,
      );
    return decided.intentions;
  }

  /** What is known around a detection and could explain it away. */
  #circumstances(
    detection: Detection,
  ): Omit<Circumstances, 'leases' | 'above'> & { readonly principal: string | null } {
    const { tenant, agent } = detection.entity;
    const needs = this.#detect.detectors.get(detection.detector)?.needs.sources ?? [];
    return {
      blindNow: needs.filter((kind) => this.#correlate.blind(kind, tenant)),
      changedMs: this.#correlate.changedMs(tenant, agent),
      windows: this.#windows(detection),
      refusedByUs: this.#refusedByUs(detection),
      shared: null,
      principal: this.#lineage(detection).principal,
    };
  }

  /** What came of a request about leases. */
  #operated({ intentions, decisions, exhausted }: Operated): void {
    this.#effects.decisions.push(...decisions);
    this.#effects.intentions.push(...this.#early.notSentYet(intentions));
    if (exhausted === null) return;
    const nowMs = Math.max(0, this.watermarkMs);
    const { subject, leaseId } = exhausted.lease;
    const { agent, tenant } = subject;
    this.#notice('containment.failed', agent, `lease ${leaseId}: ${exhausted.why}`, nowMs, tenant);
    const detector = this.#detect.detectors.get(CONTAINMENT_LEAK);
    if (detector === undefined) return;
    const maturity = maturityInForce(detector, this.#options.maturity);
    this.#detection(leakDetection(detector, maturity, exhausted, nowMs), exhausted.lease.verb);
  }

  /** Windows of both kinds that are open for whom it is about, at the time of its evidence. */
  #windows({ entity: { tenant, agent, role }, timeMs }: Detection): OpenWindow[] {
    const learning = this.#behaviour.windows(tenant, agent, role, timeMs).map(
      ({ reason, scope, tools, opensMs, expiresMs }): OpenWindow => ({
        ...{ type: 'learning', name: `${reason} of ${scope.subject}`, tools },
        ...{ fromMs: opensMs, toMs: expiresMs },
      }),
    );
    const change = this.#correlate.windows(tenant, agent, role, timeMs).map(
      ({ level, subject, fromMs, toMs }): OpenWindow => ({
        ...{ type: 'change', name: `of ${level} ${subject}`, tools: null, fromMs, toMs },
      }),
    );
    return [...learning, ...change];
  }

  /** Which of its witnesses are refusals by a lease of ours, as far as the ledger still holds them. */
  #refusedByUs({ entity: { tenant, session }, witnesses }: Detection): ReadonlySet<string> {
    const found = new Set<string>();
    if (session === null || witnesses.length === 0) return found;
    for (const { ours, topic, nativeId } of this.#correlate.calls(tenant, session))
      if (ours) found.add(eventIdOf(topic, nativeId));
    return found;
  }

  /** A lease that rests on what is taken back ends. */
  #amendment(amendment: Amendment, entity: Entity): void {
    this.#effects.amendments.push(amendment);
    if (amendment.type !== 'retracted') return;
    this.#casework.forgive(amendment.detectionId, entity);
    this.#lift(amendment.detectionId, {
      reason: 'the detection was retracted: its evidence came late',
      grantsImmunity: false,
    });
  }

  /** Lifts the lease a detection led to, whatever its verb. True where one stood. */
  #lift(detectionId: string, because: Because): boolean {
    for (const verb of VERBS) {
      const releases = this.#decide.retract(detectionId, verb, this.watermarkMs, because);
      if (releases.length === 0) continue;
      this.#effects.intentions.push(...this.#early.notSentYet(releases));
      return true;
    }
    return false;
  }

  /** A verdict on one detection; a false positive takes back at once what came of it. */
  #judged(request: OperatorRequest & { readonly type: 'verdict' }, judged: Judged): void {
    const { verdict, by, reason: note, atMs } = request;
    const { id: detectionId, detector, version, entity, acted } = judged;
    if (this.#options.owns?.(entity.tenant) === false) {
      // Said and answered where it was found; that its version is demoted holds everywhere.
      if (verdict === 'false_positive' && acted !== null)
        this.#decide.demotions.demote(detector, version, this.watermarkMs);
      return;
    }
    this.#effects.verdicts.push({ detectionId, detector, version, verdict, by, note, atMs });
    if (verdict !== 'false_positive') return;
    this.#casework.forgive(detectionId, entity);
    const reason = `judged a false positive by ${by}: ${note}`;
    const wasLifted = this.#lift(detectionId, { reason, grantsImmunity: true });
    if (!wasLifted && acted === null) return;
    // Every verb is degrade or above: one needless action is one too many for this version.
    const timeMs = this.watermarkMs;
    if (!this.#decide.demotions.demote(detector, version, timeMs)) return;
    const demotion = { detector, version, stands: true, detectionId, by, reason: note, timeMs };
    this.#effects.demotions.push(demotion);
  }

  #reinstated(request: OperatorRequest & { readonly type: 'reinstate' }): void {
    const { detector, version, by, reason } = request;
    if (!this.#decide.demotions.reinstate(detector, version)) return;
    const timeMs = this.watermarkMs;
    const lifted = { detector, version, stands: false, detectionId: null, by, reason, timeMs };
    this.#effects.demotions.push(lifted);
  }

  /** Pages to rewrite with this commit: spread evenly over the deltas written. */
  #pagesFor(deltaBytes: number): { page: number; bytes: Buffer }[] {
    const every = Math.max(this.#options.pageEveryBytes ?? PAGE_EVERY_BYTES, this.#stateBytes);
    this.#pageBudget += (PAGES * deltaBytes) / every;
    const pages: { page: number; bytes: Buffer }[] = [];
    for (; this.#pageBudget >= 1 && pages.length < PAGES; this.#pageBudget -= 1) {
      const bytes = this.#slots.pageBytes(this.#pageCursor);
      pages.push({ page: this.#pageCursor, bytes });
      this.#stateBytes += (bytes.length * PAGES - this.#stateBytes) / PAGES;
      this.#pageCursor = (this.#pageCursor + 1) % PAGES;
    }
    return pages;
  }

  /** What nobody asked for in ten to twenty minutes of event time is kept as bytes. */
  #rest(): void {
    const due = Math.floor(Math.max(0, this.watermarkMs) / REST_PAGE_EACH_MS);
    if (this.#restedTo === 0) this.#restedTo = due;
    // Where time leaps, the rest of it waits for the next commits: none of them is to be long.
    for (let left = REST_PAGES; left > 0 && this.#restedTo < due; left -= 1) {
      this.#restedTo = Math.max(this.#restedTo + 1, due - PAGES + 1);
      this.#slots.rest(this.#restedTo % PAGES);
    }
  }

  #notice(
    code: NoticeCode,
    subject: string,
    detail: string,
    timeMs: number,
    tenant?: string,
  ): void {
    this.#effects.notices.push({ code, subject, detail, timeMs });
    this.#worked = true;
    this.#told(code, subject, timeMs, tenant);
  }

  /** Detectors hear of notices too, but not of those that hearing of one leads to. */
  #told(code: NoticeFact['code'], subject: string, timeMs: number, tenant = '-'): void {
    if (this.#telling) return;
    this.#telling = true;
    this.#fact({ type: 'notice', code, subject, tenant, timeMs });
    this.#telling = false;
  }

  #count(name: string, by = 1): void {
    this.#counters[name] = (this.#counters[name] ?? 0) + by;
  }
}

function partitionKey(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}
