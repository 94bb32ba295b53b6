/** Schedule through node-cron: the only file that knows it. */
import { schedule as cron } from 'node-cron';
import type { Log } from '../model/ports.ts';

/**
 * Runs `work` at the times of a cron expression, in UTC and never twice at once, until the signal
 * aborts. A round that fails is logged and the next one comes; rules of detection never hang on it:
 * event time decides those.
 */
export function runOnSchedule(
  name: string,
  expression: string,
  work: () => Promise<void>,
  log: Log,
  signal: AbortSignal,
): void {
  const round = async (): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      const code = cause instanceof Error ? cause.name : 'unknown';
      log.error({ name, code }, 'a scheduled round failed; the next one will try again');
    }
  };
  const said = (message: string | Error): string =>
    typeof message === 'string' ? message : message.message;
  const task = cron(expression, round, {
    name,
    timezone: 'Etc/UTC',
    noOverlap: true,
    // Waiting for the next round is no reason to stay alive.
    unref: true,
    logger: {
      info: (message) => log.debug({ name }, message),
      warn: (message) => log.warn({ name }, message),
      error: (message) => log.error({ name }, said(message)),
      debug: (message) => log.debug({ name }, said(message)),
    },
  });
  const stop = async (): Promise<void> => {
    await task.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
}
