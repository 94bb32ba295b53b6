/** Ring: how far what was taken out reached is known, also after the dead part was dropped. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  emptyRing,
  goneMs,
  insert,
  oldestMs,
  type Ring,
  shift,
  sizeOf,
} from '../../../../src/detect/sigma/correlation/ring.ts';

it('tells the newest time that was let go, and keeps next to nothing of the others', () => {
  let ring: Ring<number> = emptyRing();
  assert.equal(goneMs(ring), null);
  for (let ms = 0; ms < 1000; ms += 1) {
    insert(ring, ms, ms);
    if (ms >= 10) assert.deepEqual(shift(ring), [ms - 10, ms - 10]);
    if (ms % 100 === 50) ring = JSON.parse(JSON.stringify(ring)) as Ring<number>;
    assert.equal(goneMs(ring), ms < 10 ? null : ms - 10);
    assert.equal(sizeOf(ring), Math.min(ms + 1, 10));
    assert.equal(oldestMs(ring), Math.max(0, ms - 9));
    assert.ok(ring.times.length <= 80, `${ring.times.length}`);
  }
});
