/** `start`: the first run: embedded daemon, simulated fleet and example control plane, live. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { systemClock } from '../adapters/clock.ts';
import { exists } from '../adapters/files.ts';
import { createLog } from '../adapters/log.ts';
import { type Config, durationMs } from '../model/config.ts';
import type { Decision } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { LaneCommit } from '../model/effects.ts';
import { OperatingError } from '../model/errors.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { listLeases } from '../record/read.ts';
import type { Command } from './command.ts';
import { DEFAULT_SOURCES } from './config.ts';
import { runDaemon } from './daemon.ts';
import { libraryOf } from './inputs.ts';
import { ROOT } from './library.ts';
import { type Output, safe, timeOf } from './output.ts';
import { openStore } from './store.ts';

/** The secret of a control plane that exists for the demo alone, on this machine alone. */
const DEMO_SECRET = 'whsec_cGx1bWJsaW5lLWRlbW8tc2VjcmV0LW5vdC1mb3ItdXNl';
const AGENTS = 24;
const WATCH_MS = 500;
const SUMMARY_MS = 15_000;
/** The fleet has been at work for a while when the terminal opens. */
const BACK = '20s';

/** The command. */
export const start: Command = {
  name: 'start',
  synopsis: 'start [--for 2m] [--seed S]',
  summary: 'the first run: watch a simulated fleet being observed, with a control plane to act on',
  options: { for: 'value', seed: 'value', detectors: 'value' },
  run: async (given, { output, environment, signal }) => {
    const dataDir = path.resolve('.plumbline');
    const streams = path.join(dataDir, 'demo', 'streams');
    await mkdir(streams, { recursive: true });
    const port = await keptPort(path.join(dataDir, 'demo', 'control-port'));
    const config = demoConfig(streams, port);
    const library = await libraryOf(given, config);
    const log = createLog(environment['PLUMBLINE_LOG'] === 'debug' ? 'debug' : 'warn', 'plumbline');
    introduce(output);
    const length = given.value('for');
    const over = AbortSignal.any([
      signal,
      ...(length === undefined ? [] : [AbortSignal.timeout(durationMs(length))]),
    ]);
    const store = await openStore(config, {}, log, { stopEmbedded: true });
    output.line(
      `Store: ${store.provider}, in ${safe(path.relative('.', dataDir))}. It survives restarts.`,
    );
    const control = `http://127.0.0.1:${port}`;
    const children = [
      child([
        'examples/control-plane/main.ts',
        '--port',
        String(port),
        '--state',
        path.join(dataDir, 'demo', 'control-plane.json'),
      ]),
      child([
        'src/main.ts',
        'simulate',
        '--quiet',
        '--to',
        'files',
        '--dir',
        streams,
        '--agents',
        String(AGENTS),
        '--seed',
        given.value('seed') ?? '1',
        '--sessions-per-hour',
        '900',
        '--bad-share',
        '0.3',
        '--gate',
        control,
        '--back',
        BACK,
      ]),
    ];
    output.line(`Control plane: ${control} (GET /leases shows what it holds)\n`);
    const ended = new AbortController();
    const watching = watchLeases(store.db, output, ended.signal);
    try {
      const parts = {
        config,
        file: '(first run)',
        library,
        store,
        environment: { PLUMBLINE_DEMO_SECRET: DEMO_SECRET },
        clock: systemClock,
        log,
      };
      const running = runDaemon(
        parts,
        { untilCaughtUp: false, onCommit: teller(output) },
        AbortSignal.any([over, ended.signal]),
      );
      await Promise.race([running, ...children.map((one) => diedEarly(one, over))]);
      await running;
    } finally {
      ended.abort();
      await watching;
      for (const one of children) one.kill('SIGTERM');
      await store.close();
    }
    output.line('\nStopped. Everything found is kept: npm run -s plumbline -- cases');
    return 0;
  },
};

function introduce(output: Output): void {
  output.line(
    'Plumbline: first run. A simulated fleet of agents, some of them misbehaving, is observed.',
  );
  output.line(
    'For this demo every role is `autonomous` and hard-evidence detectors are `enforce`:',
  );
  output.line(
    'actions are taken, on the example control plane only. Your own fleet starts in `observe`.',
  );
  output.line('Leases last 40 s here instead of 15 min, and the fleet breaker is wide open.\n');
}

function demoConfig(streams: string, port: number): Config {
  const sources = DEFAULT_SOURCES.map((source) => ({ ...source, lateness: '2s', idleAfter: '5s' }));
  return {
    instance: 'first-run',
    dataDir: '.plumbline',
    jsonl: { path: streams, follow: true },
    sources,
    correlate: { joinWindow: '5s', closeGrace: '5s' },
    roles: { default: { mode: 'autonomous' } },
    detectors: { maturity: { hard: 'enforce' } },
    control: {
      webhook: {
        url: `http://127.0.0.1:${port}/control`,
        secret: { env: 'PLUMBLINE_DEMO_SECRET' },
        grace: '3s',
      },
    },
    guardrails: {
      leaseMax: '40s',
      coolDown: '10s',
      immunity: '1m',
      breakerFleetShare: 1,
      breakerRoleShare: 1,
    },
  };
}

function child(args: readonly string[]): ChildProcess {
  const [script] = args;
  const options = { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] as ('ignore' | 'inherit')[] };
  const full = [path.join(ROOT, script ?? ''), ...args.slice(1)];
  return spawn(process.execPath, full, {
    ...options,
    env: { PATH: process.env['PATH'], PLUMBLINE_CONTROL_SECRET: DEMO_SECRET },
  });
}

async function diedEarly(one: ChildProcess, over: AbortSignal): Promise<void> {
  const died = Promise.withResolvers<void>();
  one.once('exit', (code) => {
    if (over.aborted) died.resolve();
    else
      died.reject(
        new OperatingError(
          'CONTROL_UNREACHABLE',
          `a part of the demo ended early (exit ${code}); its message stands above`,
          {
            retryable: false,
          },
        ),
      );
  });
  over.addEventListener('abort', () => died.resolve(), { once: true });
  await died.promise;
}

/** The same port at every start, so that a control plane's state and its leases meet again. */
async function keptPort(file: string): Promise<number> {
  if (await exists(file)) {
    const kept = Number(await readFile(file, 'utf8'));
    if (Number.isSafeInteger(kept) && (await isFree(kept))) return kept;
  }
  const port = await freePort();
  await writeFile(file, String(port));
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const result = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => result.resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => result.resolve(true)));
  return await result.promise;
}

async function freePort(): Promise<number> {
  const result = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', result.reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => result.resolve(port));
  });
  return await result.promise;
}

/** Tells what each commit found and decided, and now and then where to look closer. */
function teller(output: Output): (commit: LaneCommit) => void {
  let summaryMs = systemClock.nowMs();
  let isFirst = true;
  return ({ effects, counters }) => {
    for (const detection of effects.detections) tellDetection(output, detection);
    for (const decision of effects.decisions) tellDecision(output, decision);
    const [first] = effects.cases;
    if (isFirst && first !== undefined) {
      isFirst = false;
      output.line(`        look closer: npm run -s plumbline -- explain ${short(first.id)}`);
    }
    const nowMs = systemClock.nowMs();
    if (nowMs - summaryMs < SUMMARY_MS) return;
    summaryMs = nowMs;
    const events = (counters['events'] ?? 0).toLocaleString('en');
    output.line(
      `        ${events} events seen, ${counters['detections'] ?? 0} detections so far · type: npm run -s plumbline -- cases | leases | status`,
    );
  };
}

function tellDetection(output: Output, detection: Detection): void {
  const at = timeOf(detection.decidedMs).slice(11, 19);
  const { agent } = detection.entity;
  output.line(
    `${at}  found   ${detection.level.padEnd(8)} ${detection.detector}: ${safe(agent, 40)}`,
  );
  output.line(`                  ${safe(detection.explanation, 160)}`);
}

function tellDecision(output: Output, decision: Decision): void {
  const at = timeOf(decision.timeMs).slice(11, 19);
  if (decision.outcome === 'act')
    output.line(
      `${at}  decided ${decision.taken} on ${safe(decision.entity.agent, 40)} (lease ${short(decision.leaseId ?? '')})`,
    );
  else if (decision.outcome === 'renew')
    output.line(`${at}  decided to keep lease ${short(decision.leaseId ?? '')}: its cause goes on`);
  else if (decision.outcome === 'withheld') {
    const stopped = decision.guardrails.filter(({ passed }) => !passed).map(({ check }) => check);
    output.line(`${at}  withheld ${decision.asked}: ${stopped.join(', ')}`);
  }
}

/** Tells what becomes of each lease. */
async function watchLeases(db: Database, output: Output, signal: AbortSignal): Promise<void> {
  const known = new Map<string, string>();
  let isFirst = true;
  while (!signal.aborted) {
    await systemClock.sleep(WATCH_MS, signal);
    if (signal.aborted) return;
    for (const lease of (await listLeases(db, { limit: 50 })).toReversed()) {
      const now = `${lease.state} ${lease.verification}`;
      const before = known.get(lease.id);
      known.set(lease.id, now);
      // What happened before this start is history: it is kept, not told again.
      if (isFirst || before === now || lease.state === 'requested') continue;
      const why = lease.cause === null ? '' : ` (${lease.cause})`;
      const seen = lease.state === 'accepted' ? `, at the gateway: ${lease.verification}` : '';
      output.line(`          lease ${short(lease.id)} ${lease.verb}: ${lease.state}${why}${seen}`);
      if (before === undefined)
        output.line(
          `          to undo it: npm run -s plumbline -- leases undo ${short(lease.id)} --by you --reason demo`,
        );
    }
    isFirst = false;
  }
}
