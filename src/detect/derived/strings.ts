/** Strings: every text in a call's arguments, bounded, whatever the arguments are called. */
import { type Asked, type Leaf, UNASKED } from './asked.ts';
import { Ends } from './ends.ts';

/** More than any call needs; of more the first and the last ones, half of it each, are looked at. */
export const LEAVES_MAX = 4096;
/** As deep as a record may be. */
const DEPTH_MAX = 64;
/** Longer texts are read at head and tail: padding must not hide what follows it. */
const TEXT_MAX = 262_144;

/**
 * Texts of the arguments of a gateway call in their order, at most LEAVES_MAX; undefined without
 * arguments. What was left out is counted in the memo.
 */
export function argumentTexts(asked: Asked): readonly Leaf[] | undefined {
  const args = asked.fact.event.action?.args;
  if (args === undefined) return undefined;
  const { memo } = asked;
  if (memo.texts === UNASKED) {
    const found = new Ends<Leaf>(LEAVES_MAX);
    collect(args, '', 0, found);
    memo.texts = found.list();
    memo.left += found.left;
  }
  return memo.texts;
}

function collect(value: unknown, key: string, depth: number, into: Ends<Leaf>): void {
  if (depth > DEPTH_MAX) return;
  if (typeof value === 'string') into.push({ key, text: bounded(value) });
  else if (Array.isArray(value)) for (const item of value) collect(item, key, depth + 1, into);
  else if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) {
      // Transport, not argument: the digests leave it out too.
      if (depth === 0 && name === '_meta') continue;
      collect(member, name, depth + 1, into);
    }
}

function bounded(text: string): string {
  if (text.length <= TEXT_MAX) return text;
  return `${text.slice(0, TEXT_MAX / 2)}\n${text.slice(-TEXT_MAX / 2)}`;
}
