/** Admission: which sessions of a window are learnt, which are not, and why. */
import type { UnitRecord } from '../model/unit.ts';
import { conformalP } from '../stats/conformal.ts';
import { type ForeignValue, foreignValues } from './conduct/foreign-values.ts';
import type { Dimension } from './dimension.ts';
import { FOREIGN_BITS, gateP, genesisP } from './gate.ts';
import { finalScores, heldOut, jointScores } from './held-out.ts';
import { compileProfiles, type InForceProfile, templateKey } from './in-force.ts';
import type { Profile, ProfileMeta } from './profile.ts';
import { type Rehearsal, rehearsedScore } from './rehearsal.ts';
import { namesDimension } from './window.ts';

/** What is in force when a window is learnt. */
export interface Predecessor {
  readonly profile: Profile;
  /** Dimensions the window names: of these it is not asked, they are what is to be learnt anew. */
  readonly named: readonly string[];
}

/** What the gate is told besides the sessions. */
export interface AdmissionOptions {
  readonly folds: number;
  readonly rehearsal: Rehearsal | null;
  readonly excluded?: ReadonlyMap<string, string>;
  readonly context?: readonly UnitRecord[];
  readonly predecessor?: Predecessor | null;
}

/** What the gate made of a window. */
export interface Admission {
  /** Units to be learnt. */
  readonly kept: readonly UnitRecord[];
  /** Sessions that are not, with the reason in a form people read. */
  readonly excluded: ProfileMeta['excluded'];
  /** Units that are not learnt and still count as held out: honest for all anybody knows. */
  readonly oddities: readonly UnitRecord[];
}

/** Two tests without a predecessor share what one would cost: each takes half of the gate's price. */
const SHARE = 0.5;
/** The most sessions kept out that still count: what the gate may cost where nothing is planted. */
const ODD_MAX = 0.005;

/**
 * Lets sessions in or keeps them out: those of hard evidence; those improbable under what is in force,
 * or, held out, among the others; and those with a foreign value. A whole session stays out for one unit
 * of it. Of the sessions kept out without hard evidence, those whose oddity occurs once are `oddities`, up to
 * half a per cent: chance makes single ones, and a visible mass is none of chance. Deterministic.
 */
export function admitted(
  dimensions: readonly Dimension[],
  units: readonly UnitRecord[],
  options: AdmissionOptions,
): Admission {
  const present = new Set(units.map(({ head }) => head.session));
  const reasons = new Map(
    [...(options.excluded ?? [])].filter(([session]) => present.has(session)),
  );
  const offered = units.filter(({ head }) => !reasons.has(head.session));
  const single: string[] = [];
  const add = (session: string, reason: string, isSingle: boolean): void => {
    if (reasons.has(session)) return;
    reasons.set(session, reason);
    if (isSingle) single.push(session);
  };
  const foreign = foreignAmong(offered, options.context ?? []);
  for (const [session, { sessions, because }] of foreign)
    if (sessions > 1) add(session, `foreign-value: ${because}`, false);
  for (const session of improbableBefore(offered, options))
    if (!foreign.has(session)) add(session, 'improbable under what is in force', true);
  for (const session of improbableAmong(dimensions, offered, options.folds))
    if (!foreign.has(session)) add(session, 'improbable', true);
  for (const [session, { because }] of foreign) add(session, `foreign-value: ${because}`, true);
  const odd = new Set(single.slice(0, Math.ceil(ODD_MAX * present.size)));
  return {
    kept: offered.filter(({ head }) => !reasons.has(head.session)),
    excluded: [...reasons].map(([session, reason]) => ({ session, reason })),
    oddities: offered.filter(({ head }) => odd.has(head.session)),
  };
}

/** Sessions kept out for a foreign value, the least telling first. */
function foreignAmong(
  offered: readonly UnitRecord[],
  context: readonly UnitRecord[],
): Map<string, ForeignValue> {
  const own = new Set(offered.map(({ head }) => head.session));
  const beside = context.filter(({ head }) => !own.has(head.session));
  const found: [string, ForeignValue][] = [];
  for (const [session, [value]] of foreignValues([...offered, ...beside]))
    if (value !== undefined && value.bits >= FOREIGN_BITS && own.has(session))
      found.push([session, value]);
  return new Map(found.sort(([a, x], [b, y]) => x.bits - y.bits || (a < b ? -1 : 1)));
}

/** Sessions that the others make improbable; scored without themselves. */
function improbableAmong(
  dimensions: readonly Dimension[],
  units: readonly UnitRecord[],
  folds: number,
): string[] {
  const held = heldOut(dimensions, units, 'session', folds);
  const joint = jointScores(dimensions, held);
  const scores = new Map<string, number>();
  held.forEach(({ unit }, at) => {
    const score = joint[at];
    const { session } = unit.head;
    if (score == null) return;
    scores.set(session, Math.max(scores.get(session) ?? Number.NEGATIVE_INFINITY, score));
  });
  const least = SHARE * gateP(scores.size);
  return [...genesisP(scores)].filter(([, p]) => !(p > least)).map(([session]) => session);
}

/** Sessions that what is in force makes improbable, by its score of the unit as a whole. */
function improbableBefore(
  units: readonly UnitRecord[],
  { predecessor, rehearsal }: AdmissionOptions,
): readonly string[] {
  if (predecessor == null) return [];
  const [force] = compileProfiles([predecessor.profile], rehearsal).all;
  if (force === undefined || namesDimension(predecessor.named, force.jointName)) return [];
  const found = new Set<string>();
  for (const unit of units) {
    const { cell, score } = scoreBefore(force, predecessor.named, unit);
    const ranks = predecessor.profile.calibration[force.jointName]?.[cell] ?? [];
    if (score === null || ranks.length === 0) continue;
    if (!(conformalP(ranks, score) > gateP(ranks.length))) found.add(unit.head.session);
  }
  return [...found];
}

function scoreBefore(
  { conduct, dimensions, joint, templates, unjudged }: InForceProfile,
  named: readonly string[],
  unit: UnitRecord,
): { readonly cell: string; readonly score: number | null } {
  if (conduct !== null) return rehearsedScore(conduct, unit, unjudged);
  const scores = finalScores(
    dimensions.map(({ dimension }) => dimension),
    dimensions.map(({ scorer }) => scorer),
    unit,
  );
  const template = templateKey(unit.head.mandate);
  const seen = template !== null && templates.has(template) ? 'seen' : 'unseen';
  const asked = scores.map((score, at) =>
    namesDimension(named, dimensions[at]?.dimension.name ?? '') ? null : score,
  );
  return { cell: `L0/${seen}`, score: joint(seen, asked) };
}
