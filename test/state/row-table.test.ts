/** Row table: rows are found by their keys as they are written, whatever the keys are. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Blocks } from '../../src/state/blocks.ts';
import { RowTable } from '../../src/state/row-table.ts';
import { RowScan, RowWriter, rowText } from '../../src/state/rows.ts';

/** Keys that are alike in all ways that could mix them up. */
const KEYS = [
  ...['a', 'ab', 'b', '', '"', '\\', '\\"', '",', 'é', 'Ã©', '\u2028', '\n', 'null'],
  ...['__proto__', '\ud800', '\udc00', '😀', '1:-:s-1', '1:-:s-10', ' ', ',1,', '\u0000'],
];

/** Rows of these keys in bytes of their own, each with where it lies and where its key ends. */
function rowsOf(keys: readonly string[]) {
  const writer = new RowWriter();
  for (const key of keys) writer.text(rowText('"S"', key, null, { key }));
  const scan = new RowScan(writer.take());
  const cut = new Blocks(null).cut(scan.bytes);
  return keys.map((key) => {
    scan.next();
    const { bytes, from, to } = scan;
    const block = cut.at(from, to);
    // Tables come later here.
    block.enter();
    return { bytes, block, from, to, keyFrom: from + 5, keyTo: from + 5 + byteLength(key) };
  });
}

function byteLength(key: string): number {
  return Buffer.byteLength(JSON.stringify(key));
}

describe('row table', () => {
  it('holds what a map would, whichever hashes collide', () => {
    const step = fc.record({
      key: fc.constantFrom(...KEYS),
      what: fc.constantFrom('add', 'append', 'drop', 'replace'),
    });
    const hashes = fc.func(fc.constantFrom(0, 1, -1, 0x40000000, 7));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), hashes, (steps, hashOf) => {
        const table = new RowTable(5);
        const model = new Map<string, { from: number[]; bytes: Buffer }>();
        for (const { key, what } of steps) {
          const [row] = rowsOf([key]);
          assert.ok(row !== undefined);
          const { bytes, block, from, to, keyFrom, keyTo } = row;
          const hash = hashOf(key);
          const entry = table.find(hash, bytes, keyFrom, keyTo);
          assert.equal(table.findText(hash, key), entry);
          const known = model.get(key);
          assert.equal(entry >= 0, known !== undefined);
          if (known === undefined) {
            assert.ok(table.add(hash, block, from, to));
            model.set(key, { from: [from], bytes });
          } else if (what === 'append') {
            table.append(entry, block, from, to);
            known.from.push(from);
          } else if (what === 'drop') {
            table.drop(entry);
            model.delete(key);
          } else if (what === 'replace') {
            table.replace(entry, block, from, to);
            model.set(key, { from: [from], bytes });
          }
          assert.equal(table.size, model.size);
        }
        let entries = 0;
        for (let entry = 0; entry < table.bound; entry += 1) if (table.isEntry(entry)) entries += 1;
        assert.equal(entries, model.size);
        for (const [key, { from, bytes }] of model) {
          const entry = table.findText(hashOf(key), key);
          const row = table.rowAt(entry);
          let count = 1;
          for (let at = row.later; at !== null; at = at.before) count += 1;
          assert.equal(row.bytes, bytes);
          assert.equal(count, from.length);
          assert.equal(table.hasLater(entry), from.length > 1);
        }
      }),
    );
  });

  it('gives what changed later in order, the newest as the last row', () => {
    const [first, second, third] = rowsOf(['k', 'k', 'k']);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const table = new RowTable(5);
    table.add(3, first.block, first.from, first.to);
    const entry = table.findText(3, 'k');
    table.append(entry, second.block, second.from, second.to);
    table.append(entry, third.block, third.from, third.to);
    const { bytes } = first;
    assert.deepEqual(table.rowAt(entry), {
      ...{ bytes, from: first.from, to: first.to },
      later: {
        ...{ bytes, from: third.from, to: third.to },
        before: { bytes, from: second.from, to: second.to, before: null },
      },
    });
    const { from, to } = third;
    assert.deepEqual(table.lastRowAt(entry), { bytes, from, to });
  });

  it('takes no more than some keys of one hash, and says so', () => {
    const table = new RowTable(5);
    const rows = rowsOf(Array.from({ length: 1000 }, (_, n) => `k${n}`));
    const taken = rows.filter(({ block, from, to }) => table.add(42, block, from, to));
    assert.equal(taken.length, 128);
    assert.equal(table.size, 128);
    for (const { bytes, keyFrom, keyTo } of taken)
      assert.ok(table.find(42, bytes, keyFrom, keyTo) >= 0);
    // Others are taken still.
    const [other] = rowsOf(['other']);
    assert.ok(other !== undefined && table.add(-9, other.block, other.from, other.to));
  });
});
