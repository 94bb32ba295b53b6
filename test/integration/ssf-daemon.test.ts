/** Signals end to end: a real daemon, PostgreSQL and HTTP; one receiver is pushed to, one polls. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newToken, tokenDigest } from '../../src/commands/token.ts';
import type { Config } from '../../src/model/config.ts';
import { type Front, startFront } from '../act/counterparts/front.ts';
import { createEnforcement, examine } from '../act/counterparts/signal-receiver.ts';
import { freePort } from './kafka-probe.ts';
import { ask, type Launched, launch, type, untilTrue } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { FORBIDDEN, registers, SECRET, SECRET_NAME, tell, uses, writeConfig } from './story.ts';

let postgres: ProvidedPostgres;
let database: FreshDatabase | null = null;
let folder = '';
let daemon: Launched | null = null;
const fronts: Front[] = [];
before(async () => {
  postgres = await providePostgres();
  folder = await mkdtemp(join(tmpdir(), 'plt-signals-'));
  await chmod(folder, 0o755);
});
after(async () => {
  if (daemon?.child.exitCode === null) await daemon.end('SIGKILL');
  for (const front of fronts) await front.close();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
  await postgres.stop();
});

type Keys = readonly Readonly<Record<string, unknown>>[];
const CLAIMS = 'https://schemas.openid.net/secevent/caep/event-type/token-claims-change';
const AUTHORIZATION = 'Bearer canary-of-the-receiver';

test('a lease is told to whoever listens, its undo too, and no secret is left behind', async () => {
  database = await freshDatabase(postgres);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const get = async (path: string) => (await (await fetch(`${base}${path}`)).json()) as never;
  const keysOf = async () => (await get('/jwks.json')) as { keys: Keys };
  const [pushed, polled] = [createEnforcement(), createEnforcement()];
  const idp = await startFront(async ({ headers, body }) => {
    if (headers['authorization'] !== AUTHORIZATION) return { status: 401, body: '' };
    const { keys } = await keysOf();
    const examined = examine(body, { issuer: base, audience: 'https://idp.example', keys });
    if (!examined.ok) return { status: 400, body: { err: examined.err } };
    pushed.take(examined);
    return { status: 202, body: '' };
  });
  const hook = await startFront(() => ({ status: 200, body: { state: 'applied' } }));
  fronts.push(idp, hook);
  const token = newToken();
  const drivers: NonNullable<Config['control']>['drivers'] = {
    signals: {
      ...{ type: 'ssf', issuer: base, subjectIssuer: 'https://idp.example' },
      receivers: [
        {
          ...{ name: 'idp', audience: 'https://idp.example', subject: 'complex' },
          ...{ push: `${idp.url}/events`, authorization: { env: 'RECEIVER' } },
          standing: ['token-claims-change', 'risk-level-change'],
        },
        { name: 'app', audience: 'https://app.example', subject: 'complex' },
      ],
      scopes: { granted: ['read', 'export'], tools: { [FORBIDDEN]: ['export'] } },
    },
    hook: { type: 'webhook', url: `${hook.url}/control`, secret: { env: SECRET_NAME } },
  };
  const file = await writeConfig(folder, {
    dataDir: join(folder, 'data'),
    jsonl: { path: folder, follow: true },
    control: {
      drivers,
      listener: {
        port,
        consumers: { app: { sha256: tokenDigest(token), scopes: ['ssf.manage', 'ssf.read'] } },
      },
    },
    guardrails: { coolDown: '1s', breakerFleetShare: 1, breakerRoleShare: 1 },
  });
  const env = { DATABASE_URL: database.url, [SECRET_NAME]: SECRET, RECEIVER: AUTHORIZATION };
  const where = { cwd: folder, env };
  const running = launch(['run', '--config', file], where);
  daemon = running;
  await untilTrue('the start', () => running.stderr().includes('lane claimed'), running);

  const post = async (path: string, body: unknown) =>
    await fetch(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const metadata = (await get('/.well-known/ssf-configuration')) as Record<string, string>;
  const asked = { events_requested: [CLAIMS] };
  const made = await post(String(metadata['configuration_endpoint']), asked);
  assert.equal(made.status, 201);
  const { delivery } = (await made.json()) as { delivery: { endpoint_url: string } };
  let ack: string[] = [];
  const poll = async () => {
    const reply = await post(delivery.endpoint_url, { returnImmediately: true, ack });
    const { sets } = (await reply.json()) as { sets: Record<string, string> };
    ack = Object.keys(sets);
    const { keys } = await keysOf();
    for (const jwt of Object.values(sets)) {
      const examined = examine(jwt, { issuer: base, audience: 'https://app.example', keys });
      assert.ok(examined.ok, JSON.stringify(examined));
      polled.take(examined);
    }
  };
  const scopes = async () => {
    await poll();
    return [pushed, polled].map((one) => one.scopeOf('agent-1'));
  };
  const are = (scope: string) => async () => (await scopes()).every((one) => one === scope);

  await tell(folder, registers('agent-1', Date.now() - 1_000));
  await tell(folder, uses(FORBIDDEN, 'agent-1', 'session-1', Date.now()));
  await untilTrue('both receivers to narrow the scope', are('read'), running);

  type Listed = { id: string; verb: string; driver: string; verification: string };
  const leases = await ask<readonly Listed[]>(['leases', '--config', file], where);
  const frozen = leases.find(({ verb, driver }) => verb === 'freeze_tool' && driver === 'signals');
  assert.ok(frozen !== undefined, JSON.stringify(leases));
  const undo = ['leases', 'undo', frozen.id, '--config', file, '--by', 'sre', '--reason', 'wrong'];
  assert.equal((await type(undo, where)).code, 0);
  await untilTrue('both receivers to widen it again', are('read export'), running);

  const { code, stdout, stderr } = await running.end();
  assert.equal(code, 0, stderr);
  const kept = await readFile(join(folder, 'data', 'signal-keys.json'), 'utf8');
  const { current } = JSON.parse(kept) as { current: { jwk: { d: string } } };
  const { db } = database;
  const tables = await Promise.all(
    [
      'select * from signal_stream',
      'select * from signal',
      'select * from journal',
      'select * from outbox',
      'select * from lease',
    ].map(async (sql) => JSON.stringify(await db.query(sql))),
  );
  for (const text of [stdout, stderr, ...tables])
    for (const secret of ['canary-of-the-receiver', current.jwk.d, token])
      assert.ok(!text.includes(secret));
  assert.match(stderr, /signing keys for signals made and kept/);
});
