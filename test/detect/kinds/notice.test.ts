/** Notice: counts by subject and window, bounded, and says so where a bound costs something. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_INVENTORY } from '../../../src/baseline/inventory.ts';
import { notice } from '../../../src/detect/kinds/notice.ts';
import { Slots } from '../../../src/state/slots.ts';

const HOUR_MS = 3_600_000;
const SUBJECTS_MAX = 10_000;

function lab() {
  const evicted: string[] = [];
  const see = notice.compile(
    { codes: ['dead-letter'], atLeast: 2, within: '1h' },
    {
      stem: 'x',
      scope: 'x',
      slots: new Slots(),
      inventory: EMPTY_INVENTORY,
      evicted: (subject, detail) => evicted.push(`${subject}: ${detail}`),
    },
  );
  const hear = (subject: string, timeMs: number) =>
    see({ type: 'notice', code: 'dead-letter', subject, tenant: '-', timeMs });
  return { hear, evicted };
}

describe('notice', () => {
  it('fires once a window and subject, at the count', () => {
    const { hear } = lab();
    const fired = [0, 1, 2, 3].map((at) => hear('metrics', at * 1000)?.agent ?? null);
    assert.deepEqual(fired, [null, 'about:metrics', null, null]);
    assert.equal(hear('gateway', 5000), null, 'another subject counts for itself');
    assert.equal(hear('metrics', HOUR_MS), null, 'and so does another window');
    assert.equal(hear('metrics', HOUR_MS + 1)?.agent, 'about:metrics');
  });

  it('says what it forgot of a window that runs, and nothing of one that is over', () => {
    const { hear, evicted } = lab();
    for (let at = 0; at < SUBJECTS_MAX; at += 1) hear(`s${at}`, 1000);
    assert.deepEqual(evicted, []);
    hear('one more', 1000);
    assert.deepEqual(evicted, ['x: a count of 1 notices forgotten: too many subjects']);
    hear('of the next window', HOUR_MS);
    assert.equal(evicted.length, 1);
  });
});
