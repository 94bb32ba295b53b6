/** The contract of a dimension: one way in which a unit can be strange, learnt from counts. */
import type { EvidenceLevel, Kind } from '../model/event.ts';
import type { UnitHead, UnitItem, UnitRecord } from '../model/unit.ts';

/** Plain JSON, as baselines store it. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/**
 * One dimension. It is complete in its own file: what it counts, how it scores, what it says.
 * Everything is pure, synchronous and deterministic: same units, same counts, byte for byte.
 */
export interface Dimension {
  /** As users write it: `sequence`, `first-seen`, `level.tokens`. */
  readonly name: string;
  /** The source that measures the action this dimension judges. */
  readonly source: Kind;
  /** running: scored at each call, its maximum counts · closing: scored once, at the end. */
  readonly timing: 'running' | 'closing';
  /** The items it takes. Others it is not shown: four events in five are none of its concern. */
  readonly takes: UnitItem['type'];
  /** Of metrics only those of these names; all where it names none. */
  readonly metrics?: readonly string[];
  /** Below this evidence level it abstains, and never scores zero. */
  readonly needs: EvidenceLevel;
  /** Counts over accepted units: plain JSON with keys in sorted order. */
  learn(units: readonly UnitRecord[]): Json;
  /** Makes a scorer of counts, most specific first: [agent, role, fleet] or [role, fleet] or [role]. */
  compile(levels: readonly Json[]): Scorer;
  /** Symbols with their weights, for diffs (JS, PSI, new and vanished) between two baselines. */
  symbols(counts: Json): ReadonlyMap<string, number>;
}

/** A compiled dimension. What it remembers of a unit is plain JSON and bounded. */
export interface Scorer {
  /** State of a new unit. */
  begin(head: UnitHead): Json;
  /**
   * Takes the next item; mutates nothing outside `state` and returns it (or a new one) with a score.
   * `score`: finite, higher is stranger; null where the item says nothing in this dimension.
   */
  see(state: Json, item: UnitItem): { readonly state: Json; readonly score: number | null };
  /** Closing score of the unit; null for running dimensions, and where it abstains. */
  close(state: Json): number | null;
  /** One sentence with counts for the strangest item; names and figures only, no payload text. */
  say(state: Json): string;
}
