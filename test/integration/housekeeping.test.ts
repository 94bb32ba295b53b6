/** Housekeeping on a real database: old dead letters go, young ones and the journal stay. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HISTORY_KEPT, KEPT_MS, LEVELS_KEPT_MS, sweep } from '../../src/record/housekeeping.ts';
import { freshDatabase, providePostgres } from './postgres.ts';

const provider = await providePostgres();
let fresh: Awaited<ReturnType<typeof freshDatabase>>;

before(async () => {
  fresh = await freshDatabase(provider);
});
after(async () => {
  await fresh.drop();
  await provider.stop();
});

const LETTER = `insert into dead_letter (topic, partition, record_offset, index, source, format,
  reason, detail, size, raw, received_ms)
  select 't', 0, n, 0, 's', 'f', 'json-syntax', 'd', 1, ''::bytea, $2 from generate_series($1::int, $3::int) n`;

test('what is older than thirty days goes, in batches; the rest stays', async () => {
  const nowMs = 1_800_000_000_000;
  await fresh.db.query(LETTER, [1, nowMs - KEPT_MS - 1, 10_500]);
  await fresh.db.query(LETTER, [20_001, nowMs - KEPT_MS + 1, 20_003]);
  const swept = await sweep(fresh.db, nowMs);
  assert.deepEqual(swept, {
    deadLetters: 10_500,
    leaseActivity: 0,
    serviceLevels: 0,
    agentHistory: 0,
    polls: 0,
    alerts: 0,
  });
  const [row] = await fresh.db.query('select count(*)::int as n from dead_letter');
  assert.equal(row?.['n'], 3);
  assert.deepEqual(await sweep(fresh.db, nowMs), {
    deadLetters: 0,
    leaseActivity: 0,
    serviceLevels: 0,
    agentHistory: 0,
    polls: 0,
    alerts: 0,
  });
});

test('what was polled and fetched long ago goes, and what somebody still needs stays', async () => {
  const nowMs = 1_800_000_000_000;
  const [old, young] = [nowMs - KEPT_MS - 1, nowMs - KEPT_MS + 1];
  const POLLER = `insert into posture_consumer (consumer, about, tenant, first_ms, last_ms, revision)
    values ($1, '', '-', $2, $2, 'r')`;
  const FETCH = `insert into posture_fetch (lease_id, consumer, at_ms) values ($1, 'gw', $2)`;
  const OFFER = `insert into pull_offer (key, driver, lease_id, step, offered_ms, ended_ms, item)
    values ($1, 'box', 'l', 'request', $2, $3, '{}')`;
  for (const [name, ms] of [['old', old] as const, ['young', young] as const]) {
    await fresh.db.query(POLLER, [name, ms]);
    await fresh.db.query(FETCH, [name, ms]);
    await fresh.db.query(OFFER, [name, ms, null]);
    await fresh.db.query(OFFER, [`${name} ended`, old, ms]);
  }
  assert.equal((await sweep(fresh.db, nowMs)).polls, 4);
  assert.equal((await sweep(fresh.db, nowMs)).polls, 0);
});

test('usage and counts of objectives go a year and a month after, by the time of events', async () => {
  const USAGE = `insert into usage_day (id, day_ms, tenant, agent, role, workflow, model, sessions, turns,
    refusals, calls, failures, denials, tokens, cost)
    values ($1, $2, '-', 'a', 'r', 'w', 'm', 1, 1, 0, 1, 0, 0, 1, 1)`;
  const HOUR = `insert into objective_hour (objective, tenant, hour_ms, good, bad) values ('o', '-', $1, 1, 0)`;
  // Long ago, by the clock: a log that was replayed.
  const [old, newest] = [1_000, 1_000 + LEVELS_KEPT_MS];
  for (const ms of [old - 1, old, newest]) {
    await fresh.db.query(USAGE, [String(ms), ms]);
    await fresh.db.query(HOUR, [ms]);
  }
  assert.equal((await sweep(fresh.db, 1_800_000_000_000)).serviceLevels, 2);
  assert.equal((await sweep(fresh.db, 1_800_000_000_000)).serviceLevels, 0);
});

test('of each agent the newest changes and sessions stay, and what went is noted', async () => {
  const CHANGE = `insert into agent_change (id, lane, tenant, agent, time_ms, change, late, body)
    select $1 || n, 0, '-', $1, n, 'flag.changed', false, '{}' from generate_series(1, $2::int) n`;
  const SESSION = `insert into agent_session (key, tenant, session, agent, opened_ms, body)
    select $1 || n, '-', n::text, $1, n, '{}' from generate_series(1, $2::int) n`;
  await fresh.db.query(CHANGE, ['busy', HISTORY_KEPT.changes + 5]);
  await fresh.db.query(CHANGE, ['calm', 10]);
  await fresh.db.query(SESSION, ['busy', HISTORY_KEPT.sessions + 2]);
  assert.equal((await sweep(fresh.db, 1_800_000_000_000)).agentHistory, 7);
  assert.equal((await sweep(fresh.db, 1_800_000_000_000)).agentHistory, 0);
  const cut = await fresh.db.query('select agent, before_ms, dropped from agent_history_cut');
  assert.deepEqual(
    cut.map((row) => [row['agent'], Number(row['before_ms']), Number(row['dropped'])]),
    [['busy', 6, 7]],
  );
});
