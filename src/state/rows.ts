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

/** What the first line of a row says. */
export interface RowHead {
  readonly space: string;
  readonly key: string;
  readonly head: unknown;
  /** Only some of it was written. */
  readonly isPart: boolean;
  /** It is gone. */
  readonly isGone: boolean;
}

const UNKNOWN = 'stored state is not in rows of two lines: another version wrote it';
const LINE_FEED = 0x0a;
const N = 0x6e; // `null]` is the only second line that begins with an n
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

/** Where each row lies, in order. */
export function* rowsIn(bytes: Buffer): Generator<RowAt, void> {
  let from = 1;
  while (from < bytes.length - 1) {
    const second = bytes.indexOf(LINE_FEED, from) + 1;
    if (second === 0) throw new OperatingError('LANE_STATE_FORMAT', UNKNOWN, { retryable: false });
    const end = bytes.indexOf(LINE_FEED, second);
    // Behind a row stand a comma and a line feed, behind the last one a bracket.
    const to = end < 0 ? bytes.length - 1 : end - 1;
    yield { bytes, from, to };
    if (end < 0) return;
    from = end + 1;
  }
}

/** Reads the first line of a row. */
export function headOf({ bytes, from }: RowAt): RowHead {
  const second = bytes.indexOf(LINE_FEED, from) + 1;
  const [space, key, head, isPart] = JSON.parse(`${bytes.toString('utf8', from, second - 2)}]`) as [
    string,
    string,
    unknown,
    1?,
  ];
  return { space, key, head, isPart: isPart === 1, isGone: bytes[second] === N };
}

/** Reads the second line of a row: the entity, or its rest and what changed in its records. */
export function bodyOf({ bytes, from, to }: RowAt): readonly [Stored, object?] {
  const second = bytes.indexOf(LINE_FEED, from) + 1;
  return JSON.parse(`[${bytes.toString('utf8', second, to)}`) as [Stored, object?];
}
