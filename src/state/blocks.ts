/** Blocks: rows that lie beside one another, packed while nobody asks for one of them. */
import { assert } from '../model/errors.ts';
import type { RowAt } from './rows.ts';

/** Makes bytes shorter, and gives back what they were. Both at once, without waiting. */
export interface Packer {
  pack(bytes: Buffer): Buffer;
  unpack(bytes: Buffer): Buffer;
}

/** Some thirty rows: unpacking them takes little longer than reading the one that is asked for. */
const BLOCK_BYTES = 16 * 1024;
/** Bytes of blocks that stay unpacked beside their packed form, because they were asked for of late. */
const CACHE_BYTES = 8 * 1024 * 1024;
const NO_BYTES = Buffer.alloc(0);

/** Rows that lie beside one another. Places are those of the bytes it was cut from, for ever. */
export class Block {
  readonly #blocks: Blocks;
  /** First byte of its first row, and the one behind its last. */
  readonly #from: number;
  #to: number;
  /** What it was cut from, until it is packed. */
  #whole: Buffer | null;
  #packed: Buffer = NO_BYTES;
  /** It alone, while it is held beside its packed form. */
  #alone: Buffer | null = null;
  /** Rows that somebody holds on to. */
  #rows = 0;
  /** More rows may come to it. */
  #isOpen = true;

  constructor(blocks: Blocks, whole: Buffer, from: number) {
    this.#blocks = blocks;
    this.#whole = whole;
    this.#from = from;
    this.#to = from;
  }

  /** Where the block begins. */
  get from(): number {
    return this.#from;
  }

  /** A row that ends there belongs to it, too. */
  reach(to: number): void {
    if (to > this.#to) this.#to = to;
  }

  /** Somebody holds on to a row of it. */
  enter(): void {
    this.#rows += 1;
  }

  /** No longer. */
  leave(): void {
    this.#rows -= 1;
    this.#letGo();
  }

  /** No more rows come to it. */
  end(): void {
    this.#isOpen = false;
    this.#letGo();
  }

  /** A block without rows, to which none will come, holds nothing. */
  #letGo(): void {
    if (this.#rows > 0 || this.#isOpen) return;
    this.#whole = null;
    this.#packed = NO_BYTES;
    this.#alone = null;
  }

  /** A row of it, unpacked: good for as long as somebody holds the bytes. */
  rowAt(from: number, to: number): RowAt {
    if (this.#whole !== null) return { bytes: this.#whole, from, to };
    return { bytes: this.#opened(), from: from - this.#from, to: to - this.#from };
  }

  /** What is to be packed of it; null where nobody holds a row of it. */
  get bytes(): Buffer | null {
    return this.#whole?.subarray(this.#from, this.#to) ?? null;
  }

  /** Its packed form, in place of what it was cut from. */
  packedAs(packed: Buffer): void {
    this.#packed = packed;
    this.#whole = null;
  }

  /** Its unpacked form is not held any longer. */
  close(): void {
    this.#alone = null;
  }

  #opened(): Buffer {
    if (this.#alone === null) {
      assert(this.#packed !== NO_BYTES, 'rows of a block are asked for that nobody holds');
      this.#alone = this.#blocks.unpack(this, this.#packed);
    }
    return this.#alone;
  }
}

/** Cuts bytes into blocks. */
export interface Cut {
  /** The block of a row, to be held before the next one is asked for; in the order in which they lie. */
  at(from: number, to: number): Block;
  /** No more are asked for. */
  end(): void;
}

/** All blocks of a state: which are to be packed, and which lie unpacked for a while. */
export class Blocks {
  readonly #packer: Packer | null;
  /** Made since the last turn, and before. */
  #fresh: Block[] = [];
  #due: Block[] = [];
  /** Unpacked beside their packed form, the oldest first; a ring once it is full. */
  readonly #open: Block[] = [];
  #openNext = 0;

  /** Null: nothing is ever packed. */
  constructor(packer: Packer | null) {
    this.#packer = packer;
  }

  /** Cuts what rows were written to. */
  cut(bytes: Buffer): Cut {
    let block: Block | null = null;
    return {
      at: (from, to) => {
        if (block !== null && from - block.from < BLOCK_BYTES) {
          block.reach(to);
          return block;
        }
        block?.end();
        block = this.#made(bytes, from);
        block.reach(to);
        return block;
      },
      end: () => block?.end(),
    };
  }

  /** What was made before the last turn may be packed from now on. */
  turn(): void {
    this.#due = this.#due.concat(this.#fresh);
    this.#fresh = [];
  }

  /** Packs some of what may be packed: a few blocks more than `most` bytes. Returns how many bytes that were. */
  pack(most: number): number {
    if (this.#packer === null || this.#due.length === 0) return 0;
    const blocks: Block[] = [];
    const forms: Buffer[] = [];
    let length = 0;
    while (length < most) {
      const block = this.#due.pop();
      if (block === undefined) break;
      const { bytes } = block;
      if (bytes === null) continue;
      blocks.push(block);
      forms.push(this.#packer.pack(bytes));
      length += bytes.length;
    }
    // In one piece: small ones would cost as much again as they hold.
    const all = Buffer.concat(forms);
    let at = 0;
    for (const [index, block] of blocks.entries()) {
      const end = at + (forms[index] as Buffer).length;
      block.packedAs(all.subarray(at, end));
      at = end;
    }
    return length;
  }

  /** Whatever was cut before is of no use any more. */
  clear(): void {
    this.#fresh = [];
    this.#due = [];
    this.#open.length = 0;
    this.#openNext = 0;
  }

  /** Unpacks a block, which stays so until some hundred others were asked for. */
  unpack(block: Block, packed: Buffer): Buffer {
    assert(this.#packer !== null, 'who packs can unpack');
    this.#open[this.#openNext]?.close();
    this.#open[this.#openNext] = block;
    this.#openNext = (this.#openNext + 1) % (CACHE_BYTES / BLOCK_BYTES);
    return this.#packer.unpack(packed);
  }

  #made(bytes: Buffer, from: number): Block {
    const block = new Block(this, bytes, from);
    if (this.#packer !== null) this.#fresh.push(block);
    return block;
  }
}
