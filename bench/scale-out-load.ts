/** Load of the scale-out benchmark: fleets of many tenants, recorded at once or played in time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaPublisher } from '../src/adapters/kafka.ts';
import { ensureTopics } from '../src/adapters/kafka-topics.ts';
import { KINDS, type Kind } from '../src/model/event.ts';
import type { OutRecord } from '../src/model/ports.ts';
import { createTenants } from '../src/simulation/tenants.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import { commonLane, createLaneOf } from '../src/source/lanes.ts';
import { partitionOfKey } from '../src/state/murmur2.ts';
import { silentLog } from '../test/integration/postgres.ts';
import { SEED, type Sent } from './workload.ts';

/** Partitions of the internal topic: lanes. */
export const LANES = 12;
/** Partitions of each of the four sources: twelve in sum. */
export const SOURCE_PARTITIONS = 3;
/** Fleets, all of one size; agents of all of them bear the same names. */
export const TENANTS = 50;
/** Event time of the first record, ms. */
export const START_MS = 1_780_000_000_000;

/** Events of a session, about: the rate of the fleet follows from it. */
const SESSION_EVENTS = 26;
const BATCH = 2000;
const DAY_MS = 86_400_000;
/** What is due is handed to the producer this often, ms. */
const TICK_MS = 10;

/** Who acts, and how much of it a second of event time. */
export interface Fleets {
  readonly agents: number;
  readonly rate: number;
}

/** One event, and the lane that will fold it. */
export interface Addressed extends Sent {
  readonly lane: number;
}

/** Events without end, in order of time: first every agent is registered, then they work. */
export function* eventsOf({ agents, rate }: Fleets): Generator<Addressed> {
  const sessionsPerHour = (rate * 3600) / SESSION_EVENTS;
  const fleet = createTenants(
    { seed: SEED, agents, startMs: START_MS, sessionsPerHour, badShare: 0.02 },
    TENANTS,
  );
  const laneOf = createLaneOf(LANES);
  for (let one = fleet.next(); one !== null; one = fleet.next()) {
    const { tenant } = one.event;
    yield {
      ...{ topic: one.topic as Kind, key: `${tenant ?? '-'}/${one.key}`, atMs: one.atMs },
      value: encodeEvent(one.event),
      lane: tenant === undefined ? commonLane(laneOf) : laneOf(tenant),
    };
  }
}

/** Where the last event of a lane in a partition ends. */
export interface LaneEnd {
  readonly lane: number;
  readonly topic: string;
  readonly partition: number;
  readonly end: number;
}

/** The four topics as we write them, and nobody else. */
export interface SourceLog {
  publish(events: readonly Addressed[]): Promise<void>;
  /** Events by lane. */
  readonly byLane: () => readonly number[];
  /** How far each lane has to read to have all of its events. */
  readonly ends: () => readonly LaneEnd[];
  close(): Promise<void>;
}

/** Makes the topics. Agents keep their partition, as those of a keyed producer do. */
export async function openLog(brokers: readonly string[], prefix: string): Promise<SourceLog> {
  const kafka = { brokers, clientId: 'bench', log: silentLog };
  // The events lie in the past: by default the broker would delete them under our eyes.
  const settings = { 'retention.ms': '-1' };
  const partitions = SOURCE_PARTITIONS;
  await ensureTopics(
    kafka,
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions, settings })),
  );
  const publisher = createKafkaPublisher(kafka);
  const byLane = Array.from({ length: LANES }, () => 0);
  const next = new Map<string, number>();
  const ends = new Map<string, LaneEnd>();
  const recordOf = ({ topic: kind, key, value, lane }: Addressed): OutRecord => {
    const [topic, partition] = [`${prefix}${kind}`, partitionOfKey(key, partitions)];
    const end = (next.get(`${topic}/${partition}`) ?? 0) + 1;
    next.set(`${topic}/${partition}`, end);
    ends.set(`${lane} ${topic}/${partition}`, { lane, topic, partition, end });
    byLane[lane] = (byLane[lane] ?? 0) + 1;
    // Before any look at the clock of members: what counts of it is the same in every run.
    return { topic, partition, key, value, timestampMs: START_MS - DAY_MS };
  };
  return {
    publish: async (events) => await publisher.publish(events.map(recordOf)),
    byLane: () => byLane,
    ends: () => [...ends.values()],
    close: async () => await publisher.close(),
  };
}

/** Publishes while `isWanted`, as fast as it is taken; resolves to how many there were, and to the one after. */
export async function record(
  log: SourceLog,
  events: Iterator<Addressed>,
  isWanted: (next: Addressed, recorded: number) => boolean,
): Promise<{ readonly events: number; readonly next: Addressed }> {
  let count = 0;
  let batch: Addressed[] = [];
  let next = nextOf(events);
  for (; isWanted(next, count); next = nextOf(events)) {
    count += 1;
    batch.push(next);
    if (batch.length < BATCH) continue;
    await log.publish(batch);
    batch = [];
  }
  if (batch.length > 0) await log.publish(batch);
  return { events: count, next };
}

/** An open loop under way. */
export interface Playing {
  /** Events whose time had come by now, since it began. */
  readonly due: () => number;
  /** Resolves with all that were sent, once every one of them is acknowledged. */
  readonly ended: Promise<number>;
}

/**
 * Plays events at the pace of their own time for so long, from `first` on: each is sent when it is due,
 * however the producer gets on.
 */
export function play(
  log: SourceLog,
  events: Iterator<Addressed>,
  first: Addressed,
  forMs: number,
): Playing {
  const startedMs = performance.now();
  let next = first;
  let due = 0;
  let waiting: Addressed[] = [];
  let sending: Promise<void> | null = null;
  const take = () => {
    const elapsedMs = Math.min(performance.now() - startedMs, forMs);
    for (; next.atMs - first.atMs < elapsedMs; next = nextOf(events)) {
      due += 1;
      waiting.push(next);
    }
  };
  const send = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await log.publish(batch);
    }
    sending = null;
  };
  const run = async () => {
    while (performance.now() - startedMs < forMs) {
      await sleep(TICK_MS);
      take();
      if (waiting.length > 0) sending ??= send();
    }
    await sending;
    take();
    await send();
    return due;
  };
  return { due: () => due, ended: run() };
}

function nextOf(events: Iterator<Addressed>): Addressed {
  const { value, done } = events.next();
  if (done === true) throw new Error('the fleet has come to rest');
  return value as Addressed;
}
