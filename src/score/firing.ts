/** Firings: what a crossed threshold says: rung, lane, shares, onset, counterfactual. */
import type { Kind } from '../model/event.ts';
import type { Guard } from '../stats/dependence.ts';
import { TABLES } from '../stats/e-value.ts';
import { softplus } from '../stats/shiryaev-roberts.ts';
import type { Threshold } from './budget.ts';
import {
  type Counterfactual,
  type Part,
  type Run,
  type Share,
  sharesOf,
  silentBelow,
} from './explain.ts';
import type { JointReading, Judged, Reading, Readings } from './judge.ts';
import type { Tables } from './tables.ts';

/** A unit and whose it is. */
export interface UnitKey {
  /** Unique over tenants. */
  readonly agent: string;
  /** Unique among the agent's units. */
  readonly unit: string;
}

/** What one role is judged by: compiled once per promotion and load, shared by its agents. */
export interface Standard {
  readonly tables: Tables;
  readonly thresholds: readonly Threshold[];
  /** Weight of each source, sum <= 1; null: a quarter each. */
  readonly weights: Readonly<Record<Kind, number>> | null;
  /** What is done about dependence between units: `{ block: 1, strict: false }` where there is none. */
  readonly guard: Guard;
}

/** A rung's threshold was crossed. */
export interface Firing {
  readonly agent: string;
  readonly unit: string;
  /** Name of the threshold; the rung's own unless a caller declared several. */
  readonly name: string;
  readonly rung: Threshold['rung'];
  readonly lane: 'session' | 'accumulator';
  readonly ms: number;
  /** True where it fired before the unit closed. */
  readonly early: boolean;
  /** R of the accumulator, or p of the session. */
  readonly value: number;
  /** A or alpha. */
  readonly threshold: number;
  /** Budget in the user's words. */
  readonly budget: string;
  /** Largest first; they add up to 1. */
  readonly shares: readonly Share[];
  /** When it began: tick number and event time, ms. */
  readonly onset: { readonly tick: number; readonly ms: number };
  readonly counterfactual: Counterfactual | null;
}

/** What every firing says of itself. */
export function headOf(key: UnitKey, threshold: Threshold, ms: number, early: boolean) {
  const { name, rung, words } = threshold;
  return { agent: key.agent, unit: key.unit, name, rung, ms, early, budget: words };
}

/** The firing of an accumulator. `before` is ln R before the tick, nats. */
export function accumulated(
  key: UnitKey,
  readings: Readings,
  standard: Standard,
  threshold: Threshold,
  whole: { judged: Judged; r: number; run: Run; before: number },
  early: boolean,
): Firing {
  const { r, run } = whole;
  const a = threshold.a ?? Number.POSITIVE_INFINITY;
  return {
    ...headOf(key, threshold, readings.ms, early),
    lane: 'accumulator',
    value: Math.exp(r),
    threshold: a,
    shares: sharesOf(run.shares),
    onset: { tick: run.tick, ms: run.ms },
    counterfactual:
      standard.guard.block > 1 ? null : heaviest(readings, standard.tables, threshold, whole),
  };
}

/** The heaviest part of the tick, and the score at which it alone would have kept the rung silent. */
function heaviest(
  readings: Readings,
  tables: Tables,
  threshold: Threshold,
  { judged, before }: { judged: Judged; before: number },
): Counterfactual | null {
  const candidates: [Part, JointReading][] = judged
    .parts()
    .map((part, at) => [part, readings.dimensions[at] as Reading]);
  if (judged.joint !== null && readings.joint !== null)
    candidates.push([judged.joint, readings.joint]);
  let best: [Part, JointReading] | null = null;
  let most = 0;
  for (const candidate of candidates) {
    const gain = candidate[0].weight * (candidate[0].e[0] - 1);
    if (gain > most) [best, most] = [candidate, gain];
  }
  if (best === null) return null;
  const [part, { dimension, cell, score }] = best;
  const found = tables.find(dimension, cell);
  if (found === null || score === null) return null;
  const table = TABLES.indexOf(threshold.table);
  const needed = (threshold.a ?? 0) * Math.exp(-softplus(before));
  return silentBelow(found, score, part, table, judged.evidence[table] as number, needed);
}
