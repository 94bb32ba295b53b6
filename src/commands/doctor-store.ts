/** Doctor on the store: server, schema, lane, record, baselines and the journal's key. */
import path from 'node:path';
import { pid } from 'node:process';
import { systemClock } from '../adapters/clock.ts';
import { exists, readText } from '../adapters/files.ts';
import { createLog } from '../adapters/log.ts';
import { openDatabase } from '../adapters/postgres.ts';
import { type Config, durationMs } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import type { Database } from '../model/ports.ts';
import { lastCheckpoint } from '../record/checkpoints.ts';
import { type DatabaseSeen, examineDatabase, unreadableSince } from '../record/examine.ts';
import { pendingMigrations, readMigrations } from '../record/migrate.ts';
import { readSelf } from '../record/self.ts';
import { signerOf } from '../record/signing-key.ts';
import { readStatus } from '../record/status.ts';
import { type Environment, secretOf } from './config.ts';
import { fail, type Look, ok, warn } from './doctor-text.ts';
import { joinEmbedded } from './embedded.ts';
import { count, lengthOf, timeOf } from './output.ts';
import { keyFile } from './signing.ts';
import { baselineAges } from './window-acts.ts';

/** A store that could be opened, or why it could not. */
export interface Opened {
  readonly looks: readonly Look[];
  /** Null: there is nothing to look at further. */
  readonly db: Database | null;
  /** True where it is a server of ours, for this folder alone. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

const TRIED_MAX = 19;
const SKEW_WARN_MS = 1_000;
const SKEW_FAIL_MS = 10_000;
const CONNECTIONS_WANTED = 12;
const DAY_MS = 86_400_000;
const UNREADABLE_SHARE = 0.01;
const UNSIGNED_MS = 15 * 60_000;

/**
 * Opens the store and changes nothing: an embedded server that does not run is started and stopped
 * again, one that was never made is not made, and no schema is touched.
 */
export async function openToLook(config: Config, environment: Environment): Promise<Opened> {
  const log = createLog('silent', 'doctor');
  const none = (look: Look): Opened => ({
    looks: [look],
    db: null,
    embedded: false,
    close: async () => undefined,
  });
  const dataDir = config.dataDir ?? '.plumbline';
  try {
    const given =
      config.database?.url === undefined
        ? (environment['DATABASE_URL'] ?? '')
        : await secretOf(config.database.url, 'database.url', environment);
    if (given === '' && !(await exists(dataDir)))
      return none(ok('database', 'none yet: the first `run` or `start` makes an embedded one'));
    const reach = { poolMax: 2, applicationName: `plumbline-doctor-${pid}`, log };
    if (given !== '') {
      const db = await openDatabase({ ...reach, url: given });
      return { looks: [], db, embedded: false, close: () => db.close() };
    }
    const server = await joinEmbedded(dataDir, reach);
    return { looks: [], db: server.db, embedded: true, close: () => server.leave(false) };
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    return none(fail('database', cause.message, `docs/errors.md says what ${cause.code} means`));
  }
}

/** The server itself. */
export async function lookAtDatabase(db: Database, embedded: boolean): Promise<Look[]> {
  const seen = await examineDatabase(db, () => systemClock.nowMs());
  return [
    lookAtVersion(seen),
    ...lookAtSafety(seen, embedded),
    lookAtClock(seen),
    lookAtRoom(seen),
  ];
}

function lookAtVersion({ version, versionNumber, bytes }: DatabaseSeen): Look {
  const major = Math.floor(versionNumber / 10_000);
  const says = `PostgreSQL ${version}, the database holds ${(bytes / 1024 ** 2).toFixed(0)} MiB`;
  if (major < TRIED_MAX) return ok('database', says);
  return warn('database', says, 'versions 15 to 18 are tried: watch the log, or take one of these');
}

function lookAtSafety(seen: DatabaseSeen, embedded: boolean): Look[] {
  const looks: Look[] = [];
  if (seen.readOnly)
    looks.push(
      fail(
        'database',
        'it takes no writes (read only, or a replica)',
        'give the address of the primary',
      ),
    );
  if (!seen.fsync || !seen.fullPageWrites)
    looks.push(
      fail(
        'database',
        'fsync or full_page_writes is off: a crash of its machine may corrupt the record',
        'set both on and restart the server',
      ),
    );
  if (seen.synchronousCommit === 'off')
    looks.push(
      warn(
        'database',
        'synchronous_commit is off: a crash forgets the last moments of the record, and what was sent in them may be sent again',
        'set it to on, at least for our role',
      ),
    );
  if (seen.superuser && !embedded)
    looks.push(
      warn(
        'database',
        'our role is a superuser',
        'give it a role that owns nothing but its tables; only `migrate` needs to create them',
      ),
    );
  return looks;
}

function lookAtClock({ skewMs }: DatabaseSeen): Look {
  const off = Math.abs(skewMs);
  const says = `its clock is ${lengthOf(off)} ${skewMs < 0 ? 'behind' : 'ahead of'} ours`;
  const advice = 'let both machines take their time from NTP: expiries of leases go by it';
  if (off >= SKEW_FAIL_MS) return fail('clock', says, advice);
  return off >= SKEW_WARN_MS ? warn('clock', says, advice) : ok('clock', says);
}

function lookAtRoom({ connectionsFree }: DatabaseSeen): Look {
  const says = `${count(connectionsFree, 'connection')} left`;
  if (connectionsFree >= CONNECTIONS_WANTED) return ok('database', says);
  const advice = 'raise max_connections: a daemon takes 8 and one for its lock, each command 2';
  return connectionsFree === 0 ? fail('database', says, advice) : warn('database', says, advice);
}

/** The schema. Null looks: what follows can be read. */
export async function lookAtSchema(db: Database): Promise<{ look: Look; usable: boolean }> {
  try {
    const pending = await pendingMigrations(db, await readMigrations());
    if (pending.length === 0)
      return { look: ok('schema', 'all migrations are applied'), usable: true };
    const says = `${count(pending.length, 'migration')} to apply: ${pending.slice(0, 3).join(', ')}${pending.length > 3 ? ', …' : ''}`;
    const advice = 'run `plumbline migrate` with rights to create tables';
    return { look: fail('schema', says, advice), usable: false };
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    const advice = 'use the version of the program that wrote it, or a newer one';
    return { look: fail('schema', cause.message, advice), usable: false };
  }
}

const LATELY_MS = 60_000;

/** True where another process holds the lane; members, who share lanes, are known by their commits. */
export async function daemonRuns(db: Database, config: Config): Promise<boolean> {
  const group = config.kafka?.group ?? 'plumbline';
  if (config.kafka?.lanes !== undefined) {
    const { lanes } = await readStatus(db);
    const sinceMs = systemClock.nowMs() - LATELY_MS;
    return lanes.some((lane) => lane.group === group && (lane.committedMs ?? 0) >= sinceMs);
  }
  const lock = await db.tryLock(`plumbline lane ${group}`, () => undefined);
  await lock?.release();
  return lock === null;
}

/** Whether anybody works, how far it is, and what of it could not be read. */
export async function lookAtLane(db: Database, runs: boolean): Promise<Look[]> {
  const nowMs = systemClock.nowMs();
  const { lanes } = await readStatus(db);
  const looks = lanes.map(({ lane, committedMs, watermarkMs }) => {
    const at = watermarkMs === null ? 'nothing yet' : timeOf(watermarkMs);
    const ago = committedMs === null ? 'never' : `${lengthOf(nowMs - committedMs)} ago`;
    const says = `lane ${lane}: complete up to ${at}, last commit ${ago}`;
    if (runs) return ok('lane', `${says}; a daemon holds it`);
    return warn('lane', `${says}; no daemon runs`, 'start one: plumbline run');
  });
  if (lanes.length === 0)
    looks.push(
      warn('lane', 'no daemon has worked with this database yet', 'start one: plumbline run'),
    );
  const records = lanes.reduce((sum, { counters }) => sum + (counters['records'] ?? 0), 0);
  const unreadable = await unreadableSince(db, nowMs - DAY_MS);
  for (const { source, count: n, reason } of unreadable) {
    const says = `${source}: ${count(n, 'record')} of the last day could not be read, mostly ${reason}`;
    const advice = '`plumbline status` lists them with their positions; `check` reads mappings';
    const isMuch = n > records * UNREADABLE_SHARE;
    looks.push((isMuch ? fail : warn)('sources', says, advice));
  }
  return looks;
}

/** What the record says of sources, sinks, steps on their way, and its own signature. */
export async function lookAtRecord(db: Database): Promise<Look[]> {
  const nowMs = systemClock.nowMs();
  const read = await readSelf(db, nowMs - 30 * DAY_MS, nowMs);
  const looks: Look[] = [];
  for (const { source, books } of read.blind)
    looks.push(
      fail(
        'sources',
        `${source} is blind in ${count(books, 'book')}: nothing is inferred from its silence`,
        'look at its producer; `plumbline status` says since when',
      ),
    );
  if (read.blind.length === 0) looks.push(ok('sources', 'none is known to be blind'));
  for (const { sink, failingSinceMs, dead, depth } of read.sinks) {
    const says = `${sink}: ${count(depth, 'alert')} on their way, ${dead} given up`;
    if (failingSinceMs !== null)
      looks.push(
        fail(
          'sinks',
          `${says}; takes nothing since ${timeOf(failingSinceMs)}`,
          '`plumbline alerts` shows what it said',
        ),
      );
    else if (dead > 0) looks.push(warn('sinks', says, '`plumbline alerts retry` sends them again'));
    else looks.push(ok('sinks', says));
  }
  for (const { driver, open, oldestMs } of read.steps) {
    const says = `${driver}: ${count(open, 'step')} not settled, the oldest ${lengthOf(nowMs - oldestMs)}`;
    if (nowMs - oldestMs > UNSIGNED_MS)
      looks.push(fail('control', says, 'look at the target and at the log of the daemon'));
    else looks.push(ok('control', says));
  }
  if (read.pollers.silent > 0)
    looks.push(
      warn(
        'control',
        `${count(read.pollers.silent, 'enforcement point')} stopped asking for posture`,
        '`plumbline status` names them',
      ),
    );
  return looks;
}

/** Whether what is in force is young enough to be believed. */
export async function lookAtBaselines(db: Database): Promise<Look[]> {
  const ages = await baselineAges(db, systemClock.nowMs());
  if (ages.length === 0)
    return [
      warn(
        'baselines',
        'none is in force: behaviour is not scored',
        'learn one: plumbline baseline learn',
      ),
    ];
  const stale = ages.filter(({ trust }) => trust < 1);
  const oldest = Math.max(...ages.map(({ ageMs }) => ageMs));
  const says = `${ages.length} in force, the oldest ${lengthOf(oldest)}`;
  if (stale.length === 0) return [ok('baselines', says)];
  return [warn('baselines', `${says}; ${stale.length} are due`, 'plumbline baseline revalidate')];
}

/** Whether what is recorded is signed, and by the key that is at hand. */
export async function lookAtJournal(
  db: Database,
  config: Config,
  environment: Environment,
): Promise<Look[]> {
  const last = await lastCheckpoint(db);
  const configured = config.journal?.signingKey;
  const file = keyFile(config);
  const where = configured === undefined ? path.basename(file) : 'journal.signingKey';
  try {
    if (configured === undefined && !(await exists(file))) {
      if (last === null) return [ok('journal', 'not signed yet: the daemon makes a key')];
      return [
        fail(
          'journal',
          `${file} is not here, and the record is signed with it`,
          'bring it back; `plumbline journal rotate-key --lost` begins anew',
        ),
      ];
    }
    const pem =
      configured === undefined
        ? await readText(file)
        : await secretOf(configured, where, environment);
    const { keyId } = signerOf(pem, where);
    if (last === null) return [ok('journal', `key ${keyId.slice(0, 12)}; not signed yet`)];
    if (last.inForce !== keyId)
      return [
        fail(
          'journal',
          `the key at hand is ${keyId.slice(0, 12)}, the one in force ${last.inForce.slice(0, 12)}`,
          'nothing is signed until that one is back',
        ),
      ];
    const ageMs = systemClock.nowMs() - last.atMs;
    const says = `signed ${lengthOf(ageMs)} ago by key ${keyId.slice(0, 12)}`;
    const lateMs = Math.max(UNSIGNED_MS, 3 * durationMs(config.journal?.checkpointEvery ?? '5m'));
    return [ageMs > lateMs ? warn('journal', says, 'is a daemon running?') : ok('journal', says)];
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    return [fail('journal', cause.message, 'the daemon does not start like this')];
  }
}
