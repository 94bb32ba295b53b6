/** Posture end to end: real daemon, PostgreSQL and HTTP; gateways that poll, an OPA, an executor. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JWK } from 'jose';
import { parseSigner } from '../../src/api/signature.ts';
import { newToken, tokenDigest } from '../../src/commands/token.ts';
import type { Config } from '../../src/model/config.ts';
import type { Database } from '../../src/model/ports.ts';
import { POSTURE_LEVELS } from '../../src/model/posture.ts';
import { createActionLog } from '../../src/record/actions.ts';
import { verifyJournal } from '../../src/record/journal.ts';
import { commitLane } from '../../src/record/lane.ts';
import { createPullOffers, settleOffer, takeOffers } from '../../src/record/offers.ts';
import {
  createPostureBook,
  listPollers,
  noteSilence,
  type Polled,
  readPosture,
  recordPoll,
} from '../../src/record/posture.ts';
import { createOpa } from '../act/counterparts/opa-server.ts';
import { allowedBy, createPollingGateway } from '../act/counterparts/polling-gateway.ts';
import { createVirtualClock } from '../sim/clock.ts';
import { freePort } from './kafka-probe.ts';
import { ask, type Launched, launch, type, untilTrue } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { claim, commit, effects, intention, START_MS } from './samples.ts';
import { FORBIDDEN, GRANTED, registers, tell, uses, writeConfig } from './story.ts';

let postgres: ProvidedPostgres;
const databases: FreshDatabase[] = [];
const folders: string[] = [];
const running: Launched[] = [];
before(async () => {
  postgres = await providePostgres();
});
after(async () => {
  for (const one of running) if (one.child.exitCode === null) await one.end('SIGKILL');
  for (const { drop } of databases) await drop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  await postgres.stop();
});

const fresh = async (): Promise<FreshDatabase> => {
  const database = await freshDatabase(postgres);
  databases.push(database);
  return database;
};

/** A test on a database of its own, which is gone with it: many at the end would be one long checkpoint. */
const onRecord = (claimed: string, work: (db: Database) => Promise<void>) =>
  test(claimed, async () => {
    const { db, drop } = await freshDatabase(postgres);
    try {
      await work(db);
    } finally {
      await drop();
    }
  });

/** Leases 1 to `count` of the driver `doc`, accepted. */
const standing = async (db: Database, count: number) => {
  const token = (await claim(db)).claim;
  const log = createActionLog(db, { lane: 0 });
  const intentions = Array.from({ length: count }, (_, n) => intention(n + 1, { driver: 'doc' }));
  assert.equal(await commitLane(db, token, commit({ effects: effects({ intentions }) })), 'done');
  for (const { intention: due } of await log.takeDue(START_MS, 100, 30_000))
    await log.settle(due.key, { type: 'accepted', detail: '' }, START_MS);
  return { token, log };
};
const leasesOf = async (db: Database, nowMs = START_MS) =>
  (await readPosture(db, 0, ['doc'], nowMs)).leases.map(({ leaseId }) => leaseId);
const polled = (change: Partial<Polled> = {}): Polled => ({
  ...{ consumer: 'gw', tenant: 'acme', about: '', revision: 'sha256:0', leaseIds: [] },
  ...{ gapMs: 0, waitMs: 0, ...change },
});

onRecord(
  'documents are made of what was accepted, and of nothing that is on its way out',
  async (db) => {
    const { token, log } = await standing(db, 2);
    const [one, two] = [intention(1), intention(2)];
    assert.deepEqual(new Set(await leasesOf(db)), new Set([one.leaseId, two.leaseId]));
    assert.deepEqual(await leasesOf(db, one.expiresMs ?? 0), []);
    const [first] = (await readPosture(db, 0, ['doc'], START_MS)).leases;
    assert.deepEqual(first?.subject.tools, ['send_money']);
    assert.equal((await readPosture(db, 0, ['other'], START_MS)).leases.length, 0);
    const intentions = [
      intention(1, { driver: 'doc', step: 'release' }),
      intention(3, { driver: 'doc' }),
    ];
    await commitLane(db, token, commit({ effects: effects({ intentions }) }));
    assert.deepEqual(await leasesOf(db), [two.leaseId], 'undone: gone before the release was sent');
    const [release] = await log.takeDue(START_MS, 1, 30_000);
    assert.equal(release?.intention.step, 'release');
  },
);

onRecord(
  'who polls is remembered, with what each was given and how long it stays away',
  async (db) => {
    await standing(db, 1);
    const { leaseId, subject } = intention(1);
    const book = createPostureBook(db, ['gw', 'gw-2']);
    assert.deepEqual(await book.lease(leaseId), { state: 'accepted' });
    assert.equal(await book.lease('unheard of'), null);
    assert.deepEqual(await book.pollers(subject, leaseId), []);
    await recordPoll(db, polled({ leaseIds: [leaseId] }), START_MS);
    await recordPoll(db, polled({ gapMs: 4_000 }), START_MS + 4_000);
    await recordPoll(db, polled({ gapMs: 1_000, revision: 'sha256:1' }), START_MS + 5_000);
    await recordPoll(db, polled({ consumer: 'gw-2', about: 'agent-1' }), START_MS);
    await recordPoll(db, polled({ consumer: 'gw-2', about: 'agent-2' }), START_MS);
    await recordPoll(db, polled({ consumer: 'stranger' }), START_MS);
    await recordPoll(db, polled({ consumer: 'gw-3', tenant: 'other' }), START_MS);
    const seen = await book.pollers(subject, leaseId);
    assert.deepEqual(
      seen.map(({ consumer, about, holds, gapMs, lastMs }) => ({
        ...{ consumer, about, holds, gapMs, lastMs },
      })),
      [
        { consumer: 'gw', about: '', holds: true, gapMs: 4_000, lastMs: START_MS + 5_000 },
        { consumer: 'gw-2', about: 'agent-1', holds: false, gapMs: 0, lastMs: START_MS },
      ],
    );
  },
);

onRecord('one that stops asking is told of once, and comes back without a word', async (db) => {
  await claim(db);
  await recordPoll(db, polled({ waitMs: 30_000 }), START_MS);
  await recordPoll(db, polled({ consumer: 'gw-2', about: 'agent-1' }), START_MS);
  const silent = async (ms: number) => await noteSilence(db, 0, ['gw', 'gw-2'], START_MS + ms);
  // It may still be waiting for its answer; after that it has fifteen seconds.
  assert.deepEqual(await silent(45_000), []);
  assert.deepEqual(await silent(45_001), ['gw']);
  assert.deepEqual(await silent(60_000), []);
  const notices = `select code, subject, count::int as n from notice`;
  const told = { code: 'enforcement.silent', subject: 'gw', n: 1 };
  assert.deepEqual(await db.query(notices), [told]);
  assert.equal((await listPollers(db)).find(({ consumer }) => consumer === 'gw')?.isSilent, true);
  await recordPoll(db, polled(), START_MS + 70_000);
  assert.equal((await listPollers(db)).find(({ consumer }) => consumer === 'gw')?.isSilent, false);
  assert.deepEqual(await silent(90_000), ['gw']);
  assert.deepEqual(await db.query(notices), [{ ...told, n: 2 }]);
  assert.equal((await verifyJournal(db, 0)).ok, true);
});

onRecord(
  'work waits until it is fetched, comes again until it is acknowledged, and then no more',
  async (db) => {
    const clock = createVirtualClock(START_MS);
    const offers = createPullOffers(db, 'box', clock);
    const item = { type: 'plumbline.control.requested.v1' };
    const one = intention(1);
    const take = async (nowMs = clock.nowMs()) =>
      (await takeOffers(db, ['box'], 10, nowMs)).map(({ key, before }) => [key, before]);
    await offers.offer(one, item);
    await offers.offer(one, item);
    assert.deepEqual(await offers.outcome(one.key, 0), { type: 'open' });
    // Said before it was handed out: a guess, not a word.
    await settleOffer(db, ['box'], one.key, null, START_MS);
    assert.deepEqual(await takeOffers(db, ['other'], 10, START_MS), []);
    assert.deepEqual(await take(), [[one.key, 0]]);
    assert.deepEqual(await take(START_MS + 9_999), []);
    assert.deepEqual(await take(START_MS + 10_000), [[one.key, 1]]);
    await settleOffer(db, ['other'], one.key, null, START_MS);
    assert.deepEqual(await offers.outcome(one.key, 0), { type: 'open' });
    await settleOffer(db, ['box'], one.key, null, START_MS);
    await settleOffer(db, ['box'], one.key, 'gone', START_MS);
    assert.deepEqual(await offers.outcome(one.key, 0), { type: 'acked' });
    assert.deepEqual(await take(START_MS + 60_000), []);
  },
);

onRecord('what is released, or over, is not fetched any more', async (db) => {
  const clock = createVirtualClock(START_MS);
  const offers = createPullOffers(db, 'box', clock);
  const [request, release] = [intention(1), intention(1, { step: 'release' })];
  await offers.offer(request, {});
  await offers.offer(release, {});
  assert.deepEqual(await offers.outcome(request.key, 0), { type: 'superseded' });
  const over = intention(2, { expiresMs: START_MS });
  await offers.offer(over, {});
  const taken = await takeOffers(db, ['box'], 10, (release.expiresMs ?? 0) + 1);
  assert.deepEqual(
    taken.map(({ key }) => key),
    [release.key],
    'a release is handed out however late it is',
  );
});

/** A daemon on files with a listener, and what is needed to ask it. */
const observe = async (drivers: NonNullable<Config['control']>['drivers']) => {
  const cwd = await mkdtemp(join(tmpdir(), 'plt-posture-'));
  await chmod(cwd, 0o755);
  folders.push(cwd);
  const { url, db } = await fresh();
  const [gateway, box] = [newToken(), newToken()];
  const port = await freePort();
  const keys = { doc: 'ed25519', bundle: 'P-256' };
  const signing = generateKeyPairSync('ed25519').privateKey;
  const bundling = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pem = (key: typeof signing) => key.export({ type: 'pkcs8', format: 'pem' }) as string;
  await writeFile(join(cwd, `${keys.doc}.pem`), pem(signing));
  await writeFile(join(cwd, `${keys.bundle}.pem`), pem(bundling));
  const file = await writeConfig(cwd, {
    jsonl: { path: cwd, follow: true },
    control: {
      drivers,
      listener: {
        port,
        consumers: {
          gw: { sha256: tokenDigest(gateway), scopes: ['posture.read'] },
          box: { sha256: tokenDigest(box), scopes: ['control.poll'] },
        },
      },
    },
    guardrails: { coolDown: '1s', breakerFleetShare: 1, breakerRoleShare: 1 },
  });
  const where = { cwd, env: { DATABASE_URL: url } };
  const start = (): Launched => {
    const daemon = launch(['run', '--config', file], where);
    running.push(daemon);
    return daemon;
  };
  const bundleKey = parseSigner(pem(bundling));
  assert.ok(bundleKey.ok);
  const base = `http://127.0.0.1:${port}`;
  const verify = bundleKey.signer.publicJwk as JWK;
  return { cwd, db, file, where, start, base, gateway, box, verify };
};

test('a lease reaches a gateway that polls, its undo gives back, and its end needs nobody', async () => {
  const doc = {
    ...{ type: 'posture', signingKey: { file: 'ed25519.pem' }, bundleKey: { file: 'P-256.pem' } },
  };
  const { cwd, file, where, start, base, gateway, verify } = await observe({ doc });
  const daemon = start();
  await untilTrue('the start', () => daemon.stderr().includes('lane claimed'), daemon);
  const at = createPollingGateway(`${base}/v1/posture`, gateway, () => Date.now());
  const opa = createOpa('unused', () => Date.now());
  const call = { agent: 'agent-1', session: 'session-1', tool: FORBIDDEN };
  const isDenied = async (asked: typeof call): Promise<boolean> => {
    await at.poll({ prefer: 'wait=1' });
    return !at.allows(asked);
  };
  assert.equal(await at.poll(), 200);
  assert.equal(at.allows(call), true);

  await tell(cwd, registers('agent-1', Date.now() - 1_000));
  await tell(cwd, uses(FORBIDDEN, 'agent-1', 'session-1', Date.now()));
  await untilTrue('the gateway to deny', () => isDenied(call), daemon);
  assert.equal(at.allows({ ...call, tool: GRANTED }), true, 'nothing else is taken away');
  assert.equal(at.allows({ ...call, agent: 'agent-2' }), true, 'nobody else is touched');

  // The same leases in every rendering.
  const get = async (path: string) =>
    await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${gateway}` } });
  const bundle = Buffer.from(await (await get('/bundles/posture.tar.gz')).arrayBuffer());
  assert.equal(await opa.activate(bundle, verify), 'activated');
  const entry = opa.value('plumbline/posture/agents/agent-1') as { level: string };
  assert.ok(POSTURE_LEVELS.some((level) => level === entry.level));
  const flags = JSON.stringify(await (await get('/flagd/flags.json')).json());
  assert.ok(flags.includes('agent-1') && flags.includes(FORBIDDEN));
  const list = JSON.stringify(await (await get('/v1/allow-list/agent-1')).json());
  assert.ok(list.includes(FORBIDDEN));
  const signed = await get('/v1/posture/agent-1');
  assert.match(signed.headers.get('x-jws-signature') ?? '', /^[\w-]+\.\.[\w-]+$/);
  await signed.arrayBuffer();

  type Listed = { id: string; state: string; verification: string };
  const leases = await ask<readonly Listed[]>(['leases', '--config', file], where);
  for (const { id, state } of leases) {
    assert.equal(state, 'accepted');
    const undo = ['leases', 'undo', id, '--config', file, '--by', 'sre', '--reason', 'mistaken'];
    assert.equal((await type(undo, where)).code, 0);
  }
  await untilTrue('the gateway to allow', async () => (await isDenied(call)) === false, daemon);

  // Another one; then nobody is there any more to end it.
  await tell(cwd, registers('agent-2', Date.now() - 1_000, 'auditor'));
  await tell(cwd, uses(FORBIDDEN, 'agent-2', 'session-2', Date.now(), 'auditor'));
  const second = { agent: 'agent-2', session: 'session-2', tool: FORBIDDEN };
  await untilTrue('the second denial', () => isDenied(second), daemon);
  await daemon.end('SIGKILL');
  await assert.rejects(at.poll());
  const held = at.document();
  assert.ok(held !== null);
  const untilMs = Date.parse(held.agents['agent-2']?.until ?? '');
  assert.ok(untilMs > Date.now());
  assert.equal(allowedBy(held, second, untilMs - 1), false);
  assert.equal(allowedBy(held, second, untilMs), true);

  // Whoever comes next serves the same: the document is what the record says.
  const next = start();
  await untilTrue(
    'the next daemon to serve',
    async () => {
      try {
        return (await at.poll()) === 304 || at.document()?.revision === held.revision;
      } catch {
        return false;
      }
    },
    next,
  );
  assert.equal(at.document()?.revision, held.revision);
  assert.equal((await next.end()).code, 0);
});

test('an executor behind a wall fetches its work and its words count', async () => {
  const { cwd, db, start, base, box } = await observe({ box: { type: 'pull', consumer: 'box' } });
  const daemon = start();
  await untilTrue('the start', () => daemon.stderr().includes('lane claimed'), daemon);
  const poll = async (said: object) => {
    const headers = { authorization: `Bearer ${box}` };
    const body = JSON.stringify({ wait: 1, ...said });
    const reply = await fetch(`${base}/v1/control/poll`, { method: 'POST', headers, body });
    assert.equal(reply.status, 200);
    return ((await reply.json()) as { items: Record<string, { subject: { agent: string } }> })
      .items;
  };
  await tell(cwd, registers('agent-1', Date.now() - 1_000));
  await tell(cwd, uses(FORBIDDEN, 'agent-1', 'session-1', Date.now()));
  const fetched = new Map<string, string>();
  await untilTrue(
    'work',
    async () => {
      // Whoever polls asks again where a connection breaks.
      const items = await poll({ ack: [...fetched.keys()] }).catch(() => ({}));
      for (const [key, { subject }] of Object.entries(items)) fetched.set(key, subject.agent);
      return fetched.size > 0;
    },
    daemon,
  );
  assert.deepEqual(new Set(fetched.values()), new Set(['agent-1']));
  await poll({ ack: [...fetched.keys()] });
  const accepted = `select count(*)::int as n from lease where state = 'accepted'`;
  await untilTrue(
    'the word to count',
    async () => {
      const [row] = await db.query(accepted);
      return Number(row?.['n']) > 0;
    },
    daemon,
  );
  // A shutdown does not wait for polls that are held open.
  const held = fetch(`${base}/v1/control/poll`, {
    ...{ method: 'POST', headers: { authorization: `Bearer ${box}` }, body: '{"wait":30}' },
  }).then((reply) => reply.status);
  const { code } = await daemon.end();
  assert.equal(code, 0);
  assert.ok([200, 503].includes(await held));
});
