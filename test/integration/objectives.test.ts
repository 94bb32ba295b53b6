/** Counts of objectives and usage against a real server: added once, in the lane's transaction. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LaneCommit, noEffects } from '../../src/model/effects.ts';
import type { ObjectiveCount, UsageCount } from '../../src/model/objective.ts';
import type { Database } from '../../src/model/ports.ts';
import { commitLane } from '../../src/record/lane.ts';
import { newestHour, sumObjectives, sumUsage } from '../../src/record/objectives.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres } from './postgres.ts';
import { claim, commit } from './samples.ts';

let provider: ProvidedPostgres;
before(async () => {
  provider = await providePostgres();
});
after(async () => {
  await provider.stop();
});

const HOUR_MS = 3_600_000;
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10 };

const counted = (hourMs: number, good: number, bad: number): ObjectiveCount => ({
  ...{ objective: 'calls', tenant: '-', hourMs, good, bad },
});

const used = (agent: string, more: Partial<UsageCount> = {}): UsageCount => ({
  ...{ dayMs: 0, tenant: '-', agent, role: 'r', workflow: 'w', model: 'm' },
  ...{ sessions: 1, turns: 2, refusals: 0, calls: 3, failures: 1, denials: 0 },
  ...{ tokens: 10, cost: 0.5 },
  ...more,
});

/** A commit that moves the position and adds counts. */
function adding(
  from: number,
  counts: readonly ObjectiveCount[],
  usage: readonly UsageCount[],
): LaneCommit {
  const effects = noEffects();
  effects.objectiveCounts.push(...counts);
  effects.usage.push(...usage);
  const to = { topic: 'gateway', partition: 0, low: from + 1, next: from + 1 };
  return commit({ effects, moves: [{ from, to }] });
}

async function withDatabase(work: (db: Database) => Promise<void>): Promise<void> {
  const fresh = await freshDatabase(provider);
  try {
    await work(fresh.db);
  } finally {
    await fresh.drop();
  }
}

test('counts add up over commits, and a commit that is refused adds nothing', async () => {
  await withDatabase(async (db) => {
    const { claim: lane } = await claim(db);
    await commitLane(db, lane, adding(0, [counted(0, 5, 1), counted(HOUR_MS, 1, 0)], [used('a')]));
    await commitLane(
      db,
      lane,
      adding(1, [counted(0, 2, 2)], [used('a', { cost: 1 }), used('b', { model: 'n' })]),
    );
    // The same slice once more: the position is not where the writer believes it to be.
    const again = adding(1, [counted(0, 100, 100)], [used('a')]);
    assert.equal(await commitLane(db, lane, again), 'fenced');
    const sums = await sumObjectives(db, 0);
    assert.deepEqual(sums, [{ objective: 'calls', tenant: '-', good: 8, bad: 3 }]);
    assert.deepEqual((await sumObjectives(db, HOUR_MS))[0]?.good, 1);
    assert.equal(await newestHour(db), HOUR_MS);
    const byAgent = await sumUsage(db, 'agent', ALL);
    assert.deepEqual(
      byAgent.map(({ key, sessions, cost }) => [key, sessions, cost]),
      [
        ['a', 2, 1.5],
        ['b', 1, 0.5],
      ],
    );
    const [workflow] = await sumUsage(db, 'workflow', ALL);
    assert.deepEqual([workflow?.key, workflow?.agents, workflow?.calls], ['w', 2, 9]);
    assert.deepEqual(await sumUsage(db, 'day', { ...ALL, fromMs: 1 }), []);
  });
});

test('names of any length and content are kept apart and bounded', async () => {
  await withDatabase(async (db) => {
    const { claim: lane } = await claim(db);
    const long = 'x'.repeat(5000);
    const names = [`${long}1`, `${long}2`, "'; drop table usage_day; --", '\u0000\u202e'];
    await commitLane(
      db,
      lane,
      adding(
        0,
        [],
        names.map((agent) => used(agent)),
      ),
    );
    const found = await sumUsage(db, 'agent', ALL);
    assert.equal(found.length, names.length);
    assert.ok(found.every(({ key }) => key.length <= 512));
  });
});

test('no amount, however large, stops the lane', async () => {
  await withDatabase(async (db) => {
    const { claim: lane } = await claim(db);
    const huge = [used('a', { tokens: Number.MAX_VALUE, cost: Number.NaN })];
    for (const from of [0, 1, 2]) await commitLane(db, lane, adding(from, [], huge));
    const [sum] = await sumUsage(db, 'agent', ALL);
    assert.deepEqual([sum?.tokens, sum?.cost], [3e24, 0]);
  });
});
