/** Response under fire: killed daemons, a stopped database, a control plane that is away or loses replies. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../../examples/control-plane/server.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import { startEmbeddedPostgres } from '../../src/adapters/embedded-postgres.ts';
import { openDatabase } from '../../src/adapters/postgres.ts';
import type { Row } from '../../src/model/ports.ts';
import { integer, stream } from '../../src/simulation/random.ts';
import { freePort } from './kafka-probe.ts';
import { type Launched, launch, type, untilTrue } from './plumbline.ts';
import { silentLog } from './postgres.ts';
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

const ROUNDS = 14;
const SEED = 'response';
/** A lease is over after this; nothing is renewed. */
const TTL_MS = 6_000;

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

test('nothing outlives its time, nothing happens twice, every intention is accounted for', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'plt-response-'));
  folders.push(cwd);
  const random = stream(SEED, 'mishaps');
  const serverOptions = { dataDir: join(cwd, 'server'), log: silentLog };
  let server = await startEmbeddedPostgres(serverOptions);
  const port = await freePort();
  const openPlane = async (): Promise<ControlPlane> =>
    await startControlPlane({ port, secret: SECRET, statePath: join(cwd, 'plane.json') });
  let plane = await openPlane();
  const where = { cwd, env: { DATABASE_URL: server.url, [SECRET_NAME]: SECRET } };
  const config = await writeConfig(cwd, {
    jsonl: { path: cwd, follow: true },
    control: controlAt(`http://127.0.0.1:${port}`),
    guardrails: {
      ...{ leaseMax: `${TTL_MS / 1000}s`, coolDown: '1s', breakerFleetShare: 1 },
      ...{ breakerRoleShare: 1, fleetPerMinute: 1000 },
    },
  });
  const start = (): Launched => launch(['run', '--migrate', '--config', config], where);
  let daemon = start();
  await untilTrue('the first start', () => daemon.stderr().includes('lane claimed'), daemon);
  // One that finds no database at its start says so and ends: whoever runs it starts it again.
  const keepAlive = async (): Promise<void> => {
    if (daemon.child.exitCode === null) return;
    await sleep(500);
    daemon = start();
  };
  const lie = async (mode: string, share: number) => {
    const body = JSON.stringify({ mode, share, seed: integer(random, 1, 1e6), delayMs: 3_000 });
    const url = `http://127.0.0.1:${port}/lie`;
    await createHttp()({ method: 'POST', url, headers: {}, body, timeoutMs: 5_000 });
  };
  const happened: string[] = [];
  const mishaps: readonly [string, () => Promise<void>][] = [
    [
      'killed',
      async () => {
        await daemon.end('SIGKILL');
        daemon = start();
      },
    ],
    [
      'database restarted',
      async () => {
        await server.stop();
        await sleep(500);
        server = await startEmbeddedPostgres(serverOptions);
      },
    ],
    [
      'control plane away',
      async () => {
        await plane.close();
        await sleep(3_000);
        plane = await openPlane();
      },
    ],
    ['replies lost', () => lie('lose-reply', 0.6)],
    ['slow', () => lie('slow', 0.5)],
    ['unavailable', () => lie('fail', 0.5)],
    ['honest again', () => lie('honest', 0)],
  ];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      // Each agent has a role of its own: a fleet that does the same is one case, and another story.
      const name = `agent-${round}`;
      const role = `clerk ${round}`;
      await tell(cwd, registers(name, Date.now() - 1_000, role));
      await tell(cwd, uses(FORBIDDEN, name, `session-${round}`, Date.now(), role));
      await sleep(integer(random, 200, 2_500));
      await keepAlive();
      // The first round of all is calm; each kind comes at least once.
      const at = round <= mishaps.length ? round - 1 : integer(random, 0, mishaps.length - 1);
      const [what, happen] = mishaps[at] ?? [];
      if (what === undefined || happen === undefined) continue;
      happened.push(what);
      await happen();
    }
    await lie('honest', 0);
    const db = await openDatabase({
      ...{ url: server.url, poolMax: 2, applicationName: 'plt-response', log: silentLog },
    });
    try {
      const rows = async (sql: string): Promise<readonly Row[]> => {
        try {
          return await db.query(sql);
        } catch {
          // The server may have been away a moment ago.
          return await db.query(sql);
        }
      };
      await untilTrue('every lease', async () => {
        await keepAlive();
        return (await rows('select id from lease')).length === ROUNDS;
      });
      const left = `select key from outbox where state <> 'done'
        union all select id from lease where state not in ('expired', 'lapsed', 'released', 'refused')`;
      await untilTrue('everything to be over', async () => (await rows(left)).length === 0, daemon);
      const leases = await rows(
        'select id, state, issued_ms, expires_ms, accepted_ms, ended_ms from lease',
      );
      const unexplained = await rows('select key from outbox where outcome is null');
      assert.deepEqual(unexplained, []);
      // What the world did, whatever it told.
      const { leases: held, keys } = plane.state();
      for (const [key, { applied }] of Object.entries(keys))
        assert.ok(applied <= 1, `${key} was applied ${applied} times`);
      const known = new Set((await rows('select key from outbox')).map((row) => row['key']));
      for (const key of Object.keys(keys)) assert.ok(known.has(key), `${key} was never intended`);
      assert.deepEqual(
        held.filter(({ state }) => state === 'active'),
        [],
      );
      const states: Record<string, number> = {};
      for (const { state } of leases) states[String(state)] = (states[String(state)] ?? 0) + 1;
      const { code, stdout } = await type(['journal', 'verify', '--config', config], where);
      assert.equal(code, 0, stdout);
      t.diagnostic(`${happened.join(', ')}; leases ended ${JSON.stringify(states)}`);
      t.diagnostic(`${Object.keys(keys).length} requests reached the control plane`);
      assert.ok((states['expired'] ?? 0) >= ROUNDS / 2, 'too little took effect');
    } finally {
      await db.close();
    }
  } finally {
    if (daemon.child.exitCode === null) await daemon.end('SIGTERM');
    await plane.close();
    await server.stop();
  }
});
