/** Structured logs through pino: the only file that knows it. */
import { type LoggerOptions, pino } from 'pino';
import type { Log } from '../model/ports.ts';

/** How loud. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Keys whose values never reach a log line, wherever a caller may put them. */
const SECRET_KEYS = [
  ...['password', 'passphrase', 'secret', 'secrets', 'token', 'authorization', 'cookie'],
  ...['apiKey', 'privateKey', 'signingKey', 'routingKey', 'pem', 'credentials'],
  ...['url', 'connectionString', 'DATABASE_URL', 'environment', 'env'],
];
/** What agents say, and what was sent to us or by us: names of ours may stand in a log, their words may not. */
const PAYLOAD_KEYS = [
  ...['payload', 'raw', 'body', 'headers', 'args', 'arguments', 'params', 'result'],
  ...['text', 'content', 'messages', 'prompt', 'completion', 'statement', 'values'],
];
/** How deep a caller may have put them. */
const DEPTHS = ['', '*.', '*.*.', '*.*.*.'];

/** Secrets that stand in the middle of a text: credentials of an address, tokens after their scheme. */
const WITHIN: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/(:\/\/)[^\s"\\/@]+@/g, '$1[redacted]@'],
  [/\b(Bearer)\s+[^\s"\\]+/gi, '$1 [redacted]'],
  [/(authorization["'\\:\s]+\w+\s+)[^\s"\\]+/gi, '$1[redacted]'],
  [/\b(?:whsec|xox[abprs]|plb)[-_][A-Za-z0-9+/=_-]{8,}/g, '[redacted]'],
  [
    /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END).)*(?:-----END [A-Z ]*PRIVATE KEY-----)?/gs,
    '[redacted]',
  ],
];

/** A line without what stands in the middle of its texts. */
export function withoutSecrets(line: string): string {
  let said = line;
  for (const [pattern, instead] of WITHIN) said = said.replace(pattern, instead);
  return said;
}

/** JSON lines on stderr, so that stdout stays for results. `write`: where to instead, for tests. */
export function createLog(level: LogLevel, name: string, write?: (line: string) => void): Log {
  const keys = [...SECRET_KEYS, ...PAYLOAD_KEYS];
  const options: LoggerOptions = {
    ...{ name, level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime },
    redact: {
      paths: DEPTHS.flatMap((depth) => keys.map((key) => `${depth}${key}`)),
      censor: '[redacted]',
    },
    hooks: { streamWrite: withoutSecrets },
  };
  const logger = pino(
    options,
    write === undefined ? pino.destination({ fd: 2, sync: true }) : { write },
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
