/** Word tape: does a value occur, word for word and in order, in what was read before? */

/**
 * Does `words` occur in `tape` as consecutive members?
 * Claim: exact over digests; a value copied is found, a value said in other words is not.
 * Parameters: tape, words - digests of tokens in order. Nothing occurs nowhere: false for no words.
 * Cost: O(tape), nearly always one comparison a member. Reference: statistics chapter §4.7.
 * @example occurs([5, 7, 9, 7, 1], [7, 1]) // true
 */
export function occurs(tape: ArrayLike<number>, words: ArrayLike<number>): boolean {
  const first = words[0];
  if (first === undefined) return false;
  const last = tape.length - words.length;
  for (let at = 0; at <= last; at += 1) {
    if (tape[at] !== first) continue;
    let k = 1;
    while (k < words.length && tape[at + k] === words[k]) k += 1;
    if (k === words.length) return true;
  }
  return false;
}
