/** From recorded history to a daemon that judges by it: learn, approve, run; from files too. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ask, type } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';

let provider: ProvidedPostgres;
let database: FreshDatabase;
let other: FreshDatabase;
let cwd = '';

before(async () => {
  provider = await providePostgres();
  database = await freshDatabase(provider);
  other = await freshDatabase(provider);
  cwd = await mkdtemp(join(tmpdir(), 'plumbline-learning-'));
});
after(async () => {
  await database.drop();
  await other.drop();
  await provider.stop();
  await rm(cwd, { recursive: true, force: true });
});

const CONFIG = [
  'jsonl: { path: work, follow: false }',
  'budgets: { alert: 1 per 20 sessions }',
  'sources:',
  ...(['governance', 'reasoning', 'gateway', 'metrics'] as const).map((kind, at) => {
    const trust = ['platform', 'agent', 'gateway', 'runtime'][at];
    return `  - { name: ${kind}, topic: ${kind}, decoder: canonical, trust: ${trust}, kinds: [${kind}] }`;
  }),
  '',
].join('\n');

/** Counters of a lane after everything in `work` was read. */
async function observed(url: string): Promise<Readonly<Record<string, number>>> {
  const where = { cwd, env: { DATABASE_URL: url } };
  const run = await type(['run', '--config', 'p.yaml', '--until-caught-up'], where);
  assert.equal(run.code, 0, run.stderr);
  const { status } = await ask<{
    status: { lanes: { counters: Record<string, number> }[] };
  }>(['status', '--config', 'p.yaml'], where);
  return status.lanes[0]?.counters ?? {};
}

test('what is learnt from a folder and approved judges the next run, from the record or from files', async () => {
  const where = { cwd, env: { DATABASE_URL: database.url } };
  await writeFile(join(cwd, 'p.yaml'), CONFIG);
  const fleet = ['--to', 'files', '--agents', '5', '--sessions-per-hour', '600', '--fast'];
  for (const [dir, seed, events] of [
    ['history', '1', '2500'],
    ['work', '2', '1500'],
  ] as const) {
    const made = await type(
      ['simulate', ...fleet, '--dir', dir, '--seed', seed, '--events', events, '--bad-share', '0'],
      where,
    );
    assert.equal(made.code, 0, made.stderr);
  }
  const before = await observed(other.url);
  assert.ok((before['baseline.missing'] ?? 0) > 50, JSON.stringify(before));
  assert.equal(before['baseline.units'], undefined);
  const waived =
    'calibration-units,fit-units,days,unseen-tools,unseen-origins,halves-alike-p,lag-1,excluded';
  const signed = (by: string) => ['--by', by, '--reason', 'because', '--config', 'p.yaml'];
  const early = await type(
    ['baseline', 'learn', '--fleet', '--from', 'history', ...signed('ann')],
    where,
  );
  assert.notEqual(early.code, 0);
  assert.match(early.stderr, /days \d \(at least 7\).* Nothing was trained yet/s);
  assert.doesNotMatch(early.stderr, /calibration-units|lag-1|rehearsing/);
  const learnt = await ask<{ hash: string; is: string }>(
    ['baseline', 'learn', '--fleet', '--from', 'history', '--waive', waived, ...signed('ann')],
    where,
  );
  assert.equal(learnt.is, 'REVIEW');
  const short = learnt.hash.slice(7, 19);
  const approved = await type(['baseline', 'approve', short, ...signed('bob')], where);
  assert.equal(approved.code, 0, approved.stderr);
  const judged = await observed(database.url);
  assert.ok((judged['baseline.units'] ?? 0) > 10, JSON.stringify(judged));
  assert.equal(judged['baseline.missing'], undefined);
  const exported = await type(['baseline', 'export', '--config', 'p.yaml'], where);
  assert.equal(exported.code, 0, exported.stderr);
  const clean = await freshDatabase(provider);
  try {
    const again = await observed(clean.url);
    assert.equal(again['baseline.units'], judged['baseline.units']);
    assert.equal(again['detections'], judged['detections']);
  } finally {
    await clean.drop();
  }
});
