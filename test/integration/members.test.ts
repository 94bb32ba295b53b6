/** Members: one, two, three, killed and joined: the same findings, decisions and leases as one lane. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { readOffsets } from '../../src/adapters/kafka-offsets.ts';
import type { Config } from '../../src/model/config.ts';
import { differences } from './crash/outcome.ts';
import { quietLog } from './kafka-lane-recorder.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { type Loaded, load, makeTopics, sourcesOf } from './members/load.ts';
import { readMembersOutcome } from './members/outcome.ts';
import { openStage, type Stage } from './members/stage.ts';
import { storm } from './members/storm.ts';
import { type ProvidedPostgres, providePostgres } from './postgres.ts';
import { provideKafka } from './provider.ts';

// biome-ignore lint/style/noProcessEnv: how much is run, and from which seed, is chosen from outside
const env = process.env;
const EVENTS = Number(env['PLUMBLINE_MEMBERS_EVENTS'] ?? 60_000);
const SEED = env['PLUMBLINE_MEMBERS_SEED'] ?? 'plumbline';
const START_MS = 1_780_000_000_000;
const HOUR_MS = 3_600_000;
const LANES = 6;
const TENANTS = 12;
const LIMIT_MS = 240_000 + EVENTS * 4;

const prefix = `plt-${process.pid}-members-`;
const say = (line: string) => process.stdout.write(`${line}\n`);
let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
let scratch: string | undefined;
const stages: Stage[] = [];
let loaded: Loaded;

function configOf(name: string, lanes: boolean): Config {
  return {
    kafka: {
      ...{ brokers: [...kafka.brokers], group: `${prefix}${name}`, sessionTimeout: '6s' },
      ...(lanes ? { lanes: { count: LANES, topic: `${prefix}${name}-events` } } : {}),
    },
    sources: sourcesOf(prefix),
    roles: { default: { mode: 'autonomous' } },
    detectors: { maturity: { hard: 'enforce' } },
    guardrails: { breakerFleetShare: 1, breakerRoleShare: 1 },
    // A member that takes lanes over reads again what waited there.
    correlate: { maxBuffered: 30_000 },
  };
}

async function stageOf(name: string, lanes: boolean): Promise<Stage> {
  assert.ok(scratch !== undefined);
  const baseMs = START_MS - HOUR_MS;
  const stage = await openStage({ name, scratch, postgres, config: configOf(name, lanes), baseMs });
  stages.push(stage);
  return stage;
}

/** Reads all there is with one member that exits at the end. */
async function finish(stage: Stage, name: string): Promise<void> {
  const startedMs = Date.now();
  const { code, signal } = await (await stage.start(true)).ended;
  assert.equal(code, 0, `${name} ended with ${code} ${signal}\n${await stage.logTail()}`);
  say(`members: ${name}: read to the end in ${Date.now() - startedMs} ms`);
}

const options = () => ({
  ...{ brokers: kafka.brokers, prefix, seed: SEED, events: EVENTS, tenants: TENANTS },
  startMs: START_MS,
});

before(async () => {
  kafka = await provideKafka();
  postgres = await providePostgres();
  scratch = await mkdtemp(join(tmpdir(), 'plt-members-'));
  await makeTopics(options());
});

after(async () => {
  for (const stage of stages) await stage.close();
  await postgres?.stop();
  await kafka?.stop();
  if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
});

/** Has every lane come to the end of every source partition, as it is recorded? */
async function isRead(stage: Stage): Promise<boolean> {
  const ends = await readOffsets(
    { brokers: kafka.brokers, clientId: 'plt-members', log: quietLog },
    sourcesOf(prefix).map(({ topic }) => topic),
  );
  const rows = await stage.db.query('select lane, topic, partition, next_offset from progress');
  const next = new Map(
    rows.map((row) => [
      `${row['lane']} ${row['topic']}/${row['partition']}`,
      Number(row['next_offset']),
    ]),
  );
  return Array.from({ length: LANES }, (_, lane) => lane).every((lane) =>
    ends.every(
      ({ topic, partition, end }) => (next.get(`${lane} ${topic}/${partition}`) ?? -1) >= end,
    ),
  );
}

/** Sum of the positions of all lanes in the sources. */
async function positionsOf(stage: Stage): Promise<number> {
  const [row] = await stage.db.query(`select coalesce(sum(next_offset), 0) as sum from progress
    where topic not like '%-events'`);
  return Number(row?.['sum']);
}

/** Says everything that differs between two runs, and fails if anything does. */
async function assertSame(expected: Stage, actual: Stage): Promise<void> {
  const [one, other] = [await readMembersOutcome(expected.db), await readMembersOutcome(actual.db)];
  const found = Object.keys(one).flatMap((name) =>
    differences(name, one[name] ?? {}, other[name] ?? {}),
  );
  for (const line of found) say(`members: ${line}`);
  assert.equal(found.length, 0, 'the two runs differ; see above');
}

it(`goes on while up to three members come, go, die and stall, and events flow: ${EVENTS}`, async () => {
  const stormy = await stageOf('stormy', true);
  let isLoaded = false;
  const loading = load(options()).then((done) => {
    isLoaded = true;
    return done;
  });
  const blown = await storm(stormy, {
    ...{ seed: SEED, most: 3, everyMs: [2_000, 4_000], stallMs: 9_000, limitMs: LIMIT_MS },
    progress: async () => await positionsOf(stormy),
    isDone: async () => isLoaded && (await isRead(stormy)),
  }).catch(async (cause: unknown) => {
    throw new Error(`${cause}\n${await stormy.logTail(60)}`);
  });
  loaded = await loading;
  const { gaveUp, tookMs, ...counts } = blown;
  say(
    `members: seed ${SEED}, ${loaded.events} events in ${loaded.records} records of ${TENANTS} tenants, ` +
      `${LANES} lanes; storm of ${(tookMs / 1000).toFixed(0)} s: ${JSON.stringify(counts)}, ` +
      `gave up: ${gaveUp.join(', ') || 'none'}`,
  );
  const claimed = await stormy.db.query('select sum(owner_epoch) as claims from lane');
  say(`members: lanes were claimed ${claimed[0]?.['claims']} times`);
  await finish(stormy, 'the rest');
});

it('finds, decides and intends the same with one member alone', async () => {
  const alone = await stageOf('alone', true);
  await finish(alone, 'one member alone');
  const outcome = await readMembersOutcome(alone.db);
  const sizes = Object.entries(outcome).map(
    ([name, rows]) => `${Object.keys(rows).length} ${name}`,
  );
  say(`members: ${sizes.join(', ')}`);
  assert.ok(
    Object.keys(outcome['detections'] ?? {}).length > EVENTS / 2_000,
    'too little was found',
  );
  assert.ok(Object.keys(outcome['leases'] ?? {}).length > EVENTS / 10_000, 'too little was done');
  assert.ok(stages[0] !== undefined);
  await assertSame(alone, stages[0]);
  say('members: the storm left what one member alone leaves');
});

it('finds, decides and intends the same in a single lane, without an internal topic', async () => {
  const single = await stageOf('single', false);
  await finish(single, 'one lane');
  assert.ok(stages[1] !== undefined);
  await assertSame(single, stages[1]);
});
