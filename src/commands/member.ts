/** Member: wires a process that shares the work: re-keyer, lanes, what they have in common. */
import { randomUUID } from 'node:crypto';
import type { ActorOptions } from '../act/act.ts';
import { createKafkaBroker, createKafkaPublisher } from '../adapters/kafka.ts';
import type { KafkaAccess } from '../adapters/kafka-face.ts';
import { readCommitted } from '../adapters/kafka-groups.ts';
import { openOffsets } from '../adapters/kafka-offsets.ts';
import { ensureTopics } from '../adapters/kafka-topics.ts';
import type { LaneFeed } from '../lanes/feed.ts';
import { type LaneLoop, Member } from '../lanes/member.ts';
import { createRekeyer, type Rekeyer } from '../lanes/rekeyer.ts';
import type { Lanes } from '../model/config/kafka.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import type { LaneCommit, Turn } from '../model/effects.ts';
import { assert, OperatingError } from '../model/errors.ts';
import type { Broker, PartitionLag } from '../model/ports.ts';
import type { Telemetry } from '../model/telemetry.ts';
import { createObserver, type Observer, type ObserverStep } from '../observer.ts';
import type { PipelineOptions } from '../pipeline/options.ts';
import { createPipeline } from '../pipeline.ts';
import { shareForwarded, sharePauses } from '../record/pauses.ts';
import { addressed, commonLane, createLaneOf, decodeFor, type LaneOf } from '../source/lanes.ts';
import type { Library } from './library.ts';
import { observedBroker, observedStore } from './observed.ts';
import { type GatewayView, laneStore, type Preparing, prepareLanes } from './prepare.ts';
import { type DetectorFolder, reloadOnChange } from './reload.ts';
import type { Self } from './self.ts';

/** What a member is made of. */
export interface MemberRun extends Preparing {
  /** Null where no Kafka is configured; then there are no lanes to share. */
  readonly kafka: KafkaAccess | null;
  /** Where detectors are read again from when they change; absent: they stay as they are. */
  readonly detectors?: DetectorFolder;
  readonly self: Self;
}

/** How it is run. */
export interface MemberRunOptions {
  readonly untilCaughtUp: boolean;
  readonly skipUndecodable?: boolean;
  readonly onStep?: ActorOptions['onStep'] & ((step: ObserverStep) => void);
  readonly onCommit?: (commit: LaneCommit) => void;
}

const TOPIC = 'plumbline.events';
const KEY = 'tenant';
/** Bundles hold raw records, and one of those may be as large as its source allows. */
const BUNDLE_BYTES_MAX = 8 * 1024 * 1024;
const RETENTION_MS = 7 * 86_400_000;
const STOP_WITHIN_MS = 20_000;
/** Bytes that may wait in a lane, at least, however many there are. */
const BUFFERED_BYTES_MIN = 1_048_576;
const BUFFERED_MIN = 1000;
/** How long slices of a lane may wait for one commit while others are at hand, ms for each lane. */
const COMMIT_MS_EACH = 100;
const COMMIT_MS_MAX = 1000;

/**
 * Runs one process of several until the signal aborts or, where asked, until every lane it holds has
 * caught up. Rejects with what went wrong: the caller makes it anew, and everything goes on from what
 * is stored.
 */
export async function runMember(
  parts: MemberRun,
  held: { library: Library },
  options: MemberRunOptions,
  lanes: Lanes,
  group: string,
  signal: AbortSignal,
): Promise<void> {
  const { config, log, self } = parts;
  const { clock, standing } = self;
  // Without a lane it waits for one, and is as ready as a standby.
  standing.waits(clock.nowMs());
  const prepared = await prepareLanes(parts, held, options.onStep, signal);
  const topic = lanes.topic ?? TOPIC;
  const topics = topicsOf(config, topic);
  const kafka = kafkaOf(parts);
  await ensureLanes(kafka, topic, lanes.count);
  const laneOf = createLaneOf(lanes.count);
  const publisher = createKafkaPublisher(kafka);
  const offsets = openOffsets(kafka);
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const { decode } = prepared.options();
  const rekeyer = createRekeyer({
    ...{ lanes: lanes.count, topic, clock, log },
    address: (rec) => addressed(decode, laneOf, rec, clock.nowMs()),
    publish: async (records) => {
      await publisher.publish(records);
      tellForwarded();
    },
    committed: () => readCommitted(kafka, rekeyGroup(group), topics),
    hold: (partitions) => member.hold(partitions),
  });
  const tellForwarded = forwardedTold(self.telemetry, () => rekeyer.counters());
  const { sessionTimeout = '45s', undecodable = 'stop' } = config.kafka ?? {};
  const common = {
    sessionTimeoutMs: durationMs(sessionTimeout),
    undecodable: options.skipUndecodable === true ? ('skip' as const) : undecodable,
    fetch: options.untilCaughtUp ? ('at-once' as const) : ('gathered' as const),
    log,
  };
  const sources: Broker = createKafkaBroker({
    ...{ ...kafka, ...common, topics, group: rekeyGroup(group), sharing: 'spread' },
    onGap: (gap) => rekeyer.missing(gap),
  });
  const internal: Broker = createKafkaBroker({
    ...{ ...kafka, ...common, topics: [topic], group },
    onGap: (gap) => member.missing(gap),
  });
  // Several members may bear one name.
  const name = `${config.instance ?? 'plumbline'} ${randomUUID()}`;
  const observers = new Map<number, Observer>();
  let ends: readonly PartitionLag[] = [];
  const layout = { lanes: lanes.count, topic, key: lanes.key ?? KEY };
  const member = new Member(
    {
      ...{ broker: internal, topic, clock, log },
      ends: async () => {
        ends = (await offsets.ranges(topics)).map((range): PartitionLag => ({ ...range, next: 0 }));
        return ends;
      },
      share: async (wanted) => {
        const { db } = parts.store;
        rekeyer.elsewhere(await shareForwarded(db, group, rekeyer.reached(), ends));
        return await sharePauses(db, group, name, wanted);
      },
      pause: (partitions, paused) =>
        paused ? sources.pause(partitions) : sources.resume(partitions),
      open: (lane, feed) => {
        const observer = loopOf(parts, options, { lane, feed, laneOf, layout, group }, prepared);
        observers.set(lane, observer.observer);
        return observer.loop;
      },
    },
    { untilCaughtUp: options.untilCaughtUp },
  );
  if (parts.detectors !== undefined) {
    const ours = () => member.lanes.flatMap((lane) => observers.get(lane) ?? []);
    const speaker = () =>
      observers.get(member.lanes.includes(commonLane(laneOf)) ? commonLane(laneOf) : -1);
    const took = (library: Library): void => {
      held.library = library;
    };
    reloadOnChange(
      parts.detectors,
      {
        reload: async (library, by) => {
          const turns: Turn[] = [];
          for (const observer of ours()) turns.push(...(await observer.reload(library, by)));
          return turns;
        },
        refuse: async (detail) => await speaker()?.refuse(detail),
      },
      took,
      log,
      until,
    );
  }
  const forwarding = forward(rekeyer, sources, until).finally(() => over.abort());
  try {
    await Promise.race([member.run(until), forwarding.then(never)]);
  } finally {
    over.abort();
    await forwarding.catch(() => undefined);
    await publisher.close();
    await offsets.close();
    log.info({ ...rekeyer.counters() }, 'forwarded');
  }
  await forwarding;
}

/** Tells what was forwarded since it was last called. */
function forwardedTold(telemetry: Telemetry, now: Rekeyer['counters']): () => void {
  let told = { records: 0, bundles: 0, bytes: 0 };
  return () => {
    const { records, bundles, bytes } = now();
    telemetry.add('plumbline_forwarded_records_total', records - told.records);
    telemetry.add('plumbline_forwarded_bundles_total', bundles - told.bundles);
    telemetry.add('plumbline_forwarded_bytes_total', bytes - told.bytes);
    told = { records, bundles, bytes };
  };
}

/** Resolves never: what it stands behind has ended well, and is waited for elsewhere. */
function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** Stage 1, until the signal aborts. */
async function forward(rekeyer: Rekeyer, sources: Broker, signal: AbortSignal): Promise<void> {
  try {
    await sources.start(rekeyer);
    await rekeyer.run(signal);
  } catch (cause) {
    // Told to stop while it was joining: that is no failure.
    if (!signal.aborted) throw cause;
  } finally {
    await sources.stop(STOP_WITHIN_MS);
  }
}

interface LaneWanted {
  readonly lane: number;
  readonly feed: LaneFeed;
  readonly laneOf: LaneOf;
  readonly layout: { readonly lanes: number; readonly topic: string; readonly key: string };
  readonly group: string;
}

function loopOf(
  { config, store, log, self }: MemberRun,
  options: MemberRunOptions,
  { lane, feed, laneOf, layout, group }: LaneWanted,
  prepared: Awaited<ReturnType<typeof prepareLanes>>,
): { loop: LaneLoop; observer: Observer } {
  const { onStep, onCommit, untilCaughtUp } = options;
  const { clock, standing } = self;
  const observing = self.observing(lane);
  const stored = laneStore(store.db, group, config.instance ?? 'plumbline', lane, layout);
  const gateway: GatewayView = (tenant) => observer.gateway(tenant);
  const observer: Observer = createObserver(
    {
      broker: observedBroker(feed.broker, observing),
      store: observedStore(feed.store(stored), observing),
      pipeline: () => {
        const own = ofLane(prepared.options(), lane, laneOf, layout);
        return standing.made(lane, createPipeline(self.metered(own)));
      },
      actor: prepared.actor(lane, gateway),
      clock,
      log,
    },
    {
      untilCaughtUp,
      // Lanes of a process take turns: while one writes, the others wait.
      commitEveryMs: Math.min(COMMIT_MS_MAX, COMMIT_MS_EACH * layout.lanes),
      ...(onStep === undefined ? {} : { onStep }),
      ...(onCommit === undefined ? {} : { onCommit }),
    },
  );
  const loop: LaneLoop = {
    run: async (signal) => {
      try {
        await observer.run(signal);
      } finally {
        standing.left(clock.nowMs(), lane);
        standing.waits(clock.nowMs());
      }
    },
    missing: (gap) => observer.missing(gap),
    isOurs: () => stored.isOurs(),
  };
  return { loop, observer };
}

/** The core of one lane: its own events, and of what concerns nobody only where that belongs. */
function ofLane(
  options: PipelineOptions,
  lane: number,
  laneOf: LaneOf,
  { topic: internal, lanes: count }: LaneWanted['layout'],
): PipelineOptions {
  return {
    ...options,
    decode: decodeFor(lane, laneOf, options.decode),
    owns: (tenant) => laneOf(tenant) === lane,
    // What may wait is shared among all lanes, wherever they are held.
    maxBuffered: Math.max(BUFFERED_MIN, Math.floor(options.maxBuffered / count)),
    maxBufferedBytes: Math.max(BUFFERED_BYTES_MIN, Math.floor(options.maxBufferedBytes / count)),
    // What is missing of the internal log may have been anything, governance too.
    governanceTopics: new Set([...options.governanceTopics, internal]),
  };
}

function rekeyGroup(group: string): string {
  return `${group}-rekey`;
}

function kafkaOf({ config, kafka, log }: MemberRun) {
  assert(kafka !== null, 'lanes are a part of what is said of Kafka');
  return {
    ...kafka,
    clientId: `plumbline-${config.instance ?? 'plumbline'}`,
    log,
  };
}

/** Sources' topics; CONFIG_INVALID where the internal one is among them. */
function topicsOf({ sources }: Config, internal: string): readonly string[] {
  const topics = sources.map(({ topic }) => topic);
  if (!topics.includes(internal)) return topics;
  throw new OperatingError(
    'CONFIG_INVALID',
    `kafka.lanes.topic: ${internal} is the topic of a source; it must be one that only Plumbline writes`,
    { retryable: false },
  );
}

/** Makes the internal topic where it is missing; BROKER_LAYOUT where it has other partitions. */
async function ensureLanes(
  kafka: Parameters<typeof ensureTopics>[0],
  topic: string,
  count: number,
): Promise<void> {
  const settings = {
    'max.message.bytes': String(BUNDLE_BYTES_MAX),
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': String(RETENTION_MS),
    'cleanup.policy': 'delete',
  };
  try {
    await ensureTopics(kafka, [{ topic, partitions: count, settings }]);
  } catch (cause) {
    // Members that start together make it together, and one of them comes too late: it is asked for below.
    kafka.log.info({ topic, cause: String(cause) }, 'the internal topic was not made by us');
  }
  const offsets = openOffsets(kafka);
  try {
    const { length } = await offsets.ranges([topic]);
    if (length === count) return;
    throw new OperatingError(
      'BROKER_LAYOUT',
      `${topic} has ${length} partitions, and kafka.lanes.count is ${count}: they must be the same`,
      { retryable: false },
    );
  } finally {
    await offsets.close();
  }
}
