/** mix: tool × class shares of a unit, or of twenty, against the baseline (handbook 4.5). */
import type { CallItem, UnitItem, UnitRecord } from '../../model/unit.ts';
import { type Counts, divergenceFrom, jensenShannonBits } from '../../stats/jensen-shannon.ts';
import type { Dimension, Json } from '../dimension.ts';
import { knownOf, tallied } from '../influence.ts';
import { rounded, sortedRecord, symbolOf } from '../wording.ts';

/** Units a window of the slow clock spans; windows do not overlap. */
export const MIX_UNITS = 20;
/** What stands for every symbol that is not known. */
const OTHER = '?';
/** Symbols a unit's state holds; the rest count as unknown. */
const SYMBOLS_MAX = 64;

interface MixCounts {
  readonly counts: Readonly<Record<string, number>>;
}

interface MixState {
  /** [symbol, calls] in order of appearance. */
  seen: [string, number][];
  calls: number;
}

/** A window of the slow clock. Plain JSON. */
export interface MixWindow {
  readonly units: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Jensen–Shannon divergence of tool × class shares, bits. Closing; abstains on a unit without calls. */
export const mix: Dimension = {
  name: 'mix',
  source: 'gateway',
  timing: 'closing',
  takes: 'call',
  needs: 'L0',
  learn: (units) => learnMix(units) as unknown as Json,
  symbols: (counts) => countsOf(counts),
  compile(levels) {
    const usual = blended(levels.map(countsOf));
    const bitsFrom = divergenceFrom(usual);
    const knownAs = knower(usual);
    return {
      begin: () => ({ seen: [], calls: 0 }),
      see(state, item) {
        take(state as unknown as MixState, item, knownAs);
        return { state, score: null };
      },
      close(state) {
        const own = state as unknown as MixState;
        if (own.calls === 0 || usual.size === 0) return null;
        return bitsFrom(new Map(own.seen));
      },
      say(state) {
        const { seen, calls } = state as unknown as MixState;
        if (calls === 0) return 'no call was seen';
        const bits = jensenShannonBits(new Map(seen), usual);
        const other = new Map(seen).get(OTHER) ?? 0;
        return `${calls} calls of ${seen.length} kinds, ${other} of kinds not known here; ${rounded(bits)} bits from the usual mix`;
      },
    };
  },
};

/** A window without units. */
export function freshMixWindow(): MixWindow {
  return { units: 0, counts: {} };
}

/** The window with one more unit: `state` is what the scorer of `mix` remembers of it at its close. */
export function withUnit(window: MixWindow, state: Json): MixWindow {
  const counts = new Map(Object.entries(window.counts));
  for (const [symbol, n] of (state as unknown as MixState).seen)
    if (counts.has(symbol) || counts.size < SYMBOLS_MAX)
      counts.set(symbol, (counts.get(symbol) ?? 0) + n);
  return { units: window.units + 1, counts: sortedRecord(counts) };
}

/** Score of a full window, bits, against the counts of a baseline, most particular first; else null. */
export function mixOfWindow(window: MixWindow, levels: readonly Json[]): number | null {
  const usual = blended(levels.map(countsOf));
  if (window.units < MIX_UNITS || usual.size === 0) return null;
  const counts = new Map(Object.entries(window.counts));
  return counts.size === 0 ? null : jensenShannonBits(counts, usual);
}

function symbolOfCall(call: CallItem): string {
  return symbolOf(call.tool, call.toolClass ?? '?');
}

function learnMix(units: readonly UnitRecord[]): MixCounts {
  const symbols = (unit: UnitRecord, add: (key: string) => void): void => {
    for (const item of unit.items)
      if (item.type === 'call' && !item.ours) add(symbolOfCall(item) || OTHER);
  };
  const known = new Set(knownOf(tallied(units, symbols)));
  const tally = tallied(units, (unit, add) =>
    symbols(unit, (symbol) => add(known.has(symbol) ? symbol : OTHER)),
  );
  return { counts: sortedRecord([...tally.counters].map(([symbol, { n }]) => [symbol, n])) };
}

function take(state: MixState, item: UnitItem, knownAs: (call: CallItem) => string): void {
  if (item.type !== 'call' || item.ours) return;
  const known = knownAs(item);
  for (const entry of state.seen)
    if (entry[0] === known) {
      entry[1] += 1;
      state.calls += 1;
      return;
    }
  if (state.seen.length < SYMBOLS_MAX || known === OTHER) state.seen.push([known, 1]);
  state.calls += 1;
}

/** Agents can make names up: beyond so many all are looked up anew. */
const TOOLS_MAX = 4096;

/** What a call counts as. Two look-ups with strings that exist are cheaper than one with a string made for it. */
function knower(usual: Counts): (call: CallItem) => string {
  const byTool = new Map<string, Map<string | null, string>>();
  return (call) => {
    const own = byTool.get(call.tool);
    const held = own?.get(call.toolClass);
    if (held !== undefined) return held;
    const symbol = symbolOfCall(call);
    const known = usual.has(symbol) ? symbol : OTHER;
    if (byTool.size >= TOOLS_MAX) byTool.clear();
    // An overlong name is not worth its room.
    if (own !== undefined && own.size < SYMBOLS_MAX) own.set(call.toolClass, known);
    else if (symbol !== '') byTool.set(call.tool, new Map([[call.toolClass, known]]));
    return known;
  };
}

function countsOf(counts: Json): Map<string, number> {
  return new Map(Object.entries((counts as unknown as MixCounts).counts));
}

/** Calls with which a more general level fills up a more particular one. */
const PRIOR_CALLS = 30;

/** Counts of the particular, plus 30 calls shared out as the more general level has them. */
function blended(levels: readonly Counts[]): Counts {
  let usual: Counts = new Map();
  for (const counts of [...levels].reverse()) {
    const total = sum(usual);
    const mixed = new Map(counts);
    for (const [symbol, n] of usual)
      mixed.set(symbol, (mixed.get(symbol) ?? 0) + (PRIOR_CALLS * n) / Math.max(total, 1));
    usual = mixed;
  }
  return usual;
}

function sum(counts: Counts): number {
  let total = 0;
  for (const n of counts.values()) total += n;
  return total;
}
