/** Hits: what rules hand to correlations, and what correlations hand back. */
import type { Entity } from '../../../model/detection.ts';
import type { Kind } from '../../../model/event.ts';
import type { WitnessRecord } from '../../../model/fact.ts';
import type { Slots } from '../../../state/slots.ts';

/** A base rule matched an event. Comes in canonical event-time order, except where `late`. */
export interface Hit {
  /** Key of the rule, as `CorrelationRule.bases` names it. */
  readonly rule: string;
  readonly eventId: string;
  /** Event time, ms. */
  readonly ms: number;
  /** True where it came when event time had passed it. */
  readonly late: boolean;
  readonly tenant: string;
  /** Field of the event by its Sigma name; undefined or null where it has none. */
  readonly field: (path: string) => unknown;
  readonly witness: WitnessRecord;
  readonly entity: Entity;
}

/** A hit as it is remembered: plain JSON, no payload. */
export interface KeptHit {
  readonly rule: string;
  readonly eventId: string;
  readonly ms: number;
  readonly late: boolean;
  readonly witness: WitnessRecord;
  readonly entity: Entity;
  /** The value it was counted for, where different values are counted; else null. */
  readonly tag: string | null;
  /** Evidence of the firing that this hit is; empty for a hit of a rule. */
  readonly from: readonly KeptHit[];
  /** Number under which its group has written it; 0: not yet. */
  number: number;
}

/** A correlation's condition holds for a group, or no longer does. */
export interface Firing {
  /** Key of the correlation. */
  readonly correlation: string;
  /** Hash of correlation, group and evidence: the same events give the same id. */
  readonly id: string;
  readonly tenant: string;
  /** The group: values of group-by, unambiguous. Belongs into the identity of a detection. */
  readonly group: string;
  /** Field of group-by → its value, for people. */
  readonly by: Readonly<Record<string, string>>;
  /** Whom it is about: the entity of the completing event. */
  readonly entity: Entity;
  /** The newest events it rests on, at most 32, in canonical order; the completing one is last. */
  readonly evidence: readonly KeptHit[];
  /** How many events it rests on. */
  readonly total: number;
  /** Event time of the completing event, ms. */
  readonly timeMs: number;
  /** Event time at which it was decided, ms: later than `timeMs` where absence or an upper bound is part of it. */
  readonly decidedMs: number;
  /** True where a late hit was needed, or contradicts. */
  readonly late: boolean;
  /** Clocks of two sources do not tell the order: power is capped at alert. */
  readonly orderUncertain: boolean;
  /** A bound was reached in the group: the figure may be less exact. */
  readonly approximate: boolean;
  /** What was measured, for example `5 events`; for the sentence of the finding. */
  readonly measured: string;
  /** The smallest change that would have kept it silent. */
  readonly counterfactual: string;
  /** Rules whose absence was part of it. */
  readonly absent: readonly string[];
  /** Why an earlier firing with the same id is taken back, and when, ms; null for a firing. */
  readonly retracts: { readonly reason: string; readonly ms: number } | null;
}

/** A book of a tenant, `-` for events without one. */
export interface Book {
  readonly kind: Kind;
  readonly tenant: string;
}

/** What correlations need. */
export interface CorrelationContext {
  readonly slots: Slots;
  /** Is this book of a tenant known to be blind at the moment? Its silence then proves nothing. */
  readonly blind: (kind: Kind, tenant: string) => boolean;
  /**
   * Event time before which the correlation with this key heard nothing, ms: absence there proves
   * nothing. Undefined, the default: there is no such time.
   */
  readonly sinceMs?: (key: string) => number | undefined;
  /** Says that a bound was reached. */
  readonly evicted: (subject: string, detail: string, ms: number) => void;
  /** Says that something could not be decided. */
  readonly undecided: (subject: string, detail: string, ms: number) => void;
  /** Receives firings and retractions, those of correlations that others are built on included. */
  readonly fire: (firing: Firing) => void;
}

/** Correlations of a fixed set of definitions. All times are event time, ms. */
export interface Correlations {
  /** Takes a hit; hits of rules that no correlation wants are ignored. */
  hit(hit: Hit): void;
  /** When something is due next; undefined: nothing is. */
  nextMs(): number | undefined;
  /** Decides what is due up to `ms`, in the order of time. Every event up to `ms` was handed in. */
  passTime(ms: number): void;
  /** A source could not be heard from `fromMs` to `toMs` (null: still). Absence there proves nothing. */
  gap(book: Book, fromMs: number, toMs: number | null, decidedMs: number): void;
  /** Rebuilds, step by step, what is derived from the entities. */
  restoring(): Generator<undefined, void>;
  /** Spaces of `slots` that hold their state. */
  readonly spaces: readonly string[];
  /** Does any correlation want hits of this rule? */
  wants(rule: string): boolean;
  readonly counters: Readonly<Record<string, number>>;
}
