/** Jensen–Shannon, PSI: bounds, expectation without change, and a p that keeps its promise. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { integer, type Random, stream, uniform } from '../../src/simulation/random.ts';
import {
  divergenceFrom,
  expectedJensenShannonBits,
  expectedStability,
  jensenShannonBits,
  permutationP,
  stabilityIndex,
} from '../../src/stats/jensen-shannon.ts';

const counts = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.integer({ min: 0, max: 99 })))
  .map((pairs) => new Map(pairs));

function sample(random: Random, size: number, symbols: number): Map<string, number> {
  const found = new Map<string, number>();
  for (let n = 0; n < size; n += 1) {
    const symbol = `s${integer(random, 0, symbols - 1)}`;
    found.set(symbol, (found.get(symbol) ?? 0) + 1);
  }
  return found;
}

/** Sessions of five events that all repeat the first one: dependent within, exchangeable between. */
function sticky(random: Random, sessions: number, share: number): Map<string, number>[] {
  return Array.from(
    { length: sessions },
    () => new Map([[uniform(random) < share ? 'x' : 'y', 5]]),
  );
}

describe('jensen-shannon', () => {
  it('is symmetric, in 0..1, and 0 against itself', () => {
    fc.assert(
      fc.property(counts, counts, (p, q) => {
        const bits = jensenShannonBits(p, q);
        assert.ok(bits >= 0 && bits <= 1);
        assert.ok(Math.abs(bits - jensenShannonBits(q, p)) < 1e-12);
        assert.equal(jensenShannonBits(p, p), 0);
        assert.ok(Math.abs(stabilityIndex(p, q) - stabilityIndex(q, p)) < 1e-12);
      }),
    );
    assert.equal(jensenShannonBits(new Map(), new Map()), 0);
  });

  it('agrees with its definition', () => {
    const bits = jensenShannonBits(
      new Map([
        ['a', 3],
        ['b', 1],
      ]),
      new Map([
        ['a', 1],
        ['b', 3],
      ]),
      0,
    );
    const expected = 0.75 * Math.log2(0.75 / 0.5) + 0.25 * Math.log2(0.25 / 0.5);
    assert.ok(Math.abs(bits - expected) < 1e-12);
  });

  it('has the stated means where nothing changed', () => {
    const random = stream(9, 'no change');
    let [psi, bits] = [0, 0];
    for (let round = 0; round < 400; round += 1) {
      const [p, q] = [sample(random, 400, 10), sample(random, 300, 10)];
      psi += stabilityIndex(p, q) / 400;
      bits += jensenShannonBits(p, q) / 400;
    }
    const [meanPsi, meanBits] = [
      expectedStability(10, 400, 300),
      expectedJensenShannonBits(10, 400, 300),
    ];
    assert.ok(Math.abs(psi / meanPsi - 1) < 0.1, `${psi}, expected ${meanPsi}`);
    assert.ok(Math.abs(bits / meanBits - 1) < 0.1, `${bits}, expected ${meanBits}`);
    assert.equal(expectedStability(5, 0, 9), 0);
  });

  it('permutes sessions, so that dependent events do not pass for a change', () => {
    const random = stream(11, 'sticky');
    const next = () => uniform(random);
    let rejected = 0;
    for (let round = 0; round < 300; round += 1)
      if (permutationP(sticky(random, 20, 0.5), sticky(random, 20, 0.5), next, 99) <= 0.05)
        rejected += 1;
    assert.ok(rejected <= 15 + 12, `${rejected} of 300 at 5 %`);
  });

  it('sees a real change, the same way for the same seed', () => {
    const p = (seed: number) => {
      const random = stream(seed, 'change');
      const [before, after] = [sticky(random, 40, 0.2), sticky(random, 40, 0.8)];
      return permutationP(before, after, () => uniform(random));
    };
    assert.ok(p(1) <= 0.002);
    assert.equal(p(1), p(1));
    assert.equal(
      permutationP([], [new Map()], () => 0),
      1,
    );
  });
});

describe('divergence from counts that stay', () => {
  it('is to the bit the divergence, asked once or often, of symbols known or not', () => {
    const given = fc.array(counts, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(counts, given, (usual, others) => {
        const bitsFrom = divergenceFrom(usual);
        for (const other of [...others, ...others])
          assert.equal(bitsFrom(other), jensenShannonBits(other, usual));
      }),
    );
  });
});
