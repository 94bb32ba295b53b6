/** Baselines in force: turns profiles into what the core scores and judges by. */
import { CONDUCT } from '../baseline/conduct.ts';
import { compileProfiles, type LevelNeeds, rehearsedOf } from '../baseline/in-force.ts';
import type { Profile } from '../baseline/profile.ts';
import type { BaselineOptions } from '../pipeline/options.ts';
import { DEFAULT_PLAN, type Load, type RungPlan } from '../score/budget.ts';
import type { Judging } from '../score/stage.ts';

/** What may differ from case to case. */
export interface ForceSettings {
  /** Default: the rungs and budgets of the handbook. */
  readonly plans?: readonly RungPlan[];
  /** Days since each was last revalidated, by hash. Default 0: history is judged in its own time. */
  readonly ageDays?: ReadonlyMap<string, number>;
  readonly needs?: LevelNeeds;
}

/** No baseline at all: nothing is scored, and calls are counted as `baseline.missing`. */
export const NO_BASELINE: BaselineOptions = forceOf([]);

/** Profiles ready for the core, with the budgets evidence is judged by. */
export function forceOf(
  profiles: readonly Profile[],
  settings: ForceSettings = {},
): BaselineOptions {
  const compiled = compileProfiles(profiles, CONDUCT, settings.needs);
  const judgings = compiled.all.map(({ name, hash, profile, jointName }): Judging => {
    const rehearsed = rehearsedOf(profile);
    return {
      name,
      level: profile.level,
      calibration: profile.calibration,
      ageDays: settings.ageDays?.get(hash) ?? 0,
      jointName,
      load: loadOf(profile),
      lag1: rehearsed?.lag1 ?? 0,
      crossfit: rehearsed?.crossfit ?? true,
    };
  });
  return { profiles: compiled, judgings, plans: settings.plans ?? DEFAULT_PLAN };
}

/** Units a day as the learning window saw them: of an agent, and of all its subject's agents. */
function loadOf({ meta }: Profile): Load {
  const fleet = meta.sessions / Math.max(1, meta.days);
  return { agent: fleet / Math.max(1, meta.agents), fleet };
}
