/** Kept names: whoever invents models fills no store with them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createKeepNames, OTHERS } from '../../../src/score/objectives/kept-names.ts';
import { Slots } from '../../../src/state/slots.ts';

const DAY_MS = 86_400_000;
const WHO = { tenant: '-', agent: 'a' };

it('tells the first 32 pairs of an agent and day apart, and all others as one', () => {
  const slots = new Slots();
  const keep = createKeepNames(slots);
  const told = (from: number, count: number, dayMs = 0) =>
    new Set(
      Array.from({ length: count }, (_, at) => keep(WHO, dayMs, ['w', `m${from + at}`]).join(' ')),
    );
  assert.equal(told(0, 5000).size, 33);
  assert.ok(told(0, 5000).has(`a ${OTHERS} ${OTHERS}`));
  assert.deepEqual(keep(WHO, 0, ['w', 'm3']), ['a', 'w', 'm3']);
  assert.deepEqual(keep({ ...WHO, agent: 'b' }, 0, ['w', 'm99']), ['b', 'w', 'm99']);
  // The next day begins anew; what comes late from the day before is told by the names of today.
  assert.equal(told(100, 32, DAY_MS).size, 32);
  assert.deepEqual(keep(WHO, 0, ['w', 'm3']), ['a', OTHERS, OTHERS]);
  assert.ok(JSON.stringify([...slots.all()]).length < 2000);
});

it('tells after a restart what it would have told without', () => {
  const slots = new Slots();
  const keep = createKeepNames(slots);
  for (let at = 0; at < 40; at += 1) keep(WHO, 0, ['w', `m${at}`]);
  const back = new Slots();
  back.restore([], [{ seq: 1, bytes: slots.takeDelta() as Buffer }]);
  for (let at = 0; at < 60; at += 1)
    assert.deepEqual(createKeepNames(back)(WHO, 0, ['w', `m${at}`]), keep(WHO, 0, ['w', `m${at}`]));
});

it('tells agents beyond the bound as one, until those of an earlier day make room', () => {
  const slots = new Slots();
  const keep = createKeepNames(slots, 3);
  const of = (agent: string, dayMs = 0) => keep({ tenant: '-', agent }, dayMs, ['w', 'm']);
  for (const agent of ['a', 'b', 'c']) assert.deepEqual(of(agent), [agent, 'w', 'm']);
  for (let n = 0; n < 100; n += 1) assert.deepEqual(of(`new-${n}`), [OTHERS, OTHERS, OTHERS]);
  assert.deepEqual(of('a'), ['a', 'w', 'm']);
  assert.deepEqual(of('d', DAY_MS), ['d', 'w', 'm']);
  assert.equal([...slots.all()].length, 3);
});
