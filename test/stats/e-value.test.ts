/** E-values: golden tables, means, the certificate, and what thinning keeps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { conformalP, countAtLeast } from '../../src/stats/conformal.ts';
import {
  calibrator,
  certifiedE,
  certifiedQuantile,
  gridConstant,
  marginalE,
  rankE,
  steadyE,
  TABLES,
  thin,
  wilsonE,
} from '../../src/stats/e-value.ts';

const near = (actual: number, expected: number, error: number) =>
  assert.ok(Math.abs(actual - expected) <= error, `${actual} is not ${expected} ± ${error}`);

test('e-value: golden calibrator', () => {
  near(calibrator(0.5), 0.638674, 1e-6);
  near(calibrator(0.1), 1.263211, 1e-6);
  near(calibrator(0.01), 4.450992, 1e-6);
  near(calibrator(0.001), 20.791134, 1e-6);
  assert.equal(calibrator(1), 0.5);
  // No step where the series takes over.
  near(calibrator(Math.exp(-1.0001e-3)), calibrator(Math.exp(-0.9999e-3)), 1e-7);
});

test('e-value: golden grid, n = 4', () => {
  near(gridConstant(4), 1.5362, 5e-5);
  [1.4178, 1.068, 0.9175, 0.8286, 0.7681].forEach((e, at) => {
    near(marginalE(4, at + 1), e, 5e-5);
  });
});

test('e-value: golden tables', () => {
  const rows = [
    [200, 1.201, 8.3, 1.167, 1.258, 6.6, 2.9],
    [500, 1.171, 15, 1.126, 1.198, 12.5, 4.8],
    [2_000, 1.139, 39.3, 1.087, 1.126, 34.9, 11.3],
  ] as const;
  for (const [n, c, most, q01, q001, certified, wilson] of rows) {
    near(gridConstant(n), c, 5e-4);
    near(marginalE(n, 1), most, 0.05);
    near(certifiedQuantile(n, 0.01), q01, 0.006);
    near(certifiedQuantile(n, 0.001), q001, 0.016);
    near(certifiedE(n, 1), certified, 0.25);
    near(wilsonE(n, 1), wilson, 0.05);
  }
});

test('e-value: mean over the ranks is at most 1, and e never rises with the rank', () => {
  for (const n of [1, 7, 200, 333]) {
    for (const kind of TABLES) {
      let sum = 0;
      let above = Number.POSITIVE_INFINITY;
      for (let k = 1; k <= n + 1; k += 1) {
        const e = rankE(kind, n, k);
        assert.ok(e > 0 && e <= above, `${kind} ${n} ${k}`);
        above = e;
        sum += e;
      }
      if (kind === 'marginal') near(sum / (n + 1), 1 / (1 + 6 / n), 1e-9);
      else assert.ok(sum / (n + 1) < 1);
    }
  }
});

test('e-value: without slack for luck the mean over the ranks is exactly 1', () => {
  for (const n of [1, 7, 200, 333]) {
    let sum = 0;
    for (let k = 1; k <= n + 1; k += 1) sum += marginalE(n, k);
    near(sum / (n + 1), 1, 1e-9);
    near(steadyE(n, 1) * (1 + 6 / n), marginalE(n, 1), 1e-12);
  }
});

test('e-value: the certificate is seeded: the same figure in every process', () => {
  assert.equal(certifiedQuantile(64), certifiedQuantile(64));
  near(certifiedQuantile(64, 0.001), 1.33312311, 1e-8);
});

test('e-value: thinning keeps 362 of 2,000 and loses .2 % of the mean', () => {
  const sorted = Float64Array.from({ length: 2_000 }, (_, at) => at);
  const { scores, ranks, n } = thin(sorted);
  assert.equal(scores.length, 362);
  assert.equal(n, 2_000);
  let sum = 0;
  for (let at = 0; at <= 2_000; at += 1)
    sum += marginalE(2_000, ranks[countAtLeast(scores, at - 0.5)] as number);
  near(sum / 2_001, 0.998, 0.001);
});

test('e-value: a thinned rank is never smaller than the true one, and exact at the top', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 700 }),
      fc.integer({ min: -5, max: 305 }),
      (values, score) => {
        const sorted = values.sort((a, b) => a - b);
        const thinned = thin(sorted);
        const rank = thinned.ranks[countAtLeast(thinned.scores, score)] as number;
        const exact = Math.round(conformalP(sorted, score) * (sorted.length + 1));
        assert.ok(rank >= exact && rank <= sorted.length + 1, `${rank} for ${exact}`);
        if (exact <= Math.min(128, sorted.length)) assert.equal(rank, exact);
      },
    ),
  );
});
