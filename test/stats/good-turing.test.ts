/** Good–Turing: bounds, and agreement with what a second half of a sample really brings. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { stream, uniform } from '../../src/simulation/random.ts';
import { unseenMass } from '../../src/stats/good-turing.ts';

it('unseen mass: everything where nothing was seen or all once, nothing where all came again', () => {
  assert.equal(unseenMass([]), 1);
  assert.equal(unseenMass([1, 1, 1]), 1);
  assert.equal(unseenMass([2, 5]), 0);
  assert.equal(unseenMass([Number.NaN, -1, 0, 4]), 0);
});

it('unseen mass predicts the share of new symbols among the next draws', () => {
  const random = stream(5, 'good-turing');
  const draw = () => Math.floor(400 * uniform(random) ** 3);
  const counts = new Map<number, number>();
  for (let n = 0; n < 1_000; n += 1) {
    const symbol = draw();
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  const later = Array.from({ length: 20_000 }, draw);
  const share = later.filter((symbol) => !counts.has(symbol)).length / later.length;
  const predicted = unseenMass(counts.values());
  assert.ok(Math.abs(predicted - share) < 0.03, `${predicted} predicted, ${share} seen`);
});
