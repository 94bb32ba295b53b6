/** Because: what made a call strange, in sentences with figures and without payload text. */
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

/** The three columns that added most, each as a sentence. */
export function because(
  row: ArrayLike<number>,
  contributions: ArrayLike<number>,
  tool: string,
): string[] {
  const order = FEATURES.map((_, at) => at)
    .filter((at) => (contributions[at] as number) > 0.05 && !Number.isNaN(row[at]))
    .sort((a, b) => (contributions[b] as number) - (contributions[a] as number) || a - b);
  const shown = named(tool);
  return order.slice(0, 3).map((at) => {
    const [name] = FEATURES[at] as (typeof FEATURES)[number];
    const value = row[at] as number;
    return SAYINGS[name]?.(value, shown) ?? `${name.replaceAll('-', ' ')} is ${rounded(value)}`;
  });
}
