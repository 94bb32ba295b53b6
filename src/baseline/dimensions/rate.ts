/** rate.*: counts of a unit against the learnt rate for its exposure (handbook 4.4). */
import type { CallItem, UnitRecord } from '../../model/unit.ts';
import { type GammaRate, observedRate, ratePrior, tailDigits } from '../../stats/gamma-poisson.ts';
import { cellFactor, hourCell } from '../../stats/seasonal-cell.ts';
import type { Dimension, Json, Scorer } from '../dimension.ts';
import { tallied } from '../influence.ts';
import { grouped, levelNames, rounded } from '../wording.ts';

/** What is counted of a unit, in which exposure. */
export interface RateOptions {
  readonly name: string;
  /** minutes: calls after the first in the time they took · calls: of the calls, those that count. */
  readonly per: 'minutes' | 'calls';
  /** Does this call count? `before`: the tool of the call before it, null for the first. */
  counts(call: CallItem, before: string | null): boolean;
  /** How a sentence calls what is counted. */
  readonly what: string;
}

/** What a baseline stores: events and exposure as a whole and by hour cell. */
interface RateCounts {
  readonly events: number;
  readonly exposure: number;
  readonly units: number;
  readonly cells: readonly (readonly [cell: number, events: number, exposure: number])[];
}

interface RateState {
  calls: number;
  events: number;
  firstMs: number | null;
  lastMs: number | null;
  /** Tool of the last call, cut: it is only compared. */
  before: string | null;
}

const TOOL_MAX = 256;
/** Shortest time a rate is taken over, minutes: one second. */
const MINUTES_LEAST = 1 / 60;

/** A rate of calls. Closing; −log10 of the predictive probability of so many or more. */
export function rateOf(options: RateOptions): Dimension {
  return {
    name: options.name,
    source: 'gateway',
    timing: 'closing',
    takes: 'call',
    needs: 'L0',
    learn: (units) => learnRate(units, options) as unknown as Json,
    compile: (levels) => compileRate(levels, options),
    symbols(counts) {
      const { events, exposure } = counts as unknown as RateCounts;
      if (options.per === 'minutes') return new Map([['events', events]]);
      return new Map([
        [options.what, events],
        ['other calls', Math.max(0, exposure - events)],
      ]);
    },
  };
}

function fresh(): RateState {
  return { calls: 0, events: 0, firstMs: null, lastMs: null, before: null };
}

function take(state: RateState, call: CallItem, options: RateOptions): void {
  if (call.ours) return;
  const tool = call.tool.slice(0, TOOL_MAX);
  if (options.counts(call, state.before)) state.events += 1;
  state.calls += 1;
  state.before = tool;
  if (!Number.isFinite(call.ms)) return;
  state.firstMs = Math.min(state.firstMs ?? call.ms, call.ms);
  state.lastMs = Math.max(state.lastMs ?? call.ms, call.ms);
}

/** Events and exposure of a unit; null where it has none. */
function measured(state: RateState, per: 'minutes' | 'calls'): [number, number] | null {
  if (per === 'calls') return state.calls === 0 ? null : [state.events, state.calls];
  if (state.calls < 2 || state.firstMs === null || state.lastMs === null) return null;
  // Of n calls only the n − 1 after the first fall into the time between first and last.
  const minutes = Math.max(MINUTES_LEAST, (state.lastMs - state.firstMs) / 60_000);
  return [Math.max(0, state.events - 1), minutes];
}

function learnRate(units: readonly UnitRecord[], options: RateOptions): RateCounts {
  let counted = 0;
  const exposures = new Map<number, number>();
  const tally = tallied(units, (unit, add) => {
    const state = fresh();
    for (const item of unit.items) if (item.type === 'call') take(state, item, options);
    const found = measured(state, options.per);
    if (found === null) return;
    counted += 1;
    const cell = hourCell(state.firstMs ?? unit.lastMs);
    // Rounded to whole 1/1024ths a sum does not depend on the order of its parts.
    const exposure = Math.round(found[1] * 1_024) / 1_024;
    exposures.set(cell, (exposures.get(cell) ?? 0) + exposure);
    add(String(cell), found[0]);
    add('all', found[0]);
  });
  const cells = [...exposures].sort(([a], [b]) => a - b);
  return {
    events: tally.counters.get('all')?.n ?? 0,
    exposure: cells.reduce((sum, [, exposure]) => sum + exposure, 0),
    units: counted,
    cells: cells.map(([cell, exposure]) => [
      cell,
      tally.counters.get(String(cell))?.n ?? 0,
      exposure,
    ]),
  };
}

function compileRate(levels: readonly Json[], options: RateOptions): Scorer {
  const known = levels.map((level) => level as unknown as RateCounts);
  const rate = posterior(known);
  const general = known.at(-1);
  const factor = (cell: number): number => {
    const own = general?.cells.find(([name]) => name === cell);
    // Proportions of calls do not follow the clock; speeds do.
    if (options.per === 'calls' || general === undefined || own === undefined) return 1;
    return cellFactor(own[1], (own[2] * general.events) / Math.max(general.exposure, 1e-9));
  };
  const scoreOf = (state: RateState): number | null => {
    const found = measured(state, options.per);
    if (found === null || rate === null) return null;
    return tailDigits(rate, found[1] * factor(hourCell(state.firstMs ?? 0)), found[0]);
  };
  return {
    begin: () => fresh() as unknown as Json,
    see(state, item) {
      if (item.type === 'call') take(state as unknown as RateState, item, options);
      return { state, score: null };
    },
    close: (state) => scoreOf(state as unknown as RateState),
    say(state) {
      const found = measured(state as unknown as RateState, options.per);
      if (found === null || rate === null) return 'too few calls for a rate';
      const names = levelNames(known.length);
      const shares = known.map(
        ({ events, exposure }, at) =>
          `${names[at] ?? 'level'} ${grouped(events)} in ${grouped(exposure)}`,
      );
      return `${grouped(found[0])} ${options.what} in ${rounded(found[1])} ${options.per}, usual ${rounded((found[1] * rate.a) / rate.b)} (${shares.join(', ')})`;
    },
  };
}

/** Each level's rate is the prior of the more particular one; null where nobody saw anything. */
function posterior(known: readonly RateCounts[]): GammaRate | null {
  let rate: GammaRate | null = null;
  for (const { events, exposure } of [...known].reverse()) {
    if (!(exposure > 0)) continue;
    const mean: number = rate === null ? (events + 0.5) / exposure : rate.a / rate.b;
    rate = observedRate(ratePrior(mean), events, exposure);
  }
  return rate;
}
