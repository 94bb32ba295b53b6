/** A person says that a detector was wrong: a real daemon takes back what it did, at once. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseYaml } from '../../src/adapters/files.ts';
import { readCase, type WrittenCase } from '../../src/commands/case-file.ts';
import { caseOptions, runCase } from '../../src/commands/case-run.ts';
import type { ListedCase, StoredLease } from '../../src/record/read.ts';
import { shippedLibrary } from '../sim/library.ts';
import { freePort } from './kafka-probe.ts';
import {
  ask,
  type Launched,
  launch,
  type Surroundings,
  type,
  until,
  untilTrue,
} from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import {
  controlAt,
  FORBIDDEN,
  registers,
  SECRET,
  SECRET_NAME,
  tell,
  uses,
  writeConfig,
} from './story.ts';

const STEM = 'ungranted-action';

let postgres: ProvidedPostgres;
let database: FreshDatabase;
let folder: string;
let where: Surroundings;
let config: string;
let daemon: Launched;
let control: Server;
const asked: string[] = [];

before(async () => {
  postgres = await providePostgres();
  database = await freshDatabase(postgres);
  folder = await mkdtemp(join(tmpdir(), 'plt-feedback-'));
  await chmod(folder, 0o755);
  control = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      asked.push(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"state":"applied"}');
    });
  });
  const port = await freePort();
  await new Promise<void>((done) => control.listen(port, '127.0.0.1', done));
  where = { cwd: folder, env: { DATABASE_URL: database.url, [SECRET_NAME]: SECRET } };
  config = await writeConfig(folder, {
    jsonl: { path: folder, follow: true },
    control: controlAt(`http://127.0.0.1:${port}`),
    guardrails: { breakerFleetShare: 1, breakerRoleShare: 1 },
  });
  // An hour is not waited for: three agents, and no more than two that do the same.
  await tell(
    folder,
    ['a', 'b', 'c', 'd'].flatMap((name) => registers(`agent-${name}`, Date.now() - 60_000)),
  );
  daemon = launch(['run', '--quiet', '--config', config], where);
});
after(async () => {
  if (daemon.child.exitCode === null) await daemon.end('SIGTERM');
  await new Promise((done) => control.close(done));
  await database.drop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

const leases = async () => await ask<StoredLease[]>(['leases', '--config', config], where);
const cases = async () => await ask<ListedCase[]>(['cases', '--config', config], where);

test('a false positive releases the lease, demotes the version, and proposes an exception', async () => {
  await tell(folder, uses(FORBIDDEN, 'agent-a', 'session-a', Date.now()));
  await untilTrue('a lease', async () => (await leases())[0]?.state === 'accepted', daemon);
  const [found] = await cases();
  const id = found?.case.id.slice(0, 12) ?? '';
  const bad = await type(
    ['verdict', id, 'nonsense', '--by', 'anna', '--note', 'x', '--config', config],
    where,
  );
  assert.equal(bad.code, 2);
  const said = await type(
    [
      'verdict',
      id,
      'false_positive',
      '--by',
      'anna',
      '--note',
      'the export is ordered every night',
      '--config',
      config,
    ],
    where,
  );
  assert.equal(said.code, 0, said.stderr);
  assert.match(said.stdout, /judged false positive/);
  assert.match(
    said.stdout,
    new RegExp(`Detector ${STEM} acted on it: this version may only alert`),
  );
  assert.match(said.stdout, /owner: anna\n/);
  await untilTrue('the release', async () => (await leases())[0]?.state === 'released', daemon);
  const [after1] = await cases();
  assert.equal(after1?.open, false);
  const rows = await ask<{ stem: string; maturity: string; isDemoted: boolean }[]>(
    ['detectors', '--config', config],
    where,
  );
  const row = rows.find(({ stem }) => stem === STEM);
  assert.deepEqual([row?.maturity, row?.isDemoted], ['alert', true]);
  const told = await type(['explain', id, '--config', config], where);
  assert.match(told.stdout, /Verdict on ungranted-action .*: false positive by anna/);
  assert.match(told.stdout, /What led to what:/);
});

test('a judged case becomes a test of its detector: not while the detector still fires, unless asked to', async () => {
  const [found] = await cases();
  const id = found?.case.id.slice(0, 12) ?? '';
  const out = join(folder, 'recorded.test.yaml');
  const exported = async (...more: string[]) =>
    await type(
      ['case', 'export', id, '--as-test', '--out', out, ...more, '--config', config],
      where,
    );
  const refused = await exported();
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stdout, /must stay silent here/);
  assert.match(refused.stdout, /fails with the detectors as they are now: ungranted-action fires/);
  assert.equal(existsSync(out), false);
  const written = await exported('--failing');
  assert.equal(written.code, 0, written.stderr);
  const text = await readFile(out, 'utf8');
  assert.match(text, /expect: \[\]/);
  assert.match(text, /judged a false positive by anna: the\s+export is ordered every night/);
  for (const told of ['agent-a', 'session-a']) assert.ok(!text.includes(told), told);
  const again = await exported('--failing');
  assert.equal(again.code, 2);
  assert.match(again.stderr, /name this one by --name/);
});

test('a case whose records are gone says which, and that they are', async () => {
  const [found] = await cases();
  const id = found?.case.id.slice(0, 12) ?? '';
  const other = join(folder, 'kept');
  await mkdir(other, { recursive: true });
  await tell(other, registers('agent-z', Date.now()));
  const gone = await type(
    ['case', 'export', id, '--as-test', '--from', other, '--config', config],
    where,
  );
  assert.equal(gone.code, 1);
  assert.match(
    gone.stderr,
    /1 of 1 records of its evidence are not in .*kept any more: gateway\/0@0/,
  );
});

test('a demoted version alerts and does not act; a person gives the power back', async () => {
  const before2 = asked.length;
  await tell(folder, uses(FORBIDDEN, 'agent-b', 'session-b', Date.now()));
  await untilTrue('a second case', async () => (await cases()).length === 2, daemon);
  const listed = await cases();
  assert.deepEqual(
    listed.map(({ standing }) => standing),
    [0, 0],
  );
  assert.equal(asked.length, before2);
  const again = await type(
    ['detectors', 'reinstate', STEM, '--by', 'ben', '--reason', 'reviewed', '--config', config],
    where,
  );
  assert.equal(again.code, 0, again.stderr);
  const rows = await ask<{ stem: string; isDemoted: boolean }[]>(
    ['detectors', '--config', config],
    where,
  );
  assert.equal(rows.find(({ stem }) => stem === STEM)?.isDemoted, false);
});

test('a confirmed case becomes a test that fires, of the fewest records, without what they hold', async () => {
  const found = (await cases()).find(({ case: one }) => one.entity.agent === 'agent-b');
  const id = found?.case.id.slice(0, 12) ?? '';
  const out = join(folder, 'confirmed.test.yaml');
  const call = ['cases', 'export', '--as-test', id, '--out', out, '--config', config];
  const early = await type(call, where);
  assert.equal(early.code, 1);
  assert.match(early.stderr, /nobody judged case/);
  const said = ['verdict', id, 'true_positive', '--by', 'ben', '--note', 'nobody ordered it'];
  assert.equal((await type([...said, '--config', config], where)).code, 0);
  const written = await type(call, where);
  assert.equal(written.code, 0, written.stderr);
  assert.match(written.stdout, /ungranted-action must fire here/);
  assert.match(written.stdout, /It passes with the detectors as they are now/);
  const text = await readFile(out, 'utf8');
  for (const told of ['agent-b', 'session-b']) assert.ok(!text.includes(told), told);
  const [one] = (parseYaml(out, text).file.documents[0]?.value ?? []) as WrittenCase[];
  assert.ok(one !== undefined);
  const library = await shippedLibrary();
  const { fired } = runCase(readCase(out, one).events, caseOptions(library));
  assert.deepEqual(
    fired.map(({ detector, agent }) => [detector, agent]),
    [[STEM, 'recorded-1']],
  );
  assert.ok(one.given.length <= 3, `${one.given.length} events`);
});

test('an exception that is written excuses from the next start on, and lists what it did', async () => {
  await daemon.end('SIGTERM');
  const dir = join(folder, 'detectors');
  await mkdir(join(dir, 'exceptions'), { recursive: true });
  const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const own = await type(['check', '--config', config], where);
  assert.equal(own.code, 0, own.stdout);
  const source = join(import.meta.dirname, '../../detectors');
  await cp(source, dir, { recursive: true });
  const text = `id: ordered-export\nmatch: { agent: agent-d }\ndetectors: [${STEM}]\nexpires: ${day}\nowner: anna\nreason: the export is ordered every night\nevidence: [0123456789ab]\n`;
  await writeFile(join(dir, 'exceptions', 'ordered-export.yaml'), text);
  const second = await writeConfig(folder, {
    jsonl: { path: folder, follow: true },
    detectors: { dir, maturity: { hard: 'enforce' } },
  });
  daemon = launch(['run', '--quiet', '--config', second], where);
  await tell(folder, uses(FORBIDDEN, 'agent-d', 'session-d', Date.now()));
  const listed = await until('a hit', async () => {
    const all = await ask<{ id: string; hits: number; note: string }[]>(
      ['exceptions', '--config', second],
      where,
    );
    return all.find(({ id, hits }) => id === 'ordered-export' && hits > 0) ?? null;
  });
  assert.match(listed.note, /lapses/);
  assert.equal((await cases()).length, 2);
  const one = await type(['exceptions', 'ordered-export', '--config', second], where);
  assert.match(one.stdout, /agent-d/);
});
