/** e-BH and e-LOND: golden bars, order, monotony. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eBh, eLond, eLondBar, type Stream } from '../../src/stats/fleet-evidence.ts';

test('fleet-evidence: the examples of the doc comments', () => {
  assert.deepEqual(eBh([50, 1, 25, 0.5], 0.1), [0, 2]);
  assert.equal(eLond({ t: 0, confirmed: 0 }, 17), true);
});

test('fleet-evidence: of 1,000 the first needs 10,000 and twenty need 500 each', () => {
  const calm = new Array<number>(1_000).fill(1);
  assert.deepEqual(eBh(calm), []);
  assert.deepEqual(eBh([...calm.slice(1), 9_999]), []);
  assert.deepEqual(eBh([...calm.slice(1), 10_000]), [999]);
  assert.equal(eBh([...calm.slice(20), ...new Array<number>(20).fill(500)]).length, 20);
});

test('fleet-evidence: a larger e never shrinks the set', () => {
  const e = fc.double({ min: 0, max: 1e5, noNaN: true });
  fc.assert(
    fc.property(fc.array(e, { minLength: 1, maxLength: 40 }), e, (values, more) => {
      const before = eBh(values);
      const after = eBh([(values[0] as number) + more, ...values.slice(1)]);
      assert.ok(after.length >= before.length);
      for (const at of before) assert.ok(after.includes(at));
    }),
  );
});

test('fleet-evidence: golden bars of the stream', () => {
  assert.equal(Math.round(eLondBar(5, 0)), 411);
  assert.equal(Math.round(eLondBar(20, 0)), 6_580);
});

test('fleet-evidence: a discovery lowers the bar for what follows', () => {
  const stream: Stream = { t: 0, confirmed: 0 };
  assert.equal(eLond(stream, 16), false);
  assert.equal(eLond(stream, 66), true);
  assert.deepEqual(stream, { t: 2, confirmed: 1 });
  assert.ok(eLondBar(3, 1) < eLondBar(3, 0));
});
