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
