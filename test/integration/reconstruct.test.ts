/** Reconstruct, through the real daemon: an agent as it was, and what nobody can know said as unknown. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AgentAt } from '../../src/record/agent-at.ts';
import { verifyJournal } from '../../src/record/journal.ts';
import { ask, type Surroundings, type } from './plumbline.ts';
import { type FreshDatabase, freshDatabase, providePostgres } from './postgres.ts';

const provider = await providePostgres();
let fresh: FreshDatabase;
let folder = '';
let where: Surroundings;

const T0 = Date.parse('2026-11-01T10:00:00Z');
const MINUTE = 60_000;

interface Said {
  readonly at: number;
  readonly agent: string;
  readonly change: string;
  readonly session?: string;
  readonly actor?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

const line = ({ at, agent, change, session, actor = 'platform-team', detail }: Said, n: number) =>
  JSON.stringify({
    id: `g${n}`,
    kind: 'governance',
    category: 'governance',
    time: { eventNs: `${BigInt(T0 + at * MINUTE) * 1_000_000n}` },
    agent: { id: agent },
    ...(session === undefined ? {} : { session: { id: session } }),
    governance: { change, actor, ...(detail === undefined ? {} : { detail }) },
  });

const TOOLS = (...names: string[]) => ({ tools: names.map((tool) => ({ tool, class: 'read' })) });

const SAID: readonly Said[] = [
  {
    at: 0,
    agent: 'planner',
    change: 'agent.registered',
    detail: { role: 'planning', model: 'm-1' },
  },
  { at: 0, agent: 'clerk', change: 'agent.registered', detail: { role: 'support', model: 'm-1' } },
  { at: 1, agent: 'clerk', change: 'tools.granted', detail: TOOLS('read_ticket', 'send_mail') },
  {
    ...{ at: 5, agent: 'planner', change: 'session.opened', session: 'root' },
    detail: { principal: 'alice@example.org', mandate: 'settle the SECRET-WORD affair' },
  },
  {
    at: 6,
    agent: 'clerk',
    change: 'session.opened',
    session: 'child',
    detail: { parent: 'root', taskType: 'triage' },
  },
  {
    at: 7,
    agent: 'clerk',
    change: 'session.opened',
    session: 'stray',
    detail: { parent: 'never-seen' },
  },
  { at: 10, agent: 'clerk', change: 'model.changed', actor: 'mlops', detail: { model: 'm-2' } },
  { at: 20, agent: 'clerk', change: 'tools.revoked', detail: TOOLS('send_mail') },
  { at: 30, agent: 'clerk', change: 'session.closed', session: 'child' },
  { at: 31, agent: 'clerk', change: 'session.closed', session: 'stray' },
  { at: 40, agent: 'clerk', change: 'agent.retired' },
];

before(async () => {
  fresh = await freshDatabase(provider);
  folder = await mkdtemp(join(tmpdir(), 'plt-reconstruct-'));
  await mkdir(join(folder, 'streams'));
  await writeFile(join(folder, 'streams', 'governance.jsonl'), `${SAID.map(line).join('\n')}\n`);
  await writeFile(
    join(folder, 'plumbline.yaml'),
    [
      'jsonl: { path: streams }',
      'roles: { support: { mode: advise } }',
      'sources:',
      '  - { name: registry, topic: governance, decoder: canonical, trust: platform, kinds: [governance] }',
    ].join('\n'),
  );
  where = { cwd: folder, env: { DATABASE_URL: fresh.url } };
  const ran = await type(['run', '--until-caught-up'], where);
  assert.equal(ran.code, 0, ran.stderr);
});
after(async () => {
  await fresh.drop();
  await provider.stop();
  await rm(folder, { recursive: true, force: true });
});

const at = async (minute: number): Promise<AgentAt> =>
  await ask<AgentAt>(
    ['reconstruct', 'clerk', '--at', new Date(T0 + minute * MINUTE).toISOString()],
    where,
  );

test('grants, model and registration are those of the moment, not of today', async () => {
  const early = await at(15);
  assert.deepEqual(Object.keys(early.grants ?? {}).sort(), ['read_ticket', 'send_mail']);
  assert.deepEqual(
    [early.last?.after.role, early.last?.after.model, early.last?.after.registered],
    ['support', 'm-2', true],
  );
  assert.equal(early.last?.by.actor, 'mlops');
  const later = await at(25);
  assert.deepEqual(Object.keys(later.grants ?? {}), ['read_ticket']);
  assert.equal((await at(3)).last?.after.model, 'm-1');
  assert.equal((await at(45)).last?.after.registered, false);
});

test('the spawn chain leads to whom the root ran for; a parent nobody opened is said to be unknown', async () => {
  const { sessions, sessionsOpen } = await at(15);
  assert.equal(sessionsOpen, 2);
  const child = sessions.find(({ session }) => session === 'child');
  assert.deepEqual(
    child?.chain.map(({ session, agent }) => [session, agent]),
    [['root', 'planner']],
  );
  assert.equal(child?.origin, 'alice@example.org');
  const stray = sessions.find(({ session }) => session === 'stray');
  assert.deepEqual([stray?.brokenAt, stray?.origin], ['never-seen', null]);
  const closed = await at(35);
  assert.deepEqual(
    [closed.sessionsOpen, closed.sessions.map(({ session }) => session)],
    [0, ['stray']],
  );
});

test('text says unknown where nothing is known, and no prose of a mandate is kept', async () => {
  const before = await type(['reconstruct', 'clerk', '--at', '2026-10-01'], where);
  assert.match(
    before.stdout,
    /Governance first spoke of it at 2026-11-01 10:00:00Z: later than this/,
  );
  assert.match(before.stdout, /grants: unknown/);
  assert.match(before.stdout, /mode: unknown: no settings were recorded by then/);
  const now = await type(['reconstruct', 'clerk'], where);
  assert.match(now.stdout, /mode: advise, by the settings of/);
  assert.match(now.stdout, /gateway: no source was configured for this book/);
  assert.match(
    now.stdout,
    /spawned by session never-seen, which the record does not hold: the origin is unknown/,
  );
  const stored = await fresh.db.query(
    "select (select string_agg(body, '') from agent_change) || (select string_agg(body::text, '') from agent_session) || (select string_agg(body, '') from journal) as all_of_it",
  );
  assert.doesNotMatch(String(stored[0]?.['all_of_it']), /SECRET-WORD/);
  const nobody = await type(['reconstruct', 'nobody'], where);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /NOT_FOUND/);
});

test('it is in the journal by digest, once, however often the daemon starts, and the end is signed', async () => {
  const kinds = async () =>
    (
      await fresh.db.query('select kind, count(*)::int as n from journal group by 1 order by 1')
    ).map((row) => [row['kind'], row['n']]);
  // A run signs at its end; a quarter of a minute that turns while it lasts may have it sign once more.
  const signed = async () =>
    Number((await fresh.db.query('select count(*)::int as n from journal_checkpoint'))[0]?.['n']);
  const first = await kinds();
  const before = await signed();
  assert.ok(before >= 1);
  assert.deepEqual(
    first.filter(([kind]) => kind === 'settings'),
    [['settings', 1]],
  );
  assert.ok(first.some(([kind]) => kind === 'agent'));
  assert.equal((await type(['run', '--until-caught-up'], where)).code, 0);
  assert.deepEqual(await kinds(), first);
  assert.equal((await verifyJournal(fresh.db, 0)).ok, true);
  const verified = await type(['journal', 'verify'], where);
  assert.equal(verified.code, 0, verified.stdout);
  const after = await signed();
  assert.ok(after > before, `${before} checkpoints before the second run, ${after} after it`);
  assert.match(verified.stdout, new RegExp(`\\b${after} checkpoints`));
  assert.doesNotMatch(verified.stdout, /not signed yet/);
});
