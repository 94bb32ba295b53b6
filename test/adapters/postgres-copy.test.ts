/** Copied rows: what the server's format says, and nothing where it says something else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { copiedRows } from '../../src/adapters/postgres-copy.ts';
import { OperatingError } from '../../src/model/errors.ts';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const short = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const long = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** As PostgreSQL writes it (COPY, Binary Format). */
function copied(
  rows: readonly (readonly (Buffer | null)[])[],
  extension = Buffer.alloc(0),
): Buffer {
  return Buffer.concat([
    ...[SIGNATURE, long(0), long(extension.length), extension],
    ...rows.flatMap((row) => [
      short(row.length),
      ...row.flatMap((one) => (one === null ? [long(-1)] : [long(one.length), one])),
    ]),
    short(-1),
  ]);
}

const column = fc.option(
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  { nil: null },
);

describe('copied rows', () => {
  it('are those that the server sent', () => {
    fc.assert(
      fc.property(fc.array(fc.array(column, { maxLength: 4 }), { maxLength: 5 }), (rows) => {
        assert.deepEqual(copiedRows(copied(rows)), rows);
        assert.deepEqual(copiedRows(copied(rows, Buffer.from('more'))), rows);
      }),
    );
  });

  it('are refused where they are cut off, or something else', () => {
    const refused = (cause: unknown) =>
      cause instanceof OperatingError && cause.code === 'DATABASE_REFUSED';
    const whole = copied([[Buffer.from('one'), null]]);
    for (let length = 0; length < whole.length; length += 1)
      assert.throws(() => copiedRows(whole.subarray(0, length)), refused);
    assert.throws(() => copiedRows(Buffer.from('one\\ttwo\\n'.repeat(5))), refused);
  });
});
