/** Reads columns of a row as what the SQL promised; anything else is a fault of the program. */
import { assert } from '../model/errors.ts';
import type { Row } from '../model/ports.ts';

/** A text column that is not null. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  assert(typeof value === 'string', `column ${column} is not text`);
  return value;
}

/** A text column. */
export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

/** A number column that is not null; bigint arrives as a string and must be a safe integer. */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  assert(typeof value === 'string', `column ${column} is not a number`);
  const number = Number(value);
  assert(Number.isSafeInteger(number), `column ${column} is beyond a safe integer`);
  return number;
}

/** A number column. */
export function numberOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : numberOf(row, column);
}

/** A boolean column that is not null. */
export function booleanOf(row: Row, column: string): boolean {
  const value = row[column];
  assert(typeof value === 'boolean', `column ${column} is not boolean`);
  return value;
}

/** A bytea column that is not null. */
export function bytesOf(row: Row, column: string): Buffer {
  const value = row[column];
  assert(Buffer.isBuffer(value), `column ${column} is not bytes`);
  return value;
}

/** A jsonb column; the caller knows what was written there. */
export function jsonOf<T>(row: Row, column: string): T {
  const value = row[column];
  assert(typeof value === 'object' && value !== null, `column ${column} is not JSON`);
  return value as T;
}

/** A text[] column. */
export function textsOf(row: Row, column: string): readonly string[] {
  const value = row[column];
  assert(Array.isArray(value), `column ${column} is not an array`);
  return value as string[];
}

/** The only row of a result. */
export function onlyRow(rows: readonly Row[]): Row {
  const row = rows[0];
  assert(row !== undefined && rows.length === 1, `one row expected, ${rows.length} came`);
  return row;
}
