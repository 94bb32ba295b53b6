/** Turns what pg throws into operating errors that hold no row content. */
import { OperatingError } from '../model/errors.ts';

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);
/** Connection lost, serialisation failure or deadlock, out of resources, server going down. */
const TRANSIENT_CLASSES = new Set(['08', '40', '53', '57']);
/** Lock not available in time; ended for idling in a transaction; idle session ended. */
const TRANSIENT_STATES = new Set(['55P03', '25P03', '57P05']);
/** Classes whose message quotes values: data, integrity, limits, user-defined, PL/pgSQL. */
const QUOTING_CLASSES = new Set(['21', '22', '23', '44', '54', 'P0', 'XX']);

const field = (cause: object, name: string): string | null => {
  const value: unknown = Reflect.get(cause, name);
  return typeof value === 'string' && value !== '' ? value : null;
};

/** Names from the schema that an error bears: safe to show, for we wrote them. */
const placeOf = (cause: object): string => {
  const parts = ['table', 'column', 'constraint'].flatMap((name) => {
    const value = field(cause, name);
    return value === null ? [] : [`${name} ${value}`];
  });
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
};

const byState = (cause: Error, state: string): OperatingError => {
  const kind = state.slice(0, 2);
  if (TRANSIENT_CLASSES.has(kind) || TRANSIENT_STATES.has(state)) {
    const message = `the database could not do it now, SQLSTATE ${state}: ${cause.message}`;
    return new OperatingError('DATABASE_TRANSIENT', message, { retryable: true, cause });
  }
  if (QUOTING_CLASSES.has(kind)) {
    // Neither the message nor the error itself: both quote the value that was refused.
    const message = `the database refused a statement, SQLSTATE ${state}${placeOf(cause)}`;
    return new OperatingError('DATABASE_REFUSED', message, { retryable: false });
  }
  const message = `the database refused, SQLSTATE ${state}: ${cause.message}`;
  return new OperatingError('DATABASE_REFUSED', message, { retryable: false, cause });
};

/**
 * Operating error for what pg rejected with: DATABASE_TRANSIENT (retryable) for classes 08, 40, 53,
 * 57, a lock time-out and a broken connection; DATABASE_UNREACHABLE (retryable) where no connection
 * came about; DATABASE_REFUSED for the rest. A fault of the program comes back as it was.
 */
export function databaseError(cause: unknown, where: string): Error {
  if (!(cause instanceof Error)) {
    return new OperatingError('DATABASE_TRANSIENT', `${where} failed without saying why`, {
      retryable: true,
      cause,
    });
  }
  if (cause instanceof OperatingError) return cause;
  const code = field(cause, 'code');
  if (code !== null && /^[0-9A-Z]{5}$/.test(code) && field(cause, 'severity') !== null) {
    return byState(cause, code);
  }
  const timedOut = /timeout exceeded when trying to connect|connection timeout/i.test(
    cause.message,
  );
  if ((code !== null && UNREACHABLE.has(code)) || timedOut) {
    const message = `cannot reach the database at ${where} (${code ?? 'timed out'}): is it running, and is the address right?`;
    return new OperatingError('DATABASE_UNREACHABLE', message, { retryable: true, cause });
  }
  if (cause instanceof TypeError || cause instanceof RangeError) return cause;
  const message = `the connection to the database at ${where} broke: ${code ?? cause.message}`;
  return new OperatingError('DATABASE_TRANSIENT', message, { retryable: true, cause });
}
