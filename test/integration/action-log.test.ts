/** The action log against a real server: life cycles of leases, order, idempotency, expiry. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ActionLog, ApplyOutcome } from '../../src/model/action-log.ts';
import type { Intention } from '../../src/model/decision.ts';
import type { Database } from '../../src/model/ports.ts';
import { createActionLog } from '../../src/record/actions.ts';
import { verifyJournal } from '../../src/record/journal.ts';
import { commitLane, type LaneClaim } from '../../src/record/lane.ts';
import { pendingOperatorRequests } from '../../src/record/operator.ts';
import { readLease } from '../../src/record/read.ts';
import { releaseAgain } from '../../src/record/release-again.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres } from './postgres.ts';
import { claim, commit, effects, intention, START_MS } from './samples.ts';

let provider: ProvidedPostgres;
before(async () => {
  provider = await providePostgres();
});
after(async () => {
  await provider.stop();
});

interface Bench {
  readonly db: Database;
  readonly log: ActionLog;
  /** Commits intentions as a lane does. */
  intend(...intentions: Intention[]): Promise<void>;
  /** Takes what is due and gives everything the same outcome; steps taken, in order. */
  send(outcome: ApplyOutcome, nowMs: number): Promise<string[]>;
  /** State and verification of lease n. */
  lease(n: number): Promise<string>;
}

const bench = async (work: (on: Bench) => Promise<void>): Promise<void> => {
  const fresh = await freshDatabase(provider);
  const { db } = fresh;
  const token: LaneClaim = (await claim(db)).claim;
  const log = createActionLog(db, { lane: 0 });
  try {
    await work({
      db,
      log,
      intend: async (...intentions) => {
        const step = commit({ effects: effects({ intentions }) });
        assert.equal(await commitLane(db, token, step), 'done');
      },
      send: async (outcome, nowMs) => {
        const due = await log.takeDue(nowMs, 10, 5000);
        for (const one of due) await log.settle(one.intention.key, outcome, nowMs);
        return due.map((one) => `${one.intention.step}#${one.attempts}`);
      },
      lease: async (n) => {
        const { state, verification } = await readLease(db, intention(n).leaseId);
        return `${state}/${verification}`;
      },
    });
    assert.equal((await verifyJournal(db, 0)).ok, true);
  } finally {
    await fresh.drop();
  }
};

/** Leases that the lane is told not to count on. */
const unsent = async (db: Database) =>
  (await pendingOperatorRequests(db, 0)).flatMap((one) =>
    one.type === 'escalate' && one.why === 'unsent' ? [one.leaseId] : [],
  );

const NOW = START_MS + 1000;
const EXPIRES = START_MS + 600_000;
const OK: ApplyOutcome = { type: 'accepted', detail: 'applied' };
const LOST: ApplyOutcome = { type: 'unknown', detail: 'time-out', afterMs: 1000 };
const RETRY: ApplyOutcome = { type: 'retry', detail: '503', afterMs: 1000 };

test('request, renewal and release go out in order, one of a lease at a time', async () => {
  await bench(async ({ db, log, intend, send, lease }) => {
    await intend(intention(1), intention(2));
    await intend(intention(1, { step: 'renew', expiresMs: EXPIRES + 1 }));
    await intend(intention(1, { step: 'renew', key: 'renew-2', expiresMs: EXPIRES + 5 }));
    assert.equal(await lease(1), 'requested/none');
    const due = await log.takeDue(NOW, 10, 5000);
    assert.deepEqual(
      due.map((one) => [one.intention.step, one.intention.leaseId, one.attempts]),
      [
        ['request', intention(1).leaseId, 0],
        ['request', intention(2).leaseId, 0],
      ],
    );
    assert.deepEqual(due[0]?.intention, intention(1));
    assert.deepEqual(await log.takeDue(NOW, 10, 5000), []);
    await log.settle(intention(1).key, OK, NOW);
    assert.equal(await lease(1), 'accepted/pending');
    assert.deepEqual(await send(OK, NOW), ['renew#0']);
    assert.deepEqual(await send(OK, NOW), ['renew#0']);
    assert.equal((await readLease(db, intention(1).leaseId)).expiresMs, EXPIRES + 5);
    await intend(intention(1, { step: 'release' }));
    assert.equal(await lease(1), 'releasing/pending');
    assert.deepEqual(await send(OK, NOW), ['release#0']);
    assert.equal(await lease(1), 'released/pending');
    assert.equal((await readLease(db, intention(1).leaseId)).cause, 'undone');
    assert.equal(await lease(2), 'requested/none');
  });
});

test('the same intention twice is one', async () => {
  await bench(async ({ db, intend, send, lease }) => {
    await intend(intention(1), intention(1));
    await intend(intention(1));
    assert.deepEqual(await send(OK, NOW), ['request#0']);
    await intend(intention(1));
    assert.deepEqual(await send(OK, NOW), []);
    await intend(intention(1, { step: 'release' }), intention(1, { step: 'release' }));
    assert.deepEqual(await send({ type: 'already', detail: '' }, NOW), ['release#0']);
    await intend(intention(1, { step: 'release' }));
    assert.deepEqual(await send(OK, NOW), []);
    assert.equal(await lease(1), 'released/pending');
    const rows = await db.query("select count(*)::int as n from journal where kind = 'intention'");
    assert.deepEqual(rows, [{ n: 2 }]);
  });
});

test('refusal ends it, approval waits unverified, and what follows is not sent', async () => {
  await bench(async ({ intend, send, lease }) => {
    await intend(intention(1), intention(1, { step: 'renew' }));
    await intend(intention(1, { step: 'release' }));
    assert.deepEqual(await send({ type: 'refused', detail: 'owner said no' }, NOW), ['request#0']);
    assert.equal(await lease(1), 'refused/none');
    assert.deepEqual(await send(OK, NOW), []);
    await intend(intention(2));
    await send({ type: 'pending_approval', detail: 'ask ann' }, NOW);
    assert.equal(await lease(2), 'accepted/unverified');
    await intend(intention(1, { step: 'renew', key: 'late' }));
    assert.deepEqual(await send(OK, NOW), []);
    assert.equal(await lease(1), 'refused/none');
  });
});

test('retries wait their time with the same key; a hold that ran out is due again', async () => {
  await bench(async ({ log, intend, send, lease }) => {
    await intend(intention(1));
    assert.deepEqual(await send(RETRY, NOW), ['request#0']);
    assert.deepEqual(await send(OK, NOW + 999), []);
    assert.deepEqual(await send(LOST, NOW + 1000), ['request#1']);
    assert.equal(await lease(1), 'requested/none');
    const crashed = await log.takeDue(NOW + 2000, 10, 5000);
    assert.deepEqual(
      crashed.map((one) => [one.intention.key, one.attempts]),
      [[intention(1).key, 2]],
    );
    assert.deepEqual(await log.takeDue(NOW + 6999, 10, 5000), []);
    assert.deepEqual(await send(OK, NOW + 7000), ['request#3']);
    assert.equal(await lease(1), 'accepted/pending');
    // The first sender comes back from the dead: too late to change anything.
    await log.settle(intention(1).key, { type: 'refused', detail: '' }, NOW + 9000);
    assert.equal(await lease(1), 'accepted/pending');
  });
});

test('a request never sent lapses at its expiry; one that was sent is released', async () => {
  await bench(async ({ db, log, intend, lease }) => {
    const ten = EXPIRES - 10_000;
    await intend(...[1, 2, 3, 4, 5].map((n) => intention(n, { expiresMs: ten })), intention(6));
    const first = await log.takeDue(NOW, 4, 60_000);
    const outcomes: ApplyOutcome[] = [OK, LOST, RETRY];
    for (const [at, outcome] of outcomes.entries()) {
      await log.settle(first[at]?.intention.key ?? '', outcome, NOW);
    }
    assert.equal(await log.expireOverdue(ten - 1), 0);
    // 4 is being sent at this moment, 5 never was, 6 has time.
    assert.equal(await log.expireOverdue(ten), 5);
    assert.equal(await log.expireOverdue(ten), 0);
    const states = [];
    for (const n of [1, 2, 3, 4, 5, 6]) states.push(await lease(n));
    assert.deepEqual(states, [
      ...['releasing/pending', 'releasing/none', 'releasing/none', 'releasing/none'],
      ...['lapsed/none', 'requested/none'],
    ]);
    await log.settle(first[3]?.intention.key ?? '', LOST, ten);
    const sent = await log.takeDue(ten + 5000, 10, 5000);
    assert.deepEqual(
      sent.map((one) => [one.intention.step, one.intention.cause, one.intention.leaseId]),
      [
        ['request', null, intention(6).leaseId],
        ...[1, 2, 3, 4]
          .map((n) => intention(n).leaseId)
          .sort()
          .map((id) => ['release', 'expired', id]),
      ],
    );
    for (const one of sent) await log.settle(one.intention.key, OK, ten + 5000);
    assert.equal(await lease(4), 'expired/none');
    assert.equal(await lease(1), 'expired/pending');
    const open = await db.query("select key from outbox where state <> 'done'");
    assert.deepEqual(open, []);
    const rows = await db.query("select count(*)::int as n from journal where kind = 'lease'");
    assert.deepEqual(rows, [{ n: 1 }]);
    assert.deepEqual(
      await unsent(db),
      [intention(5).leaseId],
      'the lane hears of what stands nowhere',
    );
  });
});

test('a renewal of what is over by the clock is not sent, and the lane hears that nothing stands', async () => {
  await bench(async ({ db, log, intend, send, lease }) => {
    await intend(intention(1));
    await send(OK, NOW);
    assert.equal(await log.expireOverdue(EXPIRES), 1);
    await intend(intention(1, { step: 'renew', expiresMs: EXPIRES + 600_000 }));
    assert.deepEqual(await send(OK, EXPIRES), ['release#0']);
    assert.deepEqual(await send(OK, EXPIRES), []);
    assert.equal(await lease(1), 'expired/pending');
    assert.deepEqual(await unsent(db), [intention(1).leaseId]);
  });
});

test('giving up: certain means lapsed, uncertain means a release or a failure', async () => {
  await bench(async ({ db, intend, send, lease }) => {
    const lapsed: ApplyOutcome = { type: 'lapsed', detail: 'too late' };
    await intend(intention(1));
    await send(lapsed, EXPIRES);
    assert.equal(await lease(1), 'lapsed/none');
    await intend(intention(2));
    assert.deepEqual(await send(RETRY, EXPIRES), ['request#0']);
    assert.equal(await lease(2), 'lapsed/none');
    await intend(intention(3));
    assert.deepEqual(await send(LOST, EXPIRES), ['request#0']);
    assert.equal(await lease(3), 'releasing/none');
    assert.deepEqual(await send(OK, EXPIRES), ['release#0']);
    assert.equal(await lease(3), 'expired/none');
    const DAY = 24 * 3_600_000;
    await intend(intention(4, { verb: 'revoke_session', expiresMs: null }));
    assert.deepEqual(await send(LOST, NOW), ['request#0']);
    assert.deepEqual(await send(LOST, NOW + DAY), ['request#1']);
    assert.equal(await lease(4), 'failed/none');
    await intend(intention(5));
    await send(OK, NOW);
    await intend(intention(5, { step: 'release' }));
    assert.deepEqual(await send(RETRY, NOW), ['release#0']);
    assert.deepEqual(await send(RETRY, NOW + DAY - 1), ['release#1']);
    assert.equal(await lease(5), 'releasing/pending');
    assert.deepEqual(await send(RETRY, NOW + 2 * DAY), ['release#2']);
    assert.equal(await lease(5), 'failed/pending');
    assert.equal((await readLease(db, intention(5).leaseId)).lastDetail, '503');
    // Somebody looks at it and tries once more.
    await intend(intention(5, { step: 'release', key: 'again' }));
    assert.deepEqual(await send(OK, NOW + 3 * DAY), ['release#0']);
    assert.equal(await lease(5), 'released/pending');
  });
});

test('what was undone before the target was reached is not imposed', async () => {
  await bench(async ({ intend, send, lease }) => {
    await intend(intention(1));
    assert.deepEqual(await send(RETRY, NOW), ['request#0']);
    await intend(intention(1, { step: 'release' }));
    assert.deepEqual(await send(RETRY, NOW + 1000), ['request#1']);
    assert.equal(await lease(1), 'lapsed/none');
    assert.deepEqual(await send(OK, NOW + 9000), []);
  });
});

test('a release that a person must agree to is asked again', async () => {
  await bench(async ({ intend, send, lease }) => {
    await intend(intention(1));
    await send(OK, NOW);
    await intend(intention(1, { step: 'release' }));
    await send({ type: 'pending_approval', detail: '' }, NOW);
    assert.equal(await lease(1), 'releasing/pending');
    assert.deepEqual(await send(OK, NOW + 59_999), []);
    assert.deepEqual(await send(OK, NOW + 60_000), ['release#1']);
    assert.equal(await lease(1), 'released/pending');
  });
});

test('executors at once share the work, and never two of one lease', async () => {
  await bench(async ({ db, log, intend }) => {
    const requests = Array.from({ length: 40 }, (_, n) => intention(n));
    await intend(...requests, ...requests.map((_, n) => intention(n, { step: 'renew' })));
    const other = createActionLog(db, { lane: 0 });
    const taken = await Promise.all(
      Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? log : other).takeDue(NOW, 10, 5000)),
    );
    const leases = taken.flat().map((one) => one.intention.leaseId);
    assert.equal(new Set(leases).size, leases.length);
    assert.ok(taken.flat().every((one) => one.intention.step === 'request'));
    // Who found its candidates taken goes away with less than it asked for; the rest is due still.
    const rest = [];
    for (let n = 0; n < 4; n += 1) rest.push(...(await log.takeDue(NOW, 10, 5000)));
    assert.equal(leases.length + rest.length, 40);
  });
});

test('executor, expiry and lane at once do not deadlock', async () => {
  await bench(async ({ log, intend, send, db }) => {
    await intend(...Array.from({ length: 30 }, (_, n) => intention(n)));
    await Promise.all([
      (async () => {
        for (let n = 0; n < 10; n += 1) await send(n % 2 === 0 ? OK : LOST, NOW + n * 6000);
      })(),
      (async () => {
        for (let n = 0; n < 10; n += 1) await log.expireOverdue(EXPIRES + n);
      })(),
      (async () => {
        for (let n = 0; n < 10; n += 1) {
          const leases = Array.from({ length: 30 }, (_, at) => 29 - at);
          await intend(
            ...leases.map((at) =>
              intention(at, { step: 'renew', key: `k${n}-${at}`, expiresMs: EXPIRES + n }),
            ),
          );
        }
      })(),
    ]);
    const [row] = await db.query('select count(*)::int as n from lease');
    assert.equal(row?.['n'], 30);
  });
});

test('watched leases carry what the gateway showed since they were accepted', async () => {
  await bench(async ({ db, log, intend, send }) => {
    await intend(intention(1), intention(2));
    await log.takeDue(NOW, 2, 5000);
    await log.settle(intention(1).key, OK, NOW);
    const token = (await claim(db)).claim;
    const { leaseId } = intention(1);
    const seen = (eventId: string, timeMs: number, allowed: boolean) => {
      return { leaseId, eventId, timeMs, allowed, tool: 'send_money' };
    };
    const flood = Array.from({ length: 1200 }, (_, n) => seen(`d${n}`, NOW + 10 + n, false));
    const activity = [seen('before', NOW - 1, true), seen('leak', NOW + 5, true), ...flood];
    const again = [...activity, seen('leak', NOW + 5, true)];
    assert.equal(
      await commitLane(db, token, commit({ effects: effects({ activity: again }) })),
      'done',
    );
    const [watched, ...rest] = await log.watched(NOW);
    assert.deepEqual(rest, []);
    assert.equal(watched?.leaseId, leaseId);
    assert.equal(watched?.acceptedMs, NOW);
    assert.equal(watched?.expiresMs, EXPIRES);
    assert.deepEqual(watched?.subject, intention(1).subject);
    assert.equal(watched?.activity.length, 1000);
    assert.deepEqual(watched?.activity[0], { timeMs: NOW + 5, allowed: true, tool: 'send_money' });
    assert.equal(watched?.activity.at(-1)?.timeMs, NOW + 10 + 1199);
    await log.verify(leaseId, 'leaking', 'stream', 1, 2, NOW);
    await log.verify(leaseId, 'leaking', 'stream', 1, 2, NOW + 1);
    const lease = await readLease(db, leaseId);
    assert.deepEqual(
      [
        lease.verification,
        lease.verifiedBy,
        lease.leakedCalls,
        lease.latencyCalls,
        lease.verifiedMs,
      ],
      ['leaking', 'stream', 1, 2, NOW],
    );
    const rows = await db.query(
      "select count(*)::int as n from journal where kind = 'verification'",
    );
    assert.deepEqual(rows, [{ n: 1 }]);
    assert.deepEqual(await send(OK, NOW + 6000), ['request#1']);
    assert.equal((await log.watched(NOW)).length, 2);
  });
});

test('a release that failed is sent once more when a person asks for it, under a key of its own', async () => {
  await bench(async ({ db, log, intend, send, lease }) => {
    const NO: ApplyOutcome = { type: 'refused', detail: 'HTTP 401' };
    const DAY = 24 * 3_600_000;
    const by = { by: 'anna', reason: 'the credential is mended' };
    const { leaseId } = intention(1);
    const again = async (at: number) => await releaseAgain(db, leaseId, by, at);
    await intend(intention(1));
    assert.deepEqual(await send(OK, NOW), ['request#0']);
    assert.equal(await again(NOW), false, 'it stands: the lane is asked');
    await intend(intention(1, { step: 'release' }));
    assert.deepEqual(await send(NO, NOW), ['release#0']);
    assert.equal(await again(NOW), false, 'it is tried again by itself');
    assert.deepEqual(await send(NO, NOW + DAY), ['release#1']);
    assert.equal(await lease(1), 'failed/pending');
    const asked = await Promise.all([again(NOW + DAY), again(NOW + DAY)]);
    assert.deepEqual(asked.sort(), [false, true]);
    assert.equal(await lease(1), 'releasing/pending');
    const [due] = await log.takeDue(NOW + DAY, 10, 5000);
    assert.notEqual(due?.intention.key, intention(1, { step: 'release' }).key);
    assert.equal(due?.intention.reason, 'undone by anna: the credential is mended');
    await log.settle(due?.intention.key ?? '', NO, NOW + DAY);
    assert.deepEqual(await send(NO, NOW + 2 * DAY), ['release#1']);
    assert.equal(await lease(1), 'failed/pending');
    assert.equal(await again(NOW + 3 * DAY), true);
    assert.deepEqual(await send(OK, NOW + 3 * DAY), ['release#0']);
    assert.equal(await lease(1), 'released/pending');
    assert.equal(await again(NOW + 4 * DAY), false);
  });
});

test('lanes do not see each other', async () => {
  await bench(async ({ db, log, intend }) => {
    await intend(intention(1));
    const other = createActionLog(db, { lane: 1 });
    assert.deepEqual(await other.takeDue(NOW, 10, 1000), []);
    assert.equal(await other.expireOverdue(EXPIRES), 0);
    assert.equal((await log.takeDue(NOW, 10, 1000)).length, 1);
  });
});
