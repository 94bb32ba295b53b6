/** The embedded server as several processes share it: whoever leaves last stops it. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../adapters/clock.ts';
import { startEmbeddedPostgres } from '../adapters/embedded-postgres.ts';
import { type DatabaseOptions, openDatabase } from '../adapters/postgres.ts';
import { OperatingError } from '../model/errors.ts';
import type { Database } from '../model/ports.ts';
import { patiently } from '../record/patience.ts';

/** A database on the embedded server. */
export interface SharedServer {
  readonly db: Database;
  /** Of the server, for example 18.4. */
  readonly version: string;
  /**
   * Closes the connections, and stops the server where no other process uses it: one that we started
   * always, one that ran already where `mayStop`.
   */
  leave(mayStop: boolean): Promise<void>;
}

type Lock = Awaited<ReturnType<Database['tryLock']>>;

/** Held by whoever comes or goes: nobody stops a server under somebody who has just found it running. */
const GATE = 'plumbline embedded server';
const GATE_TRIES = 60;
const GATE_WAIT_MS = 50;
const OPEN_PATIENCE_MS = 10_000;
const OTHERS = `select count(*)::int as others from pg_stat_activity
  where backend_type = 'client backend' and application_name <> $1`;

/**
 * Starts the server of a folder, or joins those who use it. One that another process is just stopping
 * is started anew. Names of applications must differ between processes. Rejects as
 * `startEmbeddedPostgres` and `openDatabase` do, with retryable causes only after ten seconds.
 */
export async function joinEmbedded(
  dataDir: string,
  options: Omit<DatabaseOptions, 'url'>,
): Promise<SharedServer> {
  const { log } = options;
  let isOurs = false;
  const join = async (): Promise<SharedServer> => {
    const server = await startEmbeddedPostgres({ dataDir, log });
    isOurs ||= !server.adopted;
    const db = await openDatabase({ ...options, url: server.url });
    try {
      const gate = await passGate(db);
      if (gate === null) throw busy();
      // The pool lets go of idle connections; this one says for as long as we live that we are there.
      const presence = await db.tryLock(`plumbline process ${randomUUID()}`, () => undefined);
      await gate.release();
      const leave = async (mayStop: boolean): Promise<void> => {
        const gone = await goThrough(db, options.applicationName);
        await presence?.release();
        await db.close();
        if ((isOurs || mayStop) && gone.isLast) await server.stop();
        await gone.gate?.release();
      };
      return { db, version: server.version, leave };
    } catch (cause) {
      await db.close();
      throw cause;
    }
  };
  return await patiently(join, { clock: systemClock, log, forMs: OPEN_PATIENCE_MS });
}

/** The gate, and whether nobody else is there. A server that no longer answers has no users. */
async function goThrough(
  db: Database,
  applicationName: string,
): Promise<{ readonly gate: Lock; readonly isLast: boolean }> {
  try {
    const gate = await passGate(db);
    if (gate === null) return { gate, isLast: false };
    const [row] = await db.query(OTHERS, [applicationName]);
    return { gate, isLast: Number(row?.['others'] ?? 0) === 0 };
  } catch (cause) {
    if (cause instanceof OperatingError) return { gate: null, isLast: true };
    throw cause;
  }
}

/** Null: somebody else has held the gate for three seconds. */
async function passGate(db: Database): Promise<Lock> {
  for (let tries = 1; ; tries += 1) {
    const gate = await db.tryLock(GATE, () => undefined);
    if (gate !== null || tries >= GATE_TRIES) return gate;
    await systemClock.sleep(GATE_WAIT_MS);
  }
}

function busy(): OperatingError {
  return new OperatingError(
    'DATABASE_TRANSIENT',
    'another process has been starting or stopping the embedded database for seconds',
    { retryable: true },
  );
}
