/** Identity: how far a named identity is believed, by what it rests on and by who speaks. */
import type { Trust } from './event.ts';

/** 4 checked by a gateway · 3 key · 2 stamped by a platform · 1 said by the agent · 0 none. */
export type Tier = 0 | 1 | 2 | 3 | 4;

/** Bases by tier; whatever is not listed is somebody's word: tier 1. */
const TIERS: ReadonlyMap<string, Tier> = new Map([
  ['jwt', 4],
  ['oidc', 4],
  ['spiffe', 4],
  ['mtls', 4],
  ['key', 3],
  ['platform', 2],
]);

/** The most a source can vouch for: on a topic that agents write, a checked token is only said. */
const MOST: Readonly<Record<Trust, Tier>> = {
  agent: 1,
  runtime: 2,
  gateway: 4,
  policy: 4,
  platform: 4,
};

/** Tier of an identity that rests on `basis` in a source of that trust. 0 where there is none. */
export function tierOf(basis: string | undefined, trust: Trust): Tier {
  const own = basis === undefined ? 1 : (TIERS.get(basis) ?? 1);
  return Math.min(own, MOST[trust]) as Tier;
}

/** Least tier that `needs.identity` of a detector asks for. */
export const TIER_NEEDED = { gateway: 3, platform: 2, self: 1 } as const satisfies Record<
  string,
  Tier
>;
