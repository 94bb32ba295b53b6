/** Detection: puts every fact before the detectors that want it, and headers around findings. */

import type {
  Amendment,
  Detection,
  Entity,
  Maturity,
  NoticeCode,
  Witness,
} from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import { assert } from '../model/errors.ts';
import { KINDS, type Kind } from '../model/event.ts';
import type { Inventory } from '../model/expectation.ts';
import type { Fact } from '../model/fact.ts';
import { eventIdOf, idOf } from '../model/ids.ts';
import { maturityInForce } from '../model/power.ts';
import type { Slots } from '../state/slots.ts';
import type { AnalyticKind, Finding, See } from './kind.ts';
import { burnRate } from './kinds/burn-rate.ts';
import { content } from './kinds/content.ts';
import { disuse } from './kinds/disuse.ts';
import { evidence } from './kinds/evidence.ts';
import { notice } from './kinds/notice.ts';
import { novelty } from './kinds/novelty.ts';
import { rate } from './kinds/rate.ts';
import { reconciliation } from './kinds/reconciliation.ts';
import { silence } from './kinds/silence.ts';
import { taintedMemory } from './kinds/tainted-memory.ts';
import type { Meter } from './meter.ts';
import {
  type Correlating,
  type CorrelationSet,
  correlationSet,
  createCorrelating,
} from './sigma/correlating.ts';
import { scopeOf } from './sigma/scope.ts';
import { createSigmaStage, findingOf, type RuleHit, type SigmaStage } from './sigma/stage.ts';

/** Every kind of analytic. One line enrols a new one, in its conformance suite too. */
export const KINDS_OF_ANALYTIC: Readonly<Record<string, AnalyticKind>> = {
  reconciliation,
  silence,
  rate,
  evidence,
  'burn-rate': burnRate,
  notice,
  content,
  novelty,
  'tainted-memory': taintedMemory,
  disuse,
};

/** Detection over a fixed set of detectors. */
export interface Detect {
  /** Detections and retractions of one fact: analytics by their stems, then Sigma by its stems. */
  see(fact: Fact, sink: DetectSink): void;
  /** When a correlation has something to decide, event ms; undefined: nothing waits. */
  nextMs(): number | undefined;
  /** Decides what is due up to `ms`; every event up to then was seen. */
  passTime(ms: number, sink: DetectSink): void;
  /** Rebuilds, step by step, what is derived from the entities. */
  restoring(): Generator<undefined, void>;
  /** Spaces of `slots` that its detectors use. */
  readonly spaces: readonly string[];
  /** What correlations skipped, dropped, bounded and fired, since it was made. */
  readonly counters: Readonly<Record<string, number>>;
  /** Detectors by stem. */
  readonly detectors: ReadonlyMap<string, Detector>;
}

/** Receives what detection says. */
export interface DetectSink {
  detection(detection: Detection): void;
  /** `entity`: of the detection that is taken back. */
  amendment(amendment: Amendment, entity: Entity): void;
}

interface Compiled {
  readonly detector: Detector;
  readonly see: See;
}

/** What detection needs. `maturity` overrides by stem, or `hard` for that evidence class. */
export interface DetectOptions {
  readonly slots: Slots;
  readonly inventory: Inventory;
  readonly maturity: Readonly<Record<string, Maturity>>;
  readonly evicted: (subject: string, detail: string, ms: number) => void;
  /** Is this book of a tenant known to be blind at the moment? */
  readonly blind: (kind: Kind, tenant: string) => boolean;
  /** Event time before which this `stem@version` was not there, ms; undefined: it always was. */
  readonly sinceMs?: (scope: string) => number | undefined;
  /** Says what the observer must say of itself. */
  readonly notice: (code: NoticeCode, subject: string, detail: string, ms: number) => void;
  /** Times a sample of facts; absent: nothing is timed. */
  readonly meter?: Meter;
}

/** Compiles the detectors. Their params have been checked when they were read. */
export function createDetect(detectors: readonly Detector[], options: DetectOptions): Detect {
  return new Detecting(detectors, options);
}

class Detecting implements Detect {
  readonly detectors: ReadonlyMap<string, Detector>;
  readonly spaces: readonly string[];
  readonly #routes: Routes;
  readonly #sigma: SigmaStage;
  readonly #correlating: Correlating;
  readonly #meter: Meter | null;
  // Set while a fact is seen or time passes: correlations fire in between.
  #sink: DetectSink | null = null;
  #fact: Fact | null = null;

  constructor(detectors: readonly Detector[], options: DetectOptions) {
    const { slots, blind, evicted, inventory, notice } = options;
    this.#meter = options.meter ?? null;
    this.detectors = inForce(detectors, options);
    const { routes, spaces } = routed([...this.detectors.values()], options);
    this.#routes = routes;
    this.#sigma = createSigmaStage(detectors, inventory, notice);
    const undecided = (subject: string, detail: string, ms: number) =>
      notice('event.undecided', subject, detail, ms);
    const sinceMs = (key: string) => options.sinceMs?.(key.slice(0, key.lastIndexOf('/')));
    this.#correlating = createCorrelating(
      correlationsOf(detectors),
      { slots, blind, evicted, undecided, sinceMs },
      ({ stem }, finding) => {
        assert(this.#sink !== null, 'a correlation fired while nobody listened');
        this.#say(this.detectors.get(stem) as Detector, finding, this.#fact, this.#sink);
      },
    );
    this.spaces = [...spaces, ...this.#correlating.spaces];
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#correlating.counters;
  }

  nextMs(): number | undefined {
    return this.#correlating.nextMs();
  }

  passTime(ms: number, sink: DetectSink): void {
    const sinkBefore = this.#sink;
    const factBefore = this.#fact;
    this.#sink = sink;
    this.#fact = null;
    this.#correlating.passTime(ms);
    this.#sink = sinkBefore;
    this.#fact = factBefore;
  }

  restoring(): Generator<undefined, void> {
    return this.#correlating.restoring();
  }

  see(fact: Fact, sink: DetectSink): void {
    const { byFact, byKind } = this.#routes;
    const wanted = fact.type === 'event' ? byKind[fact.event.kind] : byFact.get(fact.type);
    const meter = this.#meter?.due() === true ? this.#meter : null;
    if (wanted !== undefined)
      for (const { detector, see } of wanted) {
        const began = meter?.now() ?? 0;
        const finding = see(fact);
        meter?.took(detector.stem, meter.now() - began);
        if (finding !== null) this.#say(detector, finding, fact, sink);
      }
    if (fact.type !== 'event' && fact.type !== 'blind') return;
    const began = meter?.now() ?? 0;
    const sinkBefore = this.#sink;
    const factBefore = this.#fact;
    this.#sink = sink;
    this.#fact = fact;
    if (fact.type === 'event') this.#sigma.see(fact, this.#onHit);
    else {
      const { kind, tenant = '-', fromMs, toMs } = fact.coverage;
      this.#correlating.gap({ kind, tenant }, fromMs, toMs, fact.decidedMs);
    }
    meter?.took('sigma', meter.now() - began);
    this.#sink = sinkBefore;
    this.#fact = factBefore;
  }

  readonly #onHit = (hit: RuleHit): void => {
    const { detector, fires, feeds } = hit.owned;
    const { fact } = hit;
    if (fires && this.#sink !== null)
      this.#say(this.detectors.get(detector.stem) as Detector, findingOf(hit), fact, this.#sink);
    if (feeds) this.#correlating.take(hit);
  };

  #say(detector: Detector, finding: Finding, fact: Fact | null, sink: DetectSink): void {
    const detection = detectionOf(detector, finding, fact);
    if (finding.retracts === undefined) sink.detection(detection);
    else {
      const { id: detectionId, entity } = detection;
      sink.amendment({ type: 'retracted', detectionId, reason: finding.retracts }, entity);
    }
  }
}

/** Detectors by stem, in its order, with the maturity that is in force. */
function inForce(
  detectors: readonly Detector[],
  { maturity }: DetectOptions,
): ReadonlyMap<string, Detector> {
  const sorted = [...detectors].sort((a, b) => (a.stem < b.stem ? -1 : 1));
  return new Map(
    sorted.map((read) => [read.stem, { ...read, maturity: maturityInForce(read, maturity) }]),
  );
}

/** Who wants to see what; events go by their book, for most detectors ask about one. */
interface Routes {
  readonly byFact: ReadonlyMap<Fact['type'], readonly Compiled[]>;
  readonly byKind: Readonly<Record<Kind, readonly Compiled[]>>;
}

function routed(
  detectors: readonly Detector[],
  { slots, inventory, evicted }: DetectOptions,
): { readonly routes: Routes; readonly spaces: readonly string[] } {
  const byFact = new Map<Fact['type'], Compiled[]>();
  const byKind: Record<Kind, Compiled[]> = {
    reasoning: [],
    gateway: [],
    governance: [],
    metrics: [],
  };
  const spaces: string[] = [];
  for (const detector of detectors) {
    if (detector.sigma !== null) continue;
    const kind = KINDS_OF_ANALYTIC[detector.kind] as AnalyticKind;
    const { params, stem } = detector;
    const scope = scopeOf(detector);
    const see = kind.compile(params, { stem, scope, slots, inventory, evicted });
    spaces.push(...(kind.spaces?.(scope) ?? []));
    for (const type of kind.facts) {
      if (type === 'event')
        for (const book of kind.books?.(params) ?? KINDS) byKind[book].push({ detector, see });
      else if (byFact.has(type)) byFact.get(type)?.push({ detector, see });
      else byFact.set(type, [{ detector, see }]);
    }
  }
  return { routes: { byFact, byKind }, spaces };
}

/** Puts a detector's header around what it found in a fact; null: found as time passed. */
export function detectionOf(detector: Detector, finding: Finding, fact: Fact | null): Detection {
  const witnesses: Witness[] = finding.said.map(({ witness, says }) => ({
    eventId: eventIdOf(witness.topic, witness.nativeId),
    kind: witness.kind,
    position: witness.at,
    timeMs: witness.ms,
    seq: witness.seq,
    says,
  }));
  const { tenant, agent, role, session } = finding;
  return {
    id: idOf(
      'detection',
      detector.stem,
      detector.version,
      tenant,
      agent,
      session,
      finding.evidenceKey ?? null,
      ...witnesses.map((witness) => witness.eventId).sort(),
    ),
    detector: detector.stem,
    version: detector.version,
    family: detector.family,
    level: detector.level,
    evidenceClass: detector.evidenceClass,
    maturity: detector.maturity,
    entity: { tenant, agent, role, session },
    timeMs: finding.timeMs,
    decidedMs: finding.decidedMs,
    seq: finding.seq,
    tool: finding.tool,
    witnesses,
    explanation: finding.explanation,
    counterfactual: finding.counterfactual,
    strength: finding.strength,
    // A copy: the session may turn out to have been blind after this was given out.
    blind: blindOf(fact),
    late: finding.late,
    tags: detector.tags,
  };
}

function blindOf(fact: Fact | null): readonly Kind[] {
  if (fact === null || !('session' in fact) || fact.session === null) return [];
  return [...fact.session.blind];
}

/** Linked once for each list: lanes are made anew after each crash. */
const LINKED = new WeakMap<readonly Detector[], CorrelationSet>();

function correlationsOf(detectors: readonly Detector[]): CorrelationSet {
  const known = LINKED.get(detectors);
  if (known !== undefined) return known;
  const made = correlationSet(detectors);
  LINKED.set(detectors, made);
  return made;
}
