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
import type { Kind } from '../model/event.ts';
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
import {
  type CorrelationSet,
  correlationSet,
  createCorrelating,
  scopeOf,
} from './sigma/correlating.ts';
import { createSigmaStage, findingOf } from './sigma/stage.ts';

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
  /** Is this book known to be blind at the moment? */
  readonly blind: (kind: Kind) => boolean;
  /** Says what the observer must say of itself. */
  readonly notice: (code: NoticeCode, subject: string, detail: string, ms: number) => void;
  /** Event time before which this `stem@version` was not there, ms; undefined: it always was. */
  readonly sinceMs?: (scope: string) => number | undefined;
}

/** Compiles the detectors. Their params have been checked when they were read. */
export function createDetect(detectors: readonly Detector[], options: DetectOptions): Detect {
  const byFact = new Map<Fact['type'], Compiled[]>();
  const known = new Map<string, Detector>();
  const spaces: string[] = [];
  const sorted = [...detectors].sort((a, b) => (a.stem < b.stem ? -1 : 1));
  for (const read of sorted) {
    const detector = { ...read, maturity: maturityInForce(read, options.maturity) };
    known.set(detector.stem, detector);
    if (detector.sigma !== null) continue;
    const kind = KINDS_OF_ANALYTIC[detector.kind] as AnalyticKind;
    const { slots, inventory, evicted } = options;
    const { stem } = detector;
    const scope = scopeOf(detector);
    const see = kind.compile(detector.params, { stem, scope, slots, inventory, evicted });
    spaces.push(...(kind.spaces?.(scope) ?? []));
    for (const type of kind.facts) {
      const list = byFact.get(type);
      if (list === undefined) byFact.set(type, [{ detector, see }]);
      else list.push({ detector, see });
    }
  }
  const sigma = createSigmaStage(detectors, options.inventory, options.notice);
  // Set while a fact is seen or time passes: correlations fire in between.
  let heard: { readonly sink: DetectSink; readonly fact: Fact | null } | null = null;
  const say = (detector: Detector, finding: Finding, fact: Fact | null, sink: DetectSink): void => {
    const detection = detectionOf(detector, finding, fact);
    if (finding.retracts === undefined) sink.detection(detection);
    else {
      const { id: detectionId, entity } = detection;
      sink.amendment({ type: 'retracted', detectionId, reason: finding.retracts }, entity);
    }
  };
  const correlating = createCorrelating(
    correlationsOf(detectors),
    {
      ...{ slots: options.slots, blind: options.blind, evicted: options.evicted },
      sinceMs: (key) => options.sinceMs?.(key.slice(0, key.lastIndexOf('/'))),
      undecided: (subject, detail, ms) => options.notice('event.undecided', subject, detail, ms),
    },
    ({ stem }, finding) => {
      assert(heard !== null, 'a correlation fired while nobody listened');
      say(known.get(stem) as Detector, finding, heard.fact, heard.sink);
    },
  );
  const listening = (fact: Fact | null, sink: DetectSink, work: () => void): void => {
    const before = heard;
    heard = { sink, fact };
    work();
    heard = before;
  };
  return {
    detectors: known,
    spaces: [...spaces, ...correlating.spaces],
    counters: correlating.counters,
    nextMs: () => correlating.nextMs(),
    passTime: (ms, sink) => listening(null, sink, () => correlating.passTime(ms)),
    restoring: () => correlating.restoring(),
    see(fact, sink) {
      for (const { detector, see } of byFact.get(fact.type) ?? []) {
        const finding = see(fact);
        if (finding === null) continue;
        say(detector, finding, fact, sink);
      }
      if (fact.type === 'blind') {
        const { kind, fromMs, toMs } = fact.coverage;
        listening(fact, sink, () => correlating.gap(kind, fromMs, toMs, fact.decidedMs));
      }
      if (fact.type !== 'event') return;
      listening(fact, sink, () =>
        sigma.see(fact, (hit) => {
          const { detector, fires, feeds } = hit.owned;
          if (fires) say(known.get(detector.stem) as Detector, findingOf(hit), fact, sink);
          if (feeds) correlating.take(hit);
        }),
      );
    },
  };
}

function detectionOf(detector: Detector, finding: Finding, fact: Fact | null): Detection {
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
