/** Measures: a figure over the events of a window, kept up to date one event at a time. */
import type { CorrelationRule } from './definition.ts';
import { fieldAt, textOf } from './group.ts';
import type { Hit } from './hit.ts';

/** What one event adds to a figure. */
export type Value = string | number;

/** A figure over a window. State is plain JSON. */
export interface Measure<State> {
  /** True where it counts different values. */
  readonly isDistinct: boolean;
  /** What the event adds; null: it is not counted. */
  valueOf(rule: CorrelationRule, hit: Hit, place: number): Value | null;
  create(): State;
  /** Adds an event, also one that comes late. True where a bound made the figure less exact. */
  add(state: State, ms: number, value: Value, rule: CorrelationRule): boolean;
  /** Drops what is not later than `untilMs`. */
  expire(state: State, untilMs: number): void;
  /** Time of the newest event that was dropped or let go; null where none is known of. */
  goneMs(state: State): number | null;
  /** Takes one event out again. */
  remove(state: State, ms: number, value: Value): void;
  /** Events in the window. */
  count(state: State): number;
  /** The figure; null where there is nothing to measure. */
  figure(state: State, rule: CorrelationRule): number | null;
  /** The figure with its unit, for example `5 events`. */
  text(figure: number, rule: CorrelationRule): string;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A number of the event, also where it is written as text; null where it is none. */
export function numberOf(rule: CorrelationRule, hit: Hit, place: number): number | null {
  const value = hit.field(fieldAt(rule, rule.fields[0] as string, place));
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.length > 32 || !DECIMAL.test(value)) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** The tuple of the event's values in the rule's fields, as text; null where one is missing. */
export function tupleOf(rule: CorrelationRule, hit: Hit, place: number): string | null {
  let tuple = '';
  for (const field of rule.fields) {
    const text = textOf(hit.field(fieldAt(rule, field, place)));
    if (text === null) return null;
    tuple += rule.fields.length === 1 ? text : `${text.length}:${text} `;
  }
  return tuple;
}

/** A figure for people: whole, or with at most three decimals. */
export function figureText(figure: number): string {
  return String(Math.round(figure * 1000) / 1000);
}
