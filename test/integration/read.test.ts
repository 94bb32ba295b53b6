/** What people read of the record, from a real server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OperatingError } from '../../src/model/errors.ts';
import type { Database } from '../../src/model/ports.ts';
import { createActionLog } from '../../src/record/actions.ts';
import { commitLane } from '../../src/record/lane.ts';
import {
  exportDetections,
  idByPrefix,
  listCases,
  listCoverage,
  listDeadLetters,
  listLeases,
  listNotices,
  readCase,
  readLease,
} from '../../src/record/read.ts';
import { readStatus } from '../../src/record/status.ts';
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
  entity,
  intention,
  START_MS,
} from './samples.ts';

let provider: ProvidedPostgres;
let fresh: FreshDatabase;
let db: Database;

const gap = (id: string, fromMs: number, toMs: number | null) => {
  return {
    id,
    tenant: 'acme',
    source: 'gw',
    kind: 'gateway',
    fromMs,
    toMs,
    reason: 'silent',
    sessions: 1,
  } as const;
};

before(async () => {
  provider = await providePostgres();
  fresh = await freshDatabase(provider);
  db = fresh.db;
  const { claim: token } = await claim(db);
  const all = effects({
    detections: [
      detection(1),
      detection(4, { entity: entity(1), decidedMs: START_MS }),
      detection(2),
      detection(3, { entity: { ...entity(3), session: null } }),
    ],
    amendments: [
      { type: 'retracted', detectionId: detection(2).id, reason: 'late record' },
      { type: 'blind', tenant: 'acme', session: 'session-1', source: 'metrics' },
    ],
    cases: [
      caseOf(1, { openedMs: START_MS + 100, lastMs: START_MS + 200 }),
      caseOf(2, { level: 'low' }),
      caseOf(3, { entity: { ...entity(3), session: null }, lastMs: START_MS + 900 }),
    ],
    members: [
      { caseId: caseOf(1).id, detectionId: detection(1).id },
      { caseId: caseOf(1).id, detectionId: detection(4).id },
      { caseId: caseOf(2).id, detectionId: detection(2).id },
      { caseId: caseOf(3).id, detectionId: detection(3).id },
    ],
    decisions: [decision(1)],
    intentions: [intention(1), intention(2)],
    coverage: [
      gap('before', START_MS, START_MS + 99),
      gap('overlaps', START_MS, START_MS + 100),
      gap('lasts', START_MS + 150, null),
      gap('after', START_MS + 201, null),
    ],
    notices: [{ code: 'event.late', subject: 'gw', detail: 'd', timeMs: START_MS }],
    deadLetters: [
      {
        position: { topic: 'gateway', partition: 0, offset: 9, index: 1 },
        ...{ source: 'gw', format: 'canonical', reason: 'too-deep', detail: 'at 1' },
        ...{ size: 3, raw: Buffer.from('abc'), receivedMs: START_MS },
      },
    ],
  });
  const counters = { records: 12 };
  const to = { topic: 'gateway', partition: 0, low: 8, next: 10 };
  const step = commit({ effects: all, counters, moves: [{ from: 0, to }] });
  assert.equal(await commitLane(db, token, step), 'done');
  const log = createActionLog(db, { lane: 0 });
  await log.takeDue(START_MS, 2, 1000);
  await log.settle(intention(1).key, { type: 'accepted', detail: 'yes' }, START_MS + 5);
  await log.settle(intention(2).key, { type: 'refused', detail: 'no' }, START_MS + 5);
});
after(async () => {
  await fresh.drop();
  await provider.stop();
});

const idsOf = (list: readonly { readonly case: { readonly id: string } }[]): string[] =>
  list.map((one) => one.case.id);

test('cases: newest first, by level, agent and whether they are open', async () => {
  const [one, two, three] = [1, 2, 3].map((n) => caseOf(n).id);
  const all = await listCases(db, { limit: 10 });
  assert.deepEqual(idsOf(all), [three, one, two]);
  assert.deepEqual(
    all.map((item) => [item.open, item.standing]),
    [
      [true, 0],
      [true, 1],
      [false, 0],
    ],
  );
  assert.deepEqual(idsOf(await listCases(db, { open: false, limit: 10 })), [two]);
  assert.deepEqual(idsOf(await listCases(db, { open: true, limit: 1 })), [three]);
  assert.deepEqual(idsOf(await listCases(db, { minLevel: 'medium', limit: 10 })), [three, one]);
  assert.deepEqual(idsOf(await listCases(db, { agent: 'agent-2', limit: 10 })), [two]);
});

test('a case by the beginning of its id brings everything that belongs to it', async () => {
  const file = await readCase(db, caseOf(1).id.slice(0, 12));
  assert.deepEqual(file.case.entity, entity(1));
  assert.deepEqual(
    file.detections.map((one) => [one.detection.id, one.detection.blind]),
    [
      [detection(4).id, ['metrics']],
      [detection(1).id, ['metrics']],
    ],
  );
  assert.deepEqual(file.decisions, [decision(1)]);
  assert.deepEqual(
    file.leases.map((one) => [one.id, one.state, one.attempts, one.lastDetail]),
    [[intention(1).leaseId, 'accepted', 1, 'yes']],
  );
  assert.deepEqual(
    file.coverage.map((one) => one.id),
    ['overlaps', 'lasts'],
  );
  const sessionless = await readCase(db, caseOf(3).id);
  assert.deepEqual(
    sessionless.detections.map((one) => one.detection.id),
    [detection(3).id],
  );
});

test('what begins no id, or several, is NOT_FOUND, and several are named', async () => {
  const notFound = (pattern: RegExp) => (cause: unknown) =>
    cause instanceof OperatingError && cause.code === 'NOT_FOUND' && pattern.test(cause.message);
  await assert.rejects(readCase(db, 'zz'), notFound(/no case has an id that begins with "zz"/));
  await assert.rejects(readCase(db, ''), notFound(/no case/));
  await assert.rejects(readLease(db, "' or true --"), notFound(/no lease/));
  await assert.rejects(readCase(db, '%'), notFound(/no case/));
  const { claim: token } = await claim(db, 'second');
  const twins = ['aaaa01', 'aaaa02', 'aaaa'].map((id, n) => caseOf(20 + n, { id, lastMs: 1 }));
  await commitLane(db, token, commit({ effects: effects({ cases: twins.slice(0, 2) }) }));
  await assert.rejects(readCase(db, 'aaa'), notFound(/several cases: aaaa01, aaaa02; write more/));
  await commitLane(db, token, commit({ effects: effects({ cases: twins }) }));
  assert.equal(await idByPrefix(db, 'case', 'aaaa'), 'aaaa');
});

test('leases, coverage, notices and dead letters are listed', async () => {
  const leases = await listLeases(db, { limit: 10 });
  assert.deepEqual(
    leases.map((one) => [one.id, one.state, one.subject]),
    [
      [intention(2).leaseId, 'refused', intention(2).subject],
      [intention(1).leaseId, 'accepted', intention(1).subject],
    ],
  );
  assert.equal((await listLeases(db, { standing: true, limit: 10 })).length, 1);
  assert.equal((await listLeases(db, { standing: false, agent: 'agent-1', limit: 10 })).length, 0);
  assert.equal((await readLease(db, intention(2).leaseId.slice(0, 20))).endedMs, START_MS + 5);
  assert.deepEqual(
    (await listCoverage(db, 2)).map((one) => one.id),
    ['after', 'lasts'],
  );
  assert.deepEqual(await listNotices(db, 5), [
    {
      ...{ code: 'event.late', subject: 'gw', detail: 'd', timeMs: START_MS },
      ...{ count: 1, firstMs: START_MS },
    },
  ]);
  const [letter] = await listDeadLetters(db, 5);
  assert.deepEqual(letter?.position, { topic: 'gateway', partition: 0, offset: 9, index: 1 });
  assert.deepEqual(letter?.raw, Buffer.from('abc'));
});

test('the export gives every detection once, by time decided', async () => {
  const other = await freshDatabase(provider);
  const { claim: token } = await claim(other.db);
  // Many share a time: the id decides, over the borders of batches too.
  const detections = Array.from({ length: 1300 }, (_, n) =>
    detection(n, { decidedMs: START_MS + Math.floor(n / 700) }),
  );
  await commitLane(other.db, token, commit({ effects: effects({ detections }) }));
  const seen = [];
  for await (const one of exportDetections(other.db)) seen.push(one.detection);
  const expected = [...detections].sort(
    (a, b) => a.decidedMs - b.decidedMs || (a.id < b.id ? -1 : 1),
  );
  assert.deepEqual(seen, expected);
  await other.drop();
});

test('status tells lanes, positions and totals', async () => {
  const status = await readStatus(db);
  const { committedMs, ...lane } = status.lanes[0] ?? assert.fail('no lane');
  assert.equal(typeof committedMs, 'number');
  assert.deepEqual(
    { ...lane, seq: lane.seq > 0, epoch: lane.epoch > 0 },
    {
      ...{ group: 'plumbline', lane: 0, owner: 'second', epoch: true, seq: true },
      ...{ watermarkMs: START_MS, counters: {} },
      positions: [{ topic: 'gateway', partition: 0, low: 8, next: 10 }],
    },
  );
  const { detections, retracted, leasesStanding, outboxOpen, gapsOpen, deadLetters } = status;
  assert.deepEqual(
    { detections, retracted, leasesStanding, outboxOpen, gapsOpen, deadLetters },
    {
      ...{ detections: 4, retracted: 1, leasesStanding: 1 },
      ...{ outboxOpen: 0, gapsOpen: 2, deadLetters: 1 },
    },
  );
  assert.deepEqual(status.notices, { 'event.late': 1 });
  assert.ok(status.journalEntries > 10);
});
