/** Bundles: what the re-keyer hands to a lane, as bytes of one record of the internal topic. */
import { crc32 } from 'node:zlib';
import type { Rec, TopicPartition } from '../model/ports.ts';

/** Offsets of a source partition that were gone before they could be forwarded: `from` up to but without `to`. */
export interface Gap extends TopicPartition {
  readonly from: number;
  readonly to: number;
}

/** A source partition was forwarded up to `next`: nothing below it comes any more. */
export interface Mark extends TopicPartition {
  readonly next: number;
  /** Highest event time the re-keyer has seen in it since it took it over, ms; null: none. */
  readonly newestMs: number | null;
}

/** In this order: gaps lie before the records, and marks speak of all that came up to here. */
export interface Bundle {
  readonly gaps: readonly Gap[];
  /** As the source's log holds them; those of one partition in order. */
  readonly records: readonly Rec[];
  readonly marks: readonly Mark[];
}

/** A bundle, or why these bytes are none. */
export type Unbundled =
  | { readonly ok: true; readonly bundle: Bundle }
  | { readonly ok: false; readonly reason: string };

// magic 2 bytes, version 1, CRC-32 of what follows 4.
const HEAD = 7;
const MAGIC = 0x504c;
// 2 carries headers.
const VERSION = 2;
const NONE = 0xffff_ffff;
const TOPIC_MAX = 249;
// topic and partition; per gap, record (without key, value and headers) and mark.
const GAP = 2 + 8 + 8;
const RECORD = 2 + 8 + 8 + 4 + 4 + 4;
const MARK = 2 + 8 + 8;

/** Bytes a record adds to a bundle, its place in the table of sources aside. */
export function sizeOfRecord(record: Rec): number {
  const { key, value } = record;
  return RECORD + (key?.length ?? 0) + (value?.length ?? 0) + (headersOf(record)?.length ?? 0);
}

/** Headers as JSON; null where there are none, which is nearly always. */
function headersOf({ headers }: Rec): Buffer | null {
  return headers === undefined ? null : Buffer.from(JSON.stringify(headers));
}

/** The bundle as bytes. Throws where it names more than 65,535 partitions, gaps, records or marks. */
export function encodeBundle({ gaps, records, marks }: Bundle): Buffer {
  const sources = new Map<string, { readonly at: number; readonly of: TopicPartition }>();
  const placeOf = (of: TopicPartition): number => {
    const key = `${of.topic}/${of.partition}`;
    let known = sources.get(key);
    if (known === undefined) {
      known = { at: sources.size, of };
      sources.set(key, known);
    }
    return known.at;
  };
  for (const each of [...gaps, ...records, ...marks]) placeOf(each);
  const tops = [...sources.values()].map(({ of }) => Buffer.from(of.topic, 'utf8'));
  let size = HEAD + 4 * 2;
  for (const topic of tops) size += 1 + topic.length + 4;
  size += gaps.length * GAP + marks.length * MARK;
  for (const record of records) size += sizeOfRecord(record);
  const into = new Writer(size);
  into.u16(sources.size);
  [...sources.values()].forEach(({ of }, at) => {
    const topic = tops[at] as Buffer;
    into.u8(topic.length);
    into.bytes(topic);
    into.u32(of.partition);
  });
  into.u16(gaps.length);
  for (const gap of gaps) {
    into.u16(placeOf(gap));
    into.f64(gap.from);
    into.f64(gap.to);
  }
  into.u16(records.length);
  for (const record of records) {
    into.u16(placeOf(record));
    into.f64(record.offset);
    into.f64(record.timestampMs);
    into.sized(record.key);
    into.sized(record.value);
    into.sized(headersOf(record));
  }
  into.u16(marks.length);
  for (const mark of marks) {
    into.u16(placeOf(mark));
    into.f64(mark.next);
    into.f64(mark.newestMs ?? Number.NaN);
  }
  return into.finished();
}

/**
 * Reads a bundle. Total: no bytes make it throw, and it allocates in proportion to them. Keys and
 * values are views of `bytes`.
 */
export function decodeBundle(bytes: Buffer): Unbundled {
  if (bytes.length < HEAD) return refused('it is shorter than any bundle');
  if (bytes.readUInt16BE(0) !== MAGIC) return refused('it does not begin as a bundle does');
  const version = bytes.readUInt8(2);
  if (version !== VERSION) return refused(`its version is ${version}; this is for ${VERSION}`);
  if (crc32(bytes.subarray(HEAD)) !== bytes.readUInt32BE(3))
    return refused('its checksum is not that of its bytes');
  const from = new Reader(bytes, HEAD);
  const sources = from.list(6, () => from.source());
  const at = (): TopicPartition => sources[from.u16()] ?? from.wrong();
  const gaps = from.list(GAP, (): Gap => ({ ...at(), from: from.offset(), to: from.offset() }));
  const records = from.list(RECORD, (): Rec => {
    const { topic, partition } = at();
    const offset = from.offset();
    const timestampMs = from.whole();
    const record = {
      topic,
      partition,
      offset,
      timestampMs,
      key: from.sized(),
      value: from.sized(),
    };
    const headers = from.headers();
    return headers === null ? record : { ...record, headers };
  });
  const marks = from.list(MARK, (): Mark => {
    return { ...at(), next: from.offset(), newestMs: from.wholeOrNull() };
  });
  if (from.isWrong) return refused('its parts do not fit its length');
  if (!from.isAtEnd) return refused('bytes are left over behind it');
  return { ok: true, bundle: { gaps, records, marks } };
}

function refused(reason: string): Unbundled {
  return { ok: false, reason };
}

const NOWHERE: TopicPartition = { topic: '', partition: 0 };

class Writer {
  readonly #bytes: Buffer;
  #at = HEAD;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  u8(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  u16(value: number): void {
    this.#at = this.#bytes.writeUInt16BE(value, this.#at);
  }

  u32(value: number): void {
    this.#at = this.#bytes.writeUInt32BE(value, this.#at);
  }

  f64(value: number): void {
    this.#at = this.#bytes.writeDoubleBE(value, this.#at);
  }

  bytes(value: Buffer): void {
    value.copy(this.#bytes, this.#at);
    this.#at += value.length;
  }

  sized(value: Buffer | null): void {
    this.u32(value === null ? NONE : value.length);
    if (value !== null) this.bytes(value);
  }

  finished(): Buffer {
    const bytes = this.#bytes;
    bytes.writeUInt16BE(MAGIC, 0);
    bytes.writeUInt8(VERSION, 2);
    bytes.writeUInt32BE(crc32(bytes.subarray(HEAD)), 3);
    return bytes;
  }
}

/** Reads on only while everything fits; after that every answer is empty. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;
  #isWrong = false;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isWrong(): boolean {
    return this.#isWrong;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  wrong(): TopicPartition {
    this.#isWrong = true;
    return NOWHERE;
  }

  /** A list whose items take `least` bytes each: what cannot fit is not begun. */
  list<T>(least: number, item: () => T): readonly T[] {
    const count = this.u16();
    if (this.#isWrong || count * least > this.#bytes.length - this.#at) {
      this.#isWrong = true;
      return [];
    }
    const items: T[] = [];
    for (let n = 0; n < count && !this.#isWrong; n += 1) items.push(item());
    return items;
  }

  source(): TopicPartition {
    const length = this.#takes(1) ? this.#bytes.readUInt8(this.#at - 1) : 0;
    if (length > TOPIC_MAX || !this.#takes(length)) return this.wrong();
    const topic = this.#bytes.toString('utf8', this.#at - length, this.#at);
    return { topic, partition: this.#u32() };
  }

  u16(): number {
    return this.#takes(2) ? this.#bytes.readUInt16BE(this.#at - 2) : 0;
  }

  /** A whole number ≥ 0. */
  offset(): number {
    const value = this.#f64();
    if (!Number.isSafeInteger(value) || value < 0) this.#isWrong = true;
    return value;
  }

  whole(): number {
    const value = this.#f64();
    if (!Number.isSafeInteger(value)) this.#isWrong = true;
    return value;
  }

  wholeOrNull(): number | null {
    const value = this.#f64();
    if (Number.isNaN(value)) return null;
    if (!Number.isSafeInteger(value)) this.#isWrong = true;
    return value;
  }

  sized(): Buffer | null {
    const length = this.#u32();
    if (length === NONE) return null;
    return this.#takes(length) ? this.#bytes.subarray(this.#at - length, this.#at) : null;
  }

  /** Names and texts; null where none are given. */
  headers(): Readonly<Record<string, string>> | null {
    const text = this.sized();
    if (text === null) return null;
    try {
      const read: unknown = JSON.parse(text.toString('utf8'));
      if (typeof read === 'object' && read !== null && !Array.isArray(read)) {
        const entries = Object.entries(read);
        if (entries.every(([, value]) => typeof value === 'string'))
          return Object.fromEntries(entries);
      }
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
    }
    this.#isWrong = true;
    return null;
  }

  #u32(): number {
    return this.#takes(4) ? this.#bytes.readUInt32BE(this.#at - 4) : 0;
  }

  #f64(): number {
    return this.#takes(8) ? this.#bytes.readDoubleBE(this.#at - 8) : 0;
  }

  #takes(length: number): boolean {
    if (this.#isWrong || length > this.#bytes.length - this.#at) {
      this.#isWrong = true;
      return false;
    }
    this.#at += length;
    return true;
  }
}
