/** Structured logs through pino: the only file that knows it. */
import { pino } from 'pino';
import type { Log } from '../model/ports.ts';

/** How loud. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Keys whose values never reach a log line, wherever a caller may put them. */
const SECRET_KEYS = ['password', 'secret', 'token', 'authorization', 'url', 'DATABASE_URL'];

/** JSON lines on stderr, so that stdout stays for results. */
export function createLog(level: LogLevel, name: string): Log {
  const logger = pino(
    {
      name,
      level,
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
