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
import type { Inventory } from '../model/expectation.ts';
import type { Fact } from '../model/fact.ts';
import { eventIdOf, idOf } from '../model/ids.ts';
import { maturityInForce } from '../model/power.ts';
import type { Slots } from '../state/slots.ts';
import type { AnalyticKind, Finding, See } from './kind.ts';
import { burnRate } from './kinds/burn-rate.ts';
import { evidence } from './kinds/evidence.ts';
import { notice } from './kinds/notice.ts';
import { rate } from './kinds/rate.ts';
import { reconciliation } from './kinds/reconciliation.ts';
import { silence } from './kinds/silence.ts';
import { createSigmaStage, findingOf } from './sigma/stage.ts';

/** Every kind of analytic. One line enrols a new one, in its conformance suite too. */
export const KINDS_OF_ANALYTIC: Readonly<Record<string, AnalyticKind>> = {
  reconciliation,
  silence,
  rate,
  evidence,
  'burn-rate': burnRate,
  notice,
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
  /** Says what the observer must say of itself. */
  readonly notice: (code: NoticeCode, subject: string, detail: string, ms: number) => void;
}

/** Compiles the detectors. Their params have been checked when they were read. */
export function createDetect(detectors: readonly Detector[], options: DetectOptions): Detect {
  const byFact = new Map<Fact['type'], Compiled[]>();
  const known = new Map<string, Detector>();
  const sorted = [...detectors].sort((a, b) => (a.stem < b.stem ? -1 : 1));
  for (const read of sorted) {
    const detector = { ...read, maturity: maturityInForce(read, options.maturity) };
    known.set(detector.stem, detector);
    if (detector.sigma !== null) continue;
    const kind = KINDS_OF_ANALYTIC[detector.kind] as AnalyticKind;
    const { slots, inventory, evicted } = options;
    const see = kind.compile(detector.params, { stem: detector.stem, slots, inventory, evicted });
    for (const type of kind.facts) {
      const list = byFact.get(type);
      if (list === undefined) byFact.set(type, [{ detector, see }]);
      else list.push({ detector, see });
    }
  }
  const sigma = createSigmaStage(detectors, options.inventory, options.notice);
  return {
    detectors: known,
    nextMs: () => undefined,
    passTime: () => undefined,
    *restoring() {},
    see(fact, sink) {
      for (const { detector, see } of byFact.get(fact.type) ?? []) {
        const finding = see(fact);
        if (finding === null) continue;
        const detection = detectionOf(detector, finding, fact);
        if (finding.retracts === undefined) sink.detection(detection);
        else
          sink.amendment(
            { type: 'retracted', detectionId: detection.id, reason: finding.retracts },
            detection.entity,
          );
      }
      if (fact.type !== 'event') return;
      sigma.see(fact, (hit) => {
        if (!hit.owned.fires) return;
        const detector = known.get(hit.owned.detector.stem) as Detector;
        sink.detection(detectionOf(detector, findingOf(hit), fact));
      });
    },
  };
}

function detectionOf(detector: Detector, finding: Finding, fact: Fact): Detection {
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
    blind: 'session' in fact && fact.session !== null ? [...fact.session.blind] : [],
    late: finding.late,
    tags: detector.tags,
  };
}
