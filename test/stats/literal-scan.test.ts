/** One pass over a text finds what two found: its tokens, and the sentences they stand in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scanSentences } from '../../src/stats/literal-scan.ts';
import { digestsOf } from '../../src/stats/literals.ts';
import { sentenceSpans } from '../../src/stats/sentences.ts';
import { newTape } from '../../src/stats/tape.ts';

const PIECES = [
  ...'a b é ß İ 𝒜 😀 1 00 _ - . .. / ~ @ , + # ( ) [ ] { } > | ! ? : ; ٣ 中文 the and key: Foo s'.split(
    ' ',
  ),
  ...'http:// https://www. www. Sending used 2026-11-20 1,000.50 a@b.io x_1 /home/'.split(' '),
  ...[' ', ' ', '\n', '\n  ', '\r\n', '\t', '\u00a0', '\u2028', '"', "'", "','", '", "', '. '],
  ...['." ', ' | ', '\ud83d', '\ude00', 'a'.repeat(40), '\n\n', '\nfoo', '\n éa b: ', '.\n'],
];
// Escapes and mark-up are taken out beforehand: what is left has neither.
const salad = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 30 })
  .map((pieces) => pieces.join(''));
const most = fc.oneof(fc.constant(4096), fc.nat(20));
const sentences = fc.oneof(fc.constant(512), fc.integer({ min: 1, max: 4 }));

test('literal scan: tokens and sentences of one pass are those of a pass for each', () => {
  const tape = newTape();
  fc.assert(
    fc.property(salad, most, sentences, (text, tokensMost, sentencesMost) => {
      scanSentences(text, tokensMost, sentencesMost, tape);
      const digests = (from: number, to: number) =>
        Array.from(tape.h.subarray(from, to), (h) => h >>> 0);
      assert.deepEqual(digests(0, tape.read), digestsOf(text, 0, text.length, tokensMost).h);
      const spans = sentenceSpans(text, sentencesMost);
      const expected: number[][] = [];
      for (let at = 0; at < spans.ends.length; at += 2) {
        const { h } = digestsOf(spans.text, spans.ends[at], spans.ends[at + 1], tokensMost);
        if (h.length > 0) expected.push(h);
      }
      const found = Array.from({ length: tape.sentences }, (_, at) =>
        digests(tape.spans[2 * at] as number, tape.spans[2 * at + 1] as number),
      );
      assert.deepEqual(found, expected);
    }),
    { numRuns: 2000 },
  );
});
