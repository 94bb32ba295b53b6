/** O of the end-to-end benchmark: the daemon as it is run, in observe mode, until it has caught up. */
import { createHash } from 'node:crypto';
import { systemClock } from '../src/adapters/clock.ts';
import { openDatabase } from '../src/adapters/postgres.ts';
import { type DaemonStep, runDaemon } from '../src/commands/daemon.ts';
import { ROOT, readLibrary } from '../src/commands/library.ts';
import type { Config } from '../src/model/config.ts';
import type { Log } from '../src/model/ports.ts';
import { answer, cpuUs, input } from './child.ts';
import type { DrainInput } from './e2e-bare.ts';
import { sourcesOf } from './lane.ts';

/** What to read, and where to keep what comes of it. */
export interface DaemonInput extends DrainInput {
  readonly prefix: string;
  readonly database: string;
}

const { brokers, group, prefix, database } = input<DaemonInput>();
const ignore = () => undefined;
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const library = await readLibrary(`${ROOT}detectors`);
const db = await openDatabase({ url: database, poolMax: 8, applicationName: 'bench', log });
const config: Config = {
  instance: 'bench',
  kafka: { brokers: [...brokers], group },
  sources: sourcesOf(prefix),
};
let firstMs = 0;
let commits = 0;
let deltaBytes = 0;
let counters: Readonly<Record<string, number>> = {};
const detections: string[] = [];
const startMs = performance.now();
const startCpu = cpuUs();
await runDaemon(
  {
    config,
    file: 'bench',
    library,
    store: {
      db,
      provider: 'bench',
      digestKey: 'bench',
      close: async () => undefined,
    },
    environment: {},
    clock: systemClock,
    log,
  },
  {
    untilCaughtUp: true,
    onStep: (step: DaemonStep) => {
      if (firstMs === 0 && step === 'slice-received') firstMs = performance.now();
    },
    onCommit: (commit) => {
      commits += 1;
      deltaBytes += commit.delta?.length ?? 0;
      counters = commit.counters;
      for (const { id } of commit.effects.detections) detections.push(id);
    },
  },
  new AbortController().signal,
);
const result = {
  records: counters['records'] ?? 0,
  events: counters['events'] ?? 0,
  late: counters['late'] ?? 0,
  cpuMs: (cpuUs() - startCpu) / 1000,
  wallMs: performance.now() - startMs,
  drainMs: performance.now() - firstMs,
  commits,
  deltaBytes,
  detections: detections.length,
  outcome: createHash('sha256').update(detections.sort().join()).digest('hex'),
};
await db.close();
answer(result);
