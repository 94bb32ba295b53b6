/** Sigma rules as data: what a checked rule asks, before it becomes a closure. */

/** Matches exactly one character of a pattern, and any run of characters. */
export const ONE = 1;
export const RUN = 2;
/** A pattern: literal text, and the wildcards between it. Never two runs side by side. */
export type Glob = readonly (string | typeof ONE | typeof RUN)[];

/** How two numbers are compared; `eq` comes from time modifiers without an operator. */
export type Comparison = 'eq' | 'lt' | 'lte' | 'gt' | 'gte';
/** What a time modifier takes from a time, UTC. `week` is that of ISO 8601. */
export type TimePart = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';
/** Where one field's value must lie in the other's. */
export type Placement = 'equals' | 'contains' | 'startswith' | 'endswith';

/** What is asked of one value of a field. An array matches if any of its elements does. */
export type Test =
  | { readonly type: 'text'; readonly glob: Glob; readonly cased: boolean }
  | { readonly type: 'number'; readonly value: number }
  /** Missing, or null. */
  | { readonly type: 'null' }
  | { readonly type: 'exists'; readonly present: boolean }
  /** RE2 syntax; searched for, not anchored. `flags` holds some of i, m, s. */
  | { readonly type: 'regex'; readonly pattern: string; readonly flags: string }
  | { readonly type: 'cidr'; readonly network: string }
  | {
      readonly type: 'compare';
      readonly operator: Comparison;
      readonly value: number;
      readonly part: TimePart | null;
    }
  | {
      readonly type: 'field';
      readonly other: string;
      readonly placement: Placement;
      readonly cased: boolean;
    }
  /** A placeholder that nobody declared values for: the whole rule cannot match. */
  | { readonly type: 'unresolved'; readonly placeholder: string };

/** One value asked of one field; `field` is null for keywords, which look at the whole event. */
export interface Match {
  readonly type: 'match';
  readonly field: string | null;
  readonly test: Test;
  /** Key and value as the author wrote them; at most 120 characters of the value. */
  readonly wrote: { readonly key: string; readonly value: string };
}

/** A boolean tree over matches. */
export type Clause =
  | { readonly type: 'and' | 'or'; readonly items: readonly Clause[] }
  | { readonly type: 'not'; readonly item: Clause }
  | { readonly type: 'selection'; readonly name: string }
  | Match;

/** Where a rule's events come from; null where the rule does not say. */
export interface LogSource {
  readonly product: string | null;
  readonly service: string | null;
  readonly category: string | null;
}

/** What is left out of a rule, until when. */
export interface RuleFilter {
  readonly title: string;
  readonly selections: readonly (readonly [name: string, clause: Clause])[];
  /** Must hold too for the rule to match. */
  readonly condition: Clause;
  /** Events of this time and later are not filtered any more, ms since 1970. */
  readonly expiresMs: number;
}

/** One checked Sigma rule. */
export interface SigmaRule {
  /** Name correlations call it by; its id, or its title, where it has none. */
  readonly name: string;
  readonly id: string | null;
  readonly title: string;
  readonly source: LogSource;
  /** Selections by name, in the order of the file. */
  readonly selections: readonly (readonly [name: string, clause: Clause])[];
  readonly condition: Clause;
  /** Filters put on it. */
  readonly filters: readonly RuleFilter[];
  /** Placeholders without values; where there are any the rule never matches. */
  readonly unresolved: readonly string[];
}
