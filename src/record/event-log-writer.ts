/** Event log writer: requests that come at one time share a commit; readers wake after it. */
import type { Appended, LogEntry } from '../model/ingest.ts';
import type { Clock, Database } from '../model/ports.ts';
import { appendToLog } from './event-log.ts';

/** Told of each commit; whoever waits for news of the log waits here. */
export interface Bell {
  ring(): void;
  /** How often it rang. */
  count(): number;
  /** Resolves when it has rung since `count`, after `ms`, or with the signal: whichever is first. */
  after(count: number, ms: number, signal: AbortSignal): Promise<void>;
}

/** A writer of the log. */
export interface EventLogWriter {
  /** Resolves once the entry is durable. Rejects with what the database rejects with: it may be or not. */
  append(entry: LogEntry): Promise<Appended>;
  /** Bytes that were handed over and are not answered for. */
  waitingBytes(): number;
  /** Since when the oldest of them waits, ms since 1970; null where nothing does. */
  waitingSinceMs(): number | null;
}

/** How long the first of a group waits for others while nothing else is being written, ms. */
const GATHER_MS = 3;
/** Records, and bytes, of one transaction; a larger entry has one of its own. */
const GROUP_RECORDS_MAX = 500;
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

/** Makes a bell. */
export function createBell(clock: Clock): Bell {
  let count = 0;
  let waiting = new Set<AbortController>();
  return {
    ring() {
      count += 1;
      const woken = waiting;
      waiting = new Set();
      for (const one of woken) one.abort();
    },
    count: () => count,
    async after(known, ms, signal) {
      if (count !== known || signal.aborted) return;
      const woken = new AbortController();
      waiting.add(woken);
      await clock.sleep(ms, AbortSignal.any([woken.signal, signal]));
      waiting.delete(woken);
    },
  };
}

interface Waiting {
  readonly entry: LogEntry;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly settle: PromiseWithResolvers<Appended>;
}

/** Makes a writer. One commit is under way at a time; what comes meanwhile goes with the next. */
export function createEventLogWriter(
  db: Pick<Database, 'transaction'>,
  bell: Bell,
  clock: Clock,
): EventLogWriter {
  let queue: Waiting[] = [];
  let bytes = 0;
  let isAtWork = false;
  let oldestMs: number | null = null;
  const next = (): Waiting[] => {
    let [records, size, count] = [0, 0, 0];
    for (const { entry, bytes: own } of queue) {
      records += entry.values.length;
      size += own;
      if (count > 0 && (records > GROUP_RECORDS_MAX || size > GROUP_BYTES_MAX)) break;
      count += 1;
    }
    const group = queue.slice(0, count);
    queue = queue.slice(count);
    return group;
  };
  const write = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const appended = await appendToLog(
        db,
        group.map(({ entry }) => entry),
      );
      bell.ring();
      for (const [at, { settle }] of group.entries()) settle.resolve(appended[at] as Appended);
    } catch (cause) {
      // One bad entry would fail all: each is tried by itself, and only its own sender is told.
      if (group.length > 1 && isOfContent(cause)) for (const one of group) await write([one]);
      else for (const { settle } of group) settle.reject(cause);
    }
  };
  const work = async (): Promise<void> => {
    isAtWork = true;
    await clock.sleep(GATHER_MS);
    while (queue.length > 0) {
      const group = next();
      oldestMs = group[0]?.sinceMs ?? null;
      await write(group);
      for (const { bytes: own } of group) bytes -= own;
    }
    oldestMs = null;
    isAtWork = false;
  };
  return {
    async append(entry) {
      const own = entry.values.reduce((sum, { length }) => sum + length, 0);
      const settle = Promise.withResolvers<Appended>();
      bytes += own;
      queue.push({ entry, bytes: own, sinceMs: clock.nowMs(), settle });
      if (!isAtWork) void work();
      return await settle.promise;
    },
    waitingBytes: () => bytes,
    waitingSinceMs: () => oldestMs ?? queue[0]?.sinceMs ?? null,
  };
}

/** Is a failure about what was to be written, and not about the database being away? */
function isOfContent(cause: unknown): boolean {
  return !(typeof cause === 'object' && cause !== null && 'retryable' in cause && cause.retryable);
}
