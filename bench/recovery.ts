/** Recovery: a killed daemon with 100,000 agents in its store, from start to its first new slice. */
import { once } from 'node:events';
import { createKafkaPublisher } from '../src/adapters/kafka.ts';
import { ensureTopics } from '../src/adapters/kafka-topics.ts';
import { KINDS } from '../src/model/event.ts';
import type { Publisher } from '../src/model/ports.ts';
import { freshDatabase, providePostgres, silentLog } from '../test/integration/postgres.ts';
import { provideKafka } from '../test/integration/provider.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { start } from './child.ts';
import { begin, type Result, spread } from './measure.ts';
import { ACTS, calls, EVENTS_PER_AGENT, population, populationEndMs } from './population.ts';
import type { RecoveryInput, RecoveryOutcome, RecoveryPoint } from './recovery-child.ts';
import { PARTITIONS, type Sent } from './workload.ts';

const BATCH = 2000;
/** The events lie in the past: by default the broker would delete them under our eyes. */
const FOREVER = { 'retention.ms': '-1' };
/** Session time-out of the group, ms: less than a load takes, which must not matter. */
const SESSION_MS = 10_000;
/** Agents that act again while the daemon is down. */
const ACTING = 500;

/** The benchmark. */
export const recovery: Bench = {
  name: 'recovery',
  claim: 'a daemon killed with 100,000 agents in its store: start to first new slice committed',
  run: async (options) => {
    const kafka = await provideKafka();
    const postgres = await providePostgres();
    try {
      const fresh = await freshDatabase(postgres);
      try {
        return await measure(options, kafka, fresh);
      } finally {
        await fresh.drop();
      }
    } finally {
      await postgres.stop();
      await kafka.stop();
    }
  },
};

async function measure(
  { smoke, events, pairs, command, say }: BenchOptions,
  kafka: Awaited<ReturnType<typeof provideKafka>>,
  fresh: Awaited<ReturnType<typeof freshDatabase>>,
): Promise<Result> {
  const end = begin('recovery', command);
  const agents = events ?? (smoke ? 500 : 100_000);
  const trials = smoke ? 1 : Math.max(5, pairs);
  const prefix = `bench-${process.pid}-`;
  const options = { brokers: kafka.brokers, clientId: 'bench', log: silentLog };
  await ensureTopics(
    options,
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: PARTITIONS, settings: FOREVER })),
  );
  const publisher = createKafkaPublisher(options);
  const given = (records: number): RecoveryInput => ({
    brokers: kafka.brokers,
    topics: KINDS.map((kind) => `${prefix}${kind}`),
    group: `${prefix}group`,
    events: 0,
    prefix,
    database: fresh.url,
    records,
    sessionMs: SESSION_MS,
  });
  let sent = 0;
  const outcomes: RecoveryOutcome[] = [];
  const stored: { pageBytes: number; deltaBytes: number }[] = [];
  try {
    sent += await publish(publisher, prefix, population(agents));
    say(`${sent} records of ${agents} agents published`);
    await runAndKill(given(sent));
    for (let trial = 0; trial < trials; trial += 1) {
      stored.push(await storedBytes(fresh));
      const fromMs = populationEndMs(agents) + trial * 10_000;
      sent += await publish(
        publisher,
        prefix,
        calls(Math.min(ACTING, agents), ACTS + trial, fromMs),
      );
      const outcome = await runAndKill(given(sent));
      outcomes.push(outcome);
      const { claimed, loaded, firstCommit, loads } = outcome;
      if (loads !== 1) throw new Error(`loaded ${loads} times: the membership was lost`);
      say(
        `read after ${Math.round(claimed.wallMs)} ms, loaded after ${Math.round(loaded.wallMs)} ms, first commit after ${Math.round(firstCommit.wallMs)} ms`,
      );
    }
  } finally {
    await publisher.close();
  }
  for (const { records } of outcomes.slice(-1))
    if (records !== sent) throw new Error(`${records} records counted of ${sent}`);
  const at = (point: (one: RecoveryOutcome) => RecoveryPoint, of: 'wallMs' | 'cpuMs') =>
    spread(outcomes.map((one) => point(one)[of] / 1000));
  return end({
    workload: { agents, acts: ACTS, eventsPerAgent: EVENTS_PER_AGENT, trials },
    figures: {
      'start to state read from PostgreSQL, its rows in place, wall seconds': at(
        ({ claimed }) => claimed,
        'wallMs',
      ),
      'start to state loaded, wall seconds': at(({ loaded }) => loaded, 'wallMs'),
      'start to state loaded, CPU-seconds': at(({ loaded }) => loaded, 'cpuMs'),
      'start to first new slice committed, wall seconds': at(
        ({ firstCommit }) => firstCommit,
        'wallMs',
      ),
      'start to first new slice committed, CPU-seconds': at(
        ({ firstCommit }) => firstCommit,
        'cpuMs',
      ),
      'longest standstill of the event loop until loaded, ms': spread(
        outcomes.map(({ loadingStallMs }) => loadingStallMs),
      ),
      'longest standstill of the event loop after that, ms': spread(
        outcomes.map(({ readingStallMs }) => readingStallMs),
      ),
      'stored in pages, MB': spread(stored.map(({ pageBytes }) => pageBytes / 1e6)),
      'stored in deltas, MB': spread(stored.map(({ deltaBytes }) => deltaBytes / 1e6)),
      agents,
      trials,
    },
    rounds: { outcomes, stored },
    notes: [
      'SIGKILL in every trial, a new process each time; times count from the start of the process, Node and the joining of the Kafka group included',
      `the session time-out of the group is ${SESSION_MS / 1000} s; every start loads once and keeps its membership meanwhile`,
      'the new process starts when Kafka has noticed that the old one is gone; one that starts at once waits for that first (kafka.sessionTimeout, 45 s by default)',
      'nothing is lost or counted twice: the counter of records equals the number published after the last trial',
    ],
  });
}

async function publish(
  publisher: Publisher,
  prefix: string,
  events: Iterable<Sent>,
): Promise<number> {
  let count = 0;
  let batch: Sent[] = [];
  const flush = async () => {
    await publisher.publish(
      batch.map(({ topic, key, value, atMs }) => ({
        topic: `${prefix}${topic}`,
        key,
        value,
        timestampMs: atMs,
      })),
    );
    count += batch.length;
    batch = [];
  };
  for (const event of events) {
    batch.push(event);
    if (batch.length >= BATCH) await flush();
  }
  if (batch.length > 0) await flush();
  return count;
}

/** Runs a daemon until it has committed everything, then ends it without warning. */
async function runAndKill(given: RecoveryInput): Promise<RecoveryOutcome> {
  const running = start<RecoveryOutcome>('recovery-child.ts', given);
  const outcome = await running.answer;
  const gone = once(running.process, 'exit');
  running.process.kill('SIGKILL');
  await gone;
  // Until Kafka has noticed: the next member would wait for just this before it is let in.
  await new Promise((done) => setTimeout(done, SESSION_MS + 1000));
  return outcome;
}

async function storedBytes(
  fresh: Awaited<ReturnType<typeof freshDatabase>>,
): Promise<{ pageBytes: number; deltaBytes: number }> {
  const [row] = await fresh.db.query(
    `select (select coalesce(sum(length(bytes)), 0) from state_page) as pages,
      (select coalesce(sum(length(bytes)), 0) from state_delta) as deltas`,
  );
  return { pageBytes: Number(row?.['pages']), deltaBytes: Number(row?.['deltas']) };
}
