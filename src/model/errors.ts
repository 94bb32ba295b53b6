/** Errors: the closed list of codes, and the one class that carries them. */

/** Every code an OperatingError may bear; each has its line in docs/errors.md. */
export const ERROR_CODES = [
  'BROKER_UNREACHABLE',
  'BROKER_TOPIC_MISSING',
  'BROKER_LAYOUT',
  'BROKER_REFUSED',
  'BROKER_CLUSTER',
  'BROKER_STUCK',
  'BROKER_CRASHED',
  'BROKER_TOO_LARGE',
  'SOURCE_UNREADABLE',
  'DATABASE_UNREACHABLE',
  'DATABASE_REFUSED',
  'DATABASE_TRANSIENT',
  'EMBEDDED_POSTGRES',
  'MIGRATION_MISMATCH',
  'LANE_FENCED',
  'LANE_STATE_FORMAT',
  'CONTROL_UNREACHABLE',
  'CONTROL_REFUSED',
  'CONFIG_INVALID',
  'BASELINE_REFUSED',
  'JOURNAL_KEY',
  'NOT_FOUND',
] as const;

/** One of ERROR_CODES. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** A failure of the world, not of the program. The retry policy lives in the loops, not here. */
export class OperatingError extends Error {
  readonly code: ErrorCode;
  /** True where the same call may succeed later. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'OperatingError';
    this.code = code;
    this.retryable = options.retryable;
  }
}

/** A problem in configuration or a detector file: where it is and what to write instead. */
export interface Problem {
  readonly file: string;
  /** 1-based; null where no line can be named. */
  readonly line: number | null;
  /** Dotted path of the key. */
  readonly key: string;
  readonly message: string;
}

/** Marks a state that the program itself rules out. Crashes: recovery is by recorded positions. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** For exhaustive switches. */
export function assertNever(value: never): never {
  throw new Error(`invariant broken: unexpected value ${String(value)}`);
}
