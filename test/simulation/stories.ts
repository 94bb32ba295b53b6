/** Story fleets for tests: a short run of all trades, with everything that was written kept. */
import type { WireEvent } from '../../src/model/event.ts';
import type { Purpose } from '../../src/simulation/deeds.ts';
import type { Emission, SessionLabel, Truth } from '../../src/simulation/emission.ts';
import { createFleet } from '../../src/simulation/fleet.ts';
import type { FleetOptions } from '../../src/simulation/fleet-options.ts';
import { STORY_ROLES } from '../../src/simulation/story-roles.ts';

/** Start of every story here: a Tuesday. */
export const START = Date.UTC(2026, 8, 1);

/** What a story wrote. */
export interface Told {
  readonly emissions: readonly Emission[];
  readonly labels: ReadonlyMap<string, SessionLabel>;
  readonly truths: readonly Truth[];
  /** Records of each session, in order. */
  readonly sessions: ReadonlyMap<string, readonly WireEvent[]>;
}

/** Runs a story to its end. */
export function tell(options: Partial<FleetOptions> = {}): Told {
  const labels = new Map<string, SessionLabel>();
  const fleet = createFleet({
    seed: 7,
    agents: 60,
    startMs: START,
    sessionsPerHour: 240,
    badShare: 0,
    roles: STORY_ROLES,
    temper: { rho: 0.6 },
    ...options,
    onLabel: (label) => labels.set(label.session_id, label),
  });
  const emissions = fleet.until(Number.MAX_SAFE_INTEGER);
  const sessions = new Map<string, WireEvent[]>();
  for (const { event } of emissions) {
    if (event.session === undefined) continue;
    const list = sessions.get(event.session.id) ?? [];
    list.push(event);
    sessions.set(event.session.id, list);
  }
  const truths = emissions.flatMap(({ truth }) => (truth === null ? [] : [truth]));
  return { emissions, labels, truths, sessions };
}

/** A story in which every session has this purpose where its role is suited. */
export function tellOf(purpose: Purpose, sessions = 50): Told {
  return tell({ rates: { [purpose]: 1 }, sessions });
}

/** Addresses, links, accounts, paths and references in a value. */
export function literalsIn(value: unknown): string[] {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  const form = /[^\s,:()"]+@[^\s,:()"]+[a-z]|https:[^\s,"]+[0-9]|XX\d{10,}|[A-Z]+-\d{5,}/g;
  return text.match(form) ?? [];
}
