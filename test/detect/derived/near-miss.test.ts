/** Near misses: names that are all but another name. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  editDistance,
  nearMissOf,
  skeletonOf,
  skeletonsOf,
} from '../../../src/detect/derived/near-miss.ts';

const near = (name: string, names: readonly string[]) => nearMissOf(name, skeletonsOf(names));
const NAMES = ['delete_record', 'read_record', 'send_message'];

/** Edits by the definition, without a bound: what the fast one must agree with. */
function plainDistance(a: string, b: string): number {
  const row = (n: number) => Array.from({ length: n }, () => 0);
  const d = Array.from({ length: a.length + 1 }, () => row(b.length + 1));
  const at = (i: number, j: number) => (d[i] as number[])[j] as number;
  for (let i = 0; i <= a.length; i += 1)
    for (let j = 0; j <= b.length; j += 1) {
      let best = i === 0 ? j : j === 0 ? i : Number.POSITIVE_INFINITY;
      if (i > 0 && j > 0) {
        const same = a[i - 1] === b[j - 1] ? 0 : 1;
        best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same);
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          best = Math.min(best, at(i - 2, j - 2) + 1);
      }
      (d[i] as number[])[j] = best;
    }
  return at(a.length, b.length);
}

describe('near misses', () => {
  it('are two edits away at most', () => {
    assert.equal(near('delete_recrod', NAMES), 'delete_record');
    assert.equal(near('deleted_records', NAMES), 'delete_record');
    assert.equal(near('destroy_record', NAMES), undefined);
  });

  it('are names that look the same', () => {
    assert.equal(near('dеlеtе_rеcоrd', NAMES), 'delete_record');
    assert.equal(near('delete-record', NAMES), 'delete_record');
    assert.equal(near('deleteRecord', NAMES), 'delete_record');
    assert.equal(near('ｄelete_record', NAMES), 'delete_record');
    assert.equal(near('delete\u200b_record', NAMES), 'delete_record');
  });

  it('are not the name itself, and not short names that any two edits make', () => {
    assert.equal(near('read_record', NAMES), undefined);
    assert.equal(near('cat', ['cut', 'put']), undefined);
    assert.equal(near('cаt', ['cat']), 'cat');
  });

  it('take the nearest, then the first in the alphabet, whatever the order of the names', () => {
    assert.equal(near('report_a', ['report_c', 'report_b']), 'report_b');
    assert.equal(near('report_a', ['report_b', 'report_c']), 'report_b');
  });

  it('measure edits as the definition does, up to their bound', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const plain = plainDistance(a, b);
        for (const most of [0, 1, 2, 3, 5])
          assert.equal(editDistance(a, b, most), plain <= most ? plain : Number.POSITIVE_INFINITY);
      }),
      { numRuns: 500 },
    );
  });

  it('have a skeleton that is its own skeleton', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const skeleton = skeletonOf(name);
        assert.equal(skeletonOf(skeleton), skeleton);
      }),
      { numRuns: 300 },
    );
  });
});
