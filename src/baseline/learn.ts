/** Learning: from collected units to frozen profiles, for roles and for the fleet. */
import type { UnitRecord } from '../model/unit.ts';
import { lagSpearman } from '../stats/dependence.ts';
import { admitted, type Predecessor } from './admission.ts';
import type { Dimension, Json } from './dimension.ts';
import { DIMENSIONS } from './dimensions.ts';
import {
  ascending,
  compileAll,
  finalScores,
  type HeldOut,
  heldOut,
  jointScores,
  learnAll,
} from './held-out.ts';
import { LEVEL_NEEDS, type LevelNeeds, type Rehearsed, templateKey } from './in-force.ts';
import { compileJoint, JOINT } from './joint.ts';
import { type Profile, type ProfileMeta, SCORES_VERSION } from './profile.ts';
import { type Rehearsal, type RehearsalLearnt, rehearsedScore } from './rehearsal.ts';

/**
 * Dimensions in force unless a caller names others; at most twelve, for averaging dilutes. Left out are
 * those of times, which producers may interpolate: `rate.calls`, `level.duration_ms`, `hours`.
 */
export const IN_FORCE: readonly string[] = [
  'sequence',
  'first-seen',
  'mix',
  'rate.errors',
  'rate.refusals',
  'rate.repeats',
  'level.tokens',
  'level.cost',
  'level.bytes_out',
  'level.llm_steps',
  'text-drift',
  'grants',
];

/** How profiles are learnt. */
export interface LearnOptions {
  /** The score that is trained on the units themselves; null: none. */
  readonly rehearsal: Rehearsal | null;
  readonly seed: number;
  /** Names of dimensions. Default IN_FORCE. */
  readonly dimensions?: readonly string[];
  /** Folds of the cross-fitting. Default 5. */
  readonly folds?: number;
  /** Roles with less behind them get no profile: the fleet's answers for them. */
  readonly needs?: LevelNeeds;
  /** Sessions to be kept out, with reasons: of hard evidence, for example. */
  readonly excluded?: ReadonlyMap<string, string>;
  /** Sessions that are not learnt and show what is usual: of the same role, before or beside these. */
  readonly context?: readonly UnitRecord[];
  /** What is in force: sessions improbable under it stay out. Default: nothing is. */
  readonly predecessor?: Predecessor | null;
  /** Told who is learnt and who is not before anything is trained; what it throws ends learning. */
  readonly admitted?: (kept: readonly UnitRecord[], excluded: ProfileMeta['excluded']) => void;
  readonly progress?: (what: string) => void;
}

const DAY_MS = 86_400_000;
const FOLDS = 5;

/**
 * Profiles of the roles that have enough behind them, by name, then that of the fleet (`*`). Sessions
 * that are improbable among the others stay out and are named. Deterministic; no units, no profile.
 */
export function learnProfiles(units: readonly UnitRecord[], options: LearnOptions): Profile[] {
  const needs = options.needs ?? LEVEL_NEEDS;
  const profiles: Profile[] = [];
  const roles = new Set(units.flatMap(({ head }) => (head.role === null ? [] : [head.role])));
  for (const role of [...roles].sort()) {
    const own = units.filter(({ head }) => head.role === role);
    const agents = new Set(own.map(({ head }) => head.agent)).size;
    if (own.length >= needs.roleUnits && agents >= needs.roleAgents)
      profiles.push(learnProfile(own, { level: 'role', subject: role }, options));
    else options.progress?.(`role ${role}: ${own.length} units are too few for a baseline`);
  }
  if (units.length > 0)
    profiles.push(learnProfile(units, { level: 'fleet', subject: '*' }, options));
  return profiles;
}

/** One profile over all of these units but those the gate keeps out. */
export function learnProfile(
  units: readonly UnitRecord[],
  scope: Pick<Profile, 'level' | 'subject'>,
  options: LearnOptions,
): Profile {
  const { rehearsal, seed, folds = FOLDS } = options;
  const name = `${scope.level} ${scope.subject}`;
  const say = (what: string) => options.progress?.(`${name}: ${what}`);
  const names = options.dimensions ?? IN_FORCE;
  const dimensions = DIMENSIONS.filter((one) => names.includes(one.name));
  say(`gate over ${units.length} units`);
  const { kept, excluded, oddities } = admitted(dimensions, units, { ...options, folds });
  options.admitted?.(kept, excluded);
  say(`counts and calibration over ${kept.length} units, ${excluded.length} sessions kept out`);
  const seen = heldOut(dimensions, kept, 'session', folds);
  const unseen = heldOut(dimensions, kept, 'template', folds);
  const lag1 = lagOf(seen, jointScores(dimensions, seen));
  stillCounted(dimensions, kept, oddities, { seen, unseen });
  const { used, calibration } = calibrationOf(dimensions, { seen, unseen });
  const counts = learnAll(used, kept);
  const trained =
    rehearsal?.learn(kept, { seed, progress: (what) => say(`${rehearsal.name}: ${what}`) }) ?? null;
  if (trained !== null && rehearsal !== null)
    calibration[rehearsal.name] = withOddities(trained, rehearsal, oddities);
  const rehearsed: Rehearsed = {
    conduct: trained?.document ?? null,
    templates: templatesOf(kept),
    lag1,
    crossfit: true,
  };
  return {
    format: 1,
    scores: SCORES_VERSION,
    ...scope,
    meta: metaOf(kept, excluded),
    dimensions: Object.fromEntries(used.map((one, at) => [one.name, counts[at] as Json])),
    calibration,
    rehearsed: rehearsed as unknown as Json,
  };
}

/**
 * Puts what the gate kept out on suspicion alone among the held-out scores: it is not learnt, so it is
 * held out as it is. Without it thresholds would come out lower than honest oddities deserve.
 */
function stillCounted(
  dimensions: readonly Dimension[],
  kept: readonly UnitRecord[],
  oddities: readonly UnitRecord[],
  sets: Readonly<Record<'seen' | 'unseen', HeldOut[]>>,
): void {
  if (oddities.length === 0 || kept.length === 0) return;
  const known = new Set(kept.map(({ head }) => templateKey(head.mandate)));
  const scorers = compileAll(dimensions, learnAll(dimensions, kept));
  for (const unit of oddities) {
    const cell = known.has(templateKey(unit.head.mandate)) ? 'seen' : 'unseen';
    sets[cell].push({ unit, scores: finalScores(dimensions, scorers, unit) });
  }
}

/** The same for the trained score. */
function withOddities(
  trained: RehearsalLearnt,
  rehearsal: Rehearsal,
  oddities: readonly UnitRecord[],
): Cells {
  const cells: Record<string, readonly number[]> = { ...trained.calibration };
  if (oddities.length === 0) return cells;
  const scorer = rehearsal.compile(trained.document);
  for (const unit of oddities) {
    const { cell, score } = rehearsedScore(scorer, unit, rehearsal.unjudged);
    cells[cell] = [...(cells[cell] ?? []), score].sort((a, b) => a - b);
  }
  return cells;
}

type Cells = Record<string, readonly number[]>;

/**
 * Sorted held-out scores, named by the level a dimension needs and by whether the task was known.
 * Dimensions that say nothing of most units are left out: they would only dilute the others.
 */
function calibrationOf(
  dimensions: readonly Dimension[],
  sets: Readonly<Record<'seen' | 'unseen', readonly HeldOut[]>>,
): { used: readonly Dimension[]; calibration: Record<string, Cells> } {
  const calibration: Record<string, Cells> = {};
  const used: Dimension[] = [];
  dimensions.forEach((dimension, at) => {
    const { name, needs } = dimension;
    const said = sets.unseen.filter(({ scores }) => (scores[at] ?? null) !== null).length;
    if (2 * said < sets.unseen.length) return;
    used.push(dimension);
    calibration[name] = cellsOf(needs, (seen) =>
      sets[seen].map(({ scores }) => scores[at] ?? null),
    );
  });
  const places = used.map((one) => dimensions.indexOf(one));
  const score = compileJoint(used, calibration);
  calibration[JOINT] = cellsOf('L0', (seen) =>
    sets[seen].map(({ scores }) =>
      score(
        seen,
        places.map((at) => scores[at] ?? null),
      ),
    ),
  );
  return { used, calibration };
}

/** Both cells of a level, without those that nobody fell into. */
function cellsOf(
  level: string,
  scoresOf: (seen: 'seen' | 'unseen') => readonly (number | null)[],
): Cells {
  const cells: Cells = {};
  for (const seen of ['seen', 'unseen'] as const) {
    const scores = ascending(scoresOf(seen));
    if (scores.length > 0) cells[`${level}/${seen}`] = scores;
  }
  return cells;
}

function lagOf(held: readonly HeldOut[], joint: readonly (number | null)[]): number {
  const series = new Map<string, { ms: number; score: number }[]>();
  held.forEach(({ unit: { head, lastMs } }, at) => {
    const score = joint[at];
    if (score == null) return;
    const key = `${head.tenant.length}:${head.tenant}:${head.agent}`;
    series.set(key, [...(series.get(key) ?? []), { ms: lastMs, score }]);
  });
  const lag = lagSpearman(
    [...series.values()].map((list) => list.sort((a, b) => a.ms - b.ms).map(({ score }) => score)),
  );
  return Number(lag.toPrecision(6));
}

function templatesOf(units: readonly UnitRecord[]): number[] {
  const keys = new Set<number>();
  for (const { head } of units) {
    const key = templateKey(head.mandate);
    if (key !== null) keys.add(key);
  }
  return [...keys].sort((a, b) => a - b);
}

function metaOf(units: readonly UnitRecord[], excluded: ProfileMeta['excluded']): ProfileMeta {
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  const [sessions, agents, days] = [new Set<string>(), new Set<string>(), new Set<number>()];
  for (const { head, items, lastMs } of units) {
    const beganMs = head.openedMs ?? items[0]?.ms ?? lastMs;
    fromMs = Math.min(fromMs, beganMs);
    toMs = Math.max(toMs, lastMs);
    sessions.add(JSON.stringify([head.tenant, head.session]));
    agents.add(JSON.stringify([head.tenant, head.agent]));
    days.add(Math.floor(beganMs / DAY_MS));
  }
  const isEmpty = units.length === 0;
  return {
    fromMs: isEmpty ? 0 : fromMs,
    toMs: isEmpty ? 0 : toMs,
    sessions: sessions.size,
    agents: agents.size,
    days: days.size,
    templates: templatesOf(units).length,
    excluded,
    parent: null,
    change: null,
    ledger: {},
  };
}
