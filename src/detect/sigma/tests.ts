/** Tests of one field: each becomes a closure over the view of an event. */
import type { Comparison, Match, Placement, Test, TimePart } from '../../model/sigma.ts';
import { compileCidr } from './cidr.ts';
import { compileRegex } from './regex.ts';
import { compileGlob, fold } from './text.ts';
import { timePart } from './time.ts';
import { type EventView, type FieldValue, fieldRef } from './view.ts';

/** Does an event satisfy something? */
export type Holds = (view: EventView) => boolean;

/** Compiles a match. The rule was checked: what cannot be compiled here is a bug, and throws. */
export function compileMatch({ field: name, test }: Match): Holds {
  if (name === null) return compileKeyword(test);
  const field = fieldRef(name);
  switch (test.type) {
    case 'text': {
      const matches = compileText(test);
      if (test.cased) return (view) => someOf(view.value(field).texts, matches);
      return (view) => someOf(view.value(field).folded(), matches);
    }
    case 'number': {
      const { value } = test;
      return (view) => isNumber(view.value(field), value);
    }
    case 'null':
      return (view) => view.value(field).nothing;
    case 'exists': {
      const { present } = test;
      return (view) => view.value(field).present === present;
    }
    case 'regex':
    case 'cidr': {
      const matches = compileWhole(test);
      return (view) => someOf(view.value(field).texts, matches);
    }
    case 'compare':
      return compileComparison(name, test.operator, test.value, test.part);
    case 'field':
      return compileField(name, test.other, test.placement, test.cased);
    case 'unresolved':
      return () => false;
  }
}

/**
 * Matches that several rules ask, each answered once an event. Rules of a library have the same few
 * questions in front: was the call executed, does the tool change anything.
 */
export class SharedMatches {
  readonly #known = new Map<string, Holds>();

  holds(match: Match): Holds {
    const key = JSON.stringify([match.field, match.test]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const holds = compileMatch(match);
    let turn = 0;
    let last = false;
    const once: Holds = (view) => {
      if (view.turn === turn) return last;
      last = holds(view);
      turn = view.turn;
      return last;
    };
    this.#known.set(key, once);
    return once;
  }
}

/** The test of whole texts behind a text test; folded texts go in unless it is cased. */
export function compileText({
  glob,
  cased,
}: Extract<Test, { type: 'text' }>): (text: string) => boolean {
  return compileGlob(
    cased ? glob : glob.map((part) => (typeof part === 'string' ? fold(part) : part)),
  );
}

function compileWhole(test: Extract<Test, { type: 'regex' | 'cidr' }>): (text: string) => boolean {
  if (test.type === 'cidr') {
    const holds = compileCidr(test.network);
    if (holds === null) throw new RangeError(`not a network: ${test.network}`);
    return holds;
  }
  const compiled = compileRegex(test.pattern, test.flags);
  if ('problem' in compiled) throw new RangeError(`not an expression: ${compiled.problem}`);
  return compiled.search;
}

function compileKeyword(test: Test): Holds {
  if (test.type === 'text') {
    const matches = compileText(test);
    const folded = !test.cased;
    return (view) => someOf(view.texts(folded), matches);
  }
  if (test.type === 'regex') {
    const matches = compileWhole(test);
    return (view) => someOf(view.texts(false), matches);
  }
  return () => false;
}

function someOf(texts: readonly string[], matches: (text: string) => boolean): boolean {
  for (const text of texts) if (matches(text)) return true;
  return false;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)$/;

/** Number that a value is; null for texts that are none, or too large to be exact. */
export function numberOf(value: string | number | boolean): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.length > 32 || !DECIMAL.test(value)) return null;
  const number = Number(value);
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : null;
}

function isNumber(value: FieldValue, wanted: number): boolean {
  for (const each of value.scalars) if (numberOf(each) === wanted) return true;
  return false;
}

const COMPARE: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
};

function compileComparison(
  name: string,
  operator: Comparison,
  wanted: number,
  part: TimePart | null,
): Holds {
  const compare = COMPARE[operator];
  const field = fieldRef(name);
  return (view) => {
    for (const each of view.value(field).scalars) {
      const number = part === null ? numberOf(each) : timePart(each, part);
      if (number !== null && compare(number, wanted)) return true;
    }
    return false;
  };
}

const PLACE: Readonly<Record<Placement, (text: string, other: string) => boolean>> = {
  equals: (text, other) => text === other,
  contains: (text, other) => text.includes(other),
  startswith: (text, other) => text.startsWith(other),
  endswith: (text, other) => text.endsWith(other),
};

function compileField(name: string, other: string, placement: Placement, cased: boolean): Holds {
  const lies = PLACE[placement];
  const field = fieldRef(name);
  const second = fieldRef(other);
  return (view) => {
    const a = view.value(field);
    const b = view.value(second);
    const others = cased ? b.texts : b.folded();
    for (const text of cased ? a.texts : a.folded())
      for (const each of others) if (lies(text, each)) return true;
    return false;
  };
}
