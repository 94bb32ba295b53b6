/** What people see and say of cases, on a real server: stored once, journalled, read back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Announcement, Verdict } from '../../src/model/decision.ts';
import type { Database } from '../../src/model/ports.ts';
import { beginVersions, liveUnits } from '../../src/record/casework.ts';
import { journalTail, verifyJournal } from '../../src/record/journal.ts';
import { claimLane, commitLane, type LaneClaim } from '../../src/record/lane.ts';
import { insertOperatorRequest } from '../../src/record/operator.ts';
import {
  detectionsOfCase,
  exceptionHits,
  excusedBy,
  openQuestions,
  readJudged,
  readOrders,
  scorecards,
  shadowReport,
} from '../../src/record/power.ts';
import { listCases, readCase } from '../../src/record/read.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import {
  caseOf,
  claim,
  commit,
  decision,
  detection,
  effects,
  intention,
  START_MS,
} from './samples.ts';

let provider: ProvidedPostgres;
let fresh: FreshDatabase;
let db: Database;
let token: LaneClaim;

before(async () => {
  provider = await providePostgres();
  fresh = await freshDatabase(provider);
  db = fresh.db;
  token = (await claim(db)).claim;
});
after(async () => {
  await fresh.drop();
  await provider.stop();
});

const write = async (more: Parameters<typeof effects>[0]) =>
  assert.equal(await commitLane(db, token, commit({ effects: effects(more) })), 'done');
const kinds = async () => (await journalTail(db, 0, 1000)).map(({ kind }) => kind);
const times = async (kind: string) => (await kinds()).filter((one) => one === kind).length;

const word = (n: number, verdict: Verdict['verdict'], by = 'anna'): Verdict => {
  const { id: detectionId, detector, version } = detection(n);
  return { detectionId, detector, version, verdict, by, note: 'looked at it', atMs: START_MS };
};
const told = (n: number, more: Partial<Announcement> = {}): Announcement => ({
  ...{ id: `a-${n}`, caseId: caseOf(n).id, why: 'opened', level: 'high' },
  ...{ title: 'Unstated action', detector: 'unstated-action', timeMs: START_MS + n },
  ...more,
});

test('members, announcements and chains are stored once and read with their case', async () => {
  const members = [{ caseId: caseOf(1).id, detectionId: detection(1).id }];
  const node = {
    ...({ id: 'n', type: 'act', label: 'called it', ms: START_MS, agent: 'agent-1' } as const),
    ...{ session: null, eventId: 'n' },
  };
  const chain = { caseId: caseOf(1).id, nodes: [node], edges: [], dropped: 0, root: 'n' };
  const found = { detections: [detection(1)], cases: [caseOf(1)], decisions: [decision(1)] };
  const all = { ...found, members, announcements: [told(1)], chains: [chain] };
  await write(all);
  await write({ members: [...members, ...members], announcements: [told(1)], chains: [chain] });
  const file = await readCase(db, caseOf(1).id);
  assert.deepEqual(file.chain, chain);
  assert.deepEqual(file.announcements, [told(1)]);
  assert.deepEqual(
    file.detections.map((one) => one.detection.id),
    [detection(1).id],
  );
  assert.equal(await times('announcement'), 1);
  assert.deepEqual(await detectionsOfCase(db, caseOf(1).id), [detection(1).id]);
  const [judged] = await readJudged(db, [detection(1).id]);
  assert.deepEqual([judged?.acted, judged?.version], ['freeze_tool', detection(1).version]);
});

test('a verdict is one per detection and analyst; another word is added and counts', async () => {
  await write({ verdicts: [word(1, 'true_positive')] });
  await write({ verdicts: [word(1, 'true_positive'), word(1, 'true_positive')] });
  assert.equal(await times('verdict'), 1);
  await write({ verdicts: [word(1, 'false_positive'), word(1, 'false_positive', 'ben')] });
  assert.equal(await times('verdict'), 3);
  const { verdicts, open } = await readCase(db, caseOf(1).id);
  assert.deepEqual(
    verdicts.map(({ by, verdict }) => [by, verdict]),
    [
      ['anna', 'false_positive'],
      ['ben', 'false_positive'],
    ],
  );
  assert.equal(open, false);
  const [history] = await db.query('select count(*) as n from verdict');
  assert.equal(Number(history?.['n']), 3);
  await write({ verdicts: [word(1, 'true_positive'), word(1, 'true_positive', 'ben')] });
  assert.equal((await readCase(db, caseOf(1).id)).open, true);
  const [card] = await scorecards(db, 0);
  assert.deepEqual([card?.truePositive, card?.falsePositive, card?.acted], [1, 0, 1]);
});

test('what was excused is recorded with its exception, counted, and in no case', async () => {
  const excused = detection(5, { exception: 'nightly-export' });
  await write({ detections: [excused, detection(6, { exception: 'nightly-export' })] });
  const hits = await exceptionHits(db, START_MS + 30_006);
  assert.deepEqual(hits.get('nightly-export'), { hits: 2, recent: 1, lastMs: START_MS + 6 });
  const listed = await excusedBy(db, 'nightly-export', 1);
  assert.deepEqual(
    listed.map(({ id }) => id),
    [detection(6).id],
  );
  assert.deepEqual((await listCases(db, { limit: 9 })).length, 1);
  const bodies = (await journalTail(db, 0, 100)).map(({ body }) => body);
  assert.ok(bodies.some((body) => body.includes('"exception":"nightly-export"')));
});

test('shadows are told by detector and rung, with what they would have done', async () => {
  const shadow = { maturity: 'shadow', detector: 'new-idea' } as const;
  const silent = { taken: 'observe', outcome: 'record', leaseId: null, caseId: '' } as const;
  await write({
    detections: [detection(7, shadow), detection(8, shadow)],
    decisions: [
      decision(7, { ...silent, wouldAct: true }),
      decision(8, { ...silent, wouldAct: false }),
    ],
  });
  const [row, ...more] = await shadowReport(db, 0);
  assert.equal(more.length, 0);
  assert.deepEqual(
    [row?.detector, row?.rung, row?.detections, row?.wouldAct, row?.agents],
    ['new-idea', 'freeze_tool', 2, 1, 2],
  );
});

test('orders: demotions until reinstated, and the kill switch as last set', async () => {
  const by = { by: 'anna', reason: 'needless freeze', timeMs: START_MS };
  const demoted = { detector: 'd', version: 'v', detectionId: null, ...by };
  await write({ demotions: [{ ...demoted, stands: true }] });
  const press = async (
    id: string,
    type: 'pause' | 'resume',
    scope: 'fleet' | 'role',
    target = '',
  ) => await insertOperatorRequest(db, { id, type, scope, target, by: 'a', reason: 'r', atMs: 0 });
  await press('1', 'pause', 'fleet');
  await press('2', 'pause', 'role', 'clerk');
  await press('3', 'resume', 'fleet');
  const orders = await readOrders(db);
  assert.deepEqual([...orders.demoted], ['d v']);
  assert.deepEqual(orders.pauses, [{ scope: 'role', target: 'clerk' }]);
  await write({ demotions: [{ ...demoted, stands: false }] });
  assert.deepEqual([...(await readOrders(db)).demoted], []);
  assert.equal(await times('demotion'), 2);
});

test('live units are those of the role since the version began; what nobody confirmed is false', async () => {
  const one = [{ stem: 'unstated-action', version: detection(1).version }];
  await write({
    closedUnits: [
      { role: 'billing', units: 1 },
      { role: 'billing', units: 1 },
    ],
  });
  await beginVersions(db.query, one, START_MS);
  await write({
    closedUnits: [
      { role: 'billing', units: 5 },
      { role: 'sales', units: 3 },
    ],
  });
  await beginVersions(db.query, one, START_MS + 1);
  const units = await liveUnits(db.query, one);
  const shown = units.map(({ role, units: n, falseAlarms }) => [role, n, falseAlarms]);
  // Detection 1 was confirmed; 5 and 6 were excused.
  assert.deepEqual(shown, [
    ['billing', 5, 0],
    ['sales', 3, 0],
  ]);
  await write({ detections: [detection(9), detection(10)] });
  assert.equal((await liveUnits(db.query, one))[0]?.falseAlarms, 2);
  // Another tenant calls its session the same, and its agent too.
  const theirs = { ...detection(10).entity, tenant: 'other' };
  await write({ detections: [detection(90, { entity: theirs })] });
  assert.equal((await liveUnits(db.query, one))[0]?.falseAlarms, 3);
  assert.equal((await verifyJournal(db, 0)).ok, true);
});

test('a lane that takes long over its commit holds up no other that closes units of the same role', async () => {
  const { claim: other } = await claimLane(db, {
    ...{ group: 'shared', lane: 1, owner: 'first', pages: 4 },
    topicPartitions: [{ topic: 'gateway', partition: 0 }],
    layout: { lanes: 2, topic: 'events', key: 'tenant' },
  });
  const closedUnits = [{ role: 'billing', units: 1 }];
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  // Somebody has the head of the first lane's journal: its commit waits there.
  const holding = db.transaction(async (query) => {
    await query('select n from journal_head where lane = 0 for update');
    begun.resolve();
    await held.promise;
  });
  await begun.promise;
  const slow = write({ detections: [detection(91)], closedUnits });
  const waiting = `select 1 from pg_stat_activity
    where wait_event_type = 'Lock' and query like '%journal_head%' and datname = current_database()`;
  while ((await db.query(waiting)).length === 0) await new Promise((done) => setTimeout(done, 5));
  assert.equal(await commitLane(db, other, commit({ effects: effects({ closedUnits }) })), 'done');
  held.resolve();
  await holding;
  await slow;
});

test('a case that a fleet case tells is left out of the list unless asked for', async () => {
  const fleet = caseOf(21, { title: '3 agents' });
  await write({ cases: [fleet, caseOf(22, { state: 'folded', foldedInto: fleet.id })] });
  const listed = async (folded: boolean) =>
    (await listCases(db, { limit: 99, folded })).map(({ case: one }) => one.id);
  const [few, all] = [await listed(false), await listed(true)];
  assert.deepEqual([few.includes(fleet.id), few.includes(caseOf(22).id)], [true, false]);
  assert.ok(all.includes(caseOf(22).id));
});

test('an undone lease is a question to its detector until somebody says what it was', async () => {
  const since = START_MS + 30_000 + 20;
  const one = { detections: [detection(20)], decisions: [decision(20)], cases: [caseOf(20)] };
  await write({ ...one, intentions: [intention(20)] });
  assert.deepEqual(await openQuestions(db, since, 9), []);
  const release = intention(20, { step: 'release', reason: 'undone by anna: it is needed' });
  await write({ intentions: [release] });
  const [asked] = await openQuestions(db, since, 9);
  assert.deepEqual(
    [asked?.detectionId, asked?.verb, asked?.said],
    [detection(20).id, 'freeze_tool', 'undone by anna: it is needed'],
  );
  const card = async () => {
    const [found] = await scorecards(db, since);
    return [found?.undone, found?.questions, found?.truePositive];
  };
  assert.deepEqual(await card(), [1, 1, 0]);
  await write({ verdicts: [word(20, 'true_positive')] });
  assert.deepEqual(await card(), [1, 0, 1]);
  assert.deepEqual(await openQuestions(db, since, 9), []);
});
