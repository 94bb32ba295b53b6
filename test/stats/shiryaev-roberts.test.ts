/** Shiryaev–Roberts: against the plain recursion, its budget, its onset. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stream, uniform } from '../../src/simulation/random.ts';
import { marginalE } from '../../src/stats/e-value.ts';
import {
  accumulate,
  advance,
  EMPTY,
  type Onset,
  softplus,
} from '../../src/stats/shiryaev-roberts.ts';

const evidence = fc.array(fc.double({ min: 0.05, max: 40, noNaN: true }), { maxLength: 60 });

test('shiryaev-roberts: the examples of the doc comments', () => {
  assert.equal(accumulate(EMPTY, Math.log(4)), Math.log(4));
  const onset: Onset = { gap: 0, tick: 1, ms: 0 };
  assert.equal(advance(onset, -0.1, 1, 60_000), true);
  assert.deepEqual(onset, { gap: 0, tick: 2, ms: 60_000 });
});

test('shiryaev-roberts: equals R <- (R + 1)·E', () => {
  fc.assert(
    fc.property(evidence, (values) => {
      let plain = 0;
      let lnR = EMPTY;
      for (const e of values) {
        plain = (plain + 1) * e;
        lnR = accumulate(lnR, Math.log(e));
        assert.ok(Math.abs(lnR - Math.log(plain)) < 1e-9 * (1 + Math.abs(lnR)));
      }
    }),
  );
});

test('shiryaev-roberts: stays finite at both ends and never falls when evidence grows', () => {
  assert.equal(accumulate(690, 100), 700);
  assert.equal(accumulate(EMPTY, -1e6), EMPTY);
  assert.ok(softplus(EMPTY) >= 0 && softplus(EMPTY) < 1e-300);
  assert.equal(softplus(700), 700);
  const state = fc.double({ min: -700, max: 700, noNaN: true });
  const ln = fc.double({ min: -10, max: 10, noNaN: true });
  fc.assert(
    fc.property(state, ln, ln, (lnR, a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      assert.ok(accumulate(lnR, low) <= accumulate(lnR, high));
      assert.ok(accumulate(Math.min(700, lnR + 1), a) >= accumulate(lnR, a));
    }),
  );
});

test('shiryaev-roberts: 1 in 100 is kept on 100,000 fair ticks', () => {
  const random = stream(11, 'fair');
  const [n, a] = [200, Math.log(100)];
  const table = Array.from({ length: n + 1 }, (_, at) => Math.log(marginalE(n, at + 1)));
  let lnR = EMPTY;
  let fired = 0;
  for (let tick = 0; tick < 100_000; tick += 1) {
    lnR = accumulate(lnR, table[Math.floor(uniform(random) * (n + 1))] as number);
    if (lnR >= a) {
      fired += 1;
      lnR = EMPTY;
    }
  }
  assert.ok(fired > 300 && fired <= 1_000, `${fired} firings, 1,000 allowed`);
});

test('shiryaev-roberts: the onset is the tick after the last argmin of the running sum', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 40 }),
      (steps) => {
        const onset: Onset = { gap: 0, tick: 1, ms: 0 };
        let [sum, low, at] = [0, 0, 0];
        steps.forEach((step, index) => {
          const ended = advance(onset, step, index + 1, 1_000 * (index + 1));
          sum += step;
          if (sum <= low) {
            low = sum;
            at = index + 1;
          }
          assert.equal(ended, at === index + 1);
        });
        assert.equal(onset.tick, at + 1);
        assert.equal(onset.gap, sum - low);
        if (onset.gap > 0) assert.equal(onset.ms, 1_000 * (at + 1));
      },
    ),
  );
});

test('shiryaev-roberts: an onset survives being written down', () => {
  const onset: Onset = { gap: 0, tick: 1, ms: 0 };
  for (let tick = 1; tick < 9; tick += 1) advance(onset, tick % 3 === 0 ? -0.5 : 0.4, tick, tick);
  const restored = JSON.parse(JSON.stringify(onset)) as Onset;
  advance(onset, 0.2, 9, 9);
  advance(restored, 0.2, 9, 9);
  assert.deepEqual(restored, onset);
});
