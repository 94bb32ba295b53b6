/** Standing: leases end by themselves, leave a pause behind, and survive a restart. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Standing, type StandingLease } from '../../src/decide/standing.ts';
import { Slots } from '../../src/state/slots.ts';

const lease = (leaseId: string, expiresMs: number, agent = 'a'): StandingLease => ({
  leaseId,
  caseId: 'case',
  decisionId: 'decision',
  detectionId: 'detection',
  version: 'v1',
  driver: 'webhook',
  reason: 'unstated-action: said nothing',
  evidenceMs: 0,
  refusedBy: [],
  detector: 'unstated-action',
  verb: 'posture',
  subject: { tenant: '-', agent, session: null, tools: [] },
  level: 'high',
  issuedMs: 0,
  expiresMs,
});

const ids = (standing: Standing, nowMs: number) =>
  standing.of('-', 'a', nowMs, 50)?.leases.map(({ leaseId }) => leaseId) ?? null;

describe('standing', () => {
  it('holds leases until their time is over, then the detector rests', () => {
    const standing = new Standing(new Slots());
    assert.equal(ids(standing, 0), null);
    standing.place(lease('one', 100), 'clerk');
    standing.place(lease('two', 200), 'clerk');
    assert.deepEqual(ids(standing, 99), ['one', 'two']);
    assert.deepEqual(ids(standing, 100), ['two']);
    const quiet = standing.of('-', 'a', 149, 50)?.quiet;
    assert.deepEqual(quiet, [{ detector: 'unstated-action', untilMs: 150, why: 'cool-down' }]);
    assert.deepEqual(standing.of('-', 'a', 150, 50)?.quiet, []);
  });

  it('lets go of an agent against whom nothing stands any more', () => {
    const slots = new Slots();
    const standing = new Standing(slots);
    standing.place(lease('one', 100), null);
    standing.of('-', 'a', 1000, 50);
    assert.equal(standing.of('-', 'a', 1000, 50), null);
    assert.equal(slots.count('I'), 0);
  });

  it('lifts a lease by its id, once, and says for how long its detector rests', () => {
    const standing = new Standing(new Slots());
    standing.place(lease('one', 100), 'clerk');
    assert.equal(standing.lift('other', 500, 'undone'), null);
    assert.equal(standing.lift('one', 500, 'undone')?.leaseId, 'one');
    assert.equal(standing.lift('one', 500, 'undone'), null);
    const left = standing.of('-', 'a', 499, 50);
    assert.deepEqual([left?.leases.length, left?.quiet.length], [0, 1]);
  });

  it('keeps agents and tenants apart', () => {
    const standing = new Standing(new Slots());
    standing.place(lease('one', 100), null);
    assert.equal(standing.of('other', 'a', 0, 50), null);
    assert.equal(standing.of('-', 'b', 0, 50), null);
  });

  it('is stored with everything that changed', () => {
    const slots = new Slots();
    const standing = new Standing(slots);
    const one = lease('one', 100);
    standing.place(one, 'clerk');
    standing.fleet().pauses.push({ scope: 'fleet', target: '', by: 'user:op' });
    standing.fleetChanged();
    const first = slots.takeDelta() as Buffer;
    one.expiresMs = 900;
    standing.changed(one);
    const second = slots.takeDelta() as Buffer;
    const restored = new Slots();
    restored.restore(
      [],
      [
        { seq: 1, bytes: first },
        { seq: 2, bytes: second },
      ],
    );
    const again = new Standing(restored);
    assert.deepEqual(ids(again, 500), ['one']);
    assert.equal(again.fleet().pauses.length, 1);
    assert.equal(again.lift('one', 0, 'undone')?.expiresMs, 900);
  });
});
