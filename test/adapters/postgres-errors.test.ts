/** What pg rejects with becomes the right code, and shows no content. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseError } from '../../src/adapters/postgres-errors.ts';
import { OperatingError } from '../../src/model/errors.ts';

const serverError = (code: string, more: object = {}): Error =>
  Object.assign(new Error('value "hunter2" is bad'), { code, severity: 'ERROR', ...more });

const shown = (cause: unknown): string => {
  const error = databaseError(cause, 'db:5432/x');
  assert.ok(error instanceof OperatingError);
  return `${error.code} ${error.retryable ? 'retryable' : 'final'}`;
};

test('every class has its code', () => {
  const expected: Readonly<Record<string, string>> = {
    ...{ '08006': 'DATABASE_TRANSIENT retryable', '40001': 'DATABASE_TRANSIENT retryable' },
    ...{ '40P01': 'DATABASE_TRANSIENT retryable', '53100': 'DATABASE_TRANSIENT retryable' },
    ...{ '53300': 'DATABASE_TRANSIENT retryable', '57014': 'DATABASE_TRANSIENT retryable' },
    ...{ '57P01': 'DATABASE_TRANSIENT retryable', '57P03': 'DATABASE_TRANSIENT retryable' },
    ...{ '55P03': 'DATABASE_TRANSIENT retryable', '25P03': 'DATABASE_TRANSIENT retryable' },
    ...{ '22021': 'DATABASE_REFUSED final', '23505': 'DATABASE_REFUSED final' },
    ...{ '28P01': 'DATABASE_REFUSED final', '42P01': 'DATABASE_REFUSED final' },
    ...{ '54000': 'DATABASE_REFUSED final', XX000: 'DATABASE_REFUSED final' },
  };
  for (const [code, wanted] of Object.entries(expected)) {
    assert.equal(shown(serverError(code)), wanted, code);
  }
});

test('connections: not there, broken, timed out', () => {
  const refused = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' });
  assert.equal(shown(refused), 'DATABASE_UNREACHABLE retryable');
  const full = new Error('timeout exceeded when trying to connect');
  assert.equal(shown(full), 'DATABASE_UNREACHABLE retryable');
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  assert.equal(shown(reset), 'DATABASE_TRANSIENT retryable');
  assert.equal(
    shown(new Error('Connection terminated unexpectedly')),
    'DATABASE_TRANSIENT retryable',
  );
  assert.equal(shown(undefined), 'DATABASE_TRANSIENT retryable');
});

test('messages of refused data name places of the schema, and no value', () => {
  const more = { table: 't', constraint: 't_pkey', detail: 'Key (a)=(hunter2) already exists.' };
  const error = databaseError(serverError('23505', more), 'db');
  assert.equal(
    error.message,
    'the database refused a statement, SQLSTATE 23505 (table t, constraint t_pkey)',
  );
  assert.equal(error.cause, undefined);
});

test('faults of the program, and errors that were mapped already, come back as they are', () => {
  const mapped = new OperatingError('LANE_FENCED', 'x', { retryable: false });
  const fault = new TypeError('x');
  assert.equal(databaseError(mapped, 'db'), mapped);
  assert.equal(databaseError(fault, 'db'), fault);
});
