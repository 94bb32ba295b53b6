/** Power: what a firing may cause, as the least of maturity, mode and earned tier. */
import type { Mode, Verb } from './decision.ts';
import type { EvidenceClass, Maturity } from './detection.ts';

/** Earned tiers, least first (handbook, detection §12.2). */
export const TIERS = ['observe', 'interrupt', 'degrade', 'terminate'] as const;
/** One tier. */
export type Tier = (typeof TIERS)[number];

/** What a verb needs: the tier its detector must have earned, and whether it can be undone. */
export const VERB_NEEDS: Readonly<
  Record<Verb, { readonly tier: Tier; readonly reversible: boolean }>
> = {
  posture: { tier: 'degrade', reversible: true },
  freeze_tool: { tier: 'degrade', reversible: true },
  revoke_session: { tier: 'terminate', reversible: false },
  suspend_agent: { tier: 'terminate', reversible: true },
};

/** Where benign units were seen: made up, kept from earlier, or live with the version in force. */
export const MEASURED_WHERE = ['simulated', 'recorded', 'live'] as const;
/** One of MEASURED_WHERE. */
export type MeasuredWhere = (typeof MEASURED_WHERE)[number];

/** What benign traffic showed of one version of a detector. */
export interface Measurement {
  /** Version measured: a record of another version says nothing. */
  readonly version: string;
  /** Units in which nothing was wrong, each a whole session. */
  readonly benignUnits: number;
  /** Those of them in which the detector fired. */
  readonly falseAlarms: number;
  readonly where: MeasuredWhere;
  /** Day it was measured, YYYY-MM-DD. */
  readonly date: string;
}

/** A tier and what it rests on, in words. */
export interface Earned {
  readonly tier: Tier;
  /** True where live units of the role were counted: what cannot be undone needs them. */
  readonly live: boolean;
  readonly why: string;
}

/** Of what a tier is earned. */
export interface Merit {
  readonly evidenceClass: EvidenceClass;
  /** Sigma `status` of the detector: only a stable text may end anything. */
  readonly status: string;
  /** Of this very version; null where nothing was measured. */
  readonly measured: Measurement | null;
}

/** Upper 95 % bounds of a Poisson mean at 0, 1, 2, 3 events, as the handbook rounds them. */
const UPPER = [3, 4.74, 6.3, 7.75] as const;
const INTERRUPT_MAX = 0.02;
const DEGRADE_MAX = 0.005;
const TERMINATE_MAX = 0.0005;

/** Upper 95 % bound of the false-alarm rate after `k` in `n` units; 1 where nothing was seen. */
export function upperRate(k: number, n: number): number {
  if (n <= 0) return 1;
  return Math.min(1, (UPPER[k] ?? poissonUpper(k)) / n);
}

/** The mean at which at most `k` events have a chance of 5 %: by bisection. */
function poissonUpper(k: number): number {
  let low = k;
  let high = 2 * k + 10;
  for (let step = 0; step < 60; step += 1) {
    const mean = (low + high) / 2;
    if (atMost(k, mean) > 0.05) low = mean;
    else high = mean;
  }
  return high;
}

/** Chance of at most `k` events of a Poisson mean; terms in logarithms, so that none underflows. */
function atMost(k: number, mean: number): number {
  let logTerm = -mean;
  let sum = Math.exp(logTerm);
  for (let n = 1; n <= k; n += 1) {
    logTerm += Math.log(mean / n);
    sum += Math.exp(logTerm);
  }
  return sum;
}

/** The tier a measurement alone gives. */
export function measuredTier(measured: Measurement, status: string): Tier {
  const { benignUnits, falseAlarms } = measured;
  const bound = upperRate(falseAlarms, benignUnits);
  if (bound <= TERMINATE_MAX && falseAlarms === 0 && status === 'stable') return 'terminate';
  if (bound <= DEGRADE_MAX) return 'degrade';
  return bound <= INTERRUPT_MAX ? 'interrupt' : 'observe';
}

/**
 * What a detector has earned. Hard evidence starts at reversible rungs (DESIGN §13.7) and keeps them
 * while no false alarm was measured; everything else has earned what was measured, and unmeasured
 * nothing. Editing the semantic part makes another version, which starts again.
 */
export function earnedTier({ evidenceClass, status, measured }: Merit): Earned {
  const isHard = evidenceClass === 'hard';
  if (measured === null)
    return isHard
      ? { tier: 'degrade', live: false, why: 'hard evidence, this version not measured' }
      : {
          tier: 'observe',
          live: false,
          why: `${evidenceClass} evidence, this version not measured`,
        };
  const { benignUnits, falseAlarms, where } = measured;
  const bound = upperRate(falseAlarms, benignUnits);
  const why = `${falseAlarms} false in ${benignUnits} benign ${where} units, at most ${percent(bound)}`;
  const tier = measuredTier(measured, status);
  const kept = isHard && falseAlarms === 0 ? higher(tier, 'degrade') : tier;
  return { tier: kept, live: where === 'live', why };
}

/** Is it enough for `verb`? Recorded and simulated units do not earn what cannot be undone. */
export function isEarned(verb: Verb, { tier, live }: Pick<Earned, 'tier' | 'live'>): boolean {
  const needs = VERB_NEEDS[verb];
  return TIERS.indexOf(needs.tier) <= TIERS.indexOf(tier) && (needs.reversible || live);
}

/** May a role in this mode be acted upon so without a person? */
export function allowsMode(mode: Mode, verb: Verb): boolean {
  return mode === 'autonomous' || (mode === 'constrained' && VERB_NEEDS[verb].reversible);
}

/**
 * Is the agent, or its role, on the never-touch list: `agent:NAME`, `role:NAME`, or a bare agent? Agents
 * name themselves: one that is called like an entry for a role or another agent is not meant by it.
 */
export function isUntouchable(
  listed: ReadonlySet<string>,
  agent: string,
  role: string | null,
): boolean {
  const isBare = !agent.startsWith('role:') && !agent.startsWith('agent:');
  if ((isBare && listed.has(agent)) || listed.has(`agent:${agent}`)) return true;
  return role !== null && listed.has(`role:${role}`);
}

/** Maturity in force: the override of the stem, else that of hard evidence, else the file's own. */
export function maturityInForce(
  detector: {
    readonly stem: string;
    readonly evidenceClass: EvidenceClass;
    readonly maturity: Maturity;
  },
  overrides: Readonly<Record<string, Maturity>>,
): Maturity {
  if (Object.hasOwn(overrides, detector.stem)) return overrides[detector.stem] as Maturity;
  // A word about a whole class speaks of detectors that have left the shadow; each leaves it by itself.
  const isOut = detector.evidenceClass === 'hard' && detector.maturity !== 'shadow';
  const ofClass = isOut ? overrides['hard'] : undefined;
  return ofClass ?? detector.maturity;
}

function higher(one: Tier, other: Tier): Tier {
  return TIERS.indexOf(one) >= TIERS.indexOf(other) ? one : other;
}

function percent(rate: number): string {
  return `${(100 * rate).toPrecision(2)} %`;
}
