import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sentencesOf, textOf } from '../../src/stats/sentences.ts';

test('sentences: prose, mark-up, YAML and lists fall into what each says', () => {
  assert.deepEqual(sentencesOf('One here. Two there! Three?'), [
    'One here.',
    'Two there!',
    'Three?',
  ]);
  assert.deepEqual(sentencesOf('<p>Pay now</p><div>To Ann</div>'), ['Pay now', 'To Ann']);
  assert.deepEqual(sentencesOf("body: 'Dear Ann,\nplease call me.'\ncc: []"), [
    "body: 'Dear Ann, please call me.",
    'cc: []',
  ]);
});

test('sentences: a key on a line of its own is not glued to the line before', () => {
  assert.deepEqual(sentencesOf('subject: hello\nsender: ann'), ['subject: hello', 'sender: ann']);
});

test('sentences: at most so many, none of them empty', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 600 }), (text) => {
      const found = sentencesOf(text, 5);
      assert.ok(found.length <= 5 && found.every((sentence) => sentence.trim().length > 1));
    }),
  );
});

test('sentences: text of any JSON is bounded', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.ok(textOf(value, 64).length <= 64);
    }),
  );
  let deep: unknown = 'x';
  for (let level = 0; level < 1000; level += 1) deep = [deep];
  assert.equal(textOf(deep), '');
});

test('sentences: found just as their specification finds them', () => {
  const pieces = [
    ...'a Ab é ß 1 . .. ! ? ; : , | " \' \'" ) ] { } < > <b> </p> \\ \\n key: the'.split(' '),
    ...[' ', '  ', ' | ', '\n', '\n  ', '\t', '\u00a0', '\u2028', '\\\n', "', '", 'x '.repeat(30)],
  ];
  const salad = fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((all) => all.join(''));
  fc.assert(
    fc.property(
      fc.oneof(salad, fc.string({ unit: 'binary' })),
      fc.integer({ min: 1, max: 9 }),
      (text, most) => assert.deepEqual(sentencesOf(text, most), specified(text, most)),
    ),
    { numRuns: 2000 },
  );
});

// The specification, in expressions.
const TAG = /<[^<>\n]{0,200}>/g;
const ESCAPED_BREAK = /\\\n\\?[ \t]{0,40}/g;
const ESCAPES = /\\[nrt]/g;
const CLAUSE = /(?<=[.!?;])["')\]]{0,4}\s{1,8}|\n|\s\|\s?|(?<=['"])\s?,\s?(?=['"])|[{}]/u;
/** A line that begins so goes on with what the line before began: wrapped text, no key and no item. */
const GOES_ON = /^[ \t]{0,20}\p{Ll}[\p{Ll} ]{0,60}(?![\p{L}\p{N}_ ]{0,40}:)/u;

function specified(text: string, most: number): string[] {
  const marked = text.replace(ESCAPED_BREAK, ' ').replace(ESCAPES, '\n\n').replace(TAG, '\n\n');
  let joined = '';
  for (const line of marked.split('\n'))
    joined += joined === '' ? line : GOES_ON.test(line) ? ` ${line.trimStart()}` : `\n${line}`;
  const found: string[] = [];
  for (const piece of joined.split(CLAUSE)) {
    const sentence = piece.trim();
    if (sentence.length < 2) continue;
    found.push(sentence);
    if (found.length >= most) break;
  }
  return found;
}
