/** Kafka in the wild: topics made again, cut short, grown, unreadable; clusters that change; a silent broker. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { createKafkaBroker } from '../../src/adapters/kafka.ts';
import { registerCodecs } from '../../src/adapters/kafka-client.ts';
import type { KafkaBrokerOptions, OffsetGap } from '../../src/adapters/kafka-face.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import { KINDS } from '../../src/model/event.ts';
import type { Broker } from '../../src/model/ports.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { quietLog, Recorder, until } from './kafka-lane-recorder.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { type Finished, type } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { provideKafka } from './provider.ts';
import { GRANTED, registers, storySources, type Told, uses, writeConfig } from './story.ts';

const STOP_MS = 10_000;
const prefix = `plt-wild-${randomBytes(4).toString('hex')}-`;
let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
const cleanups: (() => Promise<unknown>)[] = [];

before(async () => {
  // A frozen broker is nobody else's: this file has its own.
  kafka = await provideKafka({ own: true });
  postgres = await providePostgres();
});
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  await postgres.stop();
  await kafka.stop();
});

const connection = () => ({ brokers: kafka.brokers, clientId: 'plt-wild', log: quietLog });

function client(): kafkajs.Kafka {
  registerCodecs();
  return new kafkajs.Kafka({
    ...{ brokers: [...kafka.brokers], clientId: 'plt-wild', logLevel: kafkajs.logLevel.NOTHING },
  });
}

async function withAdmin<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const admin = client().admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function send(topic: string, values: (string | Buffer)[], partition = 0, packing = 0) {
  const producer = client().producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const messages = values.map((value) => ({ value, partition }));
  await producer.send({ topic, compression: packing, messages });
  await producer.disconnect();
}

/** Deletes a topic and makes it again, which the broker may take a moment for. */
async function makeAgain(topic: string): Promise<void> {
  await withAdmin(async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    for (;;) {
      if (!(await admin.listTopics()).includes(topic)) return;
      await sleep(100);
    }
  });
  await ensureTopics(connection(), [{ topic, partitions: 1 }]);
}

/** A fleet of one with topics, a database and a configuration of its own; the daemon runs to the end of the logs. */
class World {
  readonly own = `${prefix}${cleanups.length}-`;
  readonly #database: FreshDatabase;
  readonly #cwd: string;
  readonly #config: string;
  #stories = 0;

  private constructor(database: FreshDatabase, cwd: string, config: string) {
    this.#database = database;
    this.#cwd = cwd;
    this.#config = config;
  }

  static async open(): Promise<World> {
    const own = `${prefix}${cleanups.length}-`;
    const cwd = await mkdtemp(join(tmpdir(), 'plt-wild-'));
    const database = await freshDatabase(postgres);
    const config = await writeConfig(cwd, {
      sources: storySources(own),
      kafka: { brokers: [...kafka.brokers], group: `${own}group`, sessionTimeout: '6s' },
    });
    const world = new World(database, cwd, config);
    cleanups.push(async () => {
      await database.drop();
      await rm(cwd, { recursive: true, force: true });
    });
    await ensureTopics(
      connection(),
      KINDS.map((kind) => ({ topic: `${own}${kind}`, partitions: 1 })),
    );
    await world.tell(registers('agent-1', Date.now() - 60_000));
    return world;
  }

  topic(kind: string): string {
    return `${this.own}${kind}`;
  }

  async tell(told: readonly Told[]): Promise<void> {
    for (const kind of KINDS) {
      const values = told
        .filter(({ topic }) => topic === kind)
        .map(({ event }) => encodeEvent(event));
      if (values.length > 0) await send(this.topic(kind), values);
    }
  }

  /** Sound sessions, each with one record in reasoning and one at the gateway. */
  async work(sessions: number): Promise<void> {
    const told: Told[] = [];
    for (let n = 0; n < sessions; n += 1) {
      this.#stories += 1;
      told.push(...uses(GRANTED, 'agent-1', `s-${this.#stories}`, Date.now() - 30_000 + n));
    }
    await this.tell(told);
  }

  async run(...more: string[]): Promise<Finished> {
    return await type(
      ['run', '--config', this.#config, '--until-caught-up', '--migrate', '--quiet', ...more],
      { cwd: this.#cwd, env: { DATABASE_URL: this.#database.url } },
    );
  }

  async runs(...more: string[]): Promise<void> {
    const { code, stderr } = await this.run(...more);
    assert.equal(code, 0, stderr);
  }

  async query(sql: string, params: readonly unknown[] = []) {
    return await this.#database.db.query(sql, params);
  }

  async counter(name: string): Promise<number> {
    const [row] = await this.query('select counters from lane');
    return (row?.['counters'] as Record<string, number> | undefined)?.[name] ?? 0;
  }

  async position(kind: string) {
    const [row] = await this.query(
      'select next_offset::int as next, incarnation from progress where topic = $1',
      [this.topic(kind)],
    );
    return row;
  }
}

test('a topic that is deleted and made again is read from its beginning, shorter, as long or longer', async () => {
  const world = await World.open();
  await world.work(4);
  await world.runs();
  assert.deepEqual(await world.position('gateway'), { next: 4, incarnation: 1 });
  let incarnation = 1;
  let records = await world.counter('records');
  for (const sessions of [2, 2, 5]) {
    await makeAgain(world.topic('gateway'));
    await world.work(sessions);
    await world.runs();
    incarnation += 1;
    assert.deepEqual(await world.position('gateway'), { next: sessions, incarnation });
    // A session leaves one record in each of three books.
    records += 3 * sessions;
    assert.equal(await world.counter('records'), records, `${sessions}`);
    assert.equal(await world.counter('topics-recreated'), incarnation - 1);
  }
  await world.runs();
  assert.equal(await world.counter('topics-recreated'), 3, 'the same log is the same');
  const codes = await world.query(
    "select code, count::int from notice where code = 'topic.recreated'",
  );
  assert.deepEqual(codes, [{ code: 'topic.recreated', count: 3 }]);
  const gaps = await world.query(`select distinct kind, to_ms is null as open from coverage_gap
    where reason like '%recreated%'`);
  assert.deepEqual(gaps, [{ kind: 'gateway', open: false }]);
});

test('records that retention takes before they are read are a gap that is recorded and raised', async () => {
  const world = await World.open();
  await world.work(4);
  await world.runs();
  await world.work(6);
  await withAdmin(async (admin) => {
    const topic = world.topic('gateway');
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '7' }] });
  });
  await world.runs();
  assert.equal(await world.counter('missing-offsets'), 3);
  assert.deepEqual(await world.position('gateway'), { next: 10, incarnation: 1 });
  const gaps = await world.query(
    "select kind, reason from coverage_gap where reason like '%gone%'",
  );
  assert.deepEqual(gaps, [
    { kind: 'gateway', reason: 'records 4 to 7 are gone from the log before they were used' },
  ]);
  const raised = await world.query("select 1 from detection where detector = 'silent-source'");
  assert.ok(raised.length >= 1);
});

test('a batch that nobody can unpack ends the run by name, and is skipped where somebody says so', async () => {
  const world = await World.open();
  await world.work(2);
  const bomb = kafkajs.CompressionTypes.GZIP;
  await send(world.topic('gateway'), [Buffer.alloc(65 * 1_048_576)], 0, bomb);
  await world.work(2);
  const stopped = await world.run();
  assert.equal(stopped.code, 1);
  assert.match(stopped.stderr, /SOURCE_UNREADABLE|cannot be read/);
  assert.match(stopped.stderr, /--skip-undecodable/);
  await world.runs('--skip-undecodable');
  assert.deepEqual(await world.position('gateway'), { next: 5, incarnation: 1 });
  const letters = await world.query(
    'select reason, record_offset::int as at from dead_letter where topic = $1',
    [world.topic('gateway')],
  );
  assert.deepEqual(letters, [{ reason: 'codec-unsupported', at: 2 }]);
  const [gap] = await world.query("select reason from coverage_gap where reason like '%skipped%'");
  assert.match(
    String(gap?.['reason']),
    /^records 2 to 3 were skipped: a batch packed with gzip: more than/,
  );
});

test('another cluster is refused, until somebody says that the move is meant', async () => {
  const world = await World.open();
  await world.work(1);
  await world.runs();
  await world.query("update broker_cluster set cluster_id = 'the-one-before'");
  const refused = await world.run();
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /positions of group .* are those of cluster the-one-before/);
  await world.runs('--accept-cluster-change');
  await world.runs();
});

async function reading(
  topic: string,
  more: Partial<KafkaBrokerOptions> = {},
): Promise<{ broker: Broker; lane: Recorder }> {
  const broker = createKafkaBroker({
    ...{ ...connection(), topics: [topic], group: `${topic}-group`, sessionTimeoutMs: 6_000 },
    ...more,
  });
  cleanups.push(() => broker.stop(STOP_MS));
  const lane = new Recorder();
  await broker.start(lane);
  return { broker, lane };
}

test('a topic that gets more partitions is read in all of them', async () => {
  const topic = `${prefix}grown`;
  await ensureTopics(connection(), [{ topic, partitions: 1 }]);
  await send(topic, ['a']);
  const { broker, lane } = await reading(topic, { whole: true, watch: { metadataMs: 1_000 } });
  await until('the first was read', () => lane.applied.length === 1);
  await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
  await sleep(500);
  await send(topic, ['b'], 2);
  await send(topic, ['c'], 0);
  await until('all were read', () => lane.applied.length === 3, 60_000);
  assert.deepEqual(lane.values({ topic, partition: 2 }), ['b']);
  assert.deepEqual(lane.values({ topic, partition: 0 }), ['a', 'c']);
  await broker.stop(STOP_MS);
  lane.finish();
});

test('a batch that is skipped leaves the other partitions alone', async () => {
  const topic = `${prefix}skipped`;
  await ensureTopics(connection(), [{ topic, partitions: 2 }]);
  await send(topic, ['a'], 0);
  await send(topic, [Buffer.alloc(65 * 1_048_576)], 0, kafkajs.CompressionTypes.GZIP);
  await send(topic, ['b'], 0);
  await send(topic, ['x', 'y'], 1);
  const gaps: OffsetGap[] = [];
  const { broker, lane } = await reading(topic, {
    ...{ undecodable: 'skip', onGap: (gap) => gaps.push(gap) },
  });
  await until('all were read', () => lane.applied.length === 4, 60_000);
  assert.deepEqual(lane.values({ topic, partition: 0 }), ['a', 'b']);
  assert.deepEqual(lane.values({ topic, partition: 1 }), ['x', 'y']);
  assert.deepEqual(
    gaps.map(({ from, to, undecodable }) => [from, to, undecodable?.slice(0, 30)]),
    [[1, 2, 'a batch packed with gzip: more']],
  );
  await broker.stop(STOP_MS);
  lane.finish();
});

test('a broker that falls silent for longer than a session is waited for, and nothing is lost', async () => {
  const { freeze, thaw } = kafka;
  // A cluster that was given is not ours to stop.
  if (freeze === undefined || thaw === undefined) return;
  const topic = `${prefix}silent`;
  await ensureTopics(connection(), [{ topic, partitions: 1 }]);
  await send(topic, ['a', 'b']);
  const { broker, lane } = await reading(topic, { watch: { silenceMs: 1_000, stuckMs: 3_000 } });
  await until('the first were read', () => lane.applied.length === 2);
  freeze();
  try {
    await sleep(20_000);
  } finally {
    thaw();
  }
  await send(topic, ['c', 'd']);
  await until('the rest was read', () => lane.applied.length === 4, 90_000);
  assert.deepEqual(lane.values({ topic, partition: 0 }), ['a', 'b', 'c', 'd']);
  assert.deepEqual(lane.failures, []);
  await broker.stop(STOP_MS);
  lane.finish();
});
