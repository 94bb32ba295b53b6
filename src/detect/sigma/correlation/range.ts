/** Ranges: the operators of a correlation's condition, and what they ask of a figure. */

/** Comparisons of Sigma 2.1. Several together must all hold. */
export const OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
/** One of OPERATORS. */
export type Operator = (typeof OPERATORS)[number];

/** A condition on a figure: at least one operator. */
export type Range = Readonly<Partial<Record<Operator, number>>>;

const HOLDS: Readonly<Record<Operator, (value: number, bound: number) => boolean>> = {
  gt: (value, bound) => value > bound,
  gte: (value, bound) => value >= bound,
  lt: (value, bound) => value < bound,
  lte: (value, bound) => value <= bound,
  eq: (value, bound) => value === bound,
  neq: (value, bound) => value !== bound,
};

/** Does the figure satisfy every operator? */
export function holds(range: Range, value: number): boolean {
  for (const operator of OPERATORS) {
    const bound = range[operator];
    if (bound !== undefined && !HOLDS[operator](value, bound)) return false;
  }
  return true;
}

/**
 * Can the condition be decided when an event arrives? Only where more events cannot undo it: with gt
 * and gte alone. Everything else is known when the window closes.
 */
export function isDecidedOnArrival(range: Range): boolean {
  return (
    range.lt === undefined &&
    range.lte === undefined &&
    range.eq === undefined &&
    range.neq === undefined
  );
}

/** The least figure that satisfies gt and gte; null where neither is there. For integers. */
export function leastCount(range: Range): number | null {
  const least = Math.max(
    range.gte === undefined ? Number.NEGATIVE_INFINITY : Math.ceil(range.gte),
    range.gt === undefined ? Number.NEGATIVE_INFINITY : Math.floor(range.gt) + 1,
    range.eq === undefined ? Number.NEGATIVE_INFINITY : range.eq,
  );
  return Number.isFinite(least) ? least : null;
}

/** Largest bound of any operator: what a figure must be able to reach to be compared at all. */
export function largestBound(range: Range): number {
  return Math.max(...OPERATORS.map((operator) => range[operator] ?? Number.NEGATIVE_INFINITY));
}

/** True where no number whatever can satisfy the condition. */
export function isEmpty(range: Range): boolean {
  const low = Math.max(
    range.gt ?? Number.NEGATIVE_INFINITY,
    range.gte ?? Number.NEGATIVE_INFINITY,
    range.eq ?? Number.NEGATIVE_INFINITY,
  );
  const high = Math.min(
    range.lt ?? Number.POSITIVE_INFINITY,
    range.lte ?? Number.POSITIVE_INFINITY,
    range.eq ?? Number.POSITIVE_INFINITY,
  );
  return low > high || (low === high && !holds(range, low));
}

/** The condition in words, for example `gte 5, lt 10`. */
export function rangeText(range: Range): string {
  return OPERATORS.filter((operator) => range[operator] !== undefined)
    .map((operator) => `${operator} ${range[operator]}`)
    .join(', ');
}
