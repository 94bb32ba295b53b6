/** Word tape: does a value occur, word for word and in order, in what was read before? */

/**
 * Does `words` occur in `tape` as consecutive members?
 * Claim: exact over digests; a value copied is found, a value said in other words is not.
 * Parameters: tape, words - digests of tokens in order. Nothing occurs nowhere: false for no words.
 * Cost: O(tape), nearly always one comparison a member. Reference: statistics chapter §4.7.
 * @example occurs([5, 7, 9, 7, 1], [7, 1]) // true
 */
export function occurs(tape: readonly number[], words: readonly number[]): boolean {
  const first = words[0];
  if (first === undefined) return false;
  const last = tape.length - words.length;
  for (let at = tape.indexOf(first); at >= 0 && at <= last; at = tape.indexOf(first, at + 1)) {
    let k = 1;
    while (k < words.length && tape[at + k] === words[k]) k += 1;
    if (k === words.length) return true;
  }
  return false;
}
