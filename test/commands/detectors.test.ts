/** Scorecards: when a ratio is said, and what follows from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOf, wrongRatio } from '../../src/commands/detectors.ts';
import type { Scorecard } from '../../src/record/power.ts';

const card = (right: number, wrong: number, more: Partial<Scorecard> = {}): Scorecard => ({
  ...{ detector: 'd', detections: 40, excepted: 0, retracted: 0, agents: 3, acted: 0 },
  ...{ truePositive: right, falsePositive: wrong, benignTruePositive: 0, undone: 0, questions: 0 },
  ...more,
});
const alert = { maturity: 'alert' } as const;

test('a ratio is withheld below five verdicts; what is benign counts as right', () => {
  assert.equal(wrongRatio(null), null);
  assert.equal(wrongRatio(card(2, 2)), null);
  assert.equal(wrongRatio(card(4, 1)), 0.2);
  assert.equal(wrongRatio(card(2, 2, { benignTruePositive: 1 })), 0.4);
});

test('keep, tune or retire', () => {
  assert.match(adviceOf(null, alert), /^keep: silent/);
  assert.match(adviceOf(card(0, 0), alert), /^keep: too few/);
  assert.match(adviceOf(card(0, 0, { excepted: 30 }), alert), /^tune: most of it is excused/);
  assert.equal(adviceOf(card(17, 3), alert), 'keep');
  assert.match(adviceOf(card(16, 4), alert), /^tune/);
  assert.equal(adviceOf(card(5, 5), alert), 'retire, or back to shadow');
  assert.equal(adviceOf(card(5, 5), { maturity: 'shadow' }), 'retire');
});

test('a lease that was undone without a word is asked about, unless worse is known already', () => {
  const asked = { undone: 3, questions: 2 };
  assert.equal(adviceOf(card(0, 0, asked), alert), 'judge: 2 undone without a word');
  assert.equal(adviceOf(card(17, 3, asked), alert), 'judge: 2 undone without a word');
  assert.match(adviceOf(card(16, 4, asked), alert), /^tune/);
  assert.equal(adviceOf(card(17, 3, { undone: 3 }), alert), 'keep');
});
