/** End to end: the daemon against a bare consumer, draining the same topics of a real broker. */
import { createKafkaPublisher } from '../src/adapters/kafka.ts';
import { ensureTopics } from '../src/adapters/kafka-topics.ts';
import { KINDS } from '../src/model/event.ts';
import { freshDatabase, providePostgres, silentLog } from '../test/integration/postgres.ts';
import { provideKafka } from '../test/integration/provider.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { start } from './child.ts';
import type { DrainInput } from './e2e-bare.ts';
import type { DaemonInput } from './e2e-daemon.ts';
import { begin, cpuOfServer, type Result, spread } from './measure.ts';
import { fleetEvents, PARTITIONS } from './workload.ts';

interface Drained {
  readonly records: number;
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly drainMs: number;
  readonly late?: number;
  readonly detections?: number;
  readonly outcome?: string;
  readonly commits?: number;
  readonly deltaBytes?: number;
}

interface Round extends Drained {
  readonly side: 'B' | 'O';
  readonly brokerCpuMs: number | null;
  readonly databaseCpuMs: number | null;
  readonly walBytes?: number;
}

const BATCH = 2000;
/** The events lie in the past: by default the broker would delete them under our eyes. */
const FOREVER = { 'retention.ms': '-1' };

/** The benchmark. */
export const e2e: Bench = {
  name: 'e2e',
  claim: 'the daemon, everything on, against a bare kafkajs consumer that only parses',
  run: async (options) => {
    const kafka = await provideKafka();
    const postgres = await providePostgres();
    try {
      return await measure(options, kafka, postgres);
    } finally {
      await postgres.stop();
      await kafka.stop();
    }
  },
};

async function measure(
  { events: wanted, pairs, smoke, say, command }: BenchOptions,
  kafka: Awaited<ReturnType<typeof provideKafka>>,
  postgres: Awaited<ReturnType<typeof providePostgres>>,
): Promise<Result> {
  const end = begin('e2e', command);
  const events = wanted ?? (smoke ? 5000 : 200_000);
  const prefix = `bench-${process.pid}-`;
  await preload(kafka.brokers, prefix, events);
  say(`${events} events in ${KINDS.length} topics of ${PARTITIONS} partitions`);
  const topics = KINDS.map((kind) => `${prefix}${kind}`);
  let number = 0;
  const bare = async (): Promise<Round> => {
    number += 1;
    const given: DrainInput = {
      brokers: kafka.brokers,
      topics,
      group: `${prefix}${number}`,
      events,
    };
    const others = watch(kafka.brokers, postgres.url);
    const drained = await start<Drained>('e2e-bare.ts', given).answer;
    return { side: 'B', ...drained, ...others() };
  };
  const daemon = async (): Promise<Round> => {
    number += 1;
    const fresh = await freshDatabase(postgres);
    try {
      const given: DaemonInput = {
        brokers: kafka.brokers,
        topics,
        group: `${prefix}${number}`,
        events,
        prefix,
        database: fresh.url,
      };
      const wal = async () =>
        Number(
          (await fresh.db.query("select pg_current_wal_lsn() - '0/0' as bytes"))[0]?.['bytes'],
        );
      const before = await wal();
      const others = watch(kafka.brokers, postgres.url);
      const drained = await start<Drained>('e2e-daemon.ts', given).answer;
      const seen = others();
      return { side: 'O', ...drained, ...seen, walBytes: (await wal()) - before };
    } finally {
      await fresh.drop();
    }
  };
  const rounds: Round[] = [];
  const play = async (side: 'B' | 'O') => {
    const round = side === 'B' ? await bare() : await daemon();
    const { cpuMs, drainMs, wallMs } = round;
    say(
      `${side}: ${(cpuMs / 1000).toFixed(2)} s CPU, drained in ${(drainMs / 1000).toFixed(2)} s, ${(wallMs / 1000).toFixed(2)} s in all`,
    );
    rounds.push(round);
    return round;
  };
  // Both warm the page caches of broker and database; not counted. Then A/A, then ABBA.
  await play('B');
  await play('O');
  rounds.length = 0;
  const same = [await play('O'), await play('O'), await play('B'), await play('B')];
  rounds.length = 0;
  for (let pair = 0; pair < pairs; pair += 1)
    for (const side of pair % 2 === 0 ? (['B', 'O'] as const) : (['O', 'B'] as const))
      await play(side);
  assertEqualWork([...same, ...rounds], events);
  return end({
    workload: { events, pairs, topics: KINDS.length, partitions: PARTITIONS },
    figures: figuresOf(rounds, same, events),
    rounds: { same, rounds },
    notes: [
      `broker: Apache Kafka ${kafka.version} (${kafka.source}), one node; PostgreSQL ${postgres.version} (${postgres.source}), fsync ${await settingOf(postgres, 'fsync')}, synchronous_commit ${await settingOf(postgres, 'synchronous_commit')}; both on the machine of the measured processes`,
      'B: kafkajs eachBatch and JSON.parse, the consumer settings of the daemon, no commits; O: the daemon in observe mode with every detector of the package',
      'each side is a process of its own; CPU is its user and system time from before it connects until it has caught up; joining the group (about 3 s of waiting) is in the wall time in all, not in the drain',
    ],
  });
}

async function preload(brokers: readonly string[], prefix: string, count: number): Promise<void> {
  const kafka = { brokers, clientId: 'bench', log: silentLog };
  await ensureTopics(
    kafka,
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: PARTITIONS, settings: FOREVER })),
  );
  const publisher = createKafkaPublisher(kafka);
  try {
    const events = fleetEvents(count);
    for (let at = 0; at < events.length; at += BATCH)
      await publisher.publish(
        events.slice(at, at + BATCH).map(({ topic, key, value, atMs }) => ({
          topic: `${prefix}${topic}`,
          key,
          value,
          timestampMs: atMs,
        })),
      );
  } finally {
    await publisher.close();
  }
}

function watch(
  brokers: readonly string[],
  database: string,
): () => Pick<Round, 'brokerCpuMs' | 'databaseCpuMs'> {
  const ports = [Number(brokers[0]?.split(':')[1]), Number(new URL(database).port)] as const;
  const [broker, server] = ports.map(cpuOfServer);
  const since = (before: number | null | undefined, port: number) => {
    const now = cpuOfServer(port);
    return before === null || before === undefined || now === null ? null : now - before;
  };
  return () => ({
    brokerCpuMs: since(broker, ports[0]),
    databaseCpuMs: since(server, ports[1]),
  });
}

/** Every record read by both, and every daemon of the same mind. */
function assertEqualWork(rounds: readonly Round[], events: number): void {
  const outcomes = new Set(rounds.filter(({ side }) => side === 'O').map(({ outcome }) => outcome));
  for (const { side, records } of rounds)
    if (records !== events) throw new Error(`${side} read ${records} of ${events} records`);
  if (outcomes.size !== 1) throw new Error(`${outcomes.size} different sets of detections`);
}

function figuresOf(
  rounds: readonly Round[],
  same: readonly Round[],
  events: number,
): Result['figures'] {
  const of = (side: 'B' | 'O', value: (round: Round) => number) =>
    spread(rounds.filter((round) => round.side === side).map(value));
  const ratios: number[] = [];
  for (let at = 0; at + 1 < rounds.length; at += 2) {
    const pair = rounds.slice(at, at + 2);
    const bare = pair.find(({ side }) => side === 'B')?.cpuMs ?? Number.NaN;
    ratios.push((pair.find(({ side }) => side === 'O')?.cpuMs ?? Number.NaN) / bare);
  }
  const cpuOf = (at: number) => same[at]?.cpuMs ?? Number.NaN;
  return {
    'CPU-seconds, bare (B)': of('B', ({ cpuMs }) => cpuMs / 1000),
    'CPU-seconds, daemon (O)': of('O', ({ cpuMs }) => cpuMs / 1000),
    'CPU, O divided by B': spread(ratios),
    'A/A: second daemon divided by first': cpuOf(1) / cpuOf(0),
    'A/A: second bare divided by first': cpuOf(3) / cpuOf(2),
    'events/s per core, bare (B)': of('B', ({ cpuMs }) => (1000 * events) / cpuMs),
    'events/s per core, daemon (O)': of('O', ({ cpuMs }) => (1000 * events) / cpuMs),
    'µs CPU per event, daemon (O)': of('O', ({ cpuMs }) => (1000 * cpuMs) / events),
    'drain, wall seconds, bare (B)': of('B', ({ drainMs }) => drainMs / 1000),
    'drain, wall seconds, daemon (O)': of('O', ({ drainMs }) => drainMs / 1000),
    'broker CPU-seconds during B': of('B', ({ brokerCpuMs }) => (brokerCpuMs ?? Number.NaN) / 1000),
    'broker CPU-seconds during O': of('O', ({ brokerCpuMs }) => (brokerCpuMs ?? Number.NaN) / 1000),
    'database CPU-seconds during O': of('O', (one) => (one.databaseCpuMs ?? Number.NaN) / 1000),
    'WAL bytes per event': of('O', ({ walBytes }) => (walBytes ?? Number.NaN) / events),
    'commits of the lane': of('O', ({ commits }) => commits ?? Number.NaN),
    'delta bytes per event': of('O', ({ deltaBytes }) => (deltaBytes ?? Number.NaN) / events),
    'detections (equal sets in every round)':
      rounds.find(({ side }) => side === 'O')?.detections ?? 0,
  };
}

async function settingOf(
  postgres: Awaited<ReturnType<typeof providePostgres>>,
  name: string,
): Promise<string> {
  const fresh = await freshDatabase(postgres);
  try {
    return String(
      (await fresh.db.query('select current_setting($1) as value', [name]))[0]?.['value'],
    );
  } finally {
    await fresh.drop();
  }
}
