/** Rows: entities as lines of JSON that are told apart and found without being parsed. */

import { OperatingError } from '../model/errors.ts';

/**
 * A row is two lines: `["<space>","<key>",<head>,` and `<entity>]`, or `<rest>,<changed records>]` where
 * only a part of the entity was written (its head then ends in `,1`), or `null]` where it is gone. All
 * rows together are one JSON array, and JSON has no line feed inside a value: lines are found by that.
 */
export type Stored = object | null;

/** Where a row lies. */
export interface RowAt {
  readonly bytes: Buffer;
  /** First byte of the row, and the one behind its last. */
  readonly from: number;
  readonly to: number;
}

const unknownFormat = () =>
  new OperatingError(
    'LANE_STATE_FORMAT',
    'stored state is not in rows of two lines: another version wrote it',
    { retryable: false },
  );
const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const ONE = 0x31;
const OPENING = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING = 0x5d;
const N = 0x6e; // `null]` is the only second line that begins with an n
const NOT_ASCII = 0x80;
/** So many digits are a whole number that is exact, whatever they are. */
const DIGITS_MAX = 15;
const CHUNK_UNITS = 8192;
const GROW = 2;

/** Writes rows one after the other: none of them is kept until the last is written. */
export class RowWriter {
  #bytes = Buffer.allocUnsafe(256 * 1024);
  #length = 0;
  #chunk = '[';
  #isFirst = true;

  /** Text of a row, without what stands between rows. Returns nothing: where it lies is not asked. */
  text(row: string): void {
    this.#chunk += this.#isFirst ? row : `,\n${row}`;
    this.#isFirst = false;
    if (this.#chunk.length >= CHUNK_UNITS) this.#flush();
  }

  /** A row as it lies elsewhere. */
  copy({ bytes, from, to }: RowAt): void {
    this.text('');
    this.#flush();
    this.#room(to - from);
    this.#length += bytes.copy(this.#bytes, this.#length, from, to);
  }

  /** Bytes written so far, which is where the next row begins but for the two that part rows. */
  get length(): number {
    this.#flush();
    return this.#length;
  }

  /** All of it, as bytes of its own; the writer is as new then. */
  take(): Buffer {
    this.#chunk += ']';
    this.#flush();
    const made = Buffer.allocUnsafeSlow(this.#length);
    this.#bytes.copy(made, 0, 0, this.#length);
    this.#length = 0;
    this.#chunk = '[';
    this.#isFirst = true;
    return made;
  }

  #flush(): void {
    if (this.#chunk.length === 0) return;
    this.#room(this.#chunk.length * 3);
    this.#length += this.#bytes.write(this.#chunk, this.#length);
    this.#chunk = '';
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(GROW * (this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** The text of a row. `quoted`: the space as JSON; `head`: what may be asked of it before it is read. */
export function rowText(
  quoted: string,
  key: string,
  head: unknown,
  entity: Stored,
  changed?: object,
): string {
  const start = `[${quoted},${JSON.stringify(key)},${headText(head)},`;
  return changed === undefined
    ? `${start}\n${JSON.stringify(entity)}]`
    : `${start}1,\n${JSON.stringify(entity)},${JSON.stringify(changed)}]`;
}

function headText(head: unknown): string {
  if (head === undefined || head === null) return 'null';
  return Number.isSafeInteger(head) ? String(head) : JSON.stringify(head);
}

/**
 * Goes from row to row, and says where things stand in each without making a text or an object of it.
 * Throws LANE_STATE_FORMAT where there are no rows.
 */
export class RowScan implements RowAt {
  readonly bytes: Buffer;
  from = 0;
  to = 0;
  /** First byte of the second line. */
  body = 0;
  #next = 1;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Moves on to the next row; false where there is none. */
  next(): boolean {
    const { bytes } = this;
    const from = this.#next;
    if (from >= bytes.length - 1) return false;
    const body = bytes.indexOf(LINE_FEED, from) + 1;
    if (body === 0 || bytes[from + 1] !== QUOTE) throw unknownFormat();
    const end = bytes.indexOf(LINE_FEED, body);
    this.from = from;
    this.body = body;
    // Behind a row stand a comma and a line feed, behind the last one a bracket.
    this.to = end < 0 ? bytes.length - 1 : end - 1;
    this.#next = end < 0 ? bytes.length : end + 1;
    return true;
  }

  /** Was only some of it written? `keyTo`: the byte behind its key. */
  isPart(keyTo: number): boolean {
    return isPartAt(this.bytes, keyTo, this.body);
  }

  /** Is it gone? */
  get isGone(): boolean {
    return this.bytes[this.body] === N;
  }
}

/** A head that ends in a one is none where that one stands right behind the key: it is the head then. */
function isPartAt(bytes: Buffer, keyTo: number, body: number): boolean {
  const mark = body - 4;
  return mark > keyTo && bytes[mark] === COMMA && bytes[mark + 1] === ONE;
}

/** The byte behind the text that is quoted from `from` on. Throws where none is that ends before `before`. */
export function behindQuoted(bytes: Buffer, from: number, before: number): number {
  if (bytes[from] !== QUOTE) throw unknownFormat();
  for (let at = from + 1; at < before; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at += 1;
  }
  throw unknownFormat();
}

/** The text that is quoted from `from` on, its last quotation mark before `to`. */
export function quotedText(bytes: Buffer, from: number, to: number): string {
  for (let at = from + 1; at < to - 1; at += 1) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH || byte >= NOT_ASCII)
      return JSON.parse(bytes.toString('utf8', from, to)) as string;
  }
  if (to - from === 3) return String.fromCharCode(bytes[from + 1] as number);
  return bytes.toString('latin1', from + 1, to - 1);
}

/** The head of a row, whose key ends before `keyTo`. */
export function headAt({ bytes }: RowAt, keyTo: number): unknown {
  const body = bytes.indexOf(LINE_FEED, keyTo) + 1;
  const to = isPartAt(bytes, keyTo, body) ? body - 4 : body - 2;
  return new HeadReader(bytes, keyTo + 1, to).read();
}

/** Reads heads, which are a number, or a list of numbers and short texts: JSON.parse takes thrice as long. */
class HeadReader {
  readonly #bytes: Buffer;
  readonly #from: number;
  readonly #to: number;
  #at: number;

  constructor(bytes: Buffer, from: number, to: number) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#at = from;
  }

  read(): unknown {
    const made = this.#bytes[this.#at] === OPENING ? this.#list() : this.#value();
    if (made !== undefined && this.#at === this.#to) return made;
    return JSON.parse(this.#bytes.toString('utf8', this.#from, this.#to));
  }

  #list(): unknown[] | undefined {
    const list: unknown[] = [];
    this.#at += 1;
    while (this.#at < this.#to) {
      const value = this.#value();
      if (value === undefined) return undefined;
      list.push(value);
      const behind = this.#bytes[this.#at];
      this.#at += 1;
      if (behind === CLOSING) return list;
      if (behind !== COMMA) return undefined;
    }
    return undefined;
  }

  /** Undefined where it is something that is left to JSON.parse. */
  #value(): string | number | null | undefined {
    const bytes = this.#bytes;
    const first = bytes[this.#at] as number;
    if (first === QUOTE) {
      const from = this.#at;
      this.#at = behindQuoted(bytes, from, this.#to);
      return quotedText(bytes, from, this.#at);
    }
    if (first === N) {
      this.#at += 4;
      return null;
    }
    return this.#whole(first === MINUS);
  }

  #whole(isNegative: boolean): number | undefined {
    const bytes = this.#bytes;
    let at = isNegative ? this.#at + 1 : this.#at;
    const last = Math.min(this.#to, at + DIGITS_MAX);
    const from = at;
    let value = 0;
    for (; at < last; at += 1) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === from) return undefined;
    this.#at = at;
    return isNegative ? -value : value;
  }
}

/** Reads the second line of a row: the entity, or its rest and what changed in its records. */
export function bodyOf({ bytes, from, to }: RowAt): readonly [Stored, object?] {
  const second = bytes.indexOf(LINE_FEED, from) + 1;
  return JSON.parse(`[${bytes.toString('utf8', second, to)}`) as [Stored, object?];
}
