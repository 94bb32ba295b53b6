/** Explains a firing: who contributed how much, since when, what would have kept it silent. */
import { advance, type Onset } from '../stats/shiryaev-roberts.ts';
import { type Cell, place } from './tables.ts';

/** Dimensions remembered by name per rung; the rest is one figure, so that a state stays small. */
const NAMED_MAX = 6;
const OTHERS = 'others';

/** One dimension's part in a unit. */
export interface Part {
  readonly dimension: string;
  /** Total weight of its e-value in the evidence of the tick. */
  readonly weight: number;
  /** E-values in the order of TABLES. */
  readonly e: readonly [marginal: number, certified: number, wilson: number];
  /** Conformal p; 1 where it abstained. */
  readonly p: number;
}

/** A dimension's share of the evidence since the onset. */
export interface Share {
  readonly dimension: string;
  /** Nats of ln E it accounts for. */
  readonly nats: number;
  /** Of all that is accounted for, 0 to 1. */
  readonly share: number;
}

/** Onset of the present run and what was gathered since. Plain JSON. */
export interface Run extends Onset {
  shares: Record<string, number>;
}

/** A run that has not begun. */
export function newRun(): Run {
  return { gap: 0, tick: 1, ms: 0, shares: {} };
}

/**
 * What each part holds of a tick's excess, joint split over the running dimensions by -ln p. Adds up
 * to the excess; parts with e <= 1 hold nothing.
 */
export function excessOf(parts: readonly Part[], joint: Part | null): ReadonlyMap<string, number> {
  const excess = new Map<string, number>();
  const add = (dimension: string, amount: number) => {
    if (amount > 0) excess.set(dimension, (excess.get(dimension) ?? 0) + amount);
  };
  for (const { dimension, weight, e } of parts) add(dimension, weight * (e[0] - 1));
  if (joint === null || joint.e[0] <= 1) return excess;
  const whole = joint.weight * (joint.e[0] - 1);
  let surprise = 0;
  for (const { p } of parts) surprise -= Math.log(p);
  if (surprise <= 0) add(joint.dimension, whole);
  else for (const { dimension, p } of parts) add(dimension, (whole * -Math.log(p)) / surprise);
  return excess;
}

/**
 * Takes a tick into a run: ln E is shared out by excess, asked for only where it is; a run that ends
 * forgets its shares.
 */
export function gatherTick(
  run: Run,
  lnE: number,
  excessOfTick: () => ReadonlyMap<string, number>,
  tick: number,
  ms: number,
): void {
  if (advance(run, lnE, tick, ms)) {
    if (Object.keys(run.shares).length > 0) run.shares = {};
    return;
  }
  if (lnE <= 0) return;
  const excess = excessOfTick();
  let sum = 0;
  for (const amount of excess.values()) sum += amount;
  if (sum <= 0) return;
  for (const [dimension, amount] of excess)
    run.shares[dimension] = (run.shares[dimension] ?? 0) + (lnE * amount) / sum;
  foldSmallest(run.shares);
}

/** Shares of a run, largest first, ties by name; they add up to 1 unless there are none. */
export function sharesOf(shares: Readonly<Record<string, number>>): Share[] {
  const entries = Object.entries(shares).sort(
    ([a, one], [b, two]) => two - one || (a < b ? -1 : a > b ? 1 : 0),
  );
  let sum = 0;
  for (const [, nats] of entries) sum += nats;
  return entries.map(([dimension, nats]) => ({ dimension, nats, share: sum > 0 ? nats / sum : 0 }));
}

/** The smallest change in one dimension that would have kept a firing silent. */
export interface Counterfactual {
  readonly dimension: string;
  /** Score it had. */
  readonly score: number;
  /** Silent at this score or below; null: this dimension alone could not have kept it silent. */
  readonly silentAt: number | null;
}

/**
 * How low one dimension would have had to be for the tick's evidence to stay below `needed`, the E at
 * which the rung fires. `table` is the place in TABLES. Looks at the scores of the first layer.
 */
export function silentBelow(
  cell: Cell,
  score: number,
  part: Part,
  table: number,
  evidence: number,
  needed: number,
): Counterfactual {
  const most = (part.e[table] as number) - (evidence - needed) / part.weight;
  const scores = cell.layers[0]?.scores ?? [];
  let silentAt: number | null = null;
  for (let at = scores.length - 1; at >= 0 && silentAt === null; at -= 1) {
    const lower = scores[at] as number;
    if (lower < score && (place(cell, lower).e[table] as number) < most) silentAt = lower;
  }
  return { dimension: part.dimension, score, silentAt };
}

function foldSmallest(shares: Record<string, number>): void {
  for (;;) {
    const named = Object.keys(shares).filter((name) => name !== OTHERS);
    if (named.length <= NAMED_MAX) return;
    let least = named[0] as string;
    for (const name of named)
      if ((shares[name] as number) < (shares[least] as number)) least = name;
    shares[OTHERS] = (shares[OTHERS] ?? 0) + (shares[least] as number);
    delete shares[least];
  }
}
