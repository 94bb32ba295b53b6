/** Response times over a real server: what was done, how long it took, and what did not happen yet. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createActionLog } from '../../src/record/actions.ts';
import { commitLane } from '../../src/record/lane.ts';
import { responseTimes } from '../../src/record/response-times.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres } from './postgres.ts';
import { claim, commit, effects, intention } from './samples.ts';

let provider: ProvidedPostgres;
before(async () => {
  provider = await providePostgres();
});
after(async () => {
  await provider.stop();
});

test('times are counted from the evidence on, of what has happened, and of no lease before', async () => {
  const { db, drop } = await freshDatabase(provider);
  try {
    assert.deepEqual(await responseTimes(db, 0), {
      ...{ leases: 0, verified: 0, leakedCalls: 0, latencyCalls: 0 },
      toDetect: { p50: null, p99: null },
      toAct: { p50: null, p99: null },
      toVerified: { p50: null, p99: null },
    });
    const token = (await claim(db)).claim;
    const startMs = Date.now();
    const log = createActionLog(db, { lane: 0 });
    const intentions = [1, 2, 3].map((n) =>
      intention(n, { evidenceMs: startMs - 2_000, expiresMs: startMs + 600_000 }),
    );
    assert.equal(await commitLane(db, token, commit({ effects: effects({ intentions }) })), 'done');
    // Two are accepted a minute later and one of them is seen to hold after five seconds more.
    const due = await log.takeDue(startMs, 2, 30_000);
    for (const one of due)
      await log.settle(one.intention.key, { type: 'accepted', detail: '' }, startMs + 60_000);
    const [first] = due;
    await log.verify(first?.intention.leaseId ?? '', 'verified', 'denial', 2, 1, startMs + 65_000);
    const times = await responseTimes(db, startMs - 1_000);
    assert.deepEqual(
      [times.leases, times.verified, times.leakedCalls, times.latencyCalls],
      [3, 1, 2, 1],
    );
    assert.deepEqual(times.toVerified, { p50: 5_000, p99: 5_000 });
    // The database's own clock says when it was recorded: between our start and now.
    const tookMs = Date.now() - startMs;
    const within = (value: number | null, least: number, most: number) =>
      assert.ok(value !== null && value >= least && value <= most, `${value}`);
    within(times.toDetect.p50, 2_000, 2_000 + tookMs + 1);
    within(times.toAct.p99, 60_000 - tookMs - 1, 60_000);
    assert.equal((await responseTimes(db, Date.now() + 3_600_000)).leases, 0);
  } finally {
    await drop();
  }
});
