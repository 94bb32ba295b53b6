/** Items of JSON before they are stored: can each be read, and beside others? */
import type { Trust } from '../model/event.ts';
import type { ItemCheck } from '../model/ingest.ts';
import { decodeJson, isSpace, NESTING_MAX, noFacts } from './json.ts';

/** True where a record that says one thing twice must not be read as either. */
export const isStrict = (trust: Trust) => trust !== 'agent' && trust !== 'runtime';

/** A check of the items of a source, by the limits and facts that decoding a record goes by. */
export function itemCheck(trust: Trust): ItemCheck {
  const refusesTwice = isStrict(trust);
  const unread = (fault: string) => ({ fault, isAlone: false });
  return (item) => {
    let at = 0;
    while (isSpace(item[at])) at += 1;
    if (item[at] !== 0x7b) return unread('is no JSON object');
    const facts = noFacts();
    const read = decodeJson(item, facts);
    if (!read.ok) {
      const { reason, detail } = read.rejection;
      return unread(reason === 'json-syntax' ? 'is no JSON' : detail);
    }
    // Facts are of a record: those of one item would be said of all that share one with it.
    const isMarked = facts.truncated || (refusesTwice && facts.duplicateKeys > 0);
    return { fault: null, isAlone: isMarked || isDeeper(read.value, NESTING_MAX - 1) };
  };
}

/** Is it nested deeper than that? The brackets of an array are one more level. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((one) => isDeeper(one, levels - 1));
}
