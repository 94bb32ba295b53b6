/** Search: the occurrence of a condition that a hit completes, the tightest one first. */
import type { CorrelationRule } from './definition.ts';
import type { Conjunct } from './expression.ts';
import { isSameEvent, type KeptHit } from './hit.ts';

/** A hit in the canonical order of its group. */
export class Seen {
  readonly place: number;
  readonly ms: number;
  /** Whose clock stamped it. */
  readonly source: string;
  readonly kept: KeptHit;

  constructor(place: number, kept: KeptHit) {
    this.place = place;
    this.ms = kept.ms;
    this.source = sourceOf(kept);
    this.kept = kept;
  }
}

const SOURCES = new Map<string, Map<string, string>>();
const SOURCES_MAX = 1000;

/** Whose clock stamped a hit: the same text for the same source, made once. */
function sourceOf({ witness: { kind, topic } }: KeptHit): string {
  let topics = SOURCES.get(kind);
  if (topics === undefined) {
    topics = new Map();
    SOURCES.set(kind, topics);
  }
  let source = topics.get(topic);
  if (source === undefined) {
    if (topics.size >= SOURCES_MAX) topics.clear();
    source = `${kind} ${topic}`;
    topics.set(topic, source);
  }
  return source;
}

/** One occurrence of all rules that must be seen. */
export interface Occurrence {
  /** In the order of the rules. */
  readonly hits: readonly Seen[];
  readonly minMs: number;
  /** Two of its hits are nearer than the clocks of their sources agree. */
  readonly uncertain: boolean;
}

/**
 * In any order: the newest hit of each rule within the timespan that ends with the hit at `at`. Null
 * where one is missing, or a rule that must be absent was hit within a timespan before any of them.
 */
export function occurrence(
  seen: readonly Seen[],
  at: number,
  { seen: places, absent }: Conjunct,
  rule: CorrelationRule,
): Occurrence | null {
  const last = seen[at] as Seen;
  if (!places.includes(last.place)) return null;
  const hits = places.map((place) => {
    if (place === last.place) return last;
    for (let back = at; back >= 0; back -= 1) {
      const one = seen[back] as Seen;
      if (one.ms <= last.ms - rule.timespanMs) return null;
      if (one.place === place) return one;
    }
    return null;
  });
  if (hits.includes(null)) return null;
  const found = hits as Seen[];
  const minMs = Math.min(...found.map(({ ms }) => ms));
  for (let back = at; back >= 0; back -= 1) {
    const one = seen[back] as Seen;
    if (one.ms < minMs - rule.timespanMs) break;
    if (absent.includes(one.place)) return null;
  }
  return { hits: found, minMs, uncertain: false };
}

/**
 * In the order of the rules: among all occurrences whose last event is the hit at `at`, one whose
 * order is certain if there is any; of those the one whose last step is newest, then the step before
 * it, and so on. A step leads from an earlier hit to a later one, or, between two sources, to one
 * that is nearer than their clocks agree. Rules that must be absent are not hit between the steps
 * they stand between, nor, before the first step, within a timespan of it.
 */
export function orderedOccurrence(
  seen: readonly Seen[],
  at: number,
  conjunct: Conjunct,
  rule: CorrelationRule,
): Occurrence | null {
  const last = seen[at] as Seen;
  const own = conjunct.seen.indexOf(last.place);
  if (own < 0) return null;
  const isLast = own === conjunct.seen.length - 1;
  const search = new Search(seen, at, own, conjunct, rule);
  const certain = isLast ? search.run(false) : null;
  if (certain !== null) return occurrenceOf(certain, false);
  const any = search.run(true);
  return any === null ? null : occurrenceOf(any, true);
}

function occurrenceOf(hits: readonly Seen[], uncertain: boolean): Occurrence {
  return { hits, minMs: Math.min(...hits.map(({ ms }) => ms)), uncertain };
}

/** Backwards from the last step, newest first. What failed once is not tried again. */
class Search {
  readonly #seen: readonly Seen[];
  readonly #at: number;
  readonly #own: number;
  readonly #conjunct: Conjunct;
  readonly #rule: CorrelationRule;
  #failed = new Set<number>();
  #inexact = false;

  constructor(
    seen: readonly Seen[],
    at: number,
    own: number,
    conjunct: Conjunct,
    rule: CorrelationRule,
  ) {
    this.#seen = seen;
    this.#at = at;
    this.#own = own;
    this.#conjunct = conjunct;
    this.#rule = rule;
  }

  run(inexact: boolean): readonly Seen[] | null {
    this.#failed = new Set();
    this.#inexact = inexact;
    const found = this.#step(this.#conjunct.seen.length - 1, -1);
    return found === null ? null : found.map((at) => this.#seen[at] as Seen);
  }

  /** Steps 0 to `step`, where the one after it is the hit at `next` (−1: none). */
  #step(step: number, next: number): number[] | null {
    const { seen: places } = this.#conjunct;
    const place = places[step] as number;
    const fromMs = (this.#seen[this.#at] as Seen).ms - this.#rule.timespanMs;
    for (let at = this.#at; at >= 0; at -= 1) {
      const one = this.#seen[at] as Seen;
      if (one.ms <= fromMs) break;
      if (step === this.#own && at !== this.#at) break;
      if (one.place !== place) continue;
      if (next >= 0 && !this.#leads(at, next, step)) continue;
      const id = step * this.#seen.length + at;
      if (this.#failed.has(id)) continue;
      if (step === 0) {
        if (!this.#isPreceded(at)) return [at];
      } else {
        const before = this.#step(step - 1, at);
        if (before !== null) {
          before.push(at);
          return before;
        }
      }
      this.#failed.add(id);
    }
    return null;
  }

  /** May the hit at `next` be the step after the one at `at`? */
  #leads(at: number, next: number, step: number): boolean {
    const one = this.#seen[at] as Seen;
    const other = this.#seen[next] as Seen;
    if (isSameEvent(one.kept, other.kept)) return false;
    const isNear =
      one.source !== other.source && Math.abs(other.ms - one.ms) < this.#rule.toleranceMs;
    if (!(this.#inexact && isNear) && (at > next || isNear)) return false;
    const { seen: places, absent } = this.#conjunct;
    for (const place of absent) {
      if (place < (places[step] as number) || place > (places[step + 1] as number)) continue;
      for (let between = Math.min(at, next) + 1; between < Math.max(at, next); between += 1) {
        const { place: its, kept } = this.#seen[between] as Seen;
        if (its === place && !isSameEvent(kept, one.kept) && !isSameEvent(kept, other.kept))
          return false;
      }
    }
    return true;
  }

  /** Was a rule that must not come before the first step hit within a timespan before it? */
  #isPreceded(at: number): boolean {
    const { seen: places, absent } = this.#conjunct;
    const leading = absent.filter((place) => place < (places[0] as number));
    if (leading.length === 0) return false;
    const first = this.#seen[at] as Seen;
    const fromMs = first.ms - this.#rule.timespanMs;
    for (let back = at - 1; back >= 0; back -= 1) {
      const one = this.#seen[back] as Seen;
      if (one.ms < fromMs) break;
      if (leading.includes(one.place) && !isSameEvent(one.kept, first.kept)) return true;
    }
    return false;
  }
}
