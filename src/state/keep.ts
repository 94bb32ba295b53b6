/** Keep: where a space is full, who is let go of first; and what each owner holds. */

/** Ranks there are: 0 is on probation, the highest goes last. */
export const RANKS = 8;
/** Share of a space that those on probation have for themselves. */
const PROBATION_SHARE = 0.2;

/** How far an entity is worth keeping now, 0 to RANKS − 1; null where it is gone. */
export type RankOf = (key: string) => number | null;

/** How an entity is held. */
interface Held {
  level: number;
  owner: string | null;
  weight: number;
}

/**
 * The order in which entities are let go of. New ones are on probation, which has a fifth of the space:
 * beyond that it loses its oldest first, so a flood of new ones pushes out nothing but itself; below
 * it, new ones have room to prove themselves. Among the others the lowest rank goes, the oldest of
 * those first. Ranks are asked for only when somebody is to go: what rose meanwhile moves up then, so
 * nobody has to say so, and each step is O(1) over the life of an entity. Derived: after a restore
 * `adopt` makes it anew.
 */
export class Keep {
  readonly #rankOf: RankOf;
  readonly #levels: Set<string>[] = Array.from({ length: RANKS }, () => new Set());
  readonly #held = new Map<string, Held>();
  /** By owner: what it holds; the one that most have, without a set around it. */
  readonly #owners = new Map<string, string | Set<string>>();
  readonly #ownWeights = new Map<string, number>();
  #weight = 0;

  constructor(rankOf: RankOf) {
    this.#rankOf = rankOf;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Enrols a new one, on probation; `owner` pays for it where owners have a quota. */
  add(key: string, owner: string | null): void {
    const held = this.#enter(key, 0);
    if (owner !== null) this.#own(key, held, owner);
  }

  remove(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.weigh(key, -held.weight);
    this.#levels[held.level]?.delete(key);
    this.#disown(key, held);
    this.#held.delete(key);
  }

  /** The entity fell: it stands where its rank says, as the newest there. */
  fell(key: string): void {
    if (this.#held.has(key)) this.#enter(key, this.#rankOf(key) ?? 0);
  }

  /** Another pays for it from now on. */
  give(key: string, owner: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    const { weight } = held;
    this.weigh(key, -weight);
    this.#disown(key, held);
    this.#own(key, held, owner);
    this.weigh(key, weight);
  }

  /** Adds to how much an entity holds of what is bounded across all of them. */
  weigh(key: string, by: number): void {
    const held = this.#held.get(key);
    if (by === 0 || held === undefined) return;
    this.#weight += by;
    held.weight += by;
    if (held.owner !== null) added(this.#ownWeights, held.owner, by);
  }

  /** What all hold together. */
  get weight(): number {
    return this.#weight;
  }

  /** What those hold that this owner pays for. */
  weightOf(owner: string): number {
    return this.#ownWeights.get(owner) ?? 0;
  }

  ownerOf(key: string): string | undefined {
    return this.#held.get(key)?.owner ?? undefined;
  }

  /** Up to `most` keys of those that the owner holds. */
  *someOf(owner: string, most: number): Generator<string, void> {
    let left = most;
    for (const key of this.#allOf(owner)) {
      if (left <= 0) return;
      left -= 1;
      yield key;
    }
  }

  /** How many the owner holds. */
  heldBy(owner: string): number {
    const own = this.#owners.get(owner);
    return own === undefined ? 0 : typeof own === 'string' ? 1 : own.size;
  }

  /** Who is to go of a space with room for `max`; undefined where nobody is there. `but`: not this one. */
  least(max: number, but?: string): string | undefined {
    const reserved = Math.max(1, Math.floor(max * PROBATION_SHARE));
    const crowding = this.#atLevel(0, but, reserved);
    if (crowding !== undefined) return crowding;
    // Where all of the few on probation turn out to have risen, they are among the others now.
    return this.#leastRisen(but) ?? this.#atLevel(0, but) ?? this.#leastRisen(but);
  }

  /**
   * Who of an owner is to go: the lowest rank among the `among` that were looked at longest ago. Those
   * that may stay go to the back of the line.
   */
  leastOf(owner: string, but?: string, among = 32): string | undefined {
    const own = this.#owners.get(owner);
    let least: string | undefined;
    let lowest = RANKS;
    const looked: string[] = [];
    for (const key of this.#allOf(owner)) {
      if (looked.length >= among || lowest === 0) break;
      looked.push(key);
      if (key === but) continue;
      const rank = this.#rankOf(key) ?? 0;
      if (rank >= lowest) continue;
      least = key;
      lowest = rank;
    }
    if (typeof own === 'object')
      for (const key of looked) {
        own.delete(key);
        own.add(key);
      }
    return least;
  }

  /** Takes over what a restored space holds, the oldest first. Ranks that are not given are asked for. */
  adopt(
    entries: Iterable<readonly [key: string, owner: string | null, weight?: number, rank?: number]>,
  ): void {
    for (const level of this.#levels) level.clear();
    for (const map of [this.#held, this.#owners, this.#ownWeights]) map.clear();
    this.#weight = 0;
    for (const [key, owner, weight = 0, rank = this.#rankOf(key) ?? 0] of entries) {
      const held = this.#enter(key, rank);
      if (owner !== null) this.#own(key, held, owner);
      this.weigh(key, weight);
    }
  }

  #leastRisen(but: string | undefined): string | undefined {
    for (let level = 1; level < RANKS; level += 1) {
      const key = this.#atLevel(level, but);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  /**
   * The oldest that is still of this level; those that rose are moved up on the way. Undefined as soon as
   * no more than `spared` are left.
   */
  #atLevel(level: number, but: string | undefined, spared = 0): string | undefined {
    const keys = this.#levels[level] as Set<string>;
    for (const key of keys) {
      if (keys.size <= spared) return undefined;
      if (key === but) continue;
      const rank = this.#rankOf(key);
      if (rank === null || rank <= level) return key;
      this.#enter(key, rank);
    }
    return undefined;
  }

  #enter(key: string, level: number): Held {
    let held = this.#held.get(key);
    if (held === undefined) {
      held = { level, owner: null, weight: 0 };
      this.#held.set(key, held);
    } else this.#levels[held.level]?.delete(key);
    this.#levels[level]?.add(key);
    held.level = level;
    return held;
  }

  #allOf(owner: string): Iterable<string> {
    const own = this.#owners.get(owner);
    return own === undefined ? [] : typeof own === 'string' ? [own] : own;
  }

  #disown(key: string, held: Held): void {
    const { owner } = held;
    if (owner === null) return;
    held.owner = null;
    const own = this.#owners.get(owner);
    if (typeof own === 'object') own.delete(key);
    if (own === key || (typeof own === 'object' && own.size === 0)) this.#owners.delete(owner);
  }

  #own(key: string, held: Held, owner: string): void {
    const own = this.#owners.get(owner);
    if (own === undefined) this.#owners.set(owner, key);
    else if (typeof own === 'object') own.add(key);
    else if (own !== key) this.#owners.set(owner, new Set([own, key]));
    held.owner = owner;
  }
}

function added(to: Map<string, number>, key: string, by: number): void {
  const sum = (to.get(key) ?? 0) + by;
  if (sum === 0) to.delete(key);
  else to.set(key, sum);
}
