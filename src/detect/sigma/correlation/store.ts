/** Store: the groups of one correlation, bounded so that nobody can push another's out. */
import { naming } from '../../../state/names.ts';
import { inOrder } from '../../../state/order.ts';
import { FNV_BASIS, hashed } from '../../../state/page.ts';
import type { Slots } from '../../../state/slots.ts';
import type { CorrelationLimits } from './definition.ts';
import { type Group, LEVELS, PLACES, placeOf } from './group.ts';
import { Line, type Stands } from './line.ts';
import type { GroupHead } from './stored.ts';

/** Groups one agent may hold in one correlation. */
export const AGENT_GROUPS_MAX = 1000;
/** Places by which agents with many groups are noticed before their groups are told apart. */
const CROWDS = 4096;
const NO_CROWDS = new Uint32Array(0);
/** Share of the bound for groups with a single hit. */
const PROBATION_SHARE = 0.2;

/** A restored group, by its head. */
export type Restored = readonly [key: string, head: GroupHead];

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
  readonly #levels: readonly Line[] = Array.from({ length: PLACES }, () => new Line());
  /** Does a group stand at a place since it got this stamp? None of them is read. */
  readonly #stands: readonly Stands[] = Array.from(
    { length: PLACES },
    (_, place): Stands =>
      (key, stamp) => {
        const head = this.#headOf(key);
        return head !== undefined && head[2] === stamp && head[4] === place;
      },
  );
  /**
   * By agent: its groups, oldest first; the one group that most have, without a set around it. Null after
   * a restore, until an agent may have too many: it is made from the heads then.
   */
  #byAgent: Map<string, string | Set<string>> | null = new Map();
  /** Until then: how many groups the agents have together whose names fall into one place. */
  #crowds = NO_CROWDS;
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
    const own = this.#ownOf(group);
    if (typeof own === 'object' && own.size >= AGENT_GROUPS_MAX)
      this.#drop(this.#leastOf(own), 'the agent has too many groups');
    const probation = this.#levels[0] as Line;
    const probationMax = Math.max(1, Math.floor(this.#limits.groups * PROBATION_SHARE));
    if (this.size >= this.#limits.groups) {
      const isCrowded = probation.size >= probationMax;
      const other = isCrowded ? 0 : this.#levels.findIndex((one, at) => at > 0 && one.size > 0);
      const place = Math.max(0, other);
      this.#drop(this.#levels[place]?.first(this.#stands[place] as Stands), 'too many groups');
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
      this.#levels[placeOf(group)]?.left();
      group.level = level;
      group.stamp = this.#next();
      this.#place(key, group);
    }
    this.#slots.touch(this.space, key);
  }

  /** When the group wants to be looked at, ms; undefined where it is gone. It is not read for that. */
  dueMsOf(key: string): number | undefined {
    return this.#headOf(key)?.[5];
  }

  touch(key: string): void {
    this.#slots.touch(this.space, key);
  }

  remove(key: string): void {
    const group = this.get(key);
    if (group === undefined) return;
    this.#levels[placeOf(group)]?.left();
    this.#disown(key, group);
    this.#slots.remove(this.space, key);
  }

  /** Keys of all groups, in the order of their stamps within each level. */
  *keys(): Generator<string> {
    for (const [place, line] of this.#levels.entries())
      yield* line.keys(this.#stands[place] as Stands);
  }

  /** Takes over groups that were restored, by their heads. */
  adopt(restored: readonly Restored[]): void {
    for (const level of this.#levels) level.clear();
    this.#stamp = 0;
    // Nobody's groups need no telling apart, nor does who has none need room for it.
    this.#byAgent = restored.length === 0 ? new Map() : null;
    this.#crowds = restored.length === 0 ? NO_CROWDS : new Uint32Array(CROWDS);
    for (const [key, [, , stamp, , place]] of inOrder(restored, stampOf)) {
      this.#levels[place]?.add(key, stamp, this.#stands[place] as Stands);
      this.#stamp = Math.max(this.#stamp, stamp);
    }
    for (const [, [tenant, agent]] of restored) this.#crowd(crowdOf(tenant, agent), 1);
  }

  #enrol(key: string, group: Group): void {
    this.#place(key, group);
    const { tenant, agent } = group;
    if (this.#byAgent === null) this.#crowd(crowdOf(tenant, agent), 1);
    else own(this.#byAgent, key, ownerKey(tenant, agent));
  }

  #place(key: string, group: Group): void {
    const place = placeOf(group);
    this.#levels[place]?.add(key, group.stamp, this.#stands[place] as Stands);
  }

  #headOf(key: string): GroupHead | undefined {
    return this.#slots.head(this.space, key) as GroupHead | undefined;
  }

  #disown(key: string, { tenant, agent }: Group): void {
    const byAgent = this.#byAgent;
    if (byAgent === null) {
      this.#crowd(crowdOf(tenant, agent), -1);
      return;
    }
    const name = ownerKey(tenant, agent);
    const own = byAgent.get(name);
    if (typeof own === 'object') own.delete(key);
    if (own === key || (typeof own === 'object' && own.size === 0)) byAgent.delete(name);
  }

  /** Groups of the agent that opens this one; undefined where they are surely not too many. */
  #ownOf({ tenant, agent }: Group): string | Set<string> | undefined {
    if (this.#byAgent === null) {
      if ((this.#crowds[crowdOf(tenant, agent)] as number) < AGENT_GROUPS_MAX) return undefined;
      this.#byAgent = new Map();
      this.#crowds = NO_CROWDS;
      const groups = [...this.#slots.heads(this.space)] as readonly unknown[] as Restored[];
      for (const [key, [tenant, agent]] of inOrder(groups, bornOf))
        own(this.#byAgent, key, nameOwner(tenant, agent));
    }
    return this.#byAgent.get(ownerKey(tenant, agent));
  }

  #crowd(place: number, by: number): void {
    this.#crowds[place] = (this.#crowds[place] as number) + by;
  }

  /** Of one agent's groups the one with least progress, the oldest of those. None of them is read. */
  #leastOf(own: ReadonlySet<string>): string | undefined {
    let least: string | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    for (const key of own) {
      const head = this.#headOf(key);
      const level = head === undefined ? lowest : head[4] % (LEVELS + 1);
      if (level >= lowest) continue;
      least = key;
      lowest = level;
      if (lowest === 0) break;
    }
    return least;
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

function own(byAgent: Map<string, string | Set<string>>, key: string, agent: string): void {
  const known = byAgent.get(agent);
  if (known === undefined) byAgent.set(agent, key);
  else if (typeof known === 'object') known.add(key);
  else if (known !== key) byAgent.set(agent, new Set([known, key]));
}

/** A place for the agent; others may have the same one. */
function crowdOf(tenant: string, agent: string): number {
  const hash = hashed(hashed(FNV_BASIS, agent), tenant);
  return (hash ^ (hash >>> 16)) & (CROWDS - 1);
}

const stampOf = ([, head]: Restored) => head[2];
const bornOf = ([, head]: Restored) => head[3];
const nameOwner = (tenant: string, agent: string) => `${tenant.length}:${tenant} ${agent}`;
const ownerKey = naming(nameOwner);
