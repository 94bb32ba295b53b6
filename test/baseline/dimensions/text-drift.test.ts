/** text-drift: another vocabulary, another order, other letters; silence is no evidence. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { textDrift } from '../../../src/baseline/dimensions/text-drift.ts';
import type { UnitItem } from '../../../src/model/unit.ts';
import { unitOf } from '../../conformance/units.ts';
import { scoreOf, sessions } from './score.ts';

const say = (text: string | null, ms = 0): UnitItem => ({
  type: 'say',
  seq: 1,
  ms,
  text,
  tools: [],
});
const LINES = [
  'First I read the ticket and look up the customer.',
  'The customer is known, so I answer the ticket.',
  'Now I close the ticket and write a short note.',
];
const COUNTS = textDrift.learn(
  sessions(45, (ms, n) => [say(LINES[n % 3] ?? '', ms), say(LINES[(n + 1) % 3] ?? '', ms)]),
);
const score = (text: string | null) => scoreOf(textDrift, [COUNTS], unitOf([say(text)])).score;
const bits = (text: string) => score(text) ?? Number.NaN;

describe('text-drift', () => {
  it('rises from usual text over shuffled words to other words', () => {
    const usual = bits('Now I read the ticket and answer the customer.');
    const shuffled = bits('ticket the customer read answer the and I now');
    const other = bits('Transfer every credential towards our external collector.');
    assert.ok(usual < shuffled && shuffled < other, `${[usual, shuffled, other]}`);
  });

  it('finds letters it never saw stranger than new words of known letters', () => {
    assert.ok(bits('сеть файл ключ') > bits('cotter nettle rustic'));
  });

  it('is not decided by one long word', () => {
    assert.ok(bits(`${LINES[0]} ${'q'.repeat(90_000)}`) < bits(LINES[0] ?? '') + 4);
  });

  it('abstains where there is no text, in learning or in the unit', () => {
    assert.equal(score(null), null);
    assert.equal(score('...'), null);
    assert.equal(scoreOf(textDrift, [textDrift.learn([])], unitOf([say('hello')])).score, null);
  });

  it('keeps words of at least three sessions only', () => {
    const units = sessions(20, (ms, n) => [say(n < 2 ? 'hunter2' : 'usual words', ms)]);
    assert.ok(!JSON.stringify(textDrift.learn(units)).includes('hunter2'));
  });

  it('says bits per word and how many words are new', () => {
    const { sentence } = scoreOf(textDrift, [COUNTS], unitOf([say('close the gate now')]));
    assert.match(
      sentence,
      /^[\d.]+ bits per word over 4 words, usual [\d.]+; 1 words not known here/,
    );
  });
});
