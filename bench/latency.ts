/** Latency: from the scheduled sending of a call to the control call it leads to, in an open loop. */
import type { ChildProcess } from 'node:child_process';
import { getPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaPublisher } from '../src/adapters/kafka.ts';
import { ensureTopics } from '../src/adapters/kafka-topics.ts';
import { KINDS, type WireEvent } from '../src/model/event.ts';
import { freePort } from '../test/integration/kafka-probe.ts';
import { freshDatabase, providePostgres, silentLog } from '../test/integration/postgres.ts';
import { provideKafka } from '../test/integration/provider.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { type Running, start } from './child.ts';
import type { Call } from './latency-control.ts';
import type { LatencyAnswer, LatencyInput } from './latency-daemon.ts';
import { probeSession, wallMs } from './latency-parts.ts';
import { RECORDED, saturationOf, scheduled, sentAs, type Traffic } from './latency-traffic.ts';
import { begin, type Result } from './measure.ts';
import { PARTITIONS } from './workload.ts';

type Kafka = Awaited<ReturnType<typeof provideKafka>>;
type Postgres = Awaited<ReturnType<typeof providePostgres>>;

const SHARES = [0.25, 0.5, 0.8] as const;
/** How long a level is played before it is measured, and how long it is, ms, where nothing else is asked for. */
const WARM_MS = 40_000;
const FOR_MS = 40_000;
/** Before a level that is measured for so many seconds: the daemon has come to the heap it goes on with. */
const LONG_WARM_MS = 120_000;

/** One event in so many is a probe, or fewer: no driver may be given more than 600 requests a minute. */
const PROBE_EVERY = 200;
const PROBES_PER_S = 9;
const SECRET = 'whsec_bGF0ZW5jeS1iZW5jaG1hcmstc2VjcmV0LTAwMDAwMDA';
/** What is due is handed to the producer this often; what waits meanwhile waits in the figures. */
const TICK_MS = 2;
const PATIENCE_MS = 180_000;

/** The benchmark. */
export const latency: Bench = {
  name: 'latency',
  claim: 'scheduled sending of a call → control call received, early path, open loop',
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

/** How a level is run. */
interface Level extends Traffic {
  readonly share: number;
  readonly lateness: string;
  readonly emit: 'early' | 'final';
}

/** A probe through every station, wall-clock ms. */
interface Timed {
  readonly n: number;
  readonly dueMs: number;
  readonly sentMs: number;
  readonly ackMs: number;
  readonly steppedMs: number;
  readonly committedMs: number;
  readonly receivedMs: number;
}

interface Measured {
  readonly level: Level;
  readonly offered: number;
  readonly probes: readonly Timed[];
  /** Probes that were decided when they came, and confirmed in their turn. */
  readonly early: number;
  readonly lost: number;
  /** Decided in their turn within the wait: all of them, or the daemon does not keep up. */
  readonly settled: number;
  readonly duplicates: number;
  /** Calls under a key that came before. */
  readonly resent: number;
  readonly daemonCpuMs: number;
  readonly commits: number;
  readonly heldUp: LatencyAnswer['heldUp'];
}

async function measure(
  { rate, smoke, seconds, say, command }: BenchOptions,
  kafka: Kafka,
  postgres: Postgres,
): Promise<Result> {
  const end = begin('latency', command);
  const saturation = rate ?? (smoke ? 200 : await saturationOf(kafka, postgres));
  say(`saturation: ${Math.round(saturation)} events a second`);
  const lateness = smoke ? '1s' : '30s';
  const warmMs = smoke ? 3_000 : seconds === null ? WARM_MS : LONG_WARM_MS;
  const forMs = smoke ? 5_000 : seconds === null ? FOR_MS : seconds * 1000;
  // For long only the level that goals speak of.
  const shares = smoke || seconds !== null ? [0.5] : SHARES;
  const levels = shares.map((share): Level => {
    const rate = saturation * share;
    const every = smoke ? 20 : Math.max(PROBE_EVERY, Math.ceil(rate / PROBES_PER_S));
    return { share, rate, every, lateness, warmMs, forMs, emit: 'early' };
  });
  const measured: Measured[] = [];
  for (const level of levels) {
    const one = await play(level, kafka, postgres);
    measured.push(one);
    say(lineOf(one));
    // What is offered beyond that would be measured against a backlog.
    if (!keepsUp(one)) break;
  }
  return end({
    workload: {
      'saturation, events/s': Math.round(saturation),
      ...{ lateness, 'one probe in': levels.map(({ every }) => every) },
      nice: getPriority(),
      ...{ 'warm-up, s': warmMs / 1000, 'measured, s': forMs / 1000 },
    },
    figures: figuresOf(measured),
    rounds: measured,
    notes: [
      'send times are fixed in advance and latency counts from them: what waits for a busy producer, broker or daemon is in the figures; percentiles by the nearest rank',
      'parts of the same probes: produce = scheduled → acknowledged; read = acknowledged → decided (fetch, queue, decode, early rules); commit = decided → stored, with fsync; act = stored → received by the control server (wake-up, taking the intention, what is in force, HTTP)',
      'every probe must have one control call and no second one, be detected when the watermark passes it, and none may be withdrawn: the run fails otherwise; a level at which not all are detected within three minutes says so, and is the last',
      `saturation is what the daemon drains from full topics${rate === null ? ` here, before: ${RECORDED.forMs / 1000} s of the same traffic, recorded at ${RECORDED.rate} events a second` : '; it was given'}; broker, database, daemon, control server and the generator share the machine, which others use too`,
      'no more than 600 requests a minute may be configured for a driver: at high rates fewer than 1 event in 200 is a probe',
    ],
  });
}

/** One level: a fresh daemon, database and set of topics. */
async function play(level: Level, kafka: Kafka, postgres: Postgres): Promise<Measured> {
  const prefix = `latency-${process.pid}-${Math.round(level.share * 100)}-`;
  const client = { brokers: kafka.brokers, clientId: 'bench', log: silentLog };
  await ensureTopics(
    client,
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: PARTITIONS })),
  );
  const fresh = await freshDatabase(postgres);
  const port = await freePort();
  const control = start<readonly Call[]>('latency-control.ts', { port });
  const given: LatencyInput = {
    ...{ brokers: kafka.brokers, group: `${prefix}group`, prefix, database: fresh.url },
    ...{ control: `http://127.0.0.1:${port}/`, lateness: level.lateness, emit: level.emit },
    secret: SECRET,
  };
  const daemon = start<LatencyAnswer>('latency-daemon.ts', given);
  try {
    await Promise.all([readyOf(control.process), readyOf(daemon.process)]);
    const sent = await offer(level, prefix, kafka.brokers, (message) =>
      daemon.process.send(message),
    );
    const settled = await settledOf(fresh, sent.probes.length, daemon);
    daemon.process.send('stop');
    const told = await daemon.answer;
    control.process.send('stop');
    return measuredOf(level, { ...sent, settled }, told, await control.answer);
  } finally {
    for (const child of [daemon, control]) child.process.kill();
    await fresh.drop();
  }
}

function readyOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      if ((message as { readonly ready?: boolean }).ready === true) resolve();
    });
    child.once('exit', () => reject(new Error('a process of the benchmark ended too soon')));
  });
}

interface Offered {
  readonly events: number;
  readonly probes: readonly { n: number; dueMs: number; sentMs: number; ackMs: number }[];
}

/** The open loop: what is due is handed over when it is due, however the producer gets on. */
async function offer(
  level: Level,
  prefix: string,
  brokers: readonly string[],
  tell: (message: string) => void,
): Promise<Offered> {
  const publisher = createKafkaPublisher({ brokers, clientId: 'bench', log: silentLog });
  const { topicOf, next } = scheduled(level, prefix, wallMs() + 500);
  const probes: { n: number; dueMs: number; sentMs: number; ackMs: number }[] = [];
  let waiting: { event: WireEvent; probe: number | null; dueMs: number }[] = [];
  let events = 0;
  let sending: Promise<void> | null = null;
  const send = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const sentMs = wallMs();
      await publisher.publish(
        batch.map(({ event, dueMs }) => sentAs(topicOf(event), event, dueMs)),
      );
      const ackMs = wallMs();
      events += batch.length;
      for (const { probe: n, dueMs } of batch)
        if (n !== null) probes.push({ n, dueMs, sentMs, ackMs });
    }
    sending = null;
  };
  // A failed publish ends the run: the loop below waits for it at the end.
  for (let one = next(); one !== null; one = next()) {
    while (one.dueMs > wallMs()) await sleep(TICK_MS);
    if (one.probe === 0) tell('measure');
    waiting.push(one);
    sending ??= send();
  }
  while (sending !== null) await sending;
  tell('measured');
  await publisher.close();
  return { events, probes };
}

/**
 * Waits until the watermark has passed every probe, the fold has said the same of each, and no request waits
 * for its turn at the driver any more, or for three minutes; of how many that is so.
 */
async function settledOf(
  { db }: Awaited<ReturnType<typeof freshDatabase>>,
  probes: number,
  daemon: Running<LatencyAnswer>,
): Promise<number> {
  const sql = `select
    (select count(*)::int from detection
      where detector = 'bench-probe' and (body -> 'provisional') is null) as settled,
    (select count(*)::int from outbox where step = 'request' and state <> 'done') as waiting`;
  const endMs = wallMs() + PATIENCE_MS;
  for (;;) {
    const [row] = await db.query(sql);
    const settled = Number(row?.['settled'] ?? 0) - Number(row?.['waiting'] ?? 0);
    if (settled === probes || wallMs() > endMs) return settled;
    if (daemon.process.exitCode !== null) throw new Error('the daemon ended too soon');
    await sleep(200);
  }
}

function measuredOf(
  level: Level,
  { events, probes, settled }: Offered & { readonly settled: number },
  { moments, counters, cpuMs, commits, heldUp }: LatencyAnswer,
  calls: readonly Call[],
): Measured {
  const bySession = new Map<string, Call[]>();
  for (const call of calls) {
    const known = bySession.get(call.session);
    if (known === undefined) bySession.set(call.session, [call]);
    else known.push(call);
  }
  const timed: Timed[] = [];
  const unanswered: number[] = [];
  for (const { n, dueMs, sentMs, ackMs } of probes) {
    const [call] = bySession.get(probeSession(n)) ?? [];
    const [steppedMs, committedMs] = moments[probeSession(n)] ?? [Number.NaN, Number.NaN];
    if (call === undefined) unanswered.push(n);
    else timed.push({ n, dueMs, sentMs, ackMs, steppedMs, committedMs, receivedMs: call.atMs });
  }
  // The same key again is a reply that was lost: the target knows it. Another key is another action.
  const duplicates = new Set(calls.map(({ key }) => key)).size - bySession.size;
  const resent = calls.length - bySession.size - duplicates;
  // Where the daemon does not keep up, what it has not come to yet is not lost.
  const isBehind = settled < probes.length;
  const lost = unanswered.length;
  const strangers = bySession.size - timed.length;
  const early = counters['early-confirmed'] ?? 0;
  const withdrawn = counters['early-withdrawn'] ?? 0;
  // Those that were too old when they came (a machine that stood still) are left to the fold, and are told.
  const isOdd = !isBehind && (early === 0 || withdrawn > 0);
  if ((lost > 0 && !isBehind) || duplicates > 0 || strangers > 0 || isOdd)
    throw new Error(
      `of ${probes.length} probes ${early} were early and confirmed, ${withdrawn} withdrawn; control calls: ${duplicates} twice, ${strangers} that nobody asked for, ${lost} lost (probes ${unanswered.slice(0, 8).join(', ')})`,
    );
  return {
    ...{ level, offered: events, probes: timed, early, lost, settled, duplicates, resent },
    ...{ daemonCpuMs: cpuMs, commits, heldUp },
  };
}

/** Were all probes decided in their turn? */
function keepsUp({ settled, probes, lost }: Measured): boolean {
  return settled === probes.length + lost;
}

const PARTS: readonly (readonly [string, (one: Timed) => number])[] = [
  ['all', ({ receivedMs, dueMs }) => receivedMs - dueMs],
  ['produce', ({ ackMs, dueMs }) => ackMs - dueMs],
  ['read', ({ steppedMs, ackMs }) => steppedMs - ackMs],
  ['commit', ({ committedMs, steppedMs }) => committedMs - steppedMs],
  ['act', ({ receivedMs, committedMs }) => receivedMs - committedMs],
];

function figuresOf(measured: readonly Measured[]): Result['figures'] {
  const figures: Record<string, number | string> = {};
  for (const one of measured) {
    const { level, probes, early, lost, settled, duplicates, resent, offered, heldUp } = one;
    const at = `${Math.round(level.share * 100)} %`;
    if (!keepsUp(one))
      figures[`${at}: the daemon does not keep up; decided in their turn within the wait`] =
        `${settled} of ${probes.length + lost}`;
    const rank = (of: (one: Timed) => number) => {
      const sorted = probes.map(of).sort((a, b) => a - b);
      return (share: number) =>
        sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
    };
    const all = rank((PARTS[0] as (typeof PARTS)[number])[1]);
    figures[`${at}: probes of events`] = `${probes.length} of ${offered}`;
    figures[`${at}: p50 / p99 / p99.9 / max, ms`] = [0.5, 0.99, 0.999, 1]
      .map((share) => all(share).toFixed(1))
      .join(' / ');
    for (const [name, of] of PARTS.slice(1)) {
      const part = rank(of);
      figures[`${at}: ${name}, p50 / p99, ms`] =
        `${part(0.5).toFixed(1)} / ${part(0.99).toFixed(1)}`;
    }
    figures[`${at}: control calls lost / duplicate / sent again under their key`] =
      `${lost} / ${duplicates} / ${resent}`;
    figures[`${at}: event loop of the daemon held up, p99 / max, ms`] =
      `${heldUp.p99.toFixed(1)} / ${heldUp.max.toFixed(1)}`;
    figures[`${at}: CPU of the daemon with warm-up and the turn of the last, µs an event`] = (
      (1000 * one.daemonCpuMs) /
      offered
    ).toFixed(0);
    figures[`${at}: early and confirmed`] = `${early} of ${probes.length}`;
  }
  return figures;
}

function lineOf(one: Measured): string {
  const figures = Object.entries(figuresOf([one])).map(([name, value]) => `${name} ${value}`);
  return figures.join(' · ');
}
