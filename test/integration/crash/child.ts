/** The daemon as a child of the crash test: the real wiring, and a SIGKILL at a named step. */
import { readFileSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../../src/adapters/clock.ts';
import { createLog } from '../../../src/adapters/log.ts';
import { type DaemonStep, runDaemon } from '../../../src/commands/daemon.ts';
import { ROOT, readLibrary } from '../../../src/commands/library.ts';
import { openStore } from '../../../src/commands/store.ts';
import type { Clock } from '../../../src/model/ports.ts';
import { type ChildSpec, CRASH_VARIABLE, readKillPoint, type Tally } from './spec.ts';

// biome-ignore lint/style/noProcessEnv: a child is told by its environment where to die
const kill = readKillPoint(process.env[CRASH_VARIABLE]);
const spec = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ChildSpec;
const tally: Tally = {};

const report = () => writeFileSync(spec.report, JSON.stringify(tally));

const onStep = (step: DaemonStep) => {
  const count = (tally[step] ?? 0) + 1;
  tally[step] = count;
  if (kill === null || kill.step !== step || kill.count !== count) return;
  report();
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way: nothing more may happen in this process.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};

const clock: Clock = {
  nowMs: () => spec.clock.baseMs + (Date.now() - spec.clock.zeroMs),
  sleep: systemClock.sleep,
};

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const log = createLog('info', 'crash-child');
const environment = {
  DATABASE_URL: spec.databaseUrl,
  PLUMBLINE_CONTROL_SECRET: spec.controlSecret,
};
const library = await readLibrary(`${ROOT}detectors`);
const { config } = spec;
const store = await openStore(config, environment, log, { stopEmbedded: false });
try {
  await runDaemon(
    { config, file: 'crash test', library, store, environment, clock, log },
    { untilCaughtUp: spec.untilCaughtUp, onStep },
    stop.signal,
  );
} finally {
  await store.close();
}
report();
log.info({ tally }, 'ended');
