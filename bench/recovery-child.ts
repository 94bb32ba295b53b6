/** A daemon that says when its state is loaded and its first new slice is committed. */
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
}

/** Time and CPU since the process began. */
export interface RecoveryPoint {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** What a start cost. */
export interface RecoveryOutcome {
  readonly claiming: RecoveryPoint;
  readonly loaded: RecoveryPoint;
  readonly firstCommit: RecoveryPoint;
  readonly caughtUp: RecoveryPoint;
  readonly records: number;
}

const { brokers, group, prefix, database, records } = input<RecoveryInput>();
const ignore = () => undefined;
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const library = await readLibrary(`${ROOT}detectors`);
const db = await openDatabase({ url: database, poolMax: 8, applicationName: 'bench', log });
const config: Config = {
  instance: 'bench',
  kafka: { brokers: [...brokers], group, sessionTimeout: '6s' },
  sources: sourcesOf(prefix),
};
// Process start, by the clock that performance.now() counts from.
const now = (): RecoveryPoint => ({ wallMs: performance.now(), cpuMs: cpuUs() / 1000 });
const points: Partial<Record<'claiming' | 'loaded' | 'firstCommit', RecoveryPoint>> = {};
let sliced = false;
let told = false;
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
      if (step === 'loaded') points.loaded = now();
      if (step === 'slice-received') sliced = true;
      if (step === 'store-committed' && sliced) points.firstCommit ??= now();
    },
    onCommit: ({ counters }) => {
      const read = counters['records'] ?? 0;
      if (told || read < records || points.firstCommit === undefined) return;
      told = true;
      answer({ ...points, caughtUp: now(), records: read });
    },
  },
  new AbortController().signal,
);
