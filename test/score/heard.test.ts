/** Heard: each detection once, and bounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idOf } from '../../src/model/ids.ts';
import { createHear } from '../../src/score/heard.ts';
import { Slots } from '../../src/state/slots.ts';
import { detectionOf } from '../decide/findings.ts';

const nobody = () => assert.fail('nobody is forgotten');

test('a detection is heard once, of each session by itself, also after a restart', () => {
  const slots = new Slots();
  const hear = createHear(slots, nobody);
  const one = detectionOf({ id: idOf('1') });
  assert.deepEqual([hear(one), hear(one)], [true, false]);
  const restored = new Slots();
  const again = createHear(restored, nobody);
  restored.restore([], [{ seq: 1, bytes: slots.takeDelta() as Buffer }]);
  assert.equal(again(one), false);
  assert.equal(again(detectionOf({ id: idOf('2') })), true);
});

test('the last 512 of a session are remembered', () => {
  const hear = createHear(new Slots(), nobody);
  for (let n = 0; n < 600; n += 1) hear(detectionOf({ id: idOf(n) }));
  assert.equal(hear(detectionOf({ id: idOf(599) })), false);
  assert.equal(hear(detectionOf({ id: idOf(100) })), false);
  assert.equal(hear(detectionOf({ id: idOf(0) })), true);
});
