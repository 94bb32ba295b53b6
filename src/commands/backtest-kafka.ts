/** A range of Kafka as a corpus: offsets named one by one, or topics between two times. */
import { randomUUID } from 'node:crypto';
import { createKafkaBroker } from '../adapters/kafka.ts';
import type { KafkaAccess, KafkaOptions, OffsetRange } from '../adapters/kafka-face.ts';
import { forgetGroup } from '../adapters/kafka-groups.ts';
import { readOffsets, readOffsetsAt } from '../adapters/kafka-offsets.ts';
import { createKafkaRange } from '../adapters/kafka-range.ts';
import { createLog } from '../adapters/log.ts';
import type { SourceConfig } from '../model/config/source.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import { KINDS } from '../model/event.ts';
import type { Broker } from '../model/ports.ts';
import { createDecode, type Decode } from '../source/source.ts';
import { type Given, type OptionSpec, usage } from './arguments.ts';
import type { Corpus } from './backtest-corpora.ts';
import { DEFAULT_SOURCES, type Environment } from './config.ts';
import { kafkaGiven } from './kafka-access.ts';
import type { Library } from './library.ts';
import type { Feed } from './rehearse.ts';
import { withDecoder } from './sniff.ts';

/** Options that name a range. */
export const KAFKA_OPTIONS: OptionSpec = {
  from: 'value',
  brokers: 'value',
  topics: 'value',
  since: 'value',
  until: 'value',
};

const SESSION_TIMEOUT_MS = 30_000;
const NAME = 'kafka';

/**
 * The range that the options name; null where they name none. Asks the brokers at once whether it is
 * there: a range that retention has taken away, or that is not written yet, is a mistake.
 */
export async function kafkaCorpus(
  given: Given,
  library: Library,
  config: Config | null,
  environment: Environment,
): Promise<Corpus | null> {
  const [from, topics] = [given.value('from'), given.value('topics')];
  if (from === undefined && topics === undefined) {
    for (const option of ['brokers', 'since', 'until'])
      if (given.value(option) !== undefined)
        throw usage(`--${option} needs --topics T[,T…] or --from topic:partition:from-to`);
    return null;
  }
  if (from !== undefined && topics !== undefined)
    throw usage('one of --from and --topics, not both: offsets, or topics between two times');
  const access = await kafkaGiven(given, config, environment);
  if (access === null)
    throw usage('name the brokers: --brokers host:port, or kafka.brokers in the configuration');
  const kafka = { ...access, clientId: 'plumbline-backtest', log: createLog('error', 'backtest') };
  const ranges =
    from === undefined
      ? await rangesBetween(kafka, listed('topics', topics ?? ''), given)
      : await rangesNamed(kafka, listed('from', from));
  if (ranges.every(({ low, end }) => low >= end)) throw usage('the range holds no record');
  const sources = [...new Set(ranges.map(({ topic }) => topic))].map((topic) =>
    sourceOf(topic, config),
  );
  return {
    ...{ name: NAME, place: ranges.map(textOf).join(', '), labels: null },
    feed: {
      sources,
      decode: sniffing(sources, library),
      open: () => opened(kafka, ranges),
    },
  };
}

/**
 * What lies between two times of the topics `within`, by when the broker got it, and all of those that
 * are `whole` besides; with where each partition's log begins and ends now. Rejects with NOT_FOUND
 * where nothing is left of it.
 */
export async function kafkaWindow(
  at: { readonly access: KafkaAccess; readonly sinceMs: number; readonly untilMs: number },
  topics: { readonly within: readonly string[]; readonly whole: readonly string[] },
  library: Library,
  config: Config | null,
): Promise<{ readonly feed: Feed; readonly logs: readonly OffsetRange[] }> {
  const log = createLog('error', 'kafka-window');
  const kafka = { ...at.access, clientId: 'plumbline-case', log };
  const names = [...new Set([...topics.within, ...topics.whole])];
  const logs = await readOffsets(kafka, names);
  const read = await rangesIn(kafka, names, at.sinceMs, at.untilMs);
  const cut = read.map((range) => {
    const isWhole = topics.whole.includes(range.topic);
    const own = logs.find((one) => one.topic === range.topic && one.partition === range.partition);
    return isWhole && own !== undefined ? { ...range, low: own.low } : range;
  });
  const filled = cut.filter(({ low, end }) => low < end);
  const sources = [...new Set(filled.map(({ topic }) => topic))].map((topic) =>
    sourceOf(topic, config),
  );
  if (filled.length === 0)
    throw new OperatingError(
      'NOT_FOUND',
      `no record of that time is in ${names.join(', ')} any more`,
      {
        retryable: false,
      },
    );
  const feed = { sources, decode: sniffing(sources, library), open: () => opened(kafka, filled) };
  return { feed, logs };
}

/** A member of a group of its own, which is gone when the range was read. */
function opened(
  kafka: KafkaOptions,
  ranges: readonly OffsetRange[],
): Broker & { readonly finished: Promise<void> } {
  const group = `plumbline-backtest-${randomUUID()}`;
  const topics = [...new Set(ranges.map(({ topic }) => topic))];
  const inner = createKafkaBroker({
    ...kafka,
    ...{ group, topics, whole: true, sessionTimeoutMs: SESSION_TIMEOUT_MS },
  });
  const range = createKafkaRange(inner, ranges);
  return {
    finished: range.finished,
    start: (handler) => range.start(handler),
    pause: (partitions) => range.pause(partitions),
    resume: (partitions) => range.resume(partitions),
    lag: () => range.lag(),
    stop: async (deadlineMs) => {
      await range.stop(deadlineMs);
      await forgetGroup(kafka, group);
    },
  };
}

function textOf({ topic, partition, low, end }: OffsetRange): string {
  return `${topic}:${partition}:${low}-${end}`;
}

function listed(option: string, text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) throw usage(`--${option} has an empty entry`);
  return parts;
}

/** `topic:partition:from-to`, `to` exclusive, as offsets are counted everywhere. */
export function rangeOf(text: string): OffsetRange {
  const match = /^(.+):(\d+):(\d+)-(\d+)$/.exec(text);
  const [, topic, partition, low, end] = match ?? [];
  const range = {
    topic: topic ?? '',
    partition: Number(partition),
    low: Number(low),
    end: Number(end),
  };
  const isSafe = [range.partition, range.low, range.end].every(Number.isSafeInteger);
  if (!isSafe || range.low > range.end)
    throw usage(
      `--from takes topic:partition:from-to with from ≤ to, the end not included; not ${JSON.stringify(text)}`,
    );
  return range;
}

async function rangesNamed(kafka: KafkaOptions, texts: readonly string[]): Promise<OffsetRange[]> {
  const wanted = texts.map(rangeOf);
  const keys = wanted.map(({ topic, partition }) => `${topic}:${partition}`);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) throw usage(`--from names ${twice} twice: one range a partition`);
  const known = await readOffsets(kafka, [...new Set(wanted.map(({ topic }) => topic))]);
  for (const range of wanted) {
    const log = known.find(
      ({ topic, partition }) => topic === range.topic && partition === range.partition,
    );
    if (log === undefined) throw usage(`${range.topic} has no partition ${range.partition}`);
    if (range.low < log.low || range.end > log.end)
      throw usage(`${textOf(range)} is not all there: the log holds ${log.low} to ${log.end}`);
  }
  return wanted;
}

async function rangesBetween(
  kafka: KafkaOptions,
  topics: readonly string[],
  given: Given,
): Promise<OffsetRange[]> {
  const [sinceMs, untilMs] = [timeGiven(given, 'since'), timeGiven(given, 'until')];
  if (sinceMs !== null && untilMs !== null && sinceMs >= untilMs)
    throw usage('--since must lie before --until');
  return await rangesIn(kafka, topics, sinceMs, untilMs);
}

async function rangesIn(
  kafka: KafkaOptions,
  topics: readonly string[],
  sinceMs: number | null,
  untilMs: number | null,
): Promise<OffsetRange[]> {
  const logs = await readOffsets(kafka, topics);
  const starts = sinceMs === null ? null : await readOffsetsAt(kafka, topics, sinceMs);
  const ends = untilMs === null ? null : await readOffsetsAt(kafka, topics, untilMs);
  return logs.map((log) => {
    const at = (list: typeof starts) =>
      list?.find(({ topic, partition }) => topic === log.topic && partition === log.partition)
        ?.offset;
    const low = Math.max(log.low, at(starts) ?? log.low);
    return { ...log, low, end: Math.max(low, Math.min(log.end, at(ends) ?? log.end)) };
  });
}

function timeGiven(given: Given, option: string): number | null {
  const text = given.value(option);
  if (text === undefined) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !/^\d{4}-\d\d-\d\d/.test(text))
    throw usage(
      `--${option} takes a time such as 2026-11-20T08:00:00Z; not ${JSON.stringify(text)}`,
    );
  return ms;
}

/** The configured source of a topic, the usual one whose name it ends in, or one of all kinds. */
function sourceOf(topic: string, config: Config | null): SourceConfig {
  const configured = config?.sources.find((source) => source.topic === topic);
  if (configured !== undefined) return configured;
  const usual = DEFAULT_SOURCES.find(({ name }) => topic.endsWith(name));
  if (usual !== undefined) return { ...usual, topic };
  return { name: topic, topic, decoder: 'canonical', trust: 'gateway', kinds: [...KINDS] };
}

/** Chooses each topic's decoder at its first record, as a folder's are by the first lines. */
function sniffing(sources: readonly SourceConfig[], library: Library): Decode {
  const byTopic = new Map(sources.map((source) => [source.topic, source]));
  const chosen = new Map<string, Decode>();
  const { decode: unknown } = createDecode([], library.mappings);
  return (record) => {
    const known = chosen.get(record.topic);
    if (known !== undefined) return known(record);
    const source = byTopic.get(record.topic);
    if (source === undefined || record.value === null) return unknown(record);
    const fitting = withDecoder(source, library, record.value, source.decoder);
    const { decode } = createDecode([fitting], library.mappings);
    chosen.set(record.topic, decode);
    return decode(record);
  };
}
