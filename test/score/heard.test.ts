/** Heard: each detection once, and bounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idOf } from '../../src/model/ids.ts';
import { hear } from '../../src/score/heard.ts';
import { Slots } from '../../src/state/slots.ts';
import { detectionOf } from '../decide/findings.ts';

const nobody = () => assert.fail('nobody is forgotten');

test('a detection is heard once, of each session by itself, also after a restart', () => {
  const slots = new Slots();
  const one = detectionOf({ id: idOf('1') });
  assert.deepEqual([hear(slots, one, nobody), hear(slots, one, nobody)], [true, false]);
  const restored = new Slots();
  restored.restore([], [{ seq: 1, bytes: slots.takeDelta() as Buffer }]);
  assert.equal(hear(restored, one, nobody), false);
  assert.equal(hear(restored, detectionOf({ id: idOf('2') }), nobody), true);
});

test('the last 512 of a session are remembered', () => {
  const slots = new Slots();
  for (let n = 0; n < 600; n += 1) hear(slots, detectionOf({ id: idOf(n) }), nobody);
  assert.equal(hear(slots, detectionOf({ id: idOf(599) }), nobody), false);
  assert.equal(hear(slots, detectionOf({ id: idOf(100) }), nobody), false);
  assert.equal(hear(slots, detectionOf({ id: idOf(0) }), nobody), true);
});
