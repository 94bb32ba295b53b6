/** Learning in a replay: baselines from one folder, frozen, and margins by them in another. */
import { createCollector } from '../baseline/collect.ts';
import { CONDUCT } from '../baseline/conduct.ts';
import { learnProfiles } from '../baseline/learn.ts';
import type { Profile } from '../baseline/profile.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { BaselineOptions } from '../pipeline/options.ts';
import type { RungPlan } from '../score/budget.ts';
import { marginOf, standardOf } from '../score/stage.ts';
import { forceOf, NO_BASELINE } from './baseline-force.ts';
import { type RehearsalInput, type Rehearsed, rehearse } from './rehearse.ts';

/** Seed of everything that learning draws: the same folder gives the same baselines. */
export const SEED = 1;

/** The declared budget of a replay: one false alarm in a hundred sessions, in one lane. */
export const REPLAY_PLAN: readonly RungPlan[] = [
  {
    rung: 'alert',
    budget: { count: 1, scope: 'unit', per: 100, words: '1 % of sessions' },
    table: 'marginal',
    sources: 1,
    lanes: 'session',
  },
];

/** The units of a folder, collected through the same core that scores, with what else it said. */
export async function collectFolder(
  input: RehearsalInput,
): Promise<{ readonly units: readonly UnitRecord[]; readonly result: Rehearsed }> {
  const collector = createCollector({ inventory: input.library.inventory });
  const baseline = { ...NO_BASELINE, onEvent: collector.see };
  const result = await rehearse({ ...input, baseline });
  return { units: collector.finish(), result };
}

/** The units of a folder. */
export async function unitsOf(input: RehearsalInput): Promise<readonly UnitRecord[]> {
  return (await collectFolder(input)).units;
}

/** Baselines of a folder that was reviewed and is promoted without a person. */
export async function learnFolder(
  input: RehearsalInput,
  progress: (what: string) => void,
): Promise<readonly Profile[]> {
  return learnProfiles(await unitsOf(input), { rehearsal: CONDUCT, seed: SEED, progress });
}

/** Options of a core that judges by these profiles, and the largest margin of each session. */
export function judgedBy(profiles: readonly Profile[]): {
  readonly baseline: BaselineOptions;
  readonly margins: ReadonlyMap<string, number>;
} {
  const force = forceOf(profiles, { plans: REPLAY_PLAN });
  const standards = new Map(force.judgings.map((one) => [one.name, standardOf(one, force.plans)]));
  const margins = new Map<string, number>();
  const baseline: BaselineOptions = {
    ...force,
    onReading(reading) {
      const standard = standards.get(reading.baseline);
      const margin = standard === undefined ? null : marginOf(standard, reading, 'alert');
      if (margin === null) return;
      const { id } = reading.session;
      margins.set(id, Math.max(margins.get(id) ?? Number.NEGATIVE_INFINITY, margin));
    },
  };
  return { baseline, margins };
}
