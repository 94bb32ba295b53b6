/** Simulated units: correlation, dependence, ties, gaps, shapes, seeds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalQuantile, normals, PLAIN, skewed, unitsOf } from '../../src/evaluation/units.ts';
import { stream, uniform } from '../../src/simulation/random.ts';
import { lagSpearman } from '../../src/stats/dependence.ts';

const near = (actual: number, expected: number, error: number) =>
  assert.ok(Math.abs(actual - expected) <= error, `${actual} is not ${expected} ± ${error}`);

function drawn(law: Partial<typeof PLAIN>, count: number, seed = 1): Float64Array[] {
  const random = stream(seed, 'units');
  const draw = () => uniform(random);
  const units = unitsOf({ ...PLAIN, ...law }, draw, normals(draw));
  return Array.from({ length: count }, () => {
    const scores = new Float64Array(4);
    units.next(scores, null);
    return scores;
  });
}

test('units: the four shapes', () => {
  assert.equal(skewed(0, 0), 1);
  assert.equal(skewed(1, -2), -2);
  assert.equal(skewed(2, -5), -32);
  assert.equal(skewed(3, 1), 3);
});

test('units: quantiles of the normal', () => {
  near(normalQuantile(0.9), 1.2815515655, 1e-8);
  near(normalQuantile(0.001), -3.0902323062, 1e-7);
});

test('units: sources correlate as the law says, in the normals behind their shapes', () => {
  for (const rho of [0, 0.64, 0.8]) {
    const rows = drawn({ rho }, 20_000);
    const [one, two] = [0, 1].map((at) =>
      rows.map((row) => (at === 0 ? Math.log(row[0] as number) : (row[1] as number))),
    ) as [number[], number[]];
    const mean = one.reduce((sum, z, at) => sum + z * (two[at] as number), 0) / rows.length;
    near(mean, rho, 0.03);
  }
});

test('units: consecutive units depend as the law says', () => {
  const source = (rows: Float64Array[]) => [rows.map((row) => row[1] as number)];
  near(lagSpearman(source(drawn({ phi: 0.6 }, 20_000))), 0.58, 0.03);
  near(lagSpearman(source(drawn({}, 20_000))), 0, 0.03);
  // Four of five neighbours share a session.
  near(lagSpearman(source(drawn({ icc: 0.5, session: 5 }, 20_000))), 0.38, 0.03);
});

test('units: ties and gaps come as often as asked for', () => {
  const tied = drawn({ ties: 0.9 }, 10_000).map((row) => row[1] as number);
  const least = Math.min(...tied);
  near(tied.filter((score) => score === least).length / 10_000, 0.9, 0.01);
  const gaps = drawn({ missing: 0.2 }, 10_000).filter((row) => Number.isNaN(row[0]));
  near(gaps.length / 10_000, 0.2, 0.02);
});

test('units: one seed, one fleet', () => {
  assert.deepEqual(drawn({ rho: 0.8 }, 50, 7), drawn({ rho: 0.8 }, 50, 7));
  assert.notDeepEqual(drawn({ rho: 0.8 }, 50, 7), drawn({ rho: 0.8 }, 50, 8));
});
