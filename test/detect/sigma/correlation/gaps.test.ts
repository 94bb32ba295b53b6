/** Gaps: no stretch in which a source was blind is ever taken for one in which it was heard. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { noteGap, sightOf } from '../../../../src/detect/sigma/correlation/gaps.ts';
import type { Kind } from '../../../../src/model/event.ts';
import { Slots } from '../../../../src/state/slots.ts';

const MINUTE = 60_000;
const of = (kind: Kind, tenant = '-') => ({ kind, tenant });
const at = (minute: number) => ({ place: 0, fromMs: minute * MINUTE, toMs: minute * MINUTE + 1 });

it('remembers every gap, however many there were, and little', () => {
  const slots = new Slots();
  for (let minute = 10; minute < 1010; minute += 10) {
    noteGap(slots, of('gateway'), minute * MINUTE, null);
    noteGap(slots, of('gateway'), minute * MINUTE, (minute + 1) * MINUTE);
  }
  for (let minute = 10; minute < 1010; minute += 10)
    assert.equal(sightOf(slots, of('gateway'), at(minute), false), 'gap', `${minute}`);
  assert.equal(sightOf(slots, of('gateway'), at(5), false), 'clear');
  assert.equal(sightOf(slots, of('gateway'), at(995), false), 'clear');
  assert.ok(JSON.stringify([...slots.all()]).length < 5000);
});

it('is open while a gap lasts, and says so only of what lies behind its beginning', () => {
  const slots = new Slots();
  noteGap(slots, of('metrics'), 10 * MINUTE, null);
  assert.equal(sightOf(slots, of('metrics'), at(11), true), 'open');
  assert.equal(sightOf(slots, of('metrics'), at(9), true), 'clear');
  assert.equal(sightOf(slots, of('reasoning'), at(11), true), 'open');
  // What was missed of one tenant says nothing of another.
  assert.equal(sightOf(slots, of('metrics', 'acme'), at(11), false), 'clear');
});
