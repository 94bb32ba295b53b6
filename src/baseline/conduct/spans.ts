/** Spans: how the sentences of a result lie in its tokens, as numbers that fit a text. */
import type { Tape } from '../../stats/tape.ts';
import { numberAt } from './lexis.ts';
import { SENTENCE_TOKENS } from './reading.ts';

/** Numbers up to this are sentences of so many tokens; what a larger one is above it are tokens of none. */
export const SENTENCE_MAX = SENTENCE_TOKENS;
const GAP_MAX = 20_000;

/** Sentences one after the other, long ones in pieces of forty tokens. */
export function spansOf({ spans, sentences }: Tape): number[] {
  const found: number[] = [];
  let end = 0;
  for (let at = 0; at < sentences; at += 1) {
    const to = spans[2 * at + 1] as number;
    let from = spans[2 * at] as number;
    for (; end < from; end += Math.min(GAP_MAX, from - end))
      found.push(SENTENCE_MAX + Math.min(GAP_MAX, from - end));
    for (; from < to; from += SENTENCE_TOKENS) found.push(Math.min(SENTENCE_TOKENS, to - from));
    end = to;
  }
  return found;
}

/** Tells each sentence's first token and the one after its last. */
export function eachSentence(spans: string, tell: (from: number, to: number) => void): void {
  let from = 0;
  for (let at = 0; at < spans.length; at += 1) {
    const size = numberAt(spans, at);
    if (size > SENTENCE_MAX) from += size - SENTENCE_MAX;
    else {
      tell(from, from + size);
      from += size;
    }
  }
}
