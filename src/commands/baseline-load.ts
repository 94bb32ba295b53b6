/** Loading baselines at the start of the daemon: from the record, else from reviewed files. */
import { join } from 'node:path';
import { listFolder } from '../adapters/files.ts';
import { REGISTRY } from '../baseline/dimensions.ts';
import { profileHash } from '../baseline/profile.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import type { Clock, Database, Log } from '../model/ports.ts';
import type { BaselineOptions } from '../pipeline/options.ts';
import { DEFAULT_PLAN, parseBudget, type RungPlan } from '../score/budget.ts';
import { profilesInForce } from './baseline-drift.ts';
import { readBaseline } from './baseline-files.ts';
import { forceOf } from './baseline-force.ts';
import { baselineAges } from './window-acts.ts';

const DAY_MS = 86_400_000;
/** Reviewed baselines lie here, below the folder the daemon is started in. */
const PROFILES = 'baselines/profiles';

/**
 * What behaviour is judged by: the profiles in force in the record; where it holds none, the reviewed
 * files. CONFIG_INVALID where a file is malformed or its document is not the one that was reviewed.
 */
export async function baselinesOf(
  db: Database,
  config: Config,
  clock: Clock,
  log: Log,
): Promise<BaselineOptions> {
  const plans = plansOf(config);
  const recorded = await profilesInForce(db);
  if (recorded.length > 0) {
    const ages = await baselineAges(db, clock.nowMs());
    const ageDays = new Map(ages.map(({ hash, ageMs }) => [hash, ageMs / DAY_MS]));
    log.info({ baselines: recorded.length }, 'baselines in force, from the record');
    return forceOf(recorded, { plans, ageDays });
  }
  const files = (await listFolder(PROFILES)).filter((name) => /\.ya?ml$/.test(name));
  const read = await Promise.all(files.map((name) => readBaseline(join(PROFILES, name), REGISTRY)));
  const profiles = read.map(({ profile }) => profile);
  const nowMs = clock.nowMs();
  const ageDays = new Map(
    profiles.map((one) => [profileHash(one), Math.max(0, nowMs - one.meta.toMs) / DAY_MS]),
  );
  if (profiles.length > 0)
    log.info({ baselines: profiles.length }, 'baselines in force, from files');
  else log.info({}, 'no baseline is in force: behaviour is not scored (plumbline baseline status)');
  return forceOf(profiles, { plans, ageDays });
}

/** The ladder's rungs with the budgets that configuration declares. Rejects words that are none. */
export function plansOf(config: Config): RungPlan[] {
  return DEFAULT_PLAN.map((plan) => {
    const words = config.budgets?.[plan.rung as keyof NonNullable<Config['budgets']>];
    if (words === undefined) return plan;
    const budget = parseBudget(words);
    if ('problem' in budget)
      throw new OperatingError('CONFIG_INVALID', `budgets.${plan.rung}: ${budget.problem}`, {
        retryable: false,
      });
    return { ...plan, budget };
  });
}
