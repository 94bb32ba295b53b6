/** The moving window against a plain array that is sorted anew each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  countBelow,
  createMovingWindow,
  medianOf,
  nearestDistance,
  pushValue,
} from '../../src/stats/moving-window.ts';

const windowOf = (values: readonly number[], capacity = values.length) => {
  const window = createMovingWindow(Math.max(1, capacity));
  for (const value of values) pushValue(window, value);
  return window;
};
// Few distinct values: ties are where insertion and removal go wrong.
const numbers = fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true })), {
  maxLength: 60,
});

test('holds the last values of the stream, sorted', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 1, max: 12 }), (values, capacity) => {
      const window = windowOf(values, capacity);
      const expected = values.slice(-capacity).sort((a, b) => a - b);
      assert.deepEqual(
        [...window.sorted.subarray(0, window.size)].map((value) => value + 0),
        expected.map((value) => value + 0),
      );
    }),
    { seed: 41 },
  );
});

test('median and nearest distance are those of the plain array', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: -6, max: 6 }), (values, x) => {
      const window = windowOf(values);
      const sorted = [...values].sort((a, b) => a - b);
      const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
      if (low === undefined || high === undefined) assert.ok(Number.isNaN(medianOf(window)));
      else assert.equal(medianOf(window), low === high ? high : (low + high) / 2);
      assert.equal(nearestDistance(window, x), Math.min(...values.map((v) => Math.abs(v - x))));
    }),
    { seed: 42 },
  );
});

test('examples of the doc comments', () => {
  assert.equal(countBelow(Float64Array.of(1, 2, 2, 4), 4, 2), 1);
  assert.equal(medianOf(windowOf([1, 2, 4, 8])), 3);
});

test('an empty window has no nearest value', () => {
  assert.equal(nearestDistance(createMovingWindow(3), 1), Number.POSITIVE_INFINITY);
});

test('a capacity that is no count is refused', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => createMovingWindow(capacity), RangeError);
  }
});

test('saved as JSON and restored it goes on alike', () => {
  const window = windowOf([3, 1, 2, 5], 3);
  const saved = JSON.parse(
    JSON.stringify({ ...window, ring: [...window.ring], sorted: [...window.sorted] }),
  );
  const restored = {
    ...saved,
    ring: Float64Array.from(saved.ring),
    sorted: Float64Array.from(saved.sorted),
  };
  for (const value of [4, 0, 9]) {
    pushValue(window, value);
    pushValue(restored, value);
    assert.deepEqual(restored, window);
  }
});
