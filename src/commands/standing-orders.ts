/** Standing orders: what the executor asks before it sends, from files and database. */
import type { StandingDetector, StandingOrders } from '../act/authority.ts';
import type { Config } from '../model/config.ts';
import { dayOf } from '../model/day.ts';
import type { Database } from '../model/ports.ts';
import { type Measurement, maturityInForce } from '../model/power.ts';
import { liveUnits } from '../record/casework.ts';
import { readOrders } from '../record/power.ts';
import { earnedIn, type LiveMeasurements, modeIn } from './lane.ts';
import type { Library } from './library.ts';

/** Looks up what is in force: files and configuration as read at the start, the rest at each call. */
export function ordersOf(
  db: Pick<Database, 'query'>,
  config: Config,
  library: Library,
  live: LiveMeasurements,
): (role: string | null) => Promise<StandingOrders> {
  const earned = earnedIn(library, live);
  const overrides = config.detectors?.maturity ?? {};
  const neverTouch = new Set(config.guardrails?.neverTouch ?? []);
  const detectorsFor = (role: string | null): ReadonlyMap<string, StandingDetector> =>
    new Map(
      library.detectors.flatMap((detector) => {
        const { stem, version } = detector;
        const of = earned(stem, version, role);
        const maturity = maturityInForce(detector, overrides);
        return of === null ? [] : [[stem, { version, maturity, earned: of }] as const];
      }),
    );
  return async (role) => ({
    ...(await readOrders(db)),
    detectors: detectorsFor(role),
    modeOf: (of) => modeIn(config, of),
    neverTouch,
  });
}

/** What live units showed of the versions that run, by version and role. */
export async function liveMeasurements(
  db: Pick<Database, 'query'>,
  library: Pick<Library, 'detectors'>,
  nowMs: number,
): Promise<LiveMeasurements> {
  const units = await liveUnits(db.query, library.detectors);
  const found = new Map<string, Measurement>();
  for (const { detector, version, role, units: benignUnits, falseAlarms } of units)
    found.set(`${detector} ${version} ${role}`, {
      ...{ version, benignUnits, falseAlarms, where: 'live', date: dayOf(nowMs) },
    });
  return found;
}
