/** Dependence: correlation of neighbours, and blocks long enough to lose it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normal, stream } from '../../src/simulation/random.ts';
import { blockLength, guardOf, LAG_MAX, lagSpearman } from '../../src/stats/dependence.ts';

/** An autoregression of order one, one list per agent. */
function autoregression(phi: number, agents: number, units: number): number[][] {
  const random = stream(4, `ar ${phi}`);
  return Array.from({ length: agents }, () => {
    let value = normal(random, 0, 1);
    return Array.from({ length: units }, () => {
      value = phi * value + Math.sqrt(1 - phi * phi) * normal(random, 0, 1);
      return value;
    });
  });
}

test('dependence: the examples of the doc comments', () => {
  assert.ok(Math.abs(lagSpearman([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]) - 1) < 1e-12);
  assert.deepEqual(guardOf(0.15), { block: 1, strict: true });
  assert.deepEqual(guardOf(0.02), { block: 1, strict: false });
  assert.deepEqual(guardOf(0.6), { block: 12, strict: true });
  assert.equal(blockLength(0.6), 12);
});

test('dependence: what cannot be computed is no dependence', () => {
  assert.equal(lagSpearman([]), 0);
  assert.equal(lagSpearman([[1, 2, 3]]), 0);
  assert.equal(lagSpearman([new Array<number>(50).fill(7)]), 0);
});

test('dependence: pairs never reach over two agents', () => {
  const alternating = [
    [1, 2],
    [1, 2],
    [1, 2],
    [1, 2],
    [1, 2],
    [1, 2],
  ];
  assert.equal(
    lagSpearman([...alternating, ...alternating]),
    0,
    'every pair is the same: constant',
  );
});

test('dependence: an increasing map changes nothing', () => {
  const series = autoregression(0.5, 5, 200);
  const skewed = series.map((scores) => scores.map((score) => Math.exp(3 * score)));
  assert.equal(lagSpearman(series), lagSpearman(skewed));
});

test('dependence: blocks as long as asked for no longer resemble each other', () => {
  assert.equal(blockLength(0.2), 1);
  assert.equal(blockLength(Number.NaN), 1);
  assert.equal(blockLength(0.9999), 64);
  for (const phi of [0.3, 0.6, 0.9]) {
    const size = blockLength(phi);
    const means = autoregression(phi, 20, 4_000).map((scores) =>
      Array.from({ length: Math.floor(scores.length / size) }, (_, block) => {
        let sum = 0;
        for (let at = 0; at < size; at += 1) sum += scores[block * size + at] as number;
        return sum / size;
      }),
    );
    const lag = lagSpearman(means);
    assert.ok(lag <= LAG_MAX + 0.03, `${phi}: ${size} units, ${lag}`);
  }
});
