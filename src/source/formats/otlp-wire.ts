/** The wire of protobuf: fields and scalars, read to their bounds, and why reading stopped. */
import { isUtf8 } from 'node:buffer';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { RejectReason } from '../../model/detection.ts';
import { cutText, type Rejection, STRING_UNITS_MAX } from '../json.ts';
import type { Instant } from '../time.ts';
import type { Wanted } from './otlp.ts';

const VARINT = 0;
const FIXED64 = 1;
/** Wire type of everything that bears its length. */
export const BYTES = 2;
const FIXED32 = 5;

/** Why reading stopped. Thrown by what reads the wire; `faultOf` tells whoever catches it. */
export class WireFault extends Error {
  readonly rejection: Rejection;
  constructor(reason: RejectReason, detail: string) {
    super(reason);
    this.rejection = { reason, detail };
  }
}

const truncated = () =>
  new WireFault('protobuf-truncated', 'a field reaches beyond the message it is in');

/** What a failure of reading says of the bytes; null where it says something of this program. */
export function faultOf(cause: unknown): Rejection | null {
  if (cause instanceof WireFault) return cause.rejection;
  if (!(cause instanceof Error)) return null;
  if (cause.message === 'premature EOF') return truncated().rejection;
  if (cause.message === 'invalid varint')
    return { reason: 'protobuf-wire-type', detail: 'a number is longer than ten bytes' };
  return null;
}

/** Where reading is, what is wanted, and what had to be changed. */
export interface Cursor {
  readonly reader: BinaryReader;
  readonly bytes: Buffer;
  readonly wanted: Wanted;
  /** Items read so far. */
  items: number;
  /** Resources and scopes read so far. */
  parts: number;
  altered: boolean;
}

/** A reader of the bytes, at their beginning. */
export function readerOf(bytes: Buffer): BinaryReader {
  return new BinaryReader(bytes);
}

type Field = (at: Cursor, field: number, wire: number, end: number) => boolean;

/**
 * Goes through the fields of a message that ends at `end`. `read` gets the end of a length-delimited
 * field (else that of the message) and answers whether it read the field; others are passed over.
 */
export function eachField(at: Cursor, end: number, read: Field): void {
  const { reader } = at;
  while (reader.pos < end) {
    const start = reader.pos;
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wire = tag & 7;
    if (reader.pos - start > 5 || field === 0)
      throw new WireFault('protobuf-wire-type', 'a field has no valid number');
    let to = end;
    if (wire === BYTES) {
      to = reader.uint32() + reader.pos;
      if (to > end) throw truncated();
    } else if (wire === FIXED64 || wire === FIXED32) {
      if (reader.pos + (wire === FIXED64 ? 8 : 4) > end) throw truncated();
    } else if (wire !== VARINT)
      throw new WireFault('protobuf-wire-type', `wire type ${wire} is not used by OTLP`);
    if (!read(at, field, wire, to)) skip(at, wire, to);
    if (reader.pos > end) throw truncated();
    if (wire === BYTES && reader.pos !== to) throw truncated();
  }
}

function skip(at: Cursor, wire: number, to: number): void {
  const { reader } = at;
  if (wire === BYTES) reader.pos = to;
  else if (wire === FIXED64) reader.pos += 8;
  else if (wire === FIXED32) reader.pos += 4;
  else reader.uint64();
}

/** The list, where it may take one more. */
export function limited<T>(list: T[], most: number, name: string): T[] {
  if (list.length >= most) throw new WireFault('too-many-items', `more than ${most} ${name}`);
  return list;
}

/** Refuses a field that is not written as its number prescribes. */
export function needs(wire: number, wanted: number): void {
  if (wire === wanted) return;
  throw new WireFault('protobuf-wire-type', `wire type ${wire} where ${wanted} is prescribed`);
}

/** A varint of 32 bits. */
export function uint32(at: Cursor, wire: number): number {
  needs(wire, VARINT);
  return at.reader.uint32();
}

/** A fixed-width number of 32 bits. */
export function fixed32(at: Cursor, wire: number): number {
  needs(wire, FIXED32);
  return at.reader.fixed32();
}

/** A varint of 64 bits as a number: what is beyond 2^53 is rounded. */
export function uint64(at: Cursor, wire: number): number {
  needs(wire, VARINT);
  return Number(at.reader.uint64());
}

/** A signed varint of 64 bits. */
export function int64(at: Cursor, wire: number): bigint {
  needs(wire, VARINT);
  return BigInt(at.reader.int64());
}

/** A signed number of 32 bits, zigzag. */
export function sint32(at: Cursor, wire: number): number {
  needs(wire, VARINT);
  return at.reader.sint32();
}

/** True or false. */
export function bool(at: Cursor, wire: number): boolean {
  needs(wire, VARINT);
  return at.reader.bool();
}

/** A double. */
export function double(at: Cursor, wire: number): number {
  needs(wire, FIXED64);
  return at.reader.double();
}

/** A count of 64 bits as a number: what is beyond 2^53 is rounded. */
export function fixed64(at: Cursor, wire: number): number {
  needs(wire, FIXED64);
  return Number(at.reader.fixed64());
}

/** A signed integer of 64 bits. */
export function sfixed64(at: Cursor, wire: number): bigint {
  needs(wire, FIXED64);
  return BigInt(at.reader.sfixed64());
}

/** Scalars of a repeated field, packed or one at a time. */
export function eachPacked(
  at: Cursor,
  wire: number,
  to: number,
  read: (at: Cursor, wire: number) => number,
  take: (value: number) => void,
): void {
  if (wire !== BYTES) {
    take(read(at, wire));
    return;
  }
  const own = read === uint64 ? VARINT : FIXED64;
  while (at.reader.pos < to) {
    if (own === FIXED64 && at.reader.pos + 8 > to) throw truncated();
    take(read(at, own));
    if (at.reader.pos > to) throw truncated();
  }
}

/** 2^32 ns are 4294 ms and 967,296 ns: both halves stay below what a number holds exactly. */
export function instant(at: Cursor, wire: number): Instant {
  needs(wire, FIXED64);
  const low = at.reader.fixed32();
  const high = at.reader.fixed32();
  const rest = high * 967_296 + low;
  const ms = Math.floor(rest / 1_000_000);
  return { ms: high * 4294 + ms, nsInMs: rest - ms * 1_000_000 };
}

/** An id as lower-case hex. */
export function hex(at: Cursor, wire: number, to: number): string {
  needs(wire, BYTES);
  const { reader } = at;
  if (to - reader.pos > 32) throw new WireFault('field-type', 'an id is longer than 32 bytes');
  const id = at.bytes.toString('hex', reader.pos, to);
  reader.pos = to;
  return id;
}

const REPLACEMENT = '\uFFFD';

/** Text; where it was not valid UTF-8, or is cut for its length, the item is marked as altered. */
export function text(at: Cursor, wire: number, to: number): string {
  needs(wire, BYTES);
  const from = at.reader.pos;
  at.reader.pos = to;
  const read = at.bytes.toString('utf8', from, to);
  if (read.includes(REPLACEMENT) && !isUtf8(at.bytes.subarray(from, to))) at.altered = true;
  if (read.length <= STRING_UNITS_MAX) return read;
  at.altered = true;
  return cutText(read);
}
