/** Reloaded: no file lends or takes power without being named. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { readLibrary } from '../../src/commands/library.ts';
import { type InForce, powerChanges } from '../../src/decide/reloaded.ts';
import type { Detector } from '../../src/model/detector.ts';
import type { Exception } from '../../src/model/exception.ts';

const { detectors } = await readLibrary(join(import.meta.dirname, '../../detectors'));
const first = detectors[0] as Detector;
const exception: Exception = {
  ...{ id: 'nightly', match: { agent: ['a'] }, detectors: ['call-burst'], expiresMs: 5 },
  ...{ owner: 'ann', reason: 'it is the nightly export', evidence: ['aa'], file: 'x.yaml' },
};
const inForce = (list: readonly Detector[], exceptions: readonly Exception[] = []): InForce => ({
  detectors: new Map(list.map((one) => [one.stem, one])),
  exceptions,
});

it('names every part that lends power, and no prose', () => {
  const says = (change: Partial<Detector>) =>
    powerChanges(inForce([first]), inForce([{ ...first, ...change }])).map((one) => one.says);
  assert.deepEqual(says({ triage: 'other', title: 'other' }), []);
  assert.deepEqual(says({ maturity: 'enforce' }), [
    `maturity "${first.maturity}" gives way to "enforce"`,
  ]);
  const other = first.evidenceClass === 'hard' ? 'content' : 'hard';
  assert.equal(says({ evidenceClass: other, status: 'deprecated' }).length, 2);
  const response = { action: 'suspend_agent', scope: 'agent', ttlMs: 1 } as const;
  assert.match(says({ response })[0] ?? '', /^response .* gives way to .*suspend_agent/);
});

it('names exceptions that begin, change and end', () => {
  const says = (before: readonly Exception[], after: readonly Exception[]) =>
    powerChanges(inForce([], before), inForce([], after)).map((one) => one.says);
  assert.deepEqual(says([exception], [{ ...exception }]), []);
  assert.deepEqual(says([], [exception]), [
    'exception nightly of ann begins; it excuses call-burst',
  ]);
  assert.deepEqual(says([exception], [{ ...exception, match: { tenant: ['-'] } }]), [
    'exception nightly of ann was changed; it excuses call-burst',
  ]);
  assert.deepEqual(says([exception], []), ['exception nightly of ann ends; it excuses call-burst']);
});
