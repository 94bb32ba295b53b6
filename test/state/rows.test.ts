/** Rows: whatever an entity holds, its row is found, told apart, copied and read back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { OperatingError } from '../../src/model/errors.ts';
import {
  behindQuoted,
  bodyOf,
  headAt,
  quotedText,
  type RowAt,
  RowScan,
  RowWriter,
  rowText,
} from '../../src/state/rows.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\n', '],\n["A"', 'null]', '"', '\\', '\u2028', '\ud800', '__proto__', '1,\n'),
);
// The runtime (V8 13.6) reads the key "\n" as a lone backslash where an object before has that for a key.
const named = hostile.filter((name) => !name.includes('\\'));
const row = fc.record({
  space: hostile,
  key: hostile,
  head: fc.oneof(
    ...[fc.constantFrom(1, -1, 0, 11, null), fc.maxSafeInteger(), fc.double({ noNaN: true })],
    fc.array(fc.oneof(hostile, fc.integer(), fc.constant(1), fc.constant(null), fc.double())),
    fc.array(fc.array(fc.constantFrom(1, 'x'))),
  ),
  entity: fc.oneof(fc.constant(null), fc.dictionary(named, hostile)),
  changed: fc.option(fc.dictionary(named, hostile), { nil: undefined }),
});

/** Where each row lies, and what its first line says. */
function* rowsIn(bytes: Buffer) {
  const scan = new RowScan(bytes);
  while (scan.next()) {
    const { from, to, body, isGone } = scan;
    const at: RowAt = { bytes, from, to };
    const spaceTo = behindQuoted(bytes, from + 1, body);
    const keyTo = behindQuoted(bytes, spaceTo + 1, body);
    const space = quotedText(bytes, from + 1, spaceTo);
    const key = quotedText(bytes, spaceTo + 1, keyTo);
    yield { at, space, key, head: headAt(at, keyTo), isPart: scan.isPart(keyTo), isGone };
  }
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('rows', () => {
  it('come back as they were, however often they were copied', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (given) => {
        const rows = given.map((one) =>
          one.entity === null ? { ...one, changed: undefined } : one,
        );
        const writer = new RowWriter();
        for (const { space, key, head, entity, changed } of rows)
          writer.text(rowText(JSON.stringify(space), key, head, entity, changed));
        const first = writer.take();
        for (const { at } of rowsIn(first)) writer.copy(at);
        const second = writer.take();
        assert.deepEqual(second, first);
        const read = [...rowsIn(second)].map(({ at, ...said }) => ({ ...said, body: bodyOf(at) }));
        assert.deepEqual(
          plain(read),
          plain(
            rows.map(({ space, key, head, entity, changed }) => ({
              ...{ space, key, head, isPart: changed !== undefined, isGone: entity === null },
              body: changed === undefined ? [entity] : [entity, changed],
            })),
          ),
        );
      }),
    );
  });

  it('are one JSON array together', () => {
    const writer = new RowWriter();
    writer.text(rowText('"A"', 'x', 7, { n: 1 }));
    writer.text(rowText('"A"', 'y', null, null));
    assert.deepEqual(JSON.parse(String(writer.take())), [
      ['A', 'x', 7, { n: 1 }],
      ['A', 'y', null, null],
    ]);
    assert.equal(String(writer.take()), '[]');
    assert.deepEqual([...rowsIn(Buffer.from('[]'))], []);
  });

  it('hold more than the writer began with', () => {
    const writer = new RowWriter();
    const text = 'ü'.repeat(100_000);
    for (let n = 0; n < 5; n += 1) writer.text(rowText('"A"', `k${n}`, n, { text }));
    const read = [...rowsIn(writer.take())].map(
      ({ at }) => (bodyOf(at)[0] as { text: string }).text,
    );
    assert.deepEqual(read, Array(5).fill(text));
  });

  it('of another format are refused, not taken for nothing', () => {
    for (const text of ['[["A x",{"n":1}]]', '[[1,"x",7,\n{}]]', '[["A",1,7,\n{}]]', '[["A\n{}]]'])
      assert.throws(
        () => [...rowsIn(Buffer.from(text))],
        (error) => error instanceof OperatingError && error.code === 'LANE_STATE_FORMAT',
      );
  });
});
