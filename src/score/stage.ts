/** Stage of evidence: readings of units become facts about crossed thresholds. */
import type { Rung } from '../model/decision.ts';
import type { FiringFact } from '../model/fact.ts';
import type { UnitReading } from '../model/reading.ts';
import type { Slots } from '../state/slots.ts';
import { guardOf } from '../stats/dependence.ts';
import { DEFAULT_PLAN, type Load, type RungPlan, thresholdsOf } from './budget.ts';
import { createEvidence, type Evidence } from './evidence.ts';
import type { Firing, Standard, UnitKey } from './firing.ts';
import { silentAt } from './session-lane.ts';
import { type CalibrationLevel, compileTables } from './tables.ts';

/** What evidence needs to know of a baseline. */
export interface Judging extends CalibrationLevel {
  /** `role support-triage`, as readings name it. */
  readonly name: string;
  /** Score of the unit as a whole: what the session lane looks at. */
  readonly jointName: string;
  readonly load: Load;
  /** Lag-1 correlation of consecutive units. */
  readonly lag1: number;
  /** Held-out scores come from cross-fitting: no freeze, no revocation. */
  readonly crossfit: boolean;
}

/** Makes facts of readings. */
export interface EvidenceStage {
  /** Firings of a unit after a call, or at its close; each names a threshold for the first time. */
  see(reading: UnitReading): FiringFact[];
  readonly evidence: Evidence;
}

/**
 * How far the score of the unit as a whole lies above what the session lane of a rung lets pass; above
 * zero exactly where that lane fires. Null where nothing was said, or the lane is closed.
 */
export function marginOf(standard: Standard, reading: UnitReading, rung: Rung): number | null {
  const { joint } = reading.readings;
  const alpha = standard.thresholds.find((one) => one.rung === rung)?.alpha ?? null;
  if (joint === null || joint.score === null || alpha === null) return null;
  const silent = silentAt(standard.tables, joint.dimension, joint.cell, alpha);
  return silent === null ? null : joint.score - silent;
}

/** Rungs that scores from cross-fitting may reach. */
const CROSSFIT_RUNGS: ReadonlySet<Rung> = new Set<Rung>(['alert', 'posture']);
const BECAUSE_MAX = 8;
const TOP = 3;

/** Makes the stage over `slots`. A unit of a baseline that is not among `judgings` says nothing. */
export function createEvidenceStage(
  slots: Slots,
  judgings: readonly Judging[],
  plans: readonly RungPlan[] = DEFAULT_PLAN,
  evicted?: (subject: string, detail: string, ms: number) => void,
): EvidenceStage {
  const evidence = createEvidence(slots, evicted);
  const standards = new Map(judgings.map((one) => [one.name, standardOf(one, plans)]));
  return {
    evidence,
    see(reading) {
      const standard = standards.get(reading.baseline);
      if (standard === undefined) return [];
      const key = keyOf(reading);
      const firings = reading.isClosed
        ? evidence.close(key, reading.readings, standard).firings
        : evidence.running(key, reading.readings, standard);
      return firings.map((firing) => factOf(firing, reading));
    },
  };
}

/** The thresholds a baseline is judged by, with its compiled tables. */
export function standardOf(judging: Judging, plans: readonly RungPlan[]): Standard {
  const tables = compileTables([judging]);
  const allowed = judging.crossfit ? plans.filter(({ rung }) => CROSSFIT_RUNGS.has(rung)) : plans;
  const opens = (alpha: number) => tables.opens(judging.jointName, alpha);
  return {
    tables,
    thresholds: thresholdsOf(allowed, judging.load, opens),
    weights: null,
    guard: guardOf(judging.lag1),
  };
}

function keyOf({ session, unit }: UnitReading): UnitKey {
  const { tenant, agent } = session;
  return { agent: `${tenant.length}:${tenant}:${agent}`, unit };
}

function factOf(firing: Firing, reading: UnitReading): FiringFact {
  const { lane, rung, value, threshold, budget, shares, onset, counterfactual } = firing;
  const { witness, session, unit, baseline, decidedMs, late } = reading;
  const top = shares.slice(0, TOP).map(({ dimension }) => dimension);
  return {
    type: 'firing',
    session,
    decidedMs,
    late,
    lane,
    rung,
    value,
    threshold,
    budget,
    shares,
    onset,
    because: reading.because(top).slice(0, BECAUSE_MAX),
    counterfactual,
    unit,
    baseline,
    witness,
    seq: witness.seq,
    tool: witness.tool,
  };
}
