/** Names of workloads: nothing but kind and two labels ever becomes a path. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseWorkload, pathOf } from '../../../src/act/drivers/kubernetes-workloads.ts';

test('what parses is a path of its own kind, whatever the text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc
      .tuple(fc.constantFrom('pod', 'sandbox'), fc.string(), fc.string())
      .map((one) => one.join('/')),
  );
  fc.assert(
    fc.property(text, (given) => {
      const workload = parseWorkload(given);
      if (workload === null) return;
      assert.match(
        pathOf(workload),
        /^\/apis?\/([a-z0-9.-]+\/)?v1(beta1)?\/namespaces\/[a-z0-9-]{1,63}\/[a-z]+\/[a-z0-9-]{1,63}(\/scale)?$/,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('the longest label is a name, one more is not', () => {
  assert.ok(parseWorkload(`pod/a/${'x'.repeat(63)}`) !== null);
  assert.equal(parseWorkload(`pod/a/${'x'.repeat(64)}`), null);
});
