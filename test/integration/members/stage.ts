/** One run with any number of members: its database, its control plane, and its processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ControlPlane, startControlPlane } from '../../../examples/control-plane/server.ts';
import type { Config } from '../../../src/model/config.ts';
import type { Database } from '../../../src/model/ports.ts';
import { settingOf } from '../../../src/record/setting.ts';
import type { ChildSpec } from '../crash/spec.ts';
import { type FreshDatabase, freshDatabase, type ProvidedPostgres } from '../postgres.ts';

const CHILD = fileURLToPath(new URL('../crash/child.ts', import.meta.url));
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const CUT = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend'
    and application_name <> 'plumbline-test'`;

/** A process of the run. */
export interface MemberProcess {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** A run under control. */
export interface Stage {
  readonly db: Database;
  readonly plane: ControlPlane;
  /** Starts a member; `untilCaughtUp`: it reads to the ends of the logs and exits. */
  start(untilCaughtUp: boolean): Promise<MemberProcess>;
  /** Cuts every connection of members to the database. */
  cut(): Promise<void>;
  /** Last lines of all members' logs. */
  logTail(lines?: number): Promise<string>;
  /** Everything they logged. */
  logged(): Promise<string>;
  close(): Promise<void>;
}

/** Sets the stage. The digest key is fixed: ids of findings about arguments depend on it. */
export async function openStage(options: {
  readonly name: string;
  readonly scratch: string;
  readonly postgres: ProvidedPostgres;
  readonly config: Config;
  /** The clock's time at the start, ms; it goes on at the pace of the real one. */
  readonly baseMs: number;
}): Promise<Stage> {
  const { name, scratch } = options;
  const database: FreshDatabase = await freshDatabase(options.postgres);
  await settingOf(database.db, 'digest-key', 'members-test');
  const clock = { baseMs: options.baseMs, zeroMs: Date.now() };
  const nowMs = () => clock.baseMs + (Date.now() - clock.zeroMs);
  const plane = await startControlPlane({ port: 0, secret: SECRET, nowMs });
  const logFile = join(scratch, `${name}.log`);
  let started = 0;
  return {
    db: database.db,
    plane,
    cut: async () => {
      await database.db.query(CUT);
    },
    start: async (untilCaughtUp) => {
      started += 1;
      const member = `${name}-${started}`;
      const config: Config = {
        ...options.config,
        instance: member,
        control: {
          verifyWithin: '1d',
          drivers: {
            hook: {
              ...{ type: 'webhook', url: `${plane.url}/control`, ratePerMin: 600, grace: '30d' },
              secret: { env: 'PLUMBLINE_CONTROL_SECRET' },
            },
          },
        },
      };
      const report = join(scratch, `${member}.tally`);
      const specFile = join(scratch, `${member}.json`);
      const databaseUrl = database.url;
      const spec: ChildSpec = {
        ...{ config, databaseUrl, controlSecret: SECRET, clock, untilCaughtUp, report },
      };
      await writeFile(specFile, JSON.stringify(spec));
      const out = openSync(logFile, 'a');
      const child = spawn(process.execPath, [CHILD, specFile], { stdio: ['ignore', out, out] });
      closeSync(out);
      const ended = Promise.withResolvers<{ code: number | null; signal: string | null }>();
      child.once('error', (cause) => ended.reject(cause));
      child.once('exit', (code, signal) => ended.resolve({ code, signal }));
      return { name: member, child, ended: ended.promise };
    },
    logTail: async (lines = 30) =>
      (await readFile(logFile, 'utf8')).split('\n').slice(-lines).join('\n'),
    logged: async () => await readFile(logFile, 'utf8'),
    close: async () => {
      await plane.close();
      await database.drop();
    },
  };
}
