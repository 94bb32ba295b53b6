/** Adoption on a real server: figures from what was recorded, and the step as lines to write. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Adoption } from '../../src/commands/adoption-figures.ts';
import type { UsageCount } from '../../src/model/objective.ts';
import type { Database } from '../../src/model/ports.ts';
import { createActionLog } from '../../src/record/actions.ts';
import { driverRecords, roleExposure, rungCases } from '../../src/record/adoption.ts';
import { commitLane, type LaneClaim } from '../../src/record/lane.ts';
import { ask, type Surroundings, type } from './plumbline.ts';
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
import { controlAt, SECRET, SECRET_NAME, writeConfig } from './story.ts';

const DAY_MS = 86_400_000;
const NOW_MS = START_MS + 3 * DAY_MS;

let provider: ProvidedPostgres;
let fresh: FreshDatabase;
let db: Database;
let token: LaneClaim;
let folder: string;
let where: Surroundings;

before(async () => {
  provider = await providePostgres();
  fresh = await freshDatabase(provider);
  db = fresh.db;
  token = (await claim(db)).claim;
  folder = await mkdtemp(join(tmpdir(), 'plt-adoption-'));
  where = { cwd: folder, env: { DATABASE_URL: fresh.url, [SECRET_NAME]: SECRET } };
});
after(async () => {
  await fresh.drop();
  await provider.stop();
  await rm(folder, { recursive: true, force: true });
});

const write = async (more: Parameters<typeof effects>[0]) =>
  assert.equal(
    await commitLane(db, token, commit({ effects: effects(more), watermarkMs: NOW_MS })),
    'done',
  );

const used = (day: number, agent: string): UsageCount => ({
  ...{ dayMs: START_MS - day * DAY_MS, tenant: 'acme', agent, role: 'billing', workflow: '' },
  ...{ model: 'm', sessions: 3, turns: 2, refusals: 0, calls: 3, failures: 1, denials: 0 },
  ...{ tokens: 10, cost: 0.5 },
});
const configAs = async (mode: 'observe' | 'advise') =>
  await writeConfig(folder, {
    jsonl: { path: folder, follow: true },
    roles: { billing: { mode } },
    control: controlAt('http://127.0.0.1:1'),
  });
const missing = ({ needs }: Adoption) =>
  needs.filter(({ isMet }) => !isMet).map(({ need, of }) => `${need} ${of}`.trim());

test('counts days, agents and sessions of a role; cases by rung with what people said of them', async () => {
  const days = Array.from({ length: 15 }, (_, day) => day);
  await write({ usage: days.flatMap((day) => [used(day, 'agent-1'), used(day, 'agent-2')]) });
  const found = [1, 2, 3].map((n) => detection(n));
  await write({
    detections: [...found, detection(4, { maturity: 'shadow' })],
    cases: [1, 2, 3].map((n) => caseOf(n)),
    decisions: [
      ...[1, 2].map((n) => decision(n)),
      decision(3, { outcome: 'withheld', wouldAct: false, leaseId: null }),
      decision(4, { caseId: '', outcome: 'record', leaseId: null }),
    ],
  });
  const { id: detectionId, detector, version } = detection(1);
  const said = { detectionId, detector, version, by: 'anna', note: 'looked', atMs: NOW_MS };
  await write({ verdicts: [{ ...said, verdict: 'true_positive' }] });
  const since = NOW_MS - 28 * DAY_MS;
  assert.deepEqual(await roleExposure(db, since), [
    { role: 'billing', days: 15, agentDays: 30, agents: 2, sessions: 90 },
  ]);
  const cases = await rungCases(db, since);
  const told = cases.map(({ rung, caseId, verdict }) => [rung, caseId, verdict] as const);
  assert.deepEqual(
    told.toSorted(),
    [
      ...[1, 2, 3].map((n) => ['alert', caseOf(n).id, n === 1 ? 'true_positive' : null] as const),
      ...[1, 2].map(
        (n) => ['freeze_tool', caseOf(n).id, n === 1 ? 'true_positive' : null] as const,
      ),
    ].toSorted(),
  );
});

test('a driver is known by what it took, what held, and what came back', async () => {
  const log = createActionLog(db, { lane: 0 });
  const settle = async () => {
    for (const one of await log.takeDue(START_MS + 10, 10, 5000))
      await log.settle(one.intention.key, { type: 'accepted', detail: 'ok' }, START_MS + 10);
  };
  const driver = 'hook';
  await write({ intentions: [intention(1, { driver }), intention(2, { driver })] });
  await settle();
  for (const n of [1, 2])
    await log.verify(intention(n).leaseId, 'verified', 'denial', 0, 0, START_MS + 20);
  const [before] = await driverRecords(db, 0);
  assert.deepEqual(
    [before?.sent, before?.accepted, before?.verified, before?.undone],
    [2, 2, 2, 0],
  );
  await write({ intentions: [intention(2, { driver, step: 'release' })] });
  await settle();
  const [record] = await driverRecords(db, 0);
  assert.deepEqual([record?.undone, record?.undoFailed], [1, 0]);
});

test('names what is missing, and what to do; the step is lines for a person to write', async () => {
  const config = await configAs('observe');
  const call = ['adoption', '--role', 'billing', '--config', config];
  const [one] = await ask<(Adoption & { edit: string })[]>(call, where);
  assert.ok(one !== undefined);
  assert.deepEqual([one.mode, one.next, one.isReady], ['observe', 'advise', false]);
  assert.deepEqual(missing(one), ['judged']);
  assert.equal(one.edit, 'roles:\n  billing:\n    mode: advise\n');
  assert.deepEqual(
    one.wouldHaveActed.map(({ verdict }) => verdict).toSorted(),
    ['true_positive', null].toSorted(),
  );
  const { stdout, code } = await type(call, where);
  assert.equal(code, 0);
  assert.match(stdout, /Role billing: observe → advise \(2 agents, 90 sessions on 15 days\)/);
  assert.match(
    stdout,
    /MISSING +judged +2 would have led to action, 1 of them judged; judge the other 1/,
  );
  assert.match(stdout, /Missing: 1 of \d+\. When you take the step all the same/);
  assert.match(stdout, / {4}roles:\n {6}billing:\n {8}mode: advise/);
});

test('says when nothing is missing, for the mode that the configuration has now', async () => {
  const { id: detectionId, detector, version } = detection(2);
  const said = { detectionId, detector, version, by: 'ben', note: 'looked', atMs: NOW_MS };
  await write({ verdicts: [{ ...said, verdict: 'benign_true_positive' }] });
  const config = await configAs('advise');
  const call = ['adoption', '--config', config];
  const [one] = await ask<Adoption[]>(call, where);
  assert.ok(one !== undefined);
  // The webhook can do all that can be undone; it took two, held both, and gave one back.
  assert.deepEqual([one.next, missing(one), one.isReady], ['constrained', [], true]);
  assert.match((await type(call, where)).stdout, /Nothing is missing\. To take the step/);
});

test('refuses a role that nobody ever saw, and a time that shows too little', async () => {
  const config = await configAs('observe');
  const unseen = await type(['adoption', '--role', 'nobody', '--config', config], where);
  assert.equal(unseen.code, 2);
  assert.match(unseen.stderr, /role "nobody" did nothing in the last 28 days/);
  const short = await type(['adoption', '--days', '13', '--config', config], where);
  assert.equal(short.code, 2);
});
