/** Decisions replay, through the real daemon: judged again bit for bit, and what was changed is found. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Surroundings, type } from './plumbline.ts';
import { type FreshDatabase, freshDatabase, providePostgres } from './postgres.ts';
import { FORBIDDEN, GRANTED, registers, tell, uses, writeConfig } from './story.ts';

const provider = await providePostgres();
let fresh: FreshDatabase;
let folder = '';
let where: Surroundings;

const T0 = Date.parse('2026-11-01T10:00:00Z');

interface Answer {
  readonly verdicts: Readonly<Record<string, number>>;
  readonly wrong: readonly { readonly verdict: string; readonly differs: readonly string[] }[];
}

const replay = async (...more: string[]): Promise<Answer & { readonly code: number | null }> => {
  const { code, stdout, stderr } = await type(['decisions', 'replay', ...more, '--json'], where);
  assert.notEqual(stdout, '', stderr);
  return { ...(JSON.parse(stdout) as Answer), code };
};

before(async () => {
  fresh = await freshDatabase(provider);
  folder = await mkdtemp(join(tmpdir(), 'plt-replay-'));
  const streams = join(folder, 'streams');
  await mkdir(streams);
  const agents = ['anna', 'bert', 'cleo', 'dora', 'emil'];
  await tell(streams, [
    ...agents.flatMap((agent) => registers(agent, T0)),
    ...agents.flatMap((agent, at) => uses(GRANTED, agent, `good-${at}`, T0 + 10_000 + at * 1000)),
    ...agents.flatMap((agent, at) => uses(FORBIDDEN, agent, `bad-${at}`, T0 + 30_000 + at * 1000)),
    ...agents.flatMap((agent, at) => uses(GRANTED, agent, `end-${at}`, T0 + 90_000 + at * 1000)),
  ]);
  const config = await writeConfig(folder, { jsonl: { path: streams } });
  where = { cwd: folder, env: { DATABASE_URL: fresh.url } };
  const ran = await type(['run', '--until-caught-up', '--config', config], where);
  assert.equal(ran.code, 0, ran.stderr);
});
after(async () => {
  await fresh.drop();
  await provider.stop();
  await rm(folder, { recursive: true, force: true });
});

test('every decision of a run is judged again with the same result, as journalled', async () => {
  const { code, verdicts, wrong } = await replay();
  assert.deepEqual([code, wrong], [0, []]);
  assert.deepEqual(Object.keys(verdicts), ['same']);
  const [row] = await fresh.db.query('select count(*)::int as n from decision');
  assert.ok(Number(row?.['n']) >= 3);
  assert.equal(verdicts['same'], row?.['n']);
  const [one] = await fresh.db.query('select id from decision order by id limit 1');
  assert.deepEqual((await replay(String(one?.['id']).slice(0, 16))).verdicts, { same: 1 });
});

test('a decision, its inputs or its detection that were changed afterwards are found', async () => {
  const rows = await fresh.db.query(
    'select id, detection_id, inputs from decision order by time_ms, id limit 3',
  );
  const [a, b, c] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]];
  await fresh.db.query(
    `update decision set body = jsonb_set(body, '{outcome}', '"act"') where id = $1`,
    [a['id']],
  );
  await fresh.db.query(
    `update decision set inputs = replace(inputs, 'autonomous', 'observe') where id = $1`,
    [b['id']],
  );
  await fresh.db.query(
    `update detection set body = jsonb_set(body, '{late}', 'true') where id = $1`,
    [c['detection_id']],
  );
  const { code, wrong } = await replay();
  assert.equal(code, 1);
  const said = wrong.map(({ verdict, differs }) => `${verdict}: ${differs.join()}`).sort();
  assert.ok(said.includes('changed: decision'), said.join(' · '));
  assert.ok(said.includes('changed: inputs'), said.join(' · '));
  assert.ok(said.includes('changed: detection'), said.join(' · '));
});

test('once the journal was pruned it is said that no digest is left to compare', async () => {
  const prune = ['journal', 'prune', '--before', '0s', '--by', 'ann', '--reason', 'test'];
  const config = ['--config', join(folder, 'story.yaml')];
  const pruned = await type([...prune, ...config], where);
  assert.equal(pruned.code, 0, pruned.stderr);
  const [row] = await fresh.db.query('select count(*)::int as n from decision');
  // Those that were changed are still found: they are judged otherwise than they say.
  const { verdicts } = await replay();
  assert.deepEqual(verdicts, { differs: 3, unjournalled: Number(row?.['n']) - 3 });
});
