/** The daemon of the latency benchmark: as it is run, with every detector and the probe's. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock } from '../src/adapters/clock.ts';
import { openDatabase } from '../src/adapters/postgres.ts';
import { runDaemon } from '../src/commands/daemon.ts';
import { ROOT, readLibrary } from '../src/commands/library.ts';
import type { Config } from '../src/model/config.ts';
import type { Log } from '../src/model/ports.ts';
import { answer, cpuUs, input } from './child.ts';
import { sourcesOf } from './lane.ts';
import { probeDetector, wallMs } from './latency-parts.ts';

/** What to read, where to keep it, whom to ask. */
export interface LatencyInput {
  readonly brokers: readonly string[];
  readonly group: string;
  readonly prefix: string;
  readonly database: string;
  readonly control: string;
  readonly lateness: string;
  readonly emit: 'early' | 'final';
  readonly secret: string;
}

/** When an action was decided and when it was stored, wall-clock ms, by session. */
export type Moments = Readonly<Record<string, readonly [steppedMs: number, committedMs: number]>>;

/** What the daemon says at its end. */
export interface LatencyAnswer {
  readonly moments: Moments;
  readonly counters: Readonly<Record<string, number>>;
  readonly cpuMs: number;
  readonly commits: number;
  /** How long the event loop was held up while probes came, ms. */
  readonly heldUp: { readonly p99: number; readonly max: number };
}

const SECRET_NAME = 'LATENCY_SECRET';
const given = input<LatencyInput>();
const ignore = () => undefined;
const problem = (fields: object, message: string) =>
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
const log: Log = {
  debug: ignore,
  info: (_, message) => {
    if (message === 'lane claimed and loaded') process.send?.({ ready: true });
  },
  warn: problem,
  error: problem,
};
const shipped = await readLibrary(`${ROOT}detectors`);
const library = { ...shipped, detectors: [...shipped.detectors, probeDetector(given.emit)] };
const db = await openDatabase({ url: given.database, poolMax: 8, applicationName: 'bench', log });
const config: Config = {
  instance: 'bench',
  kafka: { brokers: [...given.brokers], group: given.group },
  sources: sourcesOf(given.prefix).map((source) => ({
    ...{ ...source, lateness: given.lateness, idleAfter: given.lateness },
  })),
  roles: { default: { mode: 'autonomous' } },
  guardrails: {
    ...{ breakerFleetShare: 1, breakerRoleShare: 1 },
    ...{ agentPerHour: 1_000_000, fleetPerMinute: 1_000_000 },
  },
  control: {
    drivers: {
      stub: {
        ...{ type: 'webhook', url: given.control, ratePerMin: 600 },
        secret: { env: SECRET_NAME },
      },
    },
  },
};
const delays = monitorEventLoopDelay({ resolution: 2 });
const over = new AbortController();
process.on('message', (message) => {
  if (message === 'stop') over.abort();
  if (message === 'measure') delays.enable();
  if (message === 'measured') delays.disable();
});
const moments: Record<string, readonly [number, number]> = {};
let steppedMs = 0;
let commits = 0;
let counters: Readonly<Record<string, number>> = {};
const startCpu = cpuUs();
await runDaemon(
  {
    ...{ config, file: 'bench', library, clock: systemClock, log },
    store: { db, provider: 'bench', digestKey: 'bench', close: async () => undefined },
    environment: { [SECRET_NAME]: given.secret },
  },
  {
    untilCaughtUp: false,
    onStep: (step) => {
      if (step === 'stepped') steppedMs = wallMs();
    },
    onCommit: (commit) => {
      commits += 1;
      counters = commit.counters;
      for (const { step, subject } of commit.effects.intentions)
        if (step === 'request' && subject.session !== null)
          moments[subject.session] ??= [steppedMs, wallMs()];
    },
  },
  over.signal,
);
await db.close();
const heldUp = { p99: delays.percentile(99) / 1e6, max: delays.max / 1e6 };
const cpuMs = (cpuUs() - startCpu) / 1000;
answer({ moments, counters, cpuMs, commits, heldUp } satisfies LatencyAnswer);
