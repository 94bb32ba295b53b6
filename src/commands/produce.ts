/** `produce`: a folder of recorded streams into Kafka, in event-time order, keyed by agent. */
import { systemClock } from '../adapters/clock.ts';
import { readLines, topicFile } from '../adapters/jsonl-lines.ts';
import { createKafkaPublisher } from '../adapters/kafka.ts';
import { readOffsets } from '../adapters/kafka-offsets.ts';
import { ensureTopics } from '../adapters/kafka-topics.ts';
import { createLog } from '../adapters/log.ts';
import type { SourceConfig } from '../model/config/source.ts';
import { OperatingError } from '../model/errors.ts';
import type { OutRecord } from '../model/ports.ts';
import { createDecode, type Decode } from '../source/source.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import { kafkaGiven } from './kafka-access.ts';
import { count } from './output.ts';
import { shifted } from './retime.ts';
import { sniffSources } from './sniff.ts';

const BATCH = 1000;

/** The command. */
export const produce: Command = {
  name: 'produce',
  synopsis: 'produce --dir DIR [--brokers HOST:PORT,…] [--prefix P] [--partitions N] [--retime]',
  summary: 'send a folder of recorded streams to Kafka; --retime moves its times to now',
  options: {
    dir: 'value',
    brokers: 'value',
    partitions: 'value',
    prefix: 'value',
    retime: 'flag',
    detectors: 'value',
  },
  run: async (given, { output, environment }) => {
    const dir = given.value('dir');
    if (dir === undefined) throw usage('produce needs --dir DIR');
    const config = await configOrNull(given);
    const access = await kafkaGiven(given, config, environment);
    if (access === null)
      throw usage('name the brokers: --brokers host:port, or kafka.brokers in the configuration');
    const library = await libraryOf(given, config);
    // The configuration says what the daemon reads; the folder says what is in its files.
    const sources = await sniffSources(dir, library);
    const { decode } = createDecode(sources, library.mappings);
    const shiftMs = given.has('retime')
      ? systemClock.nowMs() - (await newestOf(dir, sources, decode))
      : 0;
    const kafka = { ...access, clientId: 'plumbline-produce', log: createLog('error', 'produce') };
    const prefix = given.value('prefix') ?? '';
    const partitions = given.count('partitions', 1) ?? 4;
    const present = await ensureTopics(
      kafka,
      sources.map(({ topic }) => ({ topic: `${prefix}${topic}`, partitions })),
    );
    const topics = sources.map(({ topic }) => prefix + topic);
    const ranges = present.length === 0 ? [] : await readOffsets(kafka, present);
    const before = ranges.reduce((sum, { low, end }) => sum + end - low, 0);
    if (before > 0)
      output.progress(
        `these topics hold ${count(before, 'record')} already: what is sent now comes after them`,
      );
    if (given.value('partitions') !== undefined && ranges.length !== partitions * present.length)
      output.progress(
        'some of these topics existed with another number of partitions, which stays as it is',
      );
    const publisher = createKafkaPublisher(kafka);
    let sent = 0;
    let batch: OutRecord[] = [];
    const flush = async () => {
      await publisher.publish(batch);
      sent += batch.length;
      batch = [];
      if (sent % 10_000 < BATCH) output.progress(`${sent.toLocaleString('en')} records`);
    };
    try {
      for await (const { source, line, key } of merged(dir, sources, decode)) {
        const value = shiftMs === 0 ? line : shifted(line, shiftMs);
        batch.push({ topic: `${prefix}${source.topic}`, key, value });
        if (batch.length >= BATCH) await flush();
      }
      await flush();
    } finally {
      await publisher.close();
    }
    output.line(`${count(sent, 'record')} sent; to read them, name in the configuration:`);
    for (const { topic, decoder } of sources)
      output.line(`  topic ${prefix}${topic}, decoder ${decoder}`);
    output.json({ sent, topics, shiftMs, before });
    return 0;
  },
};

interface Head {
  readonly source: SourceConfig;
  readonly lines: AsyncGenerator<Buffer, void>;
  line: Buffer;
  ms: number;
  key: string | null;
}

/** The files' lines, merged by event time; within a file the order of the file. */
async function* merged(
  dir: string,
  sources: readonly SourceConfig[],
  decode: Decode,
): AsyncGenerator<Head, void> {
  const heads: Head[] = [];
  for (const source of sources) {
    const file = await topicFile(dir, source.topic);
    if (file === null) continue;
    const head: Head = { source, lines: readLines(file), line: Buffer.alloc(0), ms: 0, key: null };
    if (await step(head, decode)) heads.push(head);
  }
  while (heads.length > 0) {
    const first = heads.reduce((a, b) => (b.ms < a.ms ? b : a));
    yield first;
    if (!(await step(first, decode))) heads.splice(heads.indexOf(first), 1);
  }
}

async function step(head: Head, decode: Decode): Promise<boolean> {
  const next = await head.lines.next();
  if (next.done === true) return false;
  head.line = next.value;
  const { events } = decode(recordOf(head.source.topic, next.value));
  const event = events[0];
  // What cannot be read is sent all the same, where it stands: the daemon's dead letters name it.
  head.ms = event?.time.eventMs ?? head.ms;
  head.key = event?.agent?.id ?? null;
  return true;
}

async function newestOf(
  dir: string,
  sources: readonly SourceConfig[],
  decode: Decode,
): Promise<number> {
  let newest = Number.NEGATIVE_INFINITY;
  for await (const { ms } of merged(dir, sources, decode)) newest = Math.max(newest, ms);
  if (Number.isFinite(newest)) return newest;
  throw new OperatingError('SOURCE_UNREADABLE', `${dir} holds no record that can be read`, {
    retryable: false,
  });
}

function recordOf(topic: string, value: Buffer) {
  return { topic, partition: 0, offset: 0, timestampMs: systemClock.nowMs(), key: null, value };
}
