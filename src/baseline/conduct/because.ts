/** Because: what made a call strange, in sentences with figures and without payload text. */
import type { CompiledTrees } from '../../stats/boosted-trees.ts';
import { named, rounded } from '../wording.ts';
import { FEATURES } from './columns.ts';

type Say = (value: number, tool: string) => string;

const percent = (share: number) => `${Math.round(100 * Math.min(1, Math.max(0, share)))} %`;
const oneIn = (bits: number) => `one in ${rounded(2 ** Math.min(60, Math.max(0, bits)))}`;

/** Sentences of the columns that people can do something with; others are named with their value. */
const SAYINGS: Readonly<Record<string, Say>> = {
  'tool-under-template': (bits, tool) => `under this mandate ${tool} is used ${oneIn(bits)}`,
  'tool-in-role': (bits, tool) => `in this role ${tool} is used ${oneIn(bits)}`,
  'tool-under-mandate': (bits, tool) =>
    `the words of the mandate make ${tool} expected ${oneIn(bits)}`,
  'tool-unseen-under-template': (unseen, tool) =>
    unseen === 1
      ? `no accepted session of this mandate used ${tool}`
      : `accepted sessions of this mandate used ${tool}`,
  'tool-after-one': (bits, tool) => `${tool} follows the call before it ${oneIn(bits)}`,
  'tool-after-two': (bits, tool) => `${tool} follows the two calls before it ${oneIn(bits)}`,
  'tool-after-any': (bits, tool) => `${tool} follows any call of this session ${oneIn(bits)}`,
  'in-plan': (isIn, tool) => `${tool} is ${isIn === 1 ? '' : 'not '}in the declared plan`,
  origin: (bits) => `the origin of a value is usual ${oneIn(bits)}`,
  'unmandated-origin': (bits) => `a value so named by the mandate is usual ${oneIn(bits)}`,
  'literals-from-results': (n) =>
    `${n} addresses, links or identifiers came out of earlier results`,
  'literals-from-nowhere': (n) => `${n} addresses, links or identifiers have no known origin`,
  'values-from-mandate': (n) => `${n} values stand in the mandate`,
  'share-from-mandate': (share) => `${percent(share)} of the values stand in the mandate`,
  'sentence-explains': (share) =>
    `a sentence of an earlier result explains ${percent(share)} of it`,
  'sentence-over-mandate': (more) =>
    `a sentence of an earlier result explains ${rounded(100 * more)} points more of it than the mandate`,
  'novel-over-mandate': (more) =>
    `a sentence never met before explains ${rounded(100 * more)} points more of it than the mandate`,
  'novel-directive-over-mandate': (more) =>
    `a new sentence that orders something explains ${rounded(100 * more)} points more of it than the mandate`,
  'directive-over-mandate': (more) =>
    `a sentence that orders something explains ${rounded(100 * more)} points more of it than the mandate`,
  'sentence-consumed': (share) => `the call carries out ${percent(share)} of one sentence it read`,
  'foreign-sentence': (weight) =>
    `the sentence that explains it is foreign to the text it stands in (${rounded(weight)} of 2)`,
  'foreign-novel-sentence': (weight) =>
    `the sentence that explains it is new and foreign to the text it stands in (${rounded(weight)} of 2)`,
  'unmandated-sentence': (nats) =>
    `what one sentence asked and the mandate did not is ${rounded(nats)} nats of the call`,
  'mandate-explains': (share) => `the mandate explains ${percent(share)} of the call`,
  'mandate-explains-values': (share) => `the mandate explains ${percent(share)} of tool and values`,
  'session-explains': (share) => `mandate and earlier calls explain ${percent(share)} of it`,
  'new-nats': (nats) => `its values are new to the session: ${rounded(nats)} nats`,
  'unheard-words': (n) => `${n} words of its values were never met before`,
  'like-mandates-use-tool': (share, tool) =>
    `of mandates like this one ${percent(share)} use ${tool}`,
  shape: (bits) => `the form of a value is usual ${oneIn(bits)}`,
};

/** What a unit's reasons are made of: nearly all are overtaken before anybody asks. As JSON they are sentences. */
export interface Unsaid {
  trees: CompiledTrees;
  /** The row of the strangest call, and its tool. */
  readonly row: number[];
  tool: string;
  readonly toJSON: () => readonly string[];
}

/** Reasons, made or still to be made. */
export type Because = readonly string[] | Unsaid;

/** Keeps what the reasons of a call are made of, in place of those of an earlier one. */
export function unsaid(
  earlier: Because,
  trees: CompiledTrees,
  row: Float64Array,
  tool: string,
): Unsaid {
  const kept = isSaid(earlier) ? { trees, row: newRow(), tool, toJSON: sayThis } : earlier;
  kept.trees = trees;
  kept.tool = tool;
  for (let at = 0; at < FEATURES.length; at += 1) kept.row[at] = row[at] as number;
  return kept;
}

/** The sentences. */
export function said(reasons: Because): readonly string[] {
  if (isSaid(reasons)) return reasons;
  const { trees, row, tool } = reasons;
  const contributions = new Float64Array(FEATURES.length);
  trees.predict(row);
  trees.contributions(contributions);
  return because(row, contributions, tool);
}

/** A plain list of doubles: a typed one lives outside the heap and costs more to make. */
function newRow(): number[] {
  return new Array<number>(FEATURES.length).fill(Number.NaN);
}

function sayThis(this: Unsaid): readonly string[] {
  return said(this);
}

function isSaid(reasons: Because): reasons is readonly string[] {
  return Array.isArray(reasons);
}

/** The three columns that added most, each as a sentence. */
export function because(
  row: ArrayLike<number>,
  contributions: ArrayLike<number>,
  tool: string,
): string[] {
  const shown = named(tool);
  const found: string[] = [];
  let [last, before] = [-1, Number.POSITIVE_INFINITY];
  while (found.length < SAID_MAX) {
    last = nextLargest(row, contributions, last, before);
    if (last < 0) break;
    before = contributions[last] as number;
    const [name] = FEATURES[last] as (typeof FEATURES)[number];
    const value = row[last] as number;
    found.push(
      SAYINGS[name]?.(value, shown) ?? `${name.replaceAll('-', ' ')} is ${rounded(value)}`,
    );
  }
  return found;
}

const SAID_MAX = 3;
/** Columns that added less than this are not worth a sentence. */
const ADDED_LEAST = 0.05;

/** The column after `last` in the order of what was added, equal ones by their place; -1 at the end. */
function nextLargest(
  row: ArrayLike<number>,
  contributions: ArrayLike<number>,
  last: number,
  before: number,
): number {
  let best = -1;
  let most = ADDED_LEAST;
  for (let at = 0; at < FEATURES.length; at += 1) {
    const added = contributions[at] as number;
    if (!(added > most) || added > before || Number.isNaN(row[at])) continue;
    if (added === before && at <= last) continue;
    best = at;
    most = added;
  }
  return best;
}
