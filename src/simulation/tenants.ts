/** Tenants: several fleets in one stream, each of a tenant, with agents of the same names. */
import type { Emission } from './emission.ts';
import { createFleet, type Fleet } from './fleet.ts';
import type { FleetOptions } from './fleet-options.ts';

/**
 * A fleet of `count` tenants, in order of time. The first one's agents bear no tenant, the others'
 * `tenant-1` and so on; agents and sessions an hour are shared among them. Ids are each tenant's own.
 * Throws RangeError where there are fewer agents than tenants.
 */
export function createTenants(options: FleetOptions, count: number): Fleet {
  if (count === 1) return createFleet(options);
  const agents = Math.floor(options.agents / count);
  if (agents < 1) throw new RangeError(`${options.agents} agents are too few for ${count} tenants`);
  const sessionsPerHour = options.sessionsPerHour / count;
  const fleets = Array.from({ length: count }, (_, n) =>
    createFleet({
      ...{ ...options, agents, sessionsPerHour, seed: `${options.seed}-${n}` },
      ...(n === 0 ? {} : { tenant: `tenant-${n}` }),
    }),
  );
  const waiting = fleets.map((fleet) => fleet.next());
  const first = (): number => {
    let found = -1;
    waiting.forEach((one, n) => {
      const best = waiting[found];
      if (one !== null && (best === undefined || best === null || one.atMs < best.atMs)) found = n;
    });
    return found;
  };
  const next = (): Emission | null => {
    const n = first();
    const one = waiting[n];
    if (one === undefined || one === null) return null;
    waiting[n] = fleets[n]?.next() ?? null;
    const { id } = one.event;
    return id === undefined ? one : { ...one, event: { ...one.event, id: `${n}/${id}` } };
  };
  const collect = (isWanted: (one: Emission, taken: number) => boolean): Emission[] => {
    const taken: Emission[] = [];
    for (let n = first(); n >= 0; n = first()) {
      if (!isWanted(waiting[n] as Emission, taken.length)) break;
      taken.push(next() as Emission);
    }
    return taken;
  };
  return {
    next,
    until: (ms) => collect(({ atMs }) => atMs <= ms),
    take: (most) => collect((_, taken) => taken < most),
    activeSessions: () => fleets.reduce((sum, fleet) => sum + fleet.activeSessions(), 0),
  };
}
