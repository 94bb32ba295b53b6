/** A lane that loads for longer than a Kafka session lasts: it stays a member, and loads once. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, it } from 'node:test';
import kafkajs from 'kafkajs';
import { systemClock } from '../../src/adapters/clock.ts';
import { createKafkaBroker, createKafkaPublisher } from '../../src/adapters/kafka.ts';
import { calmRequestQueue } from '../../src/adapters/kafka-client.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import { laneOptions } from '../../src/commands/lane.ts';
import { ROOT, readLibrary } from '../../src/commands/library.ts';
import type { Config } from '../../src/model/config.ts';
import type { LaneState } from '../../src/model/effects.ts';
import { createObserver } from '../../src/observer.ts';
import type { PipelineOptions } from '../../src/pipeline/options.ts';
import { createPipeline } from '../../src/pipeline.ts';
import { recordsOf } from '../sim/fleet-log.ts';
import { finish } from '../sim/lane.ts';
import { createLaneStore, type LaneStore } from '../sim/lane-store.ts';
import { sourcesOf } from './crash/load.ts';
import { quietLog, until } from './kafka-lane-recorder.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { provideKafka } from './provider.ts';

/** The least a broker allows by default. */
const SESSION_MS = 6_000;
/** How many sessions a load is made to last. */
const SESSIONS = 3;
const START_MS = Date.UTC(2026, 0, 1);
const PATIENCE_MS = 120_000;
/** Records that the first life does not see, and as many that the second does not. */
const LATER = 40;

const prefix = `plt-${randomBytes(4).toString('hex')}-`;
const group = `${prefix}group`;
const sources = sourcesOf(prefix);
const { sent } = recordsOf({
  ...{ seed: 'loading', agents: 60, sessions: 200 },
  ...{ startMs: START_MS, sessionsPerHour: 3_000, badShare: 0.2 },
});
const store = createLaneStore();
/** What must have ended before the next test, also where one failed. */
const lives: { end(): Promise<void> }[] = [];
let kafka: KafkaProvided;
let options: PipelineOptions;

const connection = () => ({ brokers: kafka.brokers, clientId: 'plt', log: quietLog });

before(async () => {
  kafka = await provideKafka();
  const config: Config = { sources };
  const library = await readLibrary(`${ROOT}detectors`);
  const lane = laneOptions(config, library, { file: 'test', digestKey: 'test' });
  assert.deepEqual(lane.problems, []);
  options = lane.options;
  await ensureTopics(
    connection(),
    sources.map(({ topic }) => ({ topic, partitions: 2, settings: { 'retention.ms': '-1' } })),
  );
  await publish(0, sent.length - 2 * LATER);
});

// A life that a failed test left behind would hold the group, and the next test would wait for it.
afterEach(async () => {
  for (const life of lives.splice(0)) await life.end();
});

after(async () => {
  await withAdmin(async (admin) => {
    await admin.deleteTopics({ topics: sources.map(({ topic }) => topic) });
    await admin.deleteGroups([group]);
  });
  await kafka.stop();
});

async function withAdmin<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  calmRequestQueue();
  const { brokers } = connection();
  const logLevel = kafkajs.logLevel.NOTHING;
  const admin = new kafkajs.Kafka({ brokers: [...brokers], clientId: 'plt', logLevel }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Who is in the group, as Kafka says. */
async function members(): Promise<string[]> {
  const { groups } = await withAdmin((admin) => admin.describeGroups([group]));
  return groups.flatMap((each) => each.members.map(({ memberId }) => memberId));
}

async function publish(from: number, to: number): Promise<void> {
  const publisher = createKafkaPublisher(connection());
  const records = sent.slice(from, to).map(({ topic, key, value, ms: timestampMs }) => {
    return { topic: `${prefix}${topic}`, key, value, timestampMs };
  });
  await publisher.publish(records);
  await publisher.close();
}

/** A life of the observer: on Kafka, with this state to load. */
function live(state: () => LaneState, on: { claimed?: () => void } = {}) {
  const stop = new AbortController();
  /** For each claim the members of the group at that moment. */
  const claims: string[][] = [];
  let loads = 0;
  const took = { fromMs: 0, toMs: 0 };
  const broker = createKafkaBroker({
    ...connection(),
    ...{ group, topics: sources.map(({ topic }) => topic) },
    ...{ whole: true, sessionTimeoutMs: SESSION_MS },
  });
  const observer = createObserver(
    {
      broker,
      store: {
        claim: async () => {
          claims.push(await members());
          const { watermarkMs, counters } = store;
          return { state: state(), watermarkMs, counters };
        },
        commit: async (commit) => {
          store.apply(commit);
          return 'done';
        },
        requests: async () => [],
      },
      pipeline: () => createPipeline(options),
      ...{ actor: null, clock: systemClock, log: quietLog },
    },
    {
      untilCaughtUp: false,
      onStep: (step) => {
        if (step === 'claimed') {
          took.fromMs = performance.now();
          on.claimed?.();
        }
        if (step !== 'loaded') return;
        took.toMs = performance.now();
        loads += 1;
      },
    },
  );
  const running = observer.run(stop.signal);
  const life = {
    stop,
    running,
    claims,
    loads: () => loads,
    tookMs: () => took.toMs - took.fromMs,
    end: async () => {
      stop.abort();
      await running;
    },
  };
  lives.push(life);
  return life;
}

/** The same state written so often that this machine needs `forMs` to load it. */
function slowState(from: LaneStore, forMs: number): LaneState {
  const { deltas, ...state } = from.load();
  const load = (times: number): LaneState => {
    const all = Array.from({ length: times }, () => deltas).flat();
    return { ...state, pages: [], deltas: all.map(({ bytes }, at) => ({ seq: at + 1, bytes })) };
  };
  const timed = (times: number): number => {
    const begunMs = performance.now();
    finish(createPipeline(options).restoring(load(times), from.watermarkMs, from.counters));
    return performance.now() - begunMs;
  };
  // The first round makes the code hot; what it takes then is what a load will take.
  timed(20);
  return load(Math.ceil((20 * forMs) / timed(20)));
}

/** Were so many records read, or is it being loaded anew? */
function isThrough(life: ReturnType<typeof live>, records: number): boolean {
  return store.counters['records'] === records || life.claims.length > 1;
}

it('keeps its membership while a lane loads for several sessions, and loads it once', async () => {
  const first = live(() => store.load());
  const read = sent.length - 2 * LATER;
  await until('all is read', () => store.counters['records'] === read, PATIENCE_MS);
  await first.end();

  const slow = slowState(store, SESSIONS * SESSION_MS);
  const second = live(() => slow);
  await until('it is loaded', () => second.loads() > 0, PATIENCE_MS);
  assert.ok(second.tookMs() > SESSION_MS, `${second.tookMs()} ms put nothing to the test`);
  await publish(read, read + LATER);
  await until('new records are read', () => isThrough(second, read + LATER), PATIENCE_MS);
  assert.equal(second.claims.length, 1, 'loaded once');
  assert.equal(second.claims[0]?.length, 1);
  assert.deepEqual(await members(), second.claims[0], 'and never put out of the group');
  await second.end();
});

it('loads it once, too, where a rebalance comes meanwhile and leaves it what it has', async () => {
  const read = sent.length - LATER;
  const slow = slowState(store, 2 * SESSION_MS);
  const stranger = Promise.withResolvers<ReturnType<typeof live>>();
  // Who shares out takes everything: the one that came first stays in the group, and begins a new generation.
  const life = live(() => slow, {
    claimed: () => stranger.resolve(live(() => store.load())),
  });
  const other = await stranger.promise;
  while ((await members()).length < 2)
    assert.equal(life.loads(), 0, 'it was over before that: nothing was put to the test');
  await publish(read, sent.length);
  await until('new records are read', () => isThrough(life, sent.length), PATIENCE_MS);
  assert.deepEqual([life.claims.length, life.loads()], [1, 1], 'loaded once');
  assert.equal(other.claims.length, 0);
  await other.end();
  await life.end();
});

it('stops in the middle of a load when it is told to, and nothing of it takes effect', async () => {
  const { watermarkMs, counters } = store;
  const slow = slowState(store, SESSIONS * SESSION_MS);
  const life = live(() => slow, { claimed: () => life.stop.abort() });
  await life.running;
  assert.deepEqual([life.claims.length, life.loads()], [1, 0]);
  assert.deepEqual([store.watermarkMs, store.counters], [watermarkMs, counters]);
  assert.deepEqual(await members(), [], 'it has left the group');
});
