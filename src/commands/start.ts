/** `start`: the first run: embedded daemon, simulated fleet and example control plane, live. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { systemClock } from '../adapters/clock.ts';
import { exists, toYaml, writeAtomic } from '../adapters/files.ts';
import { createLog } from '../adapters/log.ts';
import { OperatingError } from '../model/errors.ts';
import { readStatus } from '../record/status.ts';
import { lengthOfTime } from './arguments.ts';
import type { Command } from './command.ts';
import type { Environment } from './config.ts';
import { runDaemon } from './daemon.ts';
import {
  DEMO_ENVIRONMENT,
  DEMO_LEASE,
  DEMO_STORE,
  demoConfig,
  keptPort,
  startCompanions,
} from './demo.ts';
import { createTeller, reportLines } from './first-run.ts';
import { CONFIG_FILE, libraryOf } from './inputs.ts';
import { count, type Output, safe, typed } from './output.ts';
import { signAtTheEnd, signInTime } from './signing.ts';
import { openStore, type Store } from './store.ts';

const DATA_DIR = DEMO_STORE.dataDir;

/** The command. */
export const start: Command = {
  name: 'start',
  synopsis: 'start [--for 2m] [--seed S]',
  summary: 'the first run: watch a simulated fleet being observed, with a control plane to act on',
  options: { for: 'value', seed: 'value', detectors: 'value' },
  run: async (given, { output, environment, signal }) => {
    const startedMs = systemClock.nowMs() - process.uptime() * 1000;
    const length = given.value('for');
    const over = AbortSignal.any([
      signal,
      ...(length === undefined ? [] : [AbortSignal.timeout(lengthOfTime(length))]),
    ]);
    const log = createLog(environment['PLUMBLINE_LOG'] === 'debug' ? 'debug' : 'warn', 'plumbline');
    const demo = path.resolve(DATA_DIR, 'demo');
    const streams = path.join(demo, 'streams');
    await mkdir(streams, { recursive: true });
    // That a key was made is no news in a demo.
    const quiet = createLog('error', 'plumbline');
    introduce(output);
    const store = await openStore({ ...DEMO_STORE, sources: [] }, {}, log, { stopEmbedded: true });
    const ended = new AbortController();
    try {
      const alone = await onlyOne(store);
      const port = await keptPort(path.join(demo, 'control-port'));
      const control = `http://127.0.0.1:${port}`;
      const config = demoConfig(streams, control);
      const library = await libraryOf(given, config);
      const file = path.join(demo, CONFIG_FILE);
      await writeAtomic(file, toYaml(config));
      const hint = await hintFor(file, environment);
      const teller = createTeller(output, {
        startedMs,
        eventsBefore: await tellHistory(store, output),
        hint,
      });
      output.line(`Control plane: ${control} (GET /leases shows what it holds)`);
      output.line(`In a second terminal, here: ${hint('cases')} (or leases, or status)\n`);
      const companions = await startCompanions({
        port,
        control,
        state: path.join(demo, 'control-plane.json'),
        streams,
        seed: given.value('seed') ?? '1',
        environment,
      });
      const watching = teller.watch(store.db, ended.signal);
      try {
        const parts = { config, file, library, store, clock: systemClock, log };
        const until = AbortSignal.any([over, ended.signal]);
        const signing = { db: store.db, config, environment: DEMO_ENVIRONMENT, log: quiet };
        signInTime(signing, until);
        const running = runDaemon(
          { ...parts, environment: DEMO_ENVIRONMENT },
          { untilCaughtUp: false, onCommit: teller.onCommit },
          until,
        );
        await Promise.race([running, companions.diedEarly]);
        await running;
        await signAtTheEnd(signing);
      } finally {
        ended.abort();
        await watching;
        await companions.stop();
      }
      const report = await teller.report(store.db);
      output.line();
      for (const line of reportLines(report)) output.line(line);
      output.line(`Everything is kept in ${DATA_DIR}. Go on: npm start. Look: ${hint('cases')}`);
      output.json(report);
      await alone.release();
    } finally {
      await store.close();
    }
    return 0;
  },
};

function introduce(output: Output): void {
  for (const text of [
    'Plumbline, first run: a simulated fleet of agents is observed, some of them misbehave.',
    'For this demo every role is `autonomous` and hard-evidence detectors are `enforce`: actions are',
    'taken, on the example control plane only. Your own fleet starts in `observe`: nothing is done.',
    `Leases last ${DEMO_LEASE} here instead of 15 min, and the fleet breaker is wide open. Times are UTC.`,
    'Ctrl-C ends it.',
    '',
  ])
    output.line(text);
}

/** How a command is typed so that it looks at the demo, whatever else is configured here. */
async function hintFor(
  file: string,
  environment: Environment,
): Promise<(command: string) => string> {
  const unset = (environment['DATABASE_URL'] ?? '') === '' ? '' : 'env -u DATABASE_URL ';
  const named = (await exists(CONFIG_FILE)) ? ` --config ${path.relative('.', file)}` : '';
  return (command) => `${unset}${typed(command)}${named}`;
}

/** Two of them in one folder would feed each other's streams. */
async function onlyOne({ db }: Store): Promise<{ release(): Promise<void> }> {
  const lock = await db.tryLock('plumbline first run', () => undefined);
  if (lock !== null) return lock;
  const message = `another first run is at work in ${path.resolve('.')}: stop it, or start in another folder`;
  throw new OperatingError('LANE_FENCED', message, { retryable: false });
}

/** Says what is there from earlier runs. Returns how many events these counted. */
async function tellHistory({ db, provider }: Store, output: Output): Promise<number> {
  const before = await readStatus(db);
  output.line(`Store: ${safe(provider)}, in ${DATA_DIR}. It survives restarts.`);
  if (before.cases > 0)
    output.line(
      `From earlier runs: ${count(before.cases, 'case')}, ${count(before.leasesStanding, 'standing lease')}.`,
    );
  return before.lanes.reduce((sum, lane) => sum + (lane.counters['events'] ?? 0), 0);
}
