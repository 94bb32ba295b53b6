/** Meant: a misspelt name is answered with the near one, or with where all are listed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notKnown } from '../../src/commands/meant.ts';

test('a near name is named', () => {
  const said = notKnown('detector', 'overreech', ['overreach', 'call-burst'], 'see there');
  assert.equal(said, 'no such detector: "overreech"; did you mean overreach? see there');
});

test('few names are listed, many are not', () => {
  assert.equal(
    notKnown('x', 'zzzzzzz', ['aa', 'bb'], 'see there'),
    'no such x: "zzzzzzz"; there are: aa, bb',
  );
  const many = Array.from({ length: 40 }, (_, at) => `name-${at}`);
  assert.equal(
    notKnown('x', 'zzzzzzzzzz', many, 'see there'),
    'no such x: "zzzzzzzzzz"; see there',
  );
});

test('what was typed cannot write on the terminal', () => {
  assert.ok(!notKnown('x', '\u001b[2J', ['aa'], 'see there').includes('\u001b'));
});
