/** `simulate`: a seeded fleet with labelled misbehaviour, into files, Kafka or HTTP. */
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../adapters/clock.ts';
import { createHttp } from '../adapters/control-http.ts';
import { exists } from '../adapters/files.ts';
import { createHttpPublisher } from '../adapters/http-publisher.ts';
import { createJsonlPublisher } from '../adapters/jsonl-publisher.ts';
import { createKafkaPublisher } from '../adapters/kafka.ts';
import type { KafkaAccess } from '../adapters/kafka-face.ts';
import { ensureTopics } from '../adapters/kafka-topics.ts';
import { createLog } from '../adapters/log.ts';
import { KINDS } from '../model/event.ts';
import type { Publisher } from '../model/ports.ts';
import type { SessionLabel, Truth } from '../simulation/emission.ts';
import { createFleet } from '../simulation/fleet.ts';
import type { FleetOptions } from '../simulation/fleet-options.ts';
import { createTenants } from '../simulation/tenants.ts';
import { type Given, lengthOfTime, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { createGate, runFleet } from './fleet-runner.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import { kafkaGiven } from './kafka-access.ts';
import type { Output } from './output.ts';
import { DAY_MS, learntPart, STORY_OPTIONS, type Story, scoredPart, storyOf } from './story.ts';

/** The command. */
export const simulate: Command = {
  name: 'simulate',
  synopsis:
    'simulate --to files|kafka|http [--dir DIR | --brokers H:P | --url URL] [--agents N] [--tenants N] [--seed S] [--sessions-per-hour N] [--bad-share 0..1] [--for 10m] [--events N] [--fast] [--gate URL] [--truth FILE] [--labels FILE] [--roles stories|all|NAME,…] [--days N [--learn-days N [--poison 0..1]] [--changes all|KIND=N,…]] [--rates none|KIND=0..1,…] [--rho 0..1]',
  summary: 'run a seeded fleet of agents, some of them bad, in real time or as fast as it goes',
  options: {
    to: 'value',
    dir: 'value',
    brokers: 'value',
    url: 'value',
    prefix: 'value',
    partitions: 'value',
    agents: 'value',
    tenants: 'value',
    seed: 'value',
    'sessions-per-hour': 'value',
    'bad-share': 'value',
    for: 'value',
    events: 'value',
    back: 'value',
    relapse: 'value',
    start: 'value',
    fast: 'flag',
    gate: 'value',
    truth: 'value',
    detectors: 'value',
    ...STORY_OPTIONS,
  },
  run: async (given, { output, environment, signal }) => {
    const log = createLog('error', 'simulate');
    const config = await configOrNull(given);
    const { inventory } = await libraryOf(given, config);
    const story = storyOf(given);
    if (story?.learnDays !== undefined && story.learnDays !== null)
      return await writeSplit(given, story, output, signal);
    const publisher = await publisherOf(given, () => kafkaGiven(given, config, environment), log);
    const length = given.value('for');
    const events = given.count('events', 1) ?? null;
    const days = story?.days ?? null;
    const fast = given.has('fast') || days !== null;
    if (fast && days === null && events === null && length === undefined)
      throw usage('--fast needs an end: --events N, or --for 2h of event time');
    const gate = createGate(given.value('gate') ?? null, createHttp(), inventory, log);
    const settings = { ...settingsOf(given, story), gate: gate.answer };
    const lengthMs = length === undefined ? null : lengthOfTime(length);
    const back = given.value('back');
    // What is written all at once lies in the past: records of the future are no use to anybody.
    const backMs =
      back === undefined && fast
        ? days === null
          ? (lengthMs ?? lengthOf(settings, events ?? 0))
          : days * DAY_MS
        : lengthOfTime(back ?? '0s');
    const startMs = given.count('start', 0) ?? systemClock.nowMs() - backMs;
    const labels: SessionLabel[] = [];
    const options: FleetOptions = {
      ...settings,
      ...(story === null ? {} : scoredPart(story, String(settings.seed), settings.agents, startMs)),
      startMs,
      onLabel: (label) => labels.push(label),
    };
    const fleet = createTenants(options, tenantsIn(given, settings.agents));
    const truths: Truth[] = [];
    try {
      const sent = await runFleet(
        {
          fleet,
          publisher,
          gate,
          clock: systemClock,
          topicOf: (stream) => `${given.value('prefix') ?? ''}${stream}`,
          events,
          untilMs: lengthMs === null ? null : startMs + lengthMs,
          inRealTime: !fast,
          onTruth: (truth) => truths.push(truth),
          onSent: progressOf(output),
        },
        signal,
      );
      await appendLines(given.value('truth'), truths);
      await appendLines(given.value('labels'), labels);
      const misdeeds = countsOf(truths);
      output.line(
        `${sent.toLocaleString('en')} events, ${truths.length} misdeeds: ${JSON.stringify(misdeeds)}`,
      );
      output.json({ sent, misdeeds });
    } finally {
      await publisher.close();
    }
    return 0;
  },
};

function settingsOf(given: Given, story: Story | null): Omit<FleetOptions, 'startMs'> {
  const relapse = given.value('relapse');
  const agents = given.count('agents', 1) ?? 40;
  // Whole days are read from start to end: as many sessions an hour as in a demo would be too many.
  const perHour = story?.days == null ? 600 : Math.max(1, Math.round(agents / 2));
  return {
    seed: given.value('seed') ?? '1',
    agents,
    sessionsPerHour: given.count('sessions-per-hour', 1) ?? perHour,
    badShare: shareOf(given.value('bad-share') ?? (story === null ? '0.05' : '0')),
    ...(relapse === undefined ? {} : { relapseMs: lengthOfTime(relapse) }),
  };
}

/** How many tenants there are; each has at least an agent. */
function tenantsIn(given: Given, agents: number): number {
  const count = given.count('tenants', 1) ?? 1;
  if (count > agents) throw usage(`--tenants ${count}: there are only ${agents} agents`);
  return count;
}

function countsOf(truths: readonly Truth[]): Readonly<Record<string, number>> {
  const byKind: Record<string, number> = {};
  for (const { kind } of truths) byKind[kind] = (byKind[kind] ?? 0) + 1;
  return byKind;
}

async function appendLines(file: string | undefined, rows: readonly object[]): Promise<void> {
  if (file === undefined) return;
  await appendFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

function progressOf(output: Output): (total: number) => void {
  let shown = 0;
  return (total) => {
    if (total - shown < 10_000) return;
    shown = total;
    output.progress(`${total.toLocaleString('en')} events`);
  };
}

interface Written {
  readonly sent: number;
  readonly truths: readonly Truth[];
  readonly labels: readonly SessionLabel[];
}

/** Writes one period into a folder that must not be there yet. */
async function writePeriod(
  dir: string,
  options: FleetOptions,
  output: Output,
  signal: AbortSignal,
): Promise<Written> {
  if (await exists(dir)) throw usage(`${dir} is there already; name a folder that is not`);
  const truths: Truth[] = [];
  const labels: SessionLabel[] = [];
  const publisher = createJsonlPublisher(dir);
  try {
    const sent = await runFleet(
      {
        fleet: createFleet({ ...options, onLabel: (label) => labels.push(label) }),
        publisher,
        gate: { answer: () => ({ allowed: true }), refresh: async () => undefined },
        clock: systemClock,
        topicOf: (stream) => stream,
        ...{ events: null, untilMs: null, inRealTime: false },
        onTruth: (truth) => truths.push(truth),
        onSent: progressOf(output),
      },
      signal,
    );
    return { sent, truths, labels };
  } finally {
    await publisher.close();
  }
}

/** Two periods of the same agents: `learn`, sound but for what is planted, then `score`. */
async function writeSplit(
  given: Given,
  story: Story,
  output: Output,
  signal: AbortSignal,
): Promise<0> {
  const dir = given.value('dir');
  if (given.value('to') !== 'files' || dir === undefined)
    throw usage('--learn-days writes two folders: it needs --to files --dir DIR');
  const settings = settingsOf(given, story);
  const learnMs = (story.learnDays ?? 0) * DAY_MS;
  const lengthMs = learnMs + (story.days ?? 0) * DAY_MS;
  const startMs = given.count('start', 0) ?? systemClock.nowMs() - lengthMs;
  const scoreMs = startMs + learnMs;
  const learnt = await writePeriod(
    path.join(dir, 'learn'),
    { ...settings, ...learntPart(story, startMs), startMs },
    output,
    signal,
  );
  const part = scoredPart(story, String(settings.seed), settings.agents, scoreMs);
  const scored = await writePeriod(
    path.join(dir, 'score'),
    { ...settings, ...part, startMs: scoreMs },
    output,
    signal,
  );
  await appendLines(path.join(dir, 'learn-labels.jsonl'), learnt.labels);
  await appendLines(given.value('labels') ?? path.join(dir, 'labels.jsonl'), scored.labels);
  await appendLines(given.value('truth'), scored.truths);
  const misdeeds = countsOf(scored.truths);
  output.line(
    `learn: ${learnt.labels.length} sessions, ${learnt.sent.toLocaleString('en')} events → ${path.join(dir, 'learn')}`,
  );
  output.line(
    `score: ${scored.labels.length} sessions, ${scored.sent.toLocaleString('en')} events → ${path.join(dir, 'score')}`,
  );
  output.line(`${scored.truths.length} misdeeds: ${JSON.stringify(misdeeds)}`);
  output.json({ learnt: learnt.sent, sent: scored.sent, misdeeds });
  return 0;
}

async function publisherOf(
  given: Given,
  asked: () => Promise<KafkaAccess | null>,
  log: ReturnType<typeof createLog>,
): Promise<Publisher> {
  const to = given.value('to');
  if (to === 'files') {
    const dir = given.value('dir');
    if (dir === undefined) throw usage('--to files needs --dir DIR');
    return createJsonlPublisher(dir);
  }
  if (to === 'kafka') {
    const access = await asked();
    if (access === null)
      throw usage('--to kafka needs --brokers host:port, or kafka.brokers in the configuration');
    const kafka = { ...access, clientId: 'plumbline-simulate', log };
    const partitions = given.count('partitions', 1) ?? 4;
    const prefix = given.value('prefix') ?? '';
    await ensureTopics(
      kafka,
      KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions })),
    );
    return createKafkaPublisher(kafka);
  }
  if (to === 'http') {
    const url = given.value('url');
    if (url === undefined)
      throw usage('--to http needs --url URL; each stream is posted to URL/<stream>');
    return createHttpPublisher(createHttp(), url);
  }
  throw usage('say where to: --to files, --to kafka or --to http');
}

function shareOf(text: string): number {
  const share = Number(text);
  if (!(share >= 0 && share <= 1)) throw usage('--bad-share is a number from 0 to 1');
  return share;
}

/** Event time that so many events take: the same fleet, let run to nowhere. */
function lengthOf(settings: Omit<FleetOptions, 'startMs'>, events: number): number {
  const { gate: _gate, ...rest } = settings;
  const fleet = createFleet({ ...rest, startMs: 0 });
  let lastMs = 0;
  for (let n = 0; n < events; n += 1) lastMs = fleet.next()?.atMs ?? lastMs;
  return lastMs;
}
