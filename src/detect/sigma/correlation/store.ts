/** Store: the groups of one correlation, bounded so that nobody can push another's out. */
import { naming } from '../../../state/names.ts';
import type { Slots } from '../../../state/slots.ts';
import type { CorrelationLimits } from './definition.ts';
import type { Group } from './group.ts';

/** Groups one agent may hold in one correlation. */
export const AGENT_GROUPS_MAX = 1000;
/** Below so many they are not kept track of any more. */
const CROWD_LEAST = AGENT_GROUPS_MAX / 2;
/** Share of the bound for groups with a single hit. */
const PROBATION_SHARE = 0.2;
const LEVELS = 8;

/** Says which group went, how far it was, and why. */
export type SayEvicted = (key: string, group: Group, cause: string) => void;

/**
 * At most `limits.groups` groups. A new one is on probation until its second hit; probation holds a
 * fifth and loses its oldest first, so a flood of new groups pushes out nothing but itself. Among
 * the others the one with least progress goes, the oldest of those first. Every step is O(1).
 */
export class GroupStore {
  readonly space: string;
  readonly #slots: Slots;
  readonly #limits: CorrelationLimits;
  readonly #evicted: SayEvicted;
  /** By level + 1: keys in the order in which they came to it. */
  readonly #levels: Set<string>[] = Array.from({ length: LEVELS + 1 }, () => new Set());
  /** By agent: how many groups it holds. */
  readonly #held = new Map<string, number>();
  /** Groups of agents that hold many, oldest first. */
  readonly #crowds = new Map<string, Map<string, Group>>();
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
    const agent = agentKey(group);
    if ((this.#held.get(agent) ?? 0) >= AGENT_GROUPS_MAX)
      this.#drop(leastOf(this.#crowdOf(agent)), 'the agent has too many groups');
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
      this.#levels[group.level + 1]?.delete(key);
      group.level = level;
      group.stamp = this.#next();
      this.#levels[level + 1]?.add(key);
    }
    this.#slots.touch(this.space, key);
  }

  touch(key: string): void {
    this.#slots.touch(this.space, key);
  }

  remove(key: string): void {
    const group = this.get(key);
    if (group === undefined) return;
    this.#levels[group.level + 1]?.delete(key);
    const agent = agentKey(group);
    const held = (this.#held.get(agent) ?? 1) - 1;
    if (held === 0) this.#held.delete(agent);
    else this.#held.set(agent, held);
    if (held < CROWD_LEAST) this.#crowds.delete(agent);
    else this.#crowds.get(agent)?.delete(key);
    this.#slots.remove(this.space, key);
  }

  /** Keys of all groups, in the order of their stamps within each level. */
  *keys(): Generator<string> {
    for (const level of this.#levels) yield* level;
  }

  /** Takes over groups that were restored. */
  adopt(restored: readonly (readonly [key: string, group: Group])[]): void {
    for (const level of this.#levels) level.clear();
    this.#held.clear();
    this.#crowds.clear();
    this.#stamp = 0;
    for (const [key, group] of [...restored].sort(([, a], [, b]) => a.stamp - b.stamp)) {
      this.#levels[group.level + 1]?.add(key);
      this.#stamp = Math.max(this.#stamp, group.stamp);
    }
    for (const [, group] of restored) {
      const agent = agentKey(group);
      this.#held.set(agent, (this.#held.get(agent) ?? 0) + 1);
    }
  }

  #enrol(key: string, group: Group): void {
    this.#levels[group.level + 1]?.add(key);
    this.#own(key, group);
  }

  #own(key: string, group: Group): void {
    const agent = agentKey(group);
    this.#held.set(agent, (this.#held.get(agent) ?? 0) + 1);
    this.#crowds.get(agent)?.set(key, group);
  }

  /** Groups of an agent, oldest first: looked up among all once it holds many, and then kept up to date. */
  #crowdOf(agent: string): ReadonlyMap<string, Group> {
    const known = this.#crowds.get(agent);
    if (known !== undefined) return known;
    const found: [string, Group][] = [];
    for (const key of this.keys()) {
      const group = this.get(key);
      if (group !== undefined && agentKey(group) === agent) found.push([key, group]);
    }
    const crowd = new Map(found.sort(([, a], [, b]) => a.born - b.born));
    this.#crowds.set(agent, crowd);
    return crowd;
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
