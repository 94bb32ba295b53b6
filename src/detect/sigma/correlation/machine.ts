/** Machines: the contract of a correlation type, and what the engine does for it. */
import type { CorrelationRule, CorrelationType } from './definition.ts';
import type { Group, Stretch } from './group.ts';
import type { Hit, KeptHit } from './hit.ts';
import type { Value } from './measure.ts';

/** A hit on its way into a group. */
export interface Taken {
  readonly hit: Hit;
  readonly kept: KeptHit;
  /** Place of its rule in `rules`. */
  readonly place: number;
  /** What `valueOf` said of it. */
  readonly value: Value;
  /** True where the group has already seen something later, or event time has passed it. */
  readonly late: boolean;
}

/** What a machine has found; the engine puts group, entity and id around it. */
export interface Draft {
  /** In order; the completing hit is last. */
  readonly evidence: readonly KeptHit[];
  readonly total: number;
  readonly decidedMs: number;
  readonly late: boolean;
  readonly orderUncertain: boolean;
  readonly measured: string;
  readonly counterfactual: string;
  /** Places of rules whose absence was part of it. */
  readonly absent: readonly number[];
  /** What must stay empty for it to remain true; nothing where no late hit can contradict. */
  readonly empty: readonly Stretch[];
}

/** What the engine does for a machine. */
export interface Tools {
  /** Gives a firing out; remembers it where it can be taken back. */
  fire(group: Group, draft: Draft): void;
  /** Takes back the firings that rest on the emptiness of a stretch that `spoils` names. */
  retract(group: Group, reason: string, spoils: (empty: Stretch) => boolean, ms: number): void;
  /**
   * May it be concluded that these stretches were empty? 'open': a source they need is blind now;
   * 'gap': it was blind during one of them, and nothing is inferred.
   */
  sight(group: Group, stretches: readonly Stretch[]): 'clear' | 'open' | 'gap';
  undecided(group: Group, detail: string, ms: number): void;
  /** Says once for a group that a bound was reached. */
  bounded(group: Group, detail: string, ms: number): void;
}

/** A compiled correlation: synchronous, deterministic; its state lies in the group. */
export interface Machine {
  /** A group is kept so long after its newest event, ms. */
  readonly reachMs: number;
  /** State of a new group. */
  create(): unknown;
  /** What the hit adds; null: it is none for this correlation, as if it had not been. */
  valueOf(hit: Hit, place: number): Value | null;
  hit(group: Group, taken: Taken): void;
  /** Time reached what `dueOf` said: decides what is due. */
  pass(group: Group, ms: number): void;
  /** When something is due, ms, or null; the engine forgets the group some time after the last. */
  dueOf(group: Group): number | null;
  /** A hit turned out not to have been one (a firing of a base was taken back). */
  forget(group: Group, taken: Taken): void;
  /** 0 to 1: how far the group is on its way to firing. Never NaN. */
  progress(group: Group): number;
}

/** A correlation type: complete where it stands. */
export interface TypeOfCorrelation {
  readonly name: CorrelationType;
  /** What it asks, one sentence; becomes reference text. */
  readonly claim: string;
  /** How much of a group it remembers. */
  readonly bound: string;
  compile(rule: CorrelationRule, tools: Tools): Machine;
}

/** How long a decision is held while a source is blind before it is given up, ms. */
export const HOLD_MAX_MS = 86_400_000;
/** How often a held decision is looked at again, ms. */
export const HOLD_STEP_MS = 30_000;
