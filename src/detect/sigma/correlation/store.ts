/** Store: the groups of one correlation, bounded so that nobody can push another's out. */
import { naming } from '../../../state/names.ts';
import type { Slots } from '../../../state/slots.ts';
import type { CorrelationLimits } from './definition.ts';
import type { Group } from './group.ts';

/** Groups one agent may hold in one correlation. */
export const AGENT_GROUPS_MAX = 1000;
/** Share of the bound for groups with a single hit. */
const PROBATION_SHARE = 0.2;
const LEVELS = 8;

/** Says which group went, how far it was, and why. */
export type SayEvicted = (key: string, group: Group, cause: string) => void;

/**
 * At most `limits.groups` groups. A new one is on probation until its second hit; probation holds a
 * fifth and loses its oldest first, so a flood of new groups pushes out nothing but itself. Among
 * the others the one with least progress goes, the oldest of those first; those that agents opened whom
 * governance knows come after all others, however few hits they have. Every step is O(1).
 */
export class GroupStore {
  readonly space: string;
  readonly #slots: Slots;
  readonly #limits: CorrelationLimits;
  readonly #evicted: SayEvicted;
  /** By place: keys in the order in which they came to it. */
  readonly #levels: Set<string>[] = Array.from({ length: 2 * (LEVELS + 1) }, () => new Set());
  /** By agent: its groups, oldest first. */
  readonly #byAgent = new Map<string, Map<string, Group>>();
  #stamp = 0;

  constructor(space: string, slots: Slots, limits: CorrelationLimits, evicted: SayEvicted) {
    this.space = space;
    this.#slots = slots;
    this.#limits = limits;
    this.#evicted = evicted;
  }

  get size(): number {
    return this.#slots.count(this.space);
  }

  get(key: string): Group | undefined {
    return this.#slots.get<Group>(this.space, key);
  }

  /** Enrols a new group and makes room for it. */
  add(key: string, group: Group): void {
    const own = this.#byAgent.get(agentKey(group));
    if (own !== undefined && own.size >= AGENT_GROUPS_MAX)
      this.#drop(leastOf(own), 'the agent has too many groups');
    const probation = this.#levels[0] as Set<string>;
    const probationMax = Math.max(1, Math.floor(this.#limits.groups * PROBATION_SHARE));
    if (this.size >= this.#limits.groups) {
      const isCrowded = probation.size >= probationMax;
      const others = this.#levels.slice(1).find((one) => one.size > 0);
      const level = isCrowded ? probation : (others ?? probation);
      this.#drop(level?.values().next().value, 'too many groups');
    }
    group.stamp = this.#next();
    group.born = group.stamp;
    this.#slots.put(this.space, key, group);
    this.#enrol(key, group);
  }

  /** The group changed: it may have come to another level. */
  moved(key: string, group: Group, progress: number): void {
    const level = Math.min(LEVELS - 1, Math.max(0, Math.floor(progress * LEVELS)));
    if (level !== group.level) {
      this.#levels[placeOf(group)]?.delete(key);
      group.level = level;
      group.stamp = this.#next();
      this.#levels[placeOf(group)]?.add(key);
    }
    this.#slots.touch(this.space, key);
  }

  touch(key: string): void {
    this.#slots.touch(this.space, key);
  }

  remove(key: string): void {
    const group = this.get(key);
    if (group === undefined) return;
    this.#levels[placeOf(group)]?.delete(key);
    const agent = agentKey(group);
    const own = this.#byAgent.get(agent);
    own?.delete(key);
    if (own?.size === 0) this.#byAgent.delete(agent);
    this.#slots.remove(this.space, key);
  }

  /** Keys of all groups, in the order of their stamps within each level. */
  *keys(): Generator<string> {
    for (const level of this.#levels) yield* level;
  }

  /** Takes over groups that were restored. */
  adopt(restored: readonly (readonly [key: string, group: Group])[]): void {
    for (const level of this.#levels) level.clear();
    this.#byAgent.clear();
    this.#stamp = 0;
    for (const [key, group] of [...restored].sort(([, a], [, b]) => a.stamp - b.stamp)) {
      this.#levels[placeOf(group)]?.add(key);
      this.#stamp = Math.max(this.#stamp, group.stamp);
    }
    for (const [key, group] of [...restored].sort(([, a], [, b]) => a.born - b.born))
      this.#own(key, group);
  }

  #enrol(key: string, group: Group): void {
    this.#levels[placeOf(group)]?.add(key);
    this.#own(key, group);
  }

  #own(key: string, group: Group): void {
    const agent = agentKey(group);
    let own = this.#byAgent.get(agent);
    if (own === undefined) {
      own = new Map();
      this.#byAgent.set(agent, own);
    }
    own.set(key, group);
  }

  #drop(key: string | undefined, cause: string): void {
    const group = key === undefined ? undefined : this.get(key);
    if (key === undefined || group === undefined) return;
    this.remove(key);
    this.#evicted(key, group, cause);
  }

  #next(): number {
    this.#stamp += 1;
    return this.#stamp;
  }
}

/** Where a group stands in the order of going: its level, behind all levels of the others if vouched for. */
function placeOf({ level, vouched }: Group): number {
  return level + 1 + (vouched === true ? LEVELS + 1 : 0);
}

/** Of one agent's groups the one with least progress, the oldest of those. */
function leastOf(own: ReadonlyMap<string, Group>): string | undefined {
  let least: string | undefined;
  let level = LEVELS;
  for (const [key, group] of own) {
    if (group.level >= level) continue;
    least = key;
    level = group.level;
    if (level < 0) break;
  }
  return least;
}

function agentKey({ tenant, agent }: Group): string {
  return ownerKey(tenant, agent);
}

const ownerKey = naming((tenant, agent) => `${tenant.length}:${tenant} ${agent}`);
