/** `simulate`: a seeded fleet with labelled misbehaviour, into files, Kafka or HTTP. */
import { appendFile } from 'node:fs/promises';
import { systemClock } from '../adapters/clock.ts';
import { createHttp } from '../adapters/control-http.ts';
import { createHttpPublisher } from '../adapters/http-publisher.ts';
import { createJsonlPublisher } from '../adapters/jsonl-publisher.ts';
import { createKafkaPublisher, ensureTopics } from '../adapters/kafka.ts';
import { createLog } from '../adapters/log.ts';
import { KINDS } from '../model/event.ts';
import type { Publisher } from '../model/ports.ts';
import type { Truth } from '../simulation/emission.ts';
import { createFleet, type FleetOptions } from '../simulation/fleet.ts';
import { brokersOf, type Given, lengthOfTime, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { createGate, runFleet } from './fleet-runner.ts';
import { configOrNull, libraryOf } from './inputs.ts';

/** The command. */
export const simulate: Command = {
  name: 'simulate',
  synopsis:
    'simulate --to files|kafka|http [--dir DIR | --brokers H:P | --url URL] [--agents N] [--seed S] [--sessions-per-hour N] [--bad-share 0..1] [--for 10m] [--events N] [--fast] [--gate URL] [--truth FILE]',
  summary: 'run a seeded fleet of agents, some of them bad, in real time or as fast as it goes',
  options: {
    to: 'value',
    dir: 'value',
    brokers: 'value',
    url: 'value',
    prefix: 'value',
    partitions: 'value',
    agents: 'value',
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
  },
  run: async (given, { output, signal }) => {
    const log = createLog('error', 'simulate');
    const config = await configOrNull(given);
    const { inventory } = await libraryOf(given, config);
    const publisher = await publisherOf(given, config?.kafka?.brokers, log);
    const badShare = shareOf(given.value('bad-share') ?? '0.05');
    const length = given.value('for');
    const relapse = given.value('relapse');
    const events = given.count('events', 1) ?? null;
    const fast = given.has('fast');
    if (fast && events === null && length === undefined)
      throw usage('--fast needs an end: --events N, or --for 2h of event time');
    const gate = createGate(given.value('gate') ?? null, createHttp(), inventory, log);
    const settings: Omit<FleetOptions, 'startMs'> = {
      seed: given.value('seed') ?? '1',
      agents: given.count('agents', 1) ?? 40,
      sessionsPerHour: given.count('sessions-per-hour', 1) ?? 600,
      badShare,
      ...(relapse === undefined ? {} : { relapseMs: lengthOfTime(relapse) }),
      gate: gate.answer,
    };
    const lengthMs = length === undefined ? null : lengthOfTime(length);
    const back = given.value('back');
    // What is written all at once lies in the past: records of the future are no use to anybody.
    const backMs =
      back === undefined && fast
        ? (lengthMs ?? lengthOf(settings, events ?? 0))
        : lengthOfTime(back ?? '0s');
    const startMs = given.count('start', 0) ?? systemClock.nowMs() - backMs;
    const fleet = createFleet({ ...settings, startMs });
    const truths: Truth[] = [];
    const byKind: Record<string, number> = {};
    const prefix = given.value('prefix') ?? '';
    let shown = 0;
    try {
      const sent = await runFleet(
        {
          fleet,
          publisher,
          gate,
          clock: systemClock,
          topicOf: (stream) => `${prefix}${stream}`,
          events,
          untilMs: lengthMs === null ? null : startMs + lengthMs,
          inRealTime: !fast,
          onTruth: (truth) => {
            truths.push(truth);
            byKind[truth.kind] = (byKind[truth.kind] ?? 0) + 1;
          },
          onSent: (total) => {
            if (total - shown < 10_000) return;
            shown = total;
            output.progress(`${total.toLocaleString('en')} events`);
          },
        },
        signal,
      );
      const file = given.value('truth');
      if (file !== undefined)
        await appendFile(file, truths.map((truth) => `${JSON.stringify(truth)}\n`).join(''));
      output.line(
        `${sent.toLocaleString('en')} events, ${truths.length} misdeeds: ${JSON.stringify(byKind)}`,
      );
      output.json({ sent, misdeeds: byKind });
    } finally {
      await publisher.close();
    }
    return 0;
  },
};

async function publisherOf(
  given: Given,
  configured: readonly string[] | undefined,
  log: ReturnType<typeof createLog>,
): Promise<Publisher> {
  const to = given.value('to');
  if (to === 'files') {
    const dir = given.value('dir');
    if (dir === undefined) throw usage('--to files needs --dir DIR');
    return createJsonlPublisher(dir);
  }
  if (to === 'kafka') {
    const named = given.value('brokers');
    const brokers = named === undefined ? configured : brokersOf(named);
    if (brokers === undefined)
      throw usage('--to kafka needs --brokers host:port, or kafka.brokers in the configuration');
    const kafka = { brokers, clientId: 'plumbline-simulate', log };
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
