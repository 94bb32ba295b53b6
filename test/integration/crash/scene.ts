/** One run of the crash test: its database, its control plane, its clock, and its lives. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ControlPlane, startControlPlane } from '../../../examples/control-plane/server.ts';
import type { Config } from '../../../src/model/config.ts';
import type { Database } from '../../../src/model/ports.ts';
import { settingOf } from '../../../src/record/setting.ts';
import { type FreshDatabase, freshDatabase, type ProvidedPostgres } from '../postgres.ts';
import {
  type ChildSpec,
  CRASH_VARIABLE,
  type KillPoint,
  type Tally,
  writeKillPoint,
} from './spec.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const LIFE_MS_MAX = 300_000;

/** How a life ended. */
export interface Life {
  readonly signal: string | null;
  readonly code: number | null;
  readonly tally: Tally;
  /** Real time it took, ms. */
  readonly tookMs: number;
}

/** What a scene is made of. */
export interface SceneOptions {
  readonly name: string;
  /** A folder for its files. */
  readonly scratch: string;
  readonly postgres: ProvidedPostgres;
  /** Configuration; the control plane's address is added. */
  readonly config: Config;
  /** The clock's time at the start, ms; it goes on at the pace of the real one. */
  readonly baseMs: number;
}

/** A run under control. */
export interface Scene {
  readonly db: Database;
  readonly plane: ControlPlane;
  /** Runs a child until it ends: by the kill at `point`, or because it has read everything. */
  live(point: KillPoint | null): Promise<Life>;
  /** Runs a child until `isDone`, then stops it with SIGTERM. */
  liveUntil(isDone: () => Promise<boolean>): Promise<Life>;
  /** Moves the clock of control plane and future children forward. */
  advance(ms: number): void;
  /** Tells the control plane to lose this share of its replies. */
  loseReplies(share: number): Promise<void>;
  /** Last lines of the children's log. */
  logTail(): Promise<string>;
  close(): Promise<void>;
}

/** Sets the scene. The digest key is fixed: ids of findings about arguments depend on it. */
export async function openScene(options: SceneOptions): Promise<Scene> {
  const { name, scratch } = options;
  const database: FreshDatabase = await freshDatabase(options.postgres);
  await settingOf(database.db, 'digest-key', 'crash-test');
  const clock = { baseMs: options.baseMs, zeroMs: Date.now() };
  const nowMs = () => clock.baseMs + (Date.now() - clock.zeroMs);
  const plane = await startControlPlane({ port: 0, secret: SECRET, nowMs });
  const config: Config = {
    ...options.config,
    control: {
      // A request that a crash held up for a minute is asked of the next driver: by the clock, not by what was read.
      verifyWithin: '1d',
      drivers: {
        hook: {
          // What is read was written beforehand, by agents that no lease held back: nothing here is a leak.
          ...{ type: 'webhook', url: `${plane.url}/control`, ratePerMin: 600, grace: '30d' },
          secret: { env: 'PLUMBLINE_CONTROL_SECRET' },
        },
      },
    },
  };
  const logFile = join(scratch, `${name}.log`);
  const report = join(scratch, `${name}.tally`);
  const specFile = join(scratch, `${name}.json`);
  const start = async (point: KillPoint | null, untilCaughtUp: boolean): Promise<ChildProcess> => {
    const controlSecret = SECRET;
    const databaseUrl = database.url;
    const spec: ChildSpec = { config, databaseUrl, controlSecret, clock, untilCaughtUp, report };
    await writeFile(specFile, JSON.stringify(spec));
    await writeFile(report, '{}');
    const out = openSync(logFile, 'a');
    const crash = point === null ? '' : writeKillPoint(point);
    const child = spawn(process.execPath, [CHILD, specFile], {
      stdio: ['ignore', out, out],
      // biome-ignore lint/style/noProcessEnv: a child inherits the environment it is started in
      env: { ...process.env, [CRASH_VARIABLE]: crash },
    });
    closeSync(out);
    return child;
  };
  const over = async (child: ChildProcess, startedMs: number): Promise<Life> => {
    const ended = Promise.withResolvers<Omit<Life, 'tally'>>();
    child.once('error', (cause) => ended.reject(cause));
    child.once('exit', (code, signal) => {
      ended.resolve({ code, signal, tookMs: Date.now() - startedMs });
    });
    const limit = setTimeout(() => {
      ended.reject(new Error(`${name}: a child lived longer than ${LIFE_MS_MAX} ms`));
      child.kill('SIGKILL');
    }, LIFE_MS_MAX);
    try {
      const life = await ended.promise;
      return { ...life, tally: JSON.parse(await readFile(report, 'utf8')) as Tally };
    } finally {
      clearTimeout(limit);
    }
  };
  return {
    db: database.db,
    plane,
    live: async (point) => {
      const startedMs = Date.now();
      return await over(await start(point, true), startedMs);
    },
    liveUntil: async (isDone) => {
      const startedMs = Date.now();
      const child = await start(null, false);
      const life = over(child, startedMs);
      let isOver = false;
      const watching = (async () => {
        while (!isOver && !(await isDone())) await sleep(250);
        child.kill('SIGTERM');
      })();
      const ended = await life.finally(() => {
        isOver = true;
      });
      await watching;
      return ended;
    },
    advance: (ms) => {
      clock.baseMs += ms;
    },
    loseReplies: async (share) => {
      const body = JSON.stringify({ mode: share > 0 ? 'lose-reply' : 'honest', share, seed: 7 });
      const reply = await fetch(`${plane.url}/lie`, { method: 'POST', body });
      if (!reply.ok) throw new Error(`the control plane does not lie: ${await reply.text()}`);
    },
    logTail: async () => (await readFile(logFile, 'utf8')).split('\n').slice(-25).join('\n'),
    close: async () => {
      await plane.close();
      await database.drop();
    },
  };
}
