/** Risk: orders people's attention over entities, with decay; it never gates an action. */
import { TRUSTS, type Trust } from '../model/event.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';

/** One thing that made an entity riskier. */
export interface Contribution {
  /** Detection or firing it comes from; a second one of the same id is ignored. */
  readonly id: string;
  readonly detector: string;
  readonly trust: Trust;
  /** Points: 1, 5, 15, 40, 80 by level unless the detector says otherwise. */
  readonly weight: number;
  /** Event time, ms. */
  readonly ms: number;
  /** True where it came by delegation: it counts, but not as a source of its own. */
  readonly delegated: boolean;
}

/** How far an entity's unattended irreversible tools reach. */
export type Reach = 'none' | 'some' | 'wide';

/** An entity's risk at a time. */
export interface Risk {
  /** Points after decay, caps, diversity and reach. */
  readonly points: number;
  /** Trust classes that each hold at least 5 % of it. */
  readonly sources: number;
  /** open: worth a case · page: worth waking somebody · none. */
  readonly calls: 'none' | 'open' | 'page';
}

/** Contribution as kept: id, detector, place in TRUSTS, weight, decay time, delegated, who else got it. */
type Kept = [
  id: string,
  detector: string,
  trust: number,
  weight: number,
  at: number,
  via: 0 | 1,
  to?: readonly string[],
];

interface RiskEntity extends Entity {
  kept: Kept[];
  /** How long decay stood still so far, ms. */
  frozenMs: number;
  lastMs: number;
  /** Some were forgotten, and it was said. */
  isFull?: boolean;
}

const SPACE = 'K';
const HALF_LIFE_MS = 6 * 3_600_000;
const KEPT_MAX = 256;
const ENTITIES_MAX = 100_000;
/** One noisy detector cannot carry an entity. */
const DETECTOR_CAP = 1.5;
const DIVERSITY = 0.25;
const SOURCE_SHARE = 0.05;
const OPEN_AT = 60;
const PAGE_AT = 100;
const PER_HOP = 0.5;
const HOPS_MAX = 2;
const REACH: Readonly<Record<Reach, number>> = { none: 1, some: 1.25, wide: 1.5 };

/**
 * Adds a contribution; late ones decay from their own time. Keeps 256 of an entity, losing first what
 * counts least, and at most 100,000 entities; `evicted` is told what was forgotten, of one entity when
 * it begins to be so. False for an id it has. `to` names the
 * other entities that get it, for `retractEverywhere`.
 */
export function addRisk(
  slots: Slots,
  entity: string,
  contribution: Contribution,
  evicted: (subject: string, detail: string, ms: number) => void = () => undefined,
  to: readonly string[] = [],
): boolean {
  const { id, detector, trust, weight, ms, delegated } = contribution;
  let state = slots.get<RiskEntity>(SPACE, entity);
  if (state === undefined) {
    if (slots.count(SPACE) >= ENTITIES_MAX) forgetLeast(slots, ms, evicted);
    state = { kept: [], frozenMs: 0, lastMs: ms };
    slots.put(SPACE, entity, state);
  }
  if (state.kept.some(([known]) => known === id)) return false;
  const at = ms - state.frozenMs;
  const kept: Kept = [id, detector, TRUSTS.indexOf(trust), weight, at, delegated ? 1 : 0];
  if (to.length > 0) kept.push(to);
  state.kept.push(kept);
  if (state.kept.length > KEPT_MAX) {
    state.kept.splice(leastOf(state.kept), 1);
    if (state.isFull !== true) evicted(entity, 'contributions to its risk forgotten: too many', ms);
    state.isFull = true;
  }
  state.lastMs = Math.max(state.lastMs, ms);
  slots.touch(SPACE, entity);
  return true;
}

/** What counts least when all have decayed alike: a flood of trifles pushes out nothing but itself. */
function leastOf(kept: readonly Kept[]): number {
  let least = 0;
  for (let at = 1; at < kept.length; at += 1)
    if (worthOf(kept[at] as Kept) < worthOf(kept[least] as Kept)) least = at;
  return least;
}

/** What a contribution counts by now, compared with others: all decay alike. */
function worthOf([, , , weight, at]: Kept): number {
  return Math.log2(weight) + at / HALF_LIFE_MS;
}

/** Takes a contribution back, exactly and at once: its verdict was false positive. */
export function retractRisk(slots: Slots, entity: string, id: string): boolean {
  const state = slots.get<RiskEntity>(SPACE, entity);
  const at = state?.kept.findIndex(([known]) => known === id) ?? -1;
  if (state === undefined || at < 0) return false;
  state.kept.splice(at, 1);
  slots.touch(SPACE, entity);
  return true;
}

/**
 * Takes it back from the entity it is about, from all that got it through that one, and from `others`;
 * the latter matter where the entity keeps it no longer. How many had it.
 */
export function retractEverywhere(
  slots: Slots,
  entity: string,
  others: readonly string[],
  id: string,
): number {
  const kept = slots.get<RiskEntity>(SPACE, entity)?.kept.find(([known]) => known === id);
  const all = new Set([entity, ...(kept?.[6] ?? []), ...others]);
  let had = 0;
  for (const one of all) if (retractRisk(slots, one, id)) had += 1;
  return had;
}

/**
 * Stops the decay clock for a time: an agent-side source was silent while another showed activity.
 * Hiding must never lower risk.
 */
export function freezeRisk(slots: Slots, entity: string, ms: number): void {
  const state = slots.get<RiskEntity>(SPACE, entity);
  if (state === undefined || ms <= 0) return;
  state.frozenMs += ms;
  slots.touch(SPACE, entity);
}

/** Risk of an entity at an event time; half-life 6 h. */
export function riskOf(slots: Slots, entity: string, ms: number, reach: Reach = 'none'): Risk {
  const state = slots.get<RiskEntity>(SPACE, entity);
  const byDetector = new Map<string, { live: number; heaviest: number }>();
  const byTrust = TRUSTS.map(() => 0);
  let sourced = 0;
  for (const [, detector, trust, weight, at, via] of state?.kept ?? []) {
    // Something that lies ahead of `ms` has not begun to decay.
    const age = Math.max(0, ms - (state?.frozenMs ?? 0) - at);
    const live = weight * 2 ** (-age / HALF_LIFE_MS);
    const sum = byDetector.get(detector) ?? { live: 0, heaviest: 0 };
    sum.live += live;
    sum.heaviest = Math.max(sum.heaviest, weight);
    byDetector.set(detector, sum);
    if (via === 1) continue;
    byTrust[trust] = (byTrust[trust] ?? 0) + live;
    sourced += live;
  }
  let points = 0;
  for (const { live, heaviest } of byDetector.values())
    points += Math.min(live, DETECTOR_CAP * heaviest);
  const sources = byTrust.filter((live) => live > 0 && live >= SOURCE_SHARE * sourced).length;
  points *= (1 + DIVERSITY * Math.max(0, sources - 1)) * REACH[reach];
  return {
    points,
    sources,
    calls: points >= PAGE_AT ? 'page' : points >= OPEN_AT ? 'open' : 'none',
  };
}

/**
 * What a contribution passes on to those who delegated, nearest first: half per hop, two hops, each
 * delegator once.
 */
export function delegatedRisk(
  contribution: Contribution,
  delegators: readonly string[],
): { readonly entity: string; readonly contribution: Contribution }[] {
  const nearest = [...new Set(delegators)].slice(0, HOPS_MAX);
  return nearest.map((entity, hop) => ({
    entity,
    contribution: {
      ...contribution,
      weight: contribution.weight * PER_HOP ** (hop + 1),
      delegated: true,
    },
  }));
}

/** Of some, the one whose heaviest contribution counts least by now: old and grave outlasts new and slight. */
function forgetLeast(
  slots: Slots,
  ms: number,
  evicted: (subject: string, detail: string, ms: number) => void,
): void {
  let least: string | undefined;
  let leastWorth = Number.POSITIVE_INFINITY;
  for (const [key, { kept }] of slots.sample<RiskEntity>(SPACE, 32)) {
    const worth = kept.reduce((most, one) => Math.max(most, worthOf(one)), -1e9);
    if (worth >= leastWorth) continue;
    least = key;
    leastWorth = worth;
  }
  if (least === undefined) return;
  slots.remove(SPACE, least);
  evicted('risk', 'risk of an entity forgotten: too many entities', ms);
}
