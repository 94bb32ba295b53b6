/** Rollouts: the role's own accumulator, suspects with one dimension, peers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Change,
  fleetCase,
  isStrangeAmongPeers,
  type Member,
  tickRole,
} from '../../src/score/rollout.ts';
import { Slots } from '../../src/state/slots.ts';

const HOUR = 3_600_000;
const member = (
  agent: string,
  e: number,
  dimension: string | null,
  onsetMs: number | null = null,
) => ({ agent, e, dimension, onsetMs }) satisfies Member;

test('rollout: a round is one tick with the mean of the hour', () => {
  const slots = new Slots();
  const fired: unknown[] = [];
  for (let hour = 0; hour < 8; hour += 1)
    for (let unit = 0; unit < 10; unit += 1)
      fired.push(tickRole(slots, 'role', unit % 2 === 0 ? 1 : 5, hour * HOUR + unit, 1_000));
  // R after k rounds of E = 3: 3, 12, 39, 120, 363, 1092; the sixth is over when the seventh begins.
  const at = fired.findIndex((found) => found !== null);
  assert.equal(at, 60);
  assert.ok(Math.abs((fired[at] as { value: number }).value - 1_092) < 1e-6);
  assert.equal((fired[at] as { onsetMs: number }).onsetMs, 0);
  assert.equal(fired.filter((found) => found !== null).length, 1);
});

test('rollout: a role in its ordinary state never fires, and survives being written down', () => {
  let slots = new Slots();
  for (let hour = 0; hour < 500; hour += 1) {
    assert.equal(tickRole(slots, 'role', hour % 7 === 0 ? 4 : 0.6, hour * HOUR, 1_000), null);
    if (hour === 250) {
      const again = new Slots();
      const pages = Array.from({ length: 256 }, (_, page) => ({
        page,
        uptoSeq: 0,
        bytes: slots.pageBytes(page),
      }));
      again.restore(pages, []);
      slots = again;
    }
  }
});

test('rollout: many suspects with one dimension on top are one case, with what changed near it', () => {
  const members = Array.from({ length: 10 }, (_, at) =>
    at < 4
      ? member(`a${at}`, 5_000, at === 0 ? 'other' : 'sequence', (10 + at) * HOUR)
      : member(`a${at}`, 1, null),
  );
  const changes: Change[] = [
    { what: 'model', name: 'm-2', ms: 9 * HOUR },
    { what: 'prompt', name: 'p-7', ms: 11 * HOUR },
    { what: 'tool', name: 'old', ms: -40 * HOUR },
  ];
  const found = fleetCase('role', members, false, changes);
  assert.deepEqual(found, {
    role: 'role',
    cause: 'suspects',
    members: ['a0', 'a1', 'a2', 'a3'],
    agents: 10,
    dimension: 'sequence',
    onsetMs: 11 * HOUR,
    changes: [changes[1], changes[0]],
  });
});

test('rollout: too few, or no common dimension, stay incidents of their own', () => {
  const calm = Array.from({ length: 7 }, (_, at) => member(`c${at}`, 1, null));
  const two = [member('a', 9_000, 'x'), member('b', 9_000, 'x'), ...calm];
  assert.equal(fleetCase('role', two, false, []), null);
  const mixed = ['x', 'y', 'z', 'w'].map((dimension) => member(dimension, 9_000, dimension));
  assert.equal(fleetCase('role', [...mixed, ...calm], false, []), null);
  const byRole = fleetCase('role', two, true, []);
  assert.deepEqual([byRole?.cause, byRole?.members.length], ['accumulator', 2]);
});

test('rollout: within a case only who is strange among peers is acted upon', () => {
  const peers = Array.from({ length: 99 }, (_, at) => at);
  assert.equal(isStrangeAmongPeers(98.5, peers, 0.01), true);
  assert.equal(isStrangeAmongPeers(98, peers, 0.01), false);
  assert.equal(isStrangeAmongPeers(50, [], 0.01), false);
});
