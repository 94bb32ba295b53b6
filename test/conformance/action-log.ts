/** What every action log promises, run against any implementation of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActionLog, ApprovalVerdict, VoteResult } from '../../src/model/action-log.ts';
import type {
  Intention,
  LeaseState,
  OperatorRequest,
  Verification,
} from '../../src/model/decision.ts';
import { intentionOf } from '../act/intentions.ts';

/** A fresh, empty log and what a lane and a reader do around it. */
export interface ActionLogHarness {
  readonly log: ActionLog;
  /** Records an intention as a lane does: a request makes its lease. */
  insert(intention: Intention): Promise<void>;
  /** What is recorded of a lease. */
  lease(leaseId: string): Promise<{ state: LeaseState; verification: Verification } | null>;
  /** An approver's word. */
  vote(leaseId: string, voter: string, said: ApprovalVerdict, nowMs: number): Promise<VoteResult>;
  /** What the lane was asked for, oldest first. */
  asked(): Promise<readonly OperatorRequest[]>;
  close(): Promise<void>;
}

const T0 = 1_800_000_000_000;
const HOLD = 30_000;

/** Registers the suite. `make` is called once per test and must give an empty log each time. */
export function actionLogContract(make: () => Promise<ActionLogHarness>): void {
  const check = (name: string, body: (h: ActionLogHarness) => Promise<void>) =>
    test(`action log: ${name}`, async () => {
      const harness = await make();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    });
  checkTaking(check);
  checkRequests(check);
  checkRenewals(check);
  checkReleases(check);
  checkWatching(check);
  checkApprovals(check);
  checkPrior(check);
}

type Check = (name: string, body: (h: ActionLogHarness) => Promise<void>) => void;

const keysOf = async (h: ActionLogHarness, nowMs: number, limit = 10): Promise<readonly string[]> =>
  (await h.log.takeDue(nowMs, limit, HOLD)).map((due) => due.intention.key);

/** Takes and settles the one intention that is due. */
const settleNext = async (
  h: ActionLogHarness,
  outcome: Parameters<ActionLog['settle']>[1],
  nowMs: number,
): Promise<Intention> => {
  const due = await h.log.takeDue(nowMs, 1, HOLD);
  const first = due[0];
  assert.ok(first !== undefined, 'nothing was due');
  await h.log.settle(first.intention.key, outcome, nowMs);
  return first.intention;
};

const ACCEPTED = { type: 'accepted', detail: 'ok' } as const;
const stateOf = async (h: ActionLogHarness, leaseId: string) => (await h.lease(leaseId))?.state;

function checkTaking(check: Check): void {
  check('an empty log has nothing due, overdue or watched', async (h) => {
    assert.deepEqual(await keysOf(h, T0), []);
    assert.equal(await h.log.expireOverdue(T0), 0);
    assert.deepEqual(await h.log.watched(T0), []);
    assert.equal(await h.lease('nobody'), null);
  });
  check('an intention comes back as it was recorded', async (h) => {
    const wanted = intentionOf('L1', { reason: 'Spätfolge <b> "x" \\ 🦀' });
    await h.insert(wanted);
    assert.deepEqual(await h.log.takeDue(T0, 10, HOLD), [
      { intention: wanted, attempts: 0, prior: null, firstSentMs: T0 },
    ]);
  });
  check('the oldest come first, at most so many', async (h) => {
    const all = ['L3', 'L1', 'L2'].map((id) => intentionOf(id));
    for (const one of all) await h.insert(one);
    const keys = all.map((one) => one.key);
    assert.deepEqual(await keysOf(h, T0, 2), keys.slice(0, 2));
    assert.deepEqual(await keysOf(h, T0, 2), keys.slice(2));
  });
  check('an intention recorded twice is sent once', async (h) => {
    await h.insert(intentionOf('L1'));
    await h.insert(intentionOf('L1'));
    assert.equal((await keysOf(h, T0)).length, 1);
  });
  check('what is held is not due until its hold ran out', async (h) => {
    const one = intentionOf('L1');
    await h.insert(one);
    assert.deepEqual(await keysOf(h, T0), [one.key]);
    assert.deepEqual(await keysOf(h, T0 + HOLD - 1), []);
    assert.deepEqual(await keysOf(h, T0 + HOLD + 1), [one.key]);
  });
  check('two takers at once never get the same', async (h) => {
    for (let i = 0; i < 20; i += 1) await h.insert(intentionOf(`L${i}`));
    const lists = await Promise.all([keysOf(h, T0, 15), keysOf(h, T0, 15)]);
    const all = lists.flat();
    assert.equal(new Set(all).size, all.length);
  });
  check('one lease has one request out at a time, in the order recorded', async (h) => {
    const request = intentionOf('L1');
    const renewal = intentionOf('L1', { step: 'renew', expiresMs: T0 + 1_800_000 });
    await h.insert(request);
    await h.insert(renewal);
    assert.deepEqual(await keysOf(h, T0), [request.key]);
    assert.deepEqual(await keysOf(h, T0), []);
    await h.log.settle(request.key, ACCEPTED, T0);
    assert.deepEqual(await keysOf(h, T0), [renewal.key]);
  });
  check('a retry that is not due yet holds back what follows it', async (h) => {
    const request = intentionOf('L1');
    await h.insert(request);
    await settleNext(h, { type: 'retry', detail: '503', afterMs: 500 }, T0);
    await h.insert(intentionOf('L1', { step: 'renew', expiresMs: T0 + 1_800_000 }));
    assert.deepEqual(await keysOf(h, T0 + 100), []);
    assert.deepEqual(await keysOf(h, T0 + 500), [request.key]);
  });
}

function checkRequests(check: Check): void {
  for (const type of ['accepted', 'already'] as const) {
    check(`${type}: the lease stands and is not sent again`, async (h) => {
      await h.insert(intentionOf('L1'));
      assert.deepEqual(await h.lease('L1'), { state: 'requested', verification: 'none' });
      await settleNext(h, { type, detail: 'ok' }, T0);
      assert.deepEqual(await h.lease('L1'), { state: 'accepted', verification: 'pending' });
      assert.deepEqual(await keysOf(h, T0 + HOLD * 10), []);
    });
  }
  check('pending approval is not sent again and claims no effect', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, { type: 'pending_approval', detail: '202' }, T0);
    assert.equal((await h.lease('L1'))?.verification, 'unverified');
    assert.deepEqual(await keysOf(h, T0 + HOLD * 10), []);
  });
  check('refused is final', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, { type: 'refused', detail: '409' }, T0);
    assert.equal(await stateOf(h, 'L1'), 'refused');
    assert.deepEqual(await keysOf(h, T0 + HOLD * 10), []);
    assert.equal(await h.log.expireOverdue(T0 + 10_000_000), 0);
  });
  check('lapsed is final and owes no release', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, { type: 'lapsed', detail: 'too late' }, T0);
    assert.equal(await stateOf(h, 'L1'), 'lapsed');
    assert.equal(await h.log.expireOverdue(T0 + 10_000_000), 0);
    assert.deepEqual(await keysOf(h, T0 + 10_000_000), []);
  });
  for (const type of ['retry', 'unknown'] as const) {
    check(`${type}: due again after its pause, under the same key`, async (h) => {
      const one = intentionOf('L1');
      await h.insert(one);
      await settleNext(h, { type, detail: 'x', afterMs: 700 }, T0);
      assert.equal(await stateOf(h, 'L1'), 'requested');
      assert.deepEqual(await keysOf(h, T0 + 699), []);
      const again = await h.log.takeDue(T0 + 700, 10, HOLD);
      const kept = { prior: null, firstSentMs: T0 };
      assert.deepEqual(again, [{ intention: one, attempts: 1, ...kept }]);
    });
  }
  check('attempts grow with each try', async (h) => {
    await h.insert(intentionOf('L1'));
    for (let tries = 0; tries < 3; tries += 1) {
      const due = await h.log.takeDue(T0 + tries, 1, HOLD);
      assert.equal(due[0]?.attempts, tries);
      const retry = { type: 'retry', detail: 'x', afterMs: 0 } as const;
      await h.log.settle(due[0]?.intention.key ?? '', retry, T0 + tries);
    }
  });
  check('settling twice changes nothing the second time', async (h) => {
    await h.insert(intentionOf('L1'));
    const { key } = await settleNext(h, ACCEPTED, T0);
    await h.log.settle(key, { type: 'refused', detail: 'late' }, T0 + 5);
    assert.equal(await stateOf(h, 'L1'), 'accepted');
    assert.equal((await h.log.watched(T0))[0]?.acceptedMs, T0);
  });
}

function checkRenewals(check: Check): void {
  check('an accepted renewal moves the end of the lease', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, ACCEPTED, T0);
    await h.insert(intentionOf('L1', { step: 'renew', expiresMs: T0 + 1_800_000 }));
    await settleNext(h, ACCEPTED, T0 + 10);
    assert.equal((await h.log.watched(T0))[0]?.expiresMs, T0 + 1_800_000);
    assert.equal(await h.log.expireOverdue(T0 + 900_001), 0);
    assert.equal(await h.log.expireOverdue(T0 + 1_800_001), 1);
  });
  for (const type of ['refused', 'lapsed'] as const) {
    check(`a ${type} renewal leaves the lease standing`, async (h) => {
      await h.insert(intentionOf('L1'));
      await settleNext(h, ACCEPTED, T0);
      await h.insert(intentionOf('L1', { step: 'renew', expiresMs: T0 + 1_800_000 }));
      await settleNext(h, { type, detail: 'x' }, T0 + 10);
      assert.equal(await stateOf(h, 'L1'), 'accepted');
    });
  }
}

function checkReleases(check: Check): void {
  check('a lease past its time is released once, as expired', async (h) => {
    await h.insert(intentionOf('L1'));
    await h.insert(intentionOf('L2', { expiresMs: T0 + 9_000_000 }));
    await settleNext(h, ACCEPTED, T0);
    await settleNext(h, ACCEPTED, T0);
    assert.equal(await h.log.expireOverdue(T0 + 899_999), 0);
    assert.equal(await h.log.expireOverdue(T0 + 900_000), 1);
    assert.equal(await h.log.expireOverdue(T0 + 900_001), 0);
    assert.equal(await stateOf(h, 'L1'), 'releasing');
    const release = await settleNext(h, ACCEPTED, T0 + 900_002);
    assert.equal(release.step, 'release');
    assert.equal(release.leaseId, 'L1');
    assert.equal(release.cause, 'expired');
    assert.notEqual(release.key, intentionOf('L1').key);
    assert.equal(await stateOf(h, 'L1'), 'expired');
    assert.equal(await stateOf(h, 'L2'), 'accepted');
    assert.deepEqual(await keysOf(h, T0 + 901_000), []);
  });
  check('a refused release is tried again for a day', async (h) => {
    const refused = { type: 'refused', detail: 'HTTP 401' } as const;
    await h.insert(intentionOf('L1'));
    await settleNext(h, ACCEPTED, T0);
    const release = intentionOf('L1', { step: 'release', cause: 'undone' });
    await h.insert(release);
    await settleNext(h, refused, T0);
    assert.equal(await stateOf(h, 'L1'), 'releasing');
    assert.deepEqual(await keysOf(h, T0 + 59_999), []);
    const again = await settleNext(h, ACCEPTED, T0 + 60_000);
    assert.equal(again.key, release.key);
    assert.equal(await stateOf(h, 'L1'), 'released');
    await h.insert(intentionOf('L2'));
    await settleNext(h, ACCEPTED, T0);
    await h.insert(intentionOf('L2', { step: 'release', cause: 'undone' }));
    await settleNext(h, refused, T0);
    await settleNext(h, refused, T0 + 24 * 3_600_000);
    assert.equal(await stateOf(h, 'L2'), 'failed');
  });
  check('an undone lease is released', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, ACCEPTED, T0);
    await h.insert(intentionOf('L1', { step: 'release', cause: 'undone' }));
    assert.equal(await stateOf(h, 'L1'), 'releasing');
    await settleNext(h, { type: 'already', detail: 'x' }, T0 + 10);
    assert.equal(await stateOf(h, 'L1'), 'released');
    assert.equal(await h.log.expireOverdue(T0 + 10_000_000), 0);
  });
  check('a release that could not be sent is due again', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, ACCEPTED, T0);
    await h.log.expireOverdue(T0 + 900_000);
    const first = await settleNext(h, { type: 'retry', detail: 'x', afterMs: 1_000 }, T0 + 900_000);
    assert.equal(await stateOf(h, 'L1'), 'releasing');
    assert.deepEqual(await keysOf(h, T0 + 901_000), [first.key]);
  });
  check('what cannot be undone has no end', async (h) => {
    await h.insert(intentionOf('L1', { verb: 'revoke_session', expiresMs: null }));
    await settleNext(h, ACCEPTED, T0);
    assert.equal(await h.log.expireOverdue(T0 + 1e11), 0);
  });
  check('a request never sent owes no release when its time is over', async (h) => {
    await h.insert(intentionOf('L1'));
    await h.log.expireOverdue(T0 + 900_001);
    // Either the log let it lapse by itself, or it hands it out once more to be called lapsed.
    for (const { intention } of await h.log.takeDue(T0 + 900_001, 10, HOLD)) {
      assert.equal(intention.step, 'request');
      await h.log.settle(intention.key, { type: 'lapsed', detail: 'late' }, T0 + 900_001);
    }
    assert.equal(await stateOf(h, 'L1'), 'lapsed');
    assert.deepEqual(await keysOf(h, T0 + 10_000_000), []);
  });
  check('a request whose reply was lost is undone when its time is over', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, { type: 'unknown', detail: 'reply lost', afterMs: 0 }, T0);
    await settleNext(h, { type: 'lapsed', detail: 'late' }, T0 + 900_001);
    const release = await settleNext(h, ACCEPTED, T0 + 900_002);
    assert.equal(release.step, 'release');
    assert.equal(await stateOf(h, 'L1'), 'expired');
  });
  check('asked for again under another key, what is over stays over', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, { type: 'refused', detail: 'x' }, T0);
    await h.insert(intentionOf('L1', { key: 'another' }));
    assert.deepEqual(await keysOf(h, T0 + 1), []);
    assert.equal(await stateOf(h, 'L1'), 'refused');
  });
  for (const type of ['refused', 'withheld'] as const)
    check(`${type} after a lost reply: it may stand, and is undone`, async (h) => {
      await h.insert(intentionOf('L1'));
      await settleNext(h, { type: 'unknown', detail: 'reply lost', afterMs: 0 }, T0);
      await settleNext(h, { type, detail: 'HTTP 409' }, T0 + 1);
      assert.equal((await settleNext(h, ACCEPTED, T0 + 2)).step, 'release');
    });
  check('a request that a crash may have sent is undone when its time is over', async (h) => {
    await h.insert(intentionOf('L1'));
    assert.equal((await keysOf(h, T0)).length, 1);
    await settleNext(h, { type: 'lapsed', detail: 'late' }, T0 + 900_001);
    assert.equal((await settleNext(h, ACCEPTED, T0 + 900_002)).step, 'release');
  });
}

function checkWatching(check: Check): void {
  check('watched leases are those accepted and not over', async (h) => {
    const request = intentionOf('L1');
    await h.insert(request);
    await h.insert(intentionOf('L2'));
    assert.deepEqual(await h.log.watched(T0), []);
    await settleNext(h, ACCEPTED, T0 + 3);
    const expected = {
      leaseId: 'L1',
      agent: request.subject.agent,
      verb: request.verb,
      subject: request.subject,
      state: 'accepted',
      verification: 'pending',
      acceptedMs: T0 + 3,
      expiresMs: request.expiresMs,
      request,
      prior: null,
      activity: [],
    };
    assert.deepEqual(await h.log.watched(T0), [expected]);
    await h.insert(intentionOf('L1', { step: 'release', cause: 'undone' }));
    const due = await h.log.takeDue(T0 + 4, 10, HOLD);
    const release = due.find((one) => one.intention.step === 'release');
    await h.log.settle(release?.intention.key ?? '', ACCEPTED, T0 + 5);
    assert.deepEqual(await h.log.watched(T0), []);
  });
  check('a verdict is kept and may change', async (h) => {
    await h.insert(intentionOf('L1'));
    await settleNext(h, ACCEPTED, T0);
    await h.log.verify('L1', 'verified', 'denial', 0, 1, T0 + 100);
    assert.equal((await h.lease('L1'))?.verification, 'verified');
    await h.log.verify('L1', 'verified', 'denial', 0, 1, T0 + 200);
    await h.log.verify('L1', 'leaking', 'leak', 2, 1, T0 + 300);
    assert.equal((await h.lease('L1'))?.verification, 'leaking');
    assert.equal(await stateOf(h, 'L1'), 'accepted');
    assert.equal((await h.log.watched(T0))[0]?.verification, 'leaking');
  });
}

function checkApprovals(check: Check): void {
  const asking = (quorum = 1, change: Partial<Intention> = {}) =>
    intentionOf('L1', { approval: { quorum, withinMs: 600_000, barred: ['owner'] }, ...change });

  check('what people must agree to is not sent before they did', async (h) => {
    const request = asking(2);
    await h.insert(request);
    assert.equal(await stateOf(h, 'L1'), 'awaiting');
    assert.deepEqual(await keysOf(h, T0), []);
    await h.log.expireApprovals(T0);
    const first = await h.vote('L1', 'ann', 'approve', T0 + 1);
    assert.deepEqual(first, { type: 'counted', agreed: 1, quorum: 2 });
    assert.deepEqual(await h.vote('L1', 'ann', 'approve', T0 + 2), { type: 'voted' });
    assert.deepEqual(await keysOf(h, T0 + 3), []);
    assert.deepEqual(await h.vote('L1', 'ben', 'approve', T0 + 4), { type: 'granted' });
    assert.equal(await stateOf(h, 'L1'), 'requested');
    assert.deepEqual(await keysOf(h, T0 + 5), [request.key]);
    assert.deepEqual(await h.vote('L1', 'cid', 'approve', T0 + 6), {
      type: 'over',
      state: 'granted',
    });
  });
  check('nobody agrees to what is about themselves or about who works for them', async (h) => {
    await h.insert(asking());
    const { agent } = asking().subject;
    assert.deepEqual(await h.vote('L1', agent, 'approve', T0), { type: 'barred' });
    assert.deepEqual(await h.vote('L1', 'owner', 'approve', T0), { type: 'barred' });
    assert.deepEqual(await h.vote('another', 'ann', 'approve', T0), { type: 'unknown' });
    assert.equal(await stateOf(h, 'L1'), 'awaiting');
  });
  check('unanswered in time it lapses, and the lane is asked to forget it', async (h) => {
    await h.insert(asking());
    assert.equal(await h.log.expireApprovals(T0), 0);
    assert.equal(await h.log.expireApprovals(T0 + 599_999), 0);
    assert.equal(await h.log.expireApprovals(T0 + 600_000), 1);
    assert.equal(await h.log.expireApprovals(T0 + 600_001), 0);
    assert.equal(await stateOf(h, 'L1'), 'lapsed');
    assert.deepEqual(await keysOf(h, T0 + 600_002), []);
    const late = await h.vote('L1', 'ann', 'approve', T0 + 600_003);
    assert.deepEqual(late, { type: 'over', state: 'lapsed' });
    const [lift] = await h.asked();
    assert.deepEqual([lift?.type, lift?.type === 'lift' && lift.leaseId], ['lift', 'L1']);
  });
  check('one who declines ends it', async (h) => {
    await h.insert(asking(2));
    assert.deepEqual(await h.vote('L1', 'ann', 'approve', T0), {
      type: 'counted',
      agreed: 1,
      quorum: 2,
    });
    assert.deepEqual(await h.vote('L1', 'ben', 'decline', T0), { type: 'declined' });
    assert.equal(await stateOf(h, 'L1'), 'lapsed');
    assert.deepEqual(await keysOf(h, T0 + 1), []);
    assert.equal((await h.asked()).length, 1);
  });
  check('undone before anybody agreed: nothing is sent, not even a release', async (h) => {
    await h.insert(asking());
    await h.insert(intentionOf('L1', { step: 'release', cause: 'undone' }));
    assert.equal(await stateOf(h, 'L1'), 'lapsed');
    assert.deepEqual(await keysOf(h, T0), []);
    assert.equal((await h.vote('L1', 'ann', 'approve', T0)).type, 'over');
  });
  const FINAL = { verb: 'revoke_session', expiresMs: null } as const;
  const undone = () => intentionOf('L1', { ...FINAL, step: 'release', cause: 'undone' });
  check('what is final, undone before anybody agreed, cannot be agreed to any more', async (h) => {
    await h.insert(asking(1, FINAL));
    await h.insert(undone());
    assert.equal(await stateOf(h, 'L1'), 'lapsed');
    assert.equal((await h.vote('L1', 'ann', 'approve', T0)).type, 'over');
    assert.deepEqual(await keysOf(h, T0), []);
  });
  check('what is final, undone before it could be done, is not tried again', async (h) => {
    await h.insert(asking(1, FINAL));
    await h.vote('L1', 'ann', 'approve', T0);
    await settleNext(h, { type: 'retry', detail: 'HTTP 503', afterMs: 1000 }, T0);
    await h.insert(undone());
    assert.equal(await stateOf(h, 'L1'), 'lapsed');
    assert.deepEqual(await keysOf(h, T0 + 1000), []);
  });
  check('what is final and was done is not undone: no release is sent', async (h) => {
    await h.insert(intentionOf('L1', FINAL));
    await settleNext(h, ACCEPTED, T0);
    await h.insert(undone());
    assert.equal(await stateOf(h, 'L1'), 'accepted');
    assert.deepEqual(await keysOf(h, T0 + 1), []);
  });
  check('what is final and may have been done goes on to be told apart', async (h) => {
    const request = intentionOf('L1', FINAL);
    await h.insert(request);
    await settleNext(h, { type: 'unknown', detail: 'reply lost', afterMs: 1000 }, T0);
    await h.insert(undone());
    assert.equal(await stateOf(h, 'L1'), 'requested');
    assert.deepEqual(await keysOf(h, T0 + 1000), [request.key]);
  });
  check('its own time ends while it waits: nothing is sent', async (h) => {
    await h.insert(asking());
    await h.log.expireOverdue(T0 + 900_001);
    assert.equal(await stateOf(h, 'L1'), 'lapsed');
    assert.deepEqual(await keysOf(h, T0 + 900_002), []);
  });
}

function checkPrior(check: Check): void {
  check('what stood before is kept with the lease, the first word', async (h) => {
    await h.insert(intentionOf('L1'));
    await h.log.remember('L1', { replicas: 3 });
    await h.log.remember('L1', { replicas: 0 });
    const [due] = await h.log.takeDue(T0, 1, HOLD);
    assert.deepEqual(due?.prior, { replicas: 3 });
    await h.log.settle(due?.intention.key ?? '', ACCEPTED, T0);
    assert.deepEqual((await h.log.watched(T0))[0]?.prior, { replicas: 3 });
    await h.insert(intentionOf('L1', { step: 'release', cause: 'undone' }));
    assert.deepEqual((await h.log.takeDue(T0, 1, HOLD))[0]?.prior, { replicas: 3 });
  });
  check('the lane is asked once for the same', async (h) => {
    const request: OperatorRequest = {
      ...{ type: 'escalate', id: 'e1', leaseId: 'L1', why: 'leaking', by: 'plumbline' },
      ...{ reason: 'calls came through', atMs: T0 },
    };
    await h.log.ask(request);
    await h.log.ask(request);
    assert.deepEqual(await h.asked(), [request]);
  });
  check('what has no end is watched for a day', async (h) => {
    await h.insert(intentionOf('L1', { verb: 'revoke_session', expiresMs: null }));
    await settleNext(h, ACCEPTED, T0);
    assert.equal((await h.log.watched(T0 + 86_399_999)).length, 1);
    assert.equal((await h.log.watched(T0 + 86_400_000)).length, 0);
  });
}
