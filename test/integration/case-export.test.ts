/** A case as a test, from a real Kafka: its records are read again, until retention takes them away. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import kafkajs, { type Admin } from 'kafkajs';
import { parseYaml } from '../../src/adapters/files.ts';
import { calmRequestQueue } from '../../src/adapters/kafka-client.ts';
import { readCase, type WrittenCase } from '../../src/commands/case-file.ts';
import { caseOptions, runCase } from '../../src/commands/case-run.ts';
import type { ListedCase } from '../../src/record/read.ts';
import { shippedLibrary } from '../sim/library.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { ask, type Surroundings, type } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { provideKafka } from './provider.ts';
import { FORBIDDEN, registers, storySources, tell, uses, writeConfig } from './story.ts';

const prefix = `plt-${randomBytes(4).toString('hex')}-`;
const STEM = 'ungranted-action';

let kafka: KafkaProvided;
let admin: Admin;
let postgres: ProvidedPostgres;
let database: FreshDatabase;
let folder: string;
let where: Surroundings;
let config: string;
let id = '';

before(async () => {
  calmRequestQueue();
  kafka = await provideKafka();
  postgres = await providePostgres();
  database = await freshDatabase(postgres);
  admin = new kafkajs.Kafka({
    brokers: [...kafka.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  folder = await mkdtemp(join(tmpdir(), 'plt-case-export-'));
  where = { cwd: folder, env: { DATABASE_URL: database.url } };
  config = await writeConfig(folder, {
    kafka: { brokers: [...kafka.brokers], group: `${prefix}daemon` },
    sources: storySources(prefix).filter(({ kinds }) => !kinds.includes('metrics')),
  });
  // What was recorded lies some weeks back in event time, and was written to the broker today.
  const startMs = Date.now() - 30 * 86_400_000;
  const quiet = ['b', 'c', 'd'].map((name) => `agent-${name}`);
  await tell(
    folder,
    ['agent-a', ...quiet].flatMap((agent) => registers(agent, startMs - 60_000)),
  );
  await tell(folder, uses(FORBIDDEN, 'agent-a', 'session-a', startMs));
  for (const [at, agent] of quiet.entries())
    await tell(folder, uses('read_record', agent, `session-${agent}`, startMs + 1000 * at));
  const to = ['--brokers', kafka.brokers.join(','), '--prefix', prefix, '--partitions', '2'];
  const produced = await type(['produce', '--dir', folder, ...to], where);
  assert.equal(produced.code, 0, produced.stderr);
  await caughtUp();
  const [found] = await ask<ListedCase[]>(
    ['cases', '--agent', 'agent-a', '--config', config],
    where,
  );
  id = found?.case.id ?? '';
  const said = ['verdict', id, 'true_positive', '--by', 'anna', '--note', 'nobody ordered it'];
  assert.equal((await type([...said, '--config', config], where)).code, 0);
  await caughtUp();
});
after(async () => {
  const made = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
  await admin.deleteTopics({ topics: made });
  await admin.disconnect();
  await kafka.stop();
  await database.drop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

async function caughtUp(): Promise<void> {
  const run = await type(
    ['run', '--migrate', '--until-caught-up', '--quiet', '--config', config],
    where,
  );
  assert.equal(run.code, 0, run.stderr);
}

const exported = async (out: string) =>
  await type(
    ['case', 'export', id, '--as-test', '--detector', STEM, '--out', out, '--config', config],
    where,
  );

test('reads the records of a case from the brokers again, however old their event time', async () => {
  const out = join(folder, 'recorded.test.yaml');
  const run = await exported(out);
  assert.equal(run.code, 0, run.stderr + run.stdout);
  assert.match(run.stdout, /recorded in kafka .*It passes/s);
  const text = await readFile(out, 'utf8');
  assert.ok(!text.includes('agent-a') && !text.includes('session-a'));
  const [one] = (parseYaml(out, text).file.documents[0]?.value ?? []) as WrittenCase[];
  assert.ok(one !== undefined);
  const { fired } = runCase(readCase(out, one).events, caseOptions(await shippedLibrary()));
  assert.deepEqual(
    fired.map(({ detector }) => detector),
    [STEM],
  );
});

test('says which of them retention has taken away, and writes nothing', async () => {
  for (const { partition, high } of await admin.fetchTopicOffsets(`${prefix}gateway`))
    await admin.deleteTopicRecords({
      topic: `${prefix}gateway`,
      partitions: [{ partition, offset: high }],
    });
  const out = join(folder, 'gone.test.yaml');
  const run = await exported(out);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /1 of 1 records of its evidence are not in kafka .* any more/);
  assert.match(
    run.stderr,
    new RegExp(`${prefix}gateway/\\d@\\d+ \\(its log begins at \\d+ now\\)`),
  );
  await assert.rejects(readFile(out, 'utf8'), /ENOENT/);
});
