import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileTrees, type TreeNode } from '../../src/stats/boosted-trees.ts';
import { binned, type GrowOptions, growTrees } from '../../src/stats/tree-growing.ts';

const OPTIONS: GrowOptions = {
  trees: 40,
  depth: 3,
  rate: 0.2,
  leaf: 1,
  l2: 1,
  rows: 0.7,
  features: 1,
  signs: [0, 0],
  seed: 7,
};

/** Seeded rows: the class is "a > .5 and b > .5"; every tenth `b` is missing. */
function rows(n: number): { x: number[][]; y: number[] } {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const x: number[][] = [];
  const y: number[] = [];
  for (let i = 0; i < n; i += 1) {
    const [a, b] = [uniform(), uniform()];
    x.push([a, i % 10 === 0 ? Number.NaN : b]);
    y.push(a > 0.5 && b > 0.5 ? 1 : 0);
  }
  return { x, y };
}

const { x, y } = rows(600);
const ones = x.map(() => 1);
const grown = (options: GrowOptions, weight: readonly number[] = ones) =>
  growTrees(binned(x, 40), y, weight, options);

test('boosted trees: an interaction of two features is learnt', () => {
  const model = compileTrees(grown(OPTIONS));
  const right = x.filter((row, i) => model.predict(row) > 0 === (y[i] === 1)).length;
  assert.ok(right / x.length > 0.93, `${right} of ${x.length}`);
});

test('boosted trees: equal input and seed give equal trees, another seed others', () => {
  assert.deepEqual(grown(OPTIONS), grown(OPTIONS));
  assert.notDeepEqual(grown(OPTIONS), grown({ ...OPTIONS, seed: 8 }));
});

test('boosted trees: a stored model answers as the one that was grown', () => {
  const model = grown(OPTIONS);
  const stored = compileTrees(JSON.parse(JSON.stringify(model)));
  for (const row of x) assert.equal(stored.predict(row), compileTrees(model).predict(row));
});

test('boosted trees: contributions add up to the answer', () => {
  const model = grown(OPTIONS);
  const compiled = compileTrees(model);
  const into = new Float64Array(2);
  const start = compiled.predict(x[0] as number[]);
  compiled.contributions(into);
  const first = start - (into[0] as number) - (into[1] as number);
  for (const row of x.slice(0, 50)) {
    const answer = compiled.predict(row);
    compiled.contributions(into);
    const base = answer - (into[0] as number) - (into[1] as number);
    assert.ok(Math.abs(base - first) < 1e-9);
  }
});

test('boosted trees: a sign forbids splits against it', () => {
  const model = compileTrees(grown({ ...OPTIONS, depth: 1, signs: [-1, -1] }));
  for (let a = 0; a < 1; a += 0.1)
    assert.ok(model.predict([a, 0.9]) >= model.predict([a + 0.1, 0.9]) - 1e-12);
});

test('boosted trees: a row of weight 0 is not there', () => {
  const without = x.map((_, i) => (i < 300 ? 1 : 0));
  const flipped = y.map((one, i) => (i < 300 ? one : 1 - one));
  const model = growTrees(binned(x, 40), y, without, OPTIONS);
  assert.deepEqual(growTrees(binned(x, 40), flipped, without, OPTIONS), model);
});

test('boosted trees: one class alone teaches nothing and is refused', () => {
  assert.throws(
    () =>
      growTrees(
        binned(x, 40),
        y.map(() => 0),
        ones,
        OPTIONS,
      ),
    RangeError,
  );
});

/** The definition: down the nested tree, branch by branch. */
function walked(node: TreeNode, row: readonly number[]): number {
  if (typeof node === 'number') return node;
  const [feature, cut, missing, left, right] = node;
  const value = row[feature] as number;
  const isLeft = Number.isNaN(value) ? missing === 1 : value < cut;
  return walked(isLeft ? left : right, row);
}

const leaf = fc.double({ min: -9, max: 9, noNaN: true });
const { tree } = fc.letrec<{ tree: TreeNode }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    leaf,
    fc.tuple(fc.nat(3), fc.integer({ min: -2, max: 2 }), fc.nat(1), tie('tree'), tie('tree')),
  ),
}));
const value = fc.oneof(fc.constant(Number.NaN), fc.integer({ min: -3, max: 3 }));

test('boosted trees: trees of any shape answer to the bit what walking down them gives', () => {
  fc.assert(
    fc.property(
      fc.array(tree, { maxLength: 6 }),
      fc.array(fc.tuple(value, value, value, value), { minLength: 1, maxLength: 5 }),
      leaf,
      (trees, given, base) => {
        const { predict } = compileTrees({ base, trees });
        for (const row of given) {
          let sum = base;
          for (const one of trees) sum += walked(one, row);
          assert.equal(predict(row), sum);
        }
      },
    ),
    { numRuns: 300 },
  );
});
