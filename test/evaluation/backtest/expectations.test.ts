/** Expectations: read strictly, judged by count, and what nobody expected. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  judgeExpectations,
  readExpectations,
  unexpectedIn,
  wordsOf,
} from '../../../src/evaluation/backtest/expectations.ts';
import { alert, detector, run } from './alerts.ts';

const where = { file: 'e.yaml', lineOf: ([at]: readonly (string | number)[]) => Number(at) + 1 };
const known = { detectors: [detector('spiral'), detector('call-burst')], corpora: ['a', 'b'] };
const read = (value: unknown) => readExpectations(value, where, known);

describe('readExpectations', () => {
  it('takes stem, Sigma name or id, and every way to bound', () => {
    const { expectations, problems } = read([
      { detector: 'spiral', exactly: 2 },
      { rule: 'call_burst', corpus: 'a', at_least: 1 },
      { rule: 'uuid-of-spiral', at_least: 1, at_most: 3 },
      { detector: 'call-burst', at_most: 0 },
    ]);
    assert.deepEqual(problems, []);
    assert.deepEqual(expectations, [
      { detector: 'spiral', corpus: null, least: 2, most: 2 },
      { detector: 'call-burst', corpus: 'a', least: 1, most: null },
      { detector: 'spiral', corpus: null, least: 1, most: 3 },
      { detector: 'call-burst', corpus: null, least: null, most: 0 },
    ]);
    assert.deepEqual(expectations.map(wordsOf), [
      'exactly 2 alerts',
      'at least 1 alert',
      '1 to 3 alerts',
      'at most 0 alerts',
    ]);
  });

  it('says every mistake at once, each with its line', () => {
    const { problems } = read([
      { detector: 'spirals', exactly: 1 },
      { detector: 'spiral', corpus: 'c', exactly: 1 },
      { detector: 'spiral' },
      { detector: 'spiral', exactly: 1, at_least: 1 },
      { detector: 'spiral', at_least: 3, at_most: 2 },
      { exactly: 1 },
      { detector: 'spiral', rule: 'spiral', exactly: 1 },
    ]);
    assert.deepEqual(
      problems.map(({ line, message }) => `${line} ${message.split(':')[0]}`),
      [
        '1 no such detector among those run',
        '2 no such corpus was run; there are',
        '3 expects nothing',
        '4 `exactly` stands alone',
        '5 at_least 3 and at_most 2 can never both hold',
        '6 names no detector',
        '7 `detector` and `rule` mean the same',
      ],
    );
  });

  it('refuses another form, other keys and other numbers', () => {
    for (const wrong of [
      { detector: 'spiral' },
      ['spiral'],
      [{ detector: 'spiral', exactly: 1, least: 2 }],
      [{ detector: 'spiral', exactly: -1 }],
      [{ detector: 'spiral', exactly: 1.5 }],
      null,
    ]) {
      const { expectations, problems } = read(wrong);
      assert.deepEqual(expectations, []);
      assert.ok(problems.length > 0, JSON.stringify(wrong));
    }
  });
});

describe('judgeExpectations', () => {
  const runs = [run({ alerts: [alert(), alert({ evidence: ['e2'] })] }), run({ name: 'b' })];

  it('counts in one corpus or in all', () => {
    const { expectations } = read([
      { detector: 'spiral', exactly: 2 },
      { detector: 'spiral', corpus: 'b', exactly: 2 },
      { detector: 'spiral', at_most: 1 },
      { detector: 'spiral', at_least: 3 },
    ]);
    const judged = judgeExpectations(expectations, runs);
    assert.deepEqual(
      judged.map(({ found, isMet }) => [found, isMet]),
      [
        [2, true],
        [0, false],
        [2, false],
        [2, false],
      ],
    );
  });

  it('finds what nobody expected, per corpus', () => {
    const { expectations } = read([{ detector: 'spiral', corpus: 'b', at_most: 9 }]);
    const found = unexpectedIn(expectations, runs, known.detectors);
    assert.deepEqual(found, [{ detector: 'spiral', corpus: 'a', found: 2 }]);
    const all = read([{ detector: 'spiral', at_most: 9 }]).expectations;
    assert.deepEqual(unexpectedIn(all, runs, known.detectors), []);
  });
});
