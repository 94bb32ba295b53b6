/** A cluster that encrypts and asks who one is: read and written by the commands, refused in words. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readClusterId } from '../../src/adapters/kafka-cluster.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { Config } from '../../src/model/config.ts';
import { OperatingError } from '../../src/model/errors.ts';
import { KINDS } from '../../src/model/event.ts';
import { startSecuredKafka } from './kafka-jars.ts';
import { quietLog } from './kafka-lane-recorder.ts';
import { USER } from './kafka-secured.ts';
import { type } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { FORBIDDEN, registers, storySources, tell, uses, writeConfig } from './story.ts';

let kafka: Awaited<ReturnType<typeof startSecuredKafka>>;
let postgres: ProvidedPostgres;
let database: FreshDatabase;
let cwd = '';

before(async () => {
  kafka = await startSecuredKafka();
  postgres = await providePostgres();
  database = await freshDatabase(postgres);
  cwd = await mkdtemp(join(tmpdir(), 'plt-secured-'));
  await writeFile(join(cwd, 'ca.pem'), kafka.secured.ca);
});
after(async () => {
  await database.drop();
  await postgres.stop();
  await kafka.stop();
  await rm(cwd, { recursive: true, force: true });
});

const sasl = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password: string) => ({
  ...{ mechanism, username: USER.username, password },
});
const access = () => ({
  ...{ brokers: kafka.secured.brokers, clientId: 'plt-secured', log: quietLog },
  tls: { ca: kafka.secured.ca },
});

test('every mechanism is let in, and what is wrong is refused in words', async () => {
  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const)
    assert.notEqual(
      await readClusterId({ ...access(), sasl: sasl(mechanism, USER.password) }),
      null,
      mechanism,
    );
  const refused = async (
    options: Parameters<typeof readClusterId>[0],
    code: string,
    says: RegExp,
  ) =>
    await assert.rejects(readClusterId(options), (cause) => {
      assert.ok(cause instanceof OperatingError, String(cause));
      assert.equal(cause.code, code, cause.message);
      assert.match(cause.message, says);
      assert.doesNotMatch(cause.message, /a password of the tests|another/);
      return true;
    });
  for (const mechanism of ['plain', 'scram-sha-512'] as const)
    await refused(
      { ...access(), sasl: sasl(mechanism, 'another') },
      'BROKER_REFUSED',
      /kafka\.sasl/,
    );
  // Signed by nobody the system trusts.
  const known = { ...access(), sasl: sasl('scram-sha-256', USER.password) };
  await refused({ ...known, tls: {} }, 'BROKER_UNREACHABLE', /self-signed certificate/);
  await refused(
    { ...known, tls: { ca: kafka.secured.ca, servername: 'elsewhere.example' } },
    'BROKER_UNREACHABLE',
    /elsewhere\.example/,
  );
});

test('records are sent and read over it by the commands; a wrong password ends a run before it reads', async () => {
  await ensureTopics(
    { ...access(), sasl: sasl('plain', USER.password) },
    KINDS.map((kind) => ({ topic: `secured-${kind}`, partitions: 1 })),
  );
  const folder = join(cwd, 'streams');
  await mkdir(folder);
  const atMs = Date.now() - 60_000;
  await tell(folder, [
    ...registers('agent-1', atMs - 1000),
    ...uses(FORBIDDEN, 'agent-1', 's-1', atMs),
  ]);
  const config: Partial<Config> = {
    sources: storySources('secured-'),
    kafka: {
      ...{ brokers: [...kafka.secured.brokers], group: 'secured', sessionTimeout: '6s' },
      tls: { ca: { file: 'ca.pem' } },
      sasl: {
        ...{ mechanism: 'scram-sha-512', username: USER.username },
        password: { env: 'KAFKA_PASSWORD' },
      },
    },
  };
  const file = await writeConfig(cwd, config);
  const given = (password: string) => ({
    cwd,
    env: { DATABASE_URL: database.url, KAFKA_PASSWORD: password },
  });
  const sent = await type(
    ['produce', '--dir', folder, '--prefix', 'secured-', '--config', file],
    given(USER.password),
  );
  assert.equal(sent.code, 0, sent.stderr);

  const wrong = await type(['run', '--config', file, '--until-caught-up'], given('another'));
  assert.equal(wrong.code, 1, wrong.stderr);
  assert.match(wrong.stderr, /BROKER_REFUSED/);
  assert.doesNotMatch(wrong.stderr + wrong.stdout, /another/);

  const run = await type(['run', '--config', file, '--until-caught-up'], given(USER.password));
  assert.equal(run.code, 0, run.stderr);
  assert.doesNotMatch(run.stderr + run.stdout, new RegExp(USER.password));
  const [row] = await database.db.query(
    `select count(*)::int as n from detection where detector = 'ungranted-action'`,
  );
  assert.equal(row?.['n'], 1);

  const doctor = await type(['doctor', '--config', file], given('another'));
  assert.match(doctor.stdout, /correct kafka\.sasl/);
});
