/** Blocks: rows are where they were, packed or not, and nothing is held that nobody asks for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { type Block, Blocks } from '../../src/state/blocks.ts';

/** Counts what is asked of it. */
function packer() {
  const counts = { packed: 0, unpacked: 0 };
  return {
    counts,
    pack: (bytes: Buffer) => {
      counts.packed += 1;
      return deflateRawSync(bytes, { level: 1 });
    },
    unpack: (bytes: Buffer) => {
      counts.unpacked += 1;
      return inflateRawSync(bytes);
    },
  };
}

interface Row {
  readonly block: Block;
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Rows of these lengths, one behind the other, each held. */
function rowsOf(blocks: Blocks, lengths: readonly number[], held = true): Row[] {
  const texts = lengths.map((length, n) => `${n} `.padEnd(length, '.'));
  const cut = blocks.cut(Buffer.from(texts.join('')));
  let from = 0;
  const rows = texts.map((text) => {
    const to = from + text.length;
    const block = cut.at(from, to);
    if (held) block.enter();
    const row = { block, from, to, text };
    from = to;
    return row;
  });
  cut.end();
  return rows;
}

function textOf({ block, from, to }: Row): string {
  const row = block.rowAt(from, to);
  return row.bytes.toString('latin1', row.from, row.to);
}

describe('blocks', () => {
  it('give each row as it was, whatever is packed in between', () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 4, max: 900 }), fc.constant(40_000)), {
      minLength: 1,
      maxLength: 200,
    });
    const asked = fc.array(fc.nat(), { maxLength: 50 });
    fc.assert(
      fc.property(lengths, asked, fc.nat(100_000), (lengths, asked, most) => {
        const blocks = new Blocks(packer());
        const rows = rowsOf(blocks, lengths);
        blocks.turn();
        for (const at of asked) {
          blocks.pack(most);
          const row = rows[at % rows.length] as Row;
          assert.equal(textOf(row), row.text);
        }
        for (const row of rows) assert.equal(textOf(row), row.text);
      }),
      { numRuns: 50 },
    );
  });

  it('are packed after a turn, each once, so much at a time', () => {
    const { counts, ...rest } = packer();
    const blocks = new Blocks(rest);
    rowsOf(
      blocks,
      Array.from({ length: 100 }, () => 16 * 1024),
    );
    assert.equal(blocks.pack(1e9), 0);
    blocks.turn();
    assert.equal(blocks.pack(40_000), 3 * 16 * 1024);
    assert.equal(blocks.pack(1e9), 97 * 16 * 1024);
    blocks.turn();
    assert.equal(blocks.pack(1e9), 0);
    assert.equal(counts.packed, 100);
  });

  it('hold the last that were asked for unpacked, up to a bound', () => {
    const { counts, ...rest } = packer();
    const blocks = new Blocks(rest);
    const rows = rowsOf(
      blocks,
      Array.from({ length: 600 }, () => 16 * 1024),
    );
    blocks.turn();
    blocks.pack(1e9);
    for (let round = 0; round < 3; round += 1) textOf(rows[0] as Row);
    assert.equal(counts.unpacked, 1);
    for (const row of rows) textOf(row);
    assert.equal(counts.unpacked, 600);
    textOf(rows[599] as Row);
    assert.equal(counts.unpacked, 600);
    textOf(rows[0] as Row);
    assert.equal(counts.unpacked, 601);
  });

  it('hold nothing without rows, and are not packed then', () => {
    const { counts, ...rest } = packer();
    const blocks = new Blocks(rest);
    const rows = rowsOf(blocks, [100, 100]);
    const { block } = rows[0] as Row;
    block.leave();
    assert.equal(textOf(rows[1] as Row), (rows[1] as Row).text);
    block.leave();
    assert.equal(block.bytes, null);
    blocks.turn();
    assert.equal(blocks.pack(1e9), 0);
    assert.equal(counts.packed, 0);
    assert.throws(() => block.rowAt(0, 100), /nobody holds/);
  });

  it('hold a row that comes after all others of them were let go of', () => {
    const blocks = new Blocks(packer());
    const cut = blocks.cut(Buffer.from('first.second.'));
    const first = cut.at(0, 6);
    first.enter();
    first.leave();
    const second = cut.at(6, 13);
    second.enter();
    cut.end();
    assert.equal(first, second);
    blocks.turn();
    blocks.pack(1e9);
    assert.equal(textOf({ block: second, from: 6, to: 13, text: '' }), 'second.');
  });

  it('stay as they are where nobody can pack', () => {
    const blocks = new Blocks(null);
    const rows = rowsOf(blocks, [100, 20_000, 100]);
    blocks.turn();
    assert.equal(blocks.pack(1e9), 0);
    for (const row of rows) assert.equal(textOf(row), row.text);
  });
});
