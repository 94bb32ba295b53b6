/** sequence: how surprising each call is after the calls before it (handbook 4.1). */
import type { CallItem, UnitItem, UnitRecord } from '../../model/unit.ts';
import { ascending, medianSorted } from '../../stats/summary.ts';
import {
  type ContextCounts,
  compileContexts,
  contextCounts,
  contextKeys,
  rememberedBits,
  START,
  surprisalBits,
  UNKNOWN,
} from '../../stats/witten-bell.ts';
import type { Dimension, Json, Scorer } from '../dimension.ts';
import { bySession, knownOf, tallied } from '../influence.ts';
import { grouped, levelNames, named, rounded, symbolOf } from '../wording.ts';

const ORDER = 5;
/** Pseudo-calls with which the usual mean holds the running mean (handbook: c). */
const SHRUNK_BY = 20;

/** What a baseline stores. */
interface SequenceCounts {
  readonly contexts: ContextCounts;
  /** Median over units of the mean surprisal, bits, each half scored by counts of the other. */
  readonly usualBits: number;
  readonly calls: number;
}

/** What is remembered of a unit: five symbols and sums. */
interface SequenceState {
  /** Ids of the last symbols, most recent last. */
  last: number[];
  calls: number;
  sum: number;
  max: number;
  /** Surprisal and id of the strangest call, and its tool as a sentence may name it. */
  worst: [bits: number, id: number, label: string];
}

/** Order-5 Witten–Bell over `tool:class:outcome`; the score is a running maximum of a shrunk mean. */
export const sequence: Dimension = {
  name: 'sequence',
  source: 'gateway',
  timing: 'running',
  takes: 'call',
  needs: 'L0',
  learn: (units) => learnSequence(units) as unknown as Json,
  compile: compileSequence,
  symbols(counts) {
    const { contexts } = counts as unknown as SequenceCounts;
    return countsOf(contexts);
  },
};

/** Result of a call as a symbol has it. */
function endOf(call: CallItem): string {
  return call.decision === 'deny' ? 'deny' : call.outcome;
}

function symbolOfCall(call: CallItem): string {
  return symbolOf(call.tool, call.toolClass ?? '?', endOf(call));
}

function learnSequence(units: readonly UnitRecord[]): SequenceCounts {
  const symbols = knownOf(
    tallied(units, (unit, add) => {
      for (const item of unit.items) {
        if (item.type !== 'call' || item.ours) continue;
        const symbol = symbolOfCall(item);
        if (symbol !== '') add(symbol);
      }
    }),
  );
  const ids = new Map(symbols.map((symbol, at) => [symbol, at + 2]));
  const contexts = contextsOf(units, symbols, ids);
  let calls = 0;
  for (const unit of units) calls += idsOf(unit, ids).length;
  return { contexts, usualBits: usualBits(units, symbols, ids), calls };
}

function contextsOf(
  units: readonly UnitRecord[],
  symbols: readonly string[],
  ids: ReadonlyMap<string, number>,
): ContextCounts {
  const counters = new Map<string, number>();
  const tally = tallied(units, (unit, add) => contextKeys(idsOf(unit, ids), ORDER, add));
  for (const [key, { n }] of tally.counters) counters.set(key, n);
  return contextCounts(symbols, ORDER, counters);
}

function idsOf(unit: UnitRecord, ids: ReadonlyMap<string, number>): number[] {
  const list: number[] = [];
  for (const item of unit.items)
    if (item.type === 'call' && !item.ours) list.push(ids.get(symbolOfCall(item)) ?? UNKNOWN);
  return list;
}

/** Scored by counts that include it a unit looks more usual than it is, hence the two halves. */
function usualBits(
  units: readonly UnitRecord[],
  symbols: readonly string[],
  ids: ReadonlyMap<string, number>,
): number {
  const halves: [UnitRecord[], UnitRecord[]] = [[], []];
  bySession(units).forEach((session, at) => {
    halves[at % 2 === 0 ? 0 : 1].push(...session.units);
  });
  const means: number[] = [];
  for (const [fit, held] of [halves, [halves[1], halves[0]] as const]) {
    const counts = contextsOf(fit, symbols, ids);
    const model = compileContexts([{ counts, order: ORDER }]);
    for (const unit of held) {
      const list = idsOf(unit, ids);
      let sum = 0;
      const history = [START];
      for (const id of list) {
        sum += surprisalBits(model, history, id);
        history.push(id);
        if (history.length > ORDER) history.shift();
      }
      if (list.length > 0) means.push(sum / list.length);
    }
  }
  return means.length === 0 ? 0 : medianSorted(ascending(means));
}

function compileSequence(levels: readonly Json[]): Scorer {
  const known = levels.map((level) => level as unknown as SequenceCounts);
  const isFleet = (at: number) => at > 0 && at === known.length - 1;
  const model = compileContexts(
    known.map(({ contexts }, at) => ({ counts: contexts, order: isFleet(at) ? 0 : ORDER })),
  );
  const usual = known[0]?.usualBits ?? 0;
  const bitsOf = rememberedBits(model);
  // Two lookups with strings that exist already are cheaper than one with a string made for it.
  const byTool = new Map<string, Map<string, number[]>>();
  for (const [symbol, id] of model.ids) enter(byTool, symbol, id);
  return {
    begin: () => fresh() as unknown as Json,
    see(state, item) {
      const own = state as unknown as SequenceState;
      if (item.type !== 'call' || item.ours) return { state, score: null };
      const id = byTool.get(item.tool)?.get(item.toolClass ?? '?')?.[endIndex(item)] ?? UNKNOWN;
      const bits = bitsOf(own.last, id);
      own.last.push(id);
      if (own.last.length > ORDER) own.last.shift();
      own.calls += 1;
      own.sum += bits;
      own.max = Math.max(own.max, (own.sum + SHRUNK_BY * usual) / (own.calls + SHRUNK_BY));
      if (bits > own.worst[0]) own.worst = [bits, id, named(item.tool)];
      return { state, score: own.max };
    },
    close: () => null,
    say: (state) => sentence(state as unknown as SequenceState, known, model.names, usual),
  };
}

function fresh(): SequenceState {
  return { last: [START], calls: 0, sum: 0, max: 0, worst: [-1, UNKNOWN, ''] };
}

const ENDS = ['ok', 'error', 'unknown', 'deny'];

function endIndex(call: UnitItem & CallItem): number {
  if (call.decision === 'deny') return 3;
  return call.outcome === 'ok' ? 0 : call.outcome === 'error' ? 1 : 2;
}

function enter(byTool: Map<string, Map<string, number[]>>, symbol: string, id: number): void {
  const cut = symbol.lastIndexOf(':');
  const middle = symbol.lastIndexOf(':', cut - 1);
  const [tool, toolClass] = [symbol.slice(0, middle), symbol.slice(middle + 1, cut)];
  const classes = byTool.get(tool) ?? new Map<string, number[]>();
  byTool.set(tool, classes);
  const ends = classes.get(toolClass) ?? ENDS.map(() => UNKNOWN);
  classes.set(toolClass, ends);
  ends[ENDS.indexOf(symbol.slice(cut + 1))] = id;
}

function countsOf(contexts: ContextCounts): Map<string, number> {
  const found = new Map<string, number>();
  const next = contexts.rows.find(([context]) => context.length === 0)?.[1] ?? [];
  for (let at = 0; at + 1 < next.length; at += 2)
    found.set(contexts.symbols[(next[at] ?? 0) - 2] ?? '?', next[at + 1] ?? 0);
  return found;
}

function sentence(
  { calls, sum, worst }: SequenceState,
  known: readonly SequenceCounts[],
  names: readonly string[],
  usual: number,
): string {
  if (calls === 0) return 'no call was seen';
  const symbol = names[worst[1] - 2];
  const levels = levelNames(known.length);
  const support = known.map((counts, at) => {
    const n = symbol === undefined ? 0 : (countsOf(counts.contexts).get(symbol) ?? 0);
    return `${levels[at] ?? 'level'} ${grouped(n)} of ${grouped(counts.calls)} calls`;
  });
  const mean = `mean ${rounded(sum / calls)} bits over ${calls} calls, usual ${rounded(usual)}`;
  return `${worst[2]} is the least expected call here, ${rounded(worst[0])} bits (seen: ${support.join(', ')}); ${mean}`;
}
