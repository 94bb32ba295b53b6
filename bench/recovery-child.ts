/** A daemon that says when its state is loaded and its first new slice is committed. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock } from '../src/adapters/clock.ts';
import { openDatabase } from '../src/adapters/postgres.ts';
import { type DaemonStep, runDaemon } from '../src/commands/daemon.ts';
import { ROOT, readLibrary } from '../src/commands/library.ts';
import type { Config } from '../src/model/config.ts';
import type { Log } from '../src/model/ports.ts';
import { answer, cpuUs, input } from './child.ts';
import type { DaemonInput } from './e2e-daemon.ts';
import { sourcesOf } from './lane.ts';

/** `records`: when so many were committed, it says so; it then waits to be killed. */
export interface RecoveryInput extends DaemonInput {
  readonly records: number;
  readonly sessionMs: number;
}

/** Time and CPU since the process began. */
export interface RecoveryPoint {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** What a start cost. */
export interface RecoveryOutcome {
  readonly claimed: RecoveryPoint;
  readonly loaded: RecoveryPoint;
  readonly firstCommit: RecoveryPoint;
  readonly caughtUp: RecoveryPoint;
  readonly records: number;
  /** How often the state was read: once, unless the membership was lost meanwhile. */
  readonly loads: number;
  /** Longest time the event loop stood still, ms: until loaded, and from then on. */
  readonly loadingStallMs: number;
  readonly readingStallMs: number;
}

const { brokers, group, prefix, database, records, sessionMs } = input<RecoveryInput>();
const ignore = () => undefined;
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const library = await readLibrary(`${ROOT}detectors`);
const db = await openDatabase({ url: database, poolMax: 8, applicationName: 'bench', log });
const config: Config = {
  instance: 'bench',
  kafka: { brokers: [...brokers], group, sessionTimeout: `${sessionMs}ms` },
  sources: sourcesOf(prefix),
};
// Process start, by the clock that performance.now() counts from.
const now = (): RecoveryPoint => ({ wallMs: performance.now(), cpuMs: cpuUs() / 1000 });
const points: Partial<Record<'claimed' | 'loaded' | 'firstCommit', RecoveryPoint>> = {};
const stalls = monitorEventLoopDelay({ resolution: 10 });
let loads = 0;
let loadingStallMs = 0;
let sliced = false;
let told = false;
stalls.enable();
await runDaemon(
  {
    config,
    file: 'bench',
    library,
    store: { db, provider: 'bench', digestKey: 'bench', close: async () => undefined },
    environment: {},
    clock: systemClock,
    log,
  },
  {
    untilCaughtUp: false,
    onStep: (step: DaemonStep) => {
      if (step === 'claimed') {
        points.claimed = now();
        loads += 1;
      }
      if (step === 'loaded') {
        points.loaded = now();
        loadingStallMs = stalls.max / 1e6;
        stalls.reset();
      }
      if (step === 'slice-received') sliced = true;
      if (step === 'store-committed' && sliced) points.firstCommit ??= now();
    },
    onCommit: ({ counters }) => {
      const read = counters['records'] ?? 0;
      if (told || read < records || points.firstCommit === undefined) return;
      told = true;
      const readingStallMs = stalls.max / 1e6;
      answer({ ...points, caughtUp: now(), records: read, loads, loadingStallMs, readingStallMs });
    },
  },
  new AbortController().signal,
);
