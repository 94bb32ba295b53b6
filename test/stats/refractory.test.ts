/** The refractory: first steps pass, plateaus do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRefractory, news } from '../../src/stats/refractory.ts';

const through = (scores: readonly number[], bar: number, fade: number) => {
  const state = createRefractory();
  return scores.map((score) => news(state, score, { bar, fade }));
};

test('example of the doc comment', () => {
  assert.deepEqual(through([8, 8], 0.5, 0.5), [8, 4]);
});

test('a plateau yields its height once, a higher peak speaks again', () => {
  assert.deepEqual(through([0, 8, 8, 8, 16, 0, 8], 0.5, 1), [0, 8, 4, 4, 12, 0, 0]);
});

test('the memory fades', () => {
  const scores = [10, ...Array.from({ length: 138 }, () => 0), 10];
  const last = through(scores, 1, 0.995).at(-1) ?? 0;
  assert.ok(last > 4.9 && last < 5.1, `${last}`);
});

test('never above the score, never below 0', () => {
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  const scores = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }));
  fc.assert(
    fc.property(scores, unit, unit, (values, bar, fade) => {
      through(values, bar, fade).forEach((fresh, i) => {
        assert.ok(fresh >= 0 && fresh <= (values[i] ?? 0));
      });
    }),
    { seed: 45 },
  );
});
