/** Cases: findings of one session meet in one case, whatever order they come in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Detection } from '../../src/model/detection.ts';
import { addToCase, caseIdOf, rankOf } from '../../src/score/case.ts';
import { Slots } from '../../src/state/slots.ts';
import { detectionOf, T0 } from '../decide/findings.ts';

const DAY = 86_400_000;

function lab() {
  const slots = new Slots();
  const evicted: string[] = [];
  const add = (changes: Partial<Detection>) =>
    addToCase(slots, detectionOf(changes), (subject) => evicted.push(subject));
  return { slots, evicted, add };
}

const alone = { tenant: '-', agent: 'a', role: 'clerk', session: null };

describe('case', () => {
  it('is one for a session, and one a day for an agent without', () => {
    const id = (changes: Partial<Detection>) => caseIdOf(detectionOf(changes));
    assert.equal(id({ timeMs: T0 }), id({ timeMs: T0 + 3 * DAY, detector: 'other' }));
    assert.equal(id({ entity: alone }), id({ entity: alone, timeMs: T0 + 1000 }));
    assert.notEqual(id({ entity: alone }), id({ entity: alone, timeMs: T0 + DAY }));
    assert.notEqual(id({}), id({ entity: { ...alone, session: 's', tenant: 'other' } }));
  });

  it('grows, and bears the title and level of the worst', () => {
    const { add } = lab();
    const first = add({ id: '1', level: 'medium', timeMs: T0 + 5000 });
    assert.deepEqual([first?.level, first?.count], ['medium', 1]);
    add({ id: '2', level: 'critical', detector: 'identity-mismatch', timeMs: T0 + 9000 });
    const third = add({ id: '3', level: 'low', detector: 'call-burst', timeMs: T0 });
    assert.deepEqual([third?.level, third?.count], ['critical', 3]);
    assert.match(third?.title ?? '', /^identity-mismatch: a in session s$/);
    assert.deepEqual([third?.openedMs, third?.lastMs], [T0, T0 + 9000]);
    assert.deepEqual(third?.detections, ['1', '2', '3']);
  });

  it('takes no finding twice', () => {
    const { add } = lab();
    assert.notEqual(add({ id: '1' }), null);
    assert.equal(add({ id: '1' }), null);
  });

  it('lists 256 findings and counts them all', () => {
    const { add } = lab();
    let last = null;
    for (let n = 0; n < 300; n += 1) last = add({ id: String(n) });
    assert.deepEqual([last?.count, last?.detections.length], [300, 256]);
  });

  it('is not changed by what is done with the copy', () => {
    const { add } = lab();
    const first = add({ id: '1' });
    assert.ok(first !== null);
    (first.detections as string[]).push('forged');
    assert.deepEqual(add({ id: '2' })?.detections, ['1', '2']);
  });

  it('goes on after a restart', () => {
    const { slots, add } = lab();
    add({ id: '1' });
    const restored = new Slots();
    restored.restore([], [{ seq: 1, bytes: slots.takeDelta() as Buffer }]);
    const nobody = () => assert.fail('nothing is evicted');
    assert.equal(addToCase(restored, detectionOf({ id: '1' }), nobody), null);
    assert.equal(addToCase(restored, detectionOf({ id: '2' }), nobody)?.count, 2);
  });

  it('ranks levels as Sigma orders them', () => {
    const order = ['informational', 'low', 'medium', 'high', 'critical'] as const;
    assert.deepEqual(order.map(rankOf), [0, 1, 2, 3, 4]);
  });
});
