/** Line: what an ordered set would say, however many left. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../../src/detect/sigma/correlation/line.ts';

/** A line, and a set of the keys that stand in it. */
function lab() {
  const line = new Line();
  const stamps = new Map<string, number>();
  let last = 0;
  const stands = (key: string, stamp: number) => stamps.get(key) === stamp;
  const leave = (key: string) => {
    if (stamps.delete(key)) line.left();
  };
  const add = (key: string) => {
    leave(key);
    last += 1;
    stamps.set(key, last);
    line.add(key, last, stands);
  };
  const check = () => {
    assert.equal(line.size, stamps.size);
    assert.equal(line.first(stands), stamps.keys().next().value);
    assert.deepEqual([...line.keys(stands)], [...stamps.keys()]);
  };
  return { line, add, leave, check };
}

describe('line', () => {
  it('has the order in which keys came, those that came again behind all others', () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { add, leave, check } = lab();
        for (const { key, leaves } of steps) {
          if (leaves) leave(key);
          else add(key);
          check();
        }
      }),
    );
  });

  it('keeps no more of those that left than twice as many as stand, and a thousand', () => {
    const { line, add, check } = lab();
    add('first');
    for (let n = 0; n < 50_000; n += 1) add(`k${n % 100}`);
    check();
    let looked = 0;
    for (const _ of line.keys(() => {
      looked += 1;
      return false;
    }));
    assert.ok(looked <= 3 * 101 + 1025, `${looked} are kept`);
    line.clear();
    assert.equal(line.size, 0);
    assert.deepEqual([...line.keys(() => true)], []);
  });
});
