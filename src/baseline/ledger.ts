/** The drift ledger: how far a baseline may walk from where people last looked at all of it. */
import {
  type Counts,
  expectedJensenShannonBits,
  jensenShannonBits,
} from '../stats/jensen-shannon.ts';

/** Most drift without a full re-approval, bits per dimension (statistics §9.4). */
export const LEDGER_CAP_BITS = 0.3;
/** Rounding of two computations of one divergence. */
const TOLERANCE_BITS = 1e-6;

/** A symbol that is expected less often than this on the smaller side is counted with its like. */
const EXPECTED_MIN = 5;
const RARE = '';

/**
 * Drift between two baselines, bits: Jensen–Shannon less what two samples of one behaviour show by
 * chance, at least 0. Rare symbols are pooled first, which bounds that allowance by .073 bits:
 * nobody hides drift behind a crowd of symbols that occur once.
 * @example driftBits(new Map([['a', 900]]), new Map([['a', 900]])) // 0
 */
export function driftBits(before: Counts, after: Counts): number {
  const [p, q] = pooled(before, after);
  const [n1, n2] = [sum(p), sum(q)];
  const symbols = new Set([...p.keys(), ...q.keys()]).size;
  // Nothing on one side and something on the other is as far as it goes.
  if (n1 === 0 || n2 === 0) return n1 === n2 ? 0 : 1;
  return Math.max(0, jensenShannonBits(p, q, 0) - expectedJensenShannonBits(symbols, n1, n2));
}

/** Drift as it stands in the counts, bits. No count is added: its square root is then a metric. */
export function rawDriftBits(before: Counts, after: Counts): number {
  const [n1, n2] = [sum(before), sum(after)];
  if (n1 === 0 || n2 === 0) return n1 === n2 ? 0 : 1;
  return jensenShannonBits(before, after, 0);
}

function pooled(before: Counts, after: Counts): [Map<string, number>, Map<string, number>] {
  const [n1, n2] = [sum(before), sum(after)];
  const least = (EXPECTED_MIN * (n1 + n2)) / Math.max(1, Math.min(n1, n2));
  const of = (counts: Counts): Map<string, number> => {
    const result = new Map<string, number>();
    for (const [symbol, n] of counts) {
      const both = (before.get(symbol) ?? 0) + (after.get(symbol) ?? 0);
      const name = both < least ? RARE : `=${symbol}`;
      result.set(name, (result.get(name) ?? 0) + n);
    }
    return result;
  };
  return [of(before), of(after)];
}

function sum(counts: Counts): number {
  let total = 0;
  for (const n of counts.values()) total += Math.max(0, n);
  return total;
}

/** One dimension's step. */
export interface LedgerStep {
  readonly dimension: string;
  /** JS(version in force → proposed), bits. */
  readonly stepBits: number;
  /** The same without allowance for chance: what the bound without an anchor rests on. */
  readonly rawBits: number;
  /** JS(anchor → proposed), bits; null where the anchor's document is not at hand. */
  readonly anchorBits: number | null;
}

/** One dimension's line in the ledger. */
export interface LedgerRow {
  readonly dimension: string;
  readonly beforeBits: number;
  readonly stepBits: number;
  readonly anchorBits: number | null;
  readonly afterBits: number;
  readonly capBits: number;
  /** Beyond the cap: needs a full re-approval. */
  readonly isOver: boolean;
}

/**
 * The ledger after a step, by dimension. Σ JS alone would not do: a divergence grows with the square
 * of a small move, so a hundred small steps add up to almost nothing while the profile walks away.
 * Hence the larger of the sum and the direct distance from the anchor (the last version that was
 * approved as a whole): as long as nothing is over its cap, JS(anchor → in force) ≤ cap.
 * Without the anchor's document √JS, which is a metric, bounds that distance from above; chance is
 * then not allowed for, so such a baseline soon asks for a full re-approval, which makes it the anchor.
 */
export function ledgerAfter(
  before: Readonly<Record<string, number>>,
  steps: readonly LedgerStep[],
  capBits = LEDGER_CAP_BITS,
): LedgerRow[] {
  return steps.map(({ dimension, stepBits, rawBits, anchorBits }) => {
    const beforeBits = before[dimension] ?? 0;
    const direct = anchorBits ?? (Math.sqrt(beforeBits) + Math.sqrt(rawBits)) ** 2;
    const afterBits = Math.max(beforeBits + stepBits, direct);
    const isOver = afterBits > capBits;
    return { dimension, beforeBits, stepBits, anchorBits, afterBits, capBits, isOver };
  });
}

/** The ledger as a document states it: bits by dimension, keys sorted, to a millionth of a bit. */
export function ledgerRecord(rows: readonly LedgerRow[]): Record<string, number> {
  const sorted = [...rows].sort((a, b) => (a.dimension < b.dimension ? -1 : 1));
  return Object.fromEntries(
    sorted.map(({ dimension, afterBits }) => [dimension, Math.round(afterBits * 1e6) / 1e6]),
  );
}

/** Dimensions of which a document states less drift than there is. A document may not hide any. */
export function understated(
  stated: Readonly<Record<string, number>>,
  rows: readonly LedgerRow[],
): readonly string[] {
  return rows
    .filter(({ dimension, afterBits }) => (stated[dimension] ?? 0) + TOLERANCE_BITS < afterBits)
    .map(({ dimension }) => dimension);
}

/** How an agent's baseline lies among those of its role. */
export interface PeerCheck {
  /** JS of its profile to its role's, bits. */
  readonly ownBits: number;
  /** The same of the role's other agents. */
  readonly otherBits: readonly number[];
}

/**
 * Does a baseline lie further from its role than the role's own p99? Then a second person must
 * approve it. With fewer than a hundred peers their maximum is that p99; with none, always.
 */
export function isOutlier({ ownBits, otherBits }: PeerCheck): boolean {
  const sorted = [...otherBits].sort((a, b) => a - b);
  const place = Math.ceil(0.99 * sorted.length) - 1;
  const p99 = sorted[Math.max(0, place)];
  return p99 === undefined || ownBits > p99;
}
