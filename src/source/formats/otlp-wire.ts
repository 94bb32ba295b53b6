/** OTLP in protobuf: a reader of the wire that is total, bounded, and reads what is wanted. */
import { isUtf8 } from 'node:buffer';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { RejectReason } from '../../model/detection.ts';
import { cutText, ITEMS_MAX, NESTING_MAX, type Rejection, STRING_UNITS_MAX } from '../json.ts';
import type { Instant } from '../time.ts';
import {
  ATTRIBUTES_MAX,
  type Attribute,
  BATCH_ITEMS_MAX,
  type Batch,
  type KeyedValues,
  type Read,
  type ResourceItems,
  type ScopeItems,
  type Value,
  type Wanted,
} from './otlp.ts';

const VARINT = 0;
const FIXED64 = 1;
/** Wire type of everything that bears its length. */
export const BYTES = 2;
const FIXED32 = 5;

/** Why reading stopped. Thrown and caught in this file only. */
class WireFault extends Error {
  readonly rejection: Rejection;
  constructor(reason: RejectReason, detail: string) {
    super(reason);
    this.rejection = { reason, detail };
  }
}

const truncated = () =>
  new WireFault('protobuf-truncated', 'a field reaches beyond the message it is in');

/** Where reading is, what is wanted, and what had to be changed. */
export interface Cursor {
  readonly reader: BinaryReader;
  readonly bytes: Buffer;
  readonly wanted: Wanted;
  /** Items read so far. */
  items: number;
  altered: boolean;
}

type Field = (at: Cursor, field: number, wire: number, end: number) => boolean;

/** Could these bytes be a request? All of it is field 1, length-delimited, to the last byte. */
export function looksLikeRequest(bytes: Buffer): boolean {
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < bytes.length) {
      if (reader.uint32() !== 0x0a) return false;
      const length = reader.uint32();
      reader.pos += length;
    }
  } catch (cause) {
    if (faultOf(cause) === null) throw cause;
    return false;
  }
  return reader.pos === bytes.length;
}

/**
 * Reads a request of `readItem`s. Total: what is broken is named, and what is whole around it is kept. A batch
 * with too many items is refused as a whole.
 */
export function readRequest<T>(
  bytes: Buffer,
  wanted: Wanted,
  readItem: (at: Cursor, end: number) => T,
): Batch<T> | Rejection {
  const at: Cursor = { reader: new BinaryReader(bytes), bytes, wanted, items: 0, altered: false };
  const groups: ResourceItems<T>[] = [];
  const broken: Rejection[] = [];
  try {
    eachField(at, bytes.length, (_, field, wire, end) => {
      if (field !== 1 || wire !== BYTES) return false;
      const group = newGroup<T>();
      groups.push(group);
      const fault = within(at, end, () => readResourceItems(at, end, group, broken, readItem));
      if (fault !== null) broken.push(fault);
      return true;
    });
  } catch (cause) {
    const fault = faultOf(cause);
    if (fault === null) throw cause;
    if (fault.reason === 'too-many-items') return fault;
    broken.push(fault);
  }
  return { groups, broken };
}

function newGroup<T>(): ResourceItems<T> {
  return { resource: { attributes: [], dropped: 0 }, raw: '', schemaUrl: '', scopes: [] };
}

function readResourceItems<T>(
  at: Cursor,
  end: number,
  group: ResourceItems<T>,
  broken: Rejection[],
  readItem: (at: Cursor, end: number) => T,
): void {
  eachField(at, end, (_, field, wire, to) => {
    if (field === 1) {
      needs(wire, BYTES);
      group.raw = at.bytes.subarray(at.reader.pos, to);
      const { resource } = group;
      eachField(at, to, (__, inner, kind, stop) => {
        if (inner === 1) pushAttribute(at, kind, stop, resource.attributes);
        else if (inner === 2) resource.dropped = uint32(at, kind);
        else return false;
        return true;
      });
    } else if (field === 2) {
      needs(wire, BYTES);
      const items: ScopeItems<T> = {
        scope: { name: '', version: '', attributes: [], dropped: 0 },
        schemaUrl: '',
        items: [],
      };
      group.scopes.push(items);
      const fault = within(at, to, () => readScopeItems(at, to, items, readItem));
      if (fault !== null) broken.push(fault);
    } else if (field === 3) group.schemaUrl = text(at, wire, to);
    else return false;
    return true;
  });
}

function readScopeItems<T>(
  at: Cursor,
  end: number,
  into: ScopeItems<T>,
  readItem: (at: Cursor, end: number) => T,
): void {
  eachField(at, end, (_, field, wire, to) => {
    if (field === 1) {
      needs(wire, BYTES);
      const { scope } = into;
      eachField(at, to, (__, inner, kind, stop) => {
        if (inner === 1) scope.name = text(at, kind, stop);
        else if (inner === 2) scope.version = text(at, kind, stop);
        else if (inner === 3) pushAttribute(at, kind, stop, scope.attributes);
        else if (inner === 4) scope.dropped = uint32(at, kind);
        else return false;
        return true;
      });
    } else if (field === 2) {
      needs(wire, BYTES);
      at.items += 1;
      if (at.items > BATCH_ITEMS_MAX)
        throw new WireFault('too-many-items', `more than ${BATCH_ITEMS_MAX} items in one record`);
      into.items.push(readOne(at, to, readItem));
    } else if (field === 3) into.schemaUrl = text(at, wire, to);
    else return false;
    return true;
  });
}

function readOne<T>(at: Cursor, end: number, readItem: (at: Cursor, end: number) => T): Read<T> {
  const raw = at.bytes.subarray(at.reader.pos, end);
  at.altered = false;
  try {
    return { ok: true, item: readItem(at, end), raw };
  } catch (cause) {
    const rejection = faultOf(cause);
    if (rejection === null) throw cause;
    at.reader.pos = end;
    return { ok: false, rejection, raw };
  }
}

/** Does `read`; where it fails, reading goes on behind the message that it was in. */
function within(at: Cursor, end: number, read: () => void): Rejection | null {
  try {
    read();
    return null;
  } catch (cause) {
    const fault = faultOf(cause);
    // A batch that is too large is refused as a whole, wherever that was noticed.
    if (fault === null || at.items > BATCH_ITEMS_MAX) throw cause;
    at.reader.pos = end;
    return fault;
  }
}

/** What a failure of reading says of the bytes; null where it says something of this program. */
function faultOf(cause: unknown): Rejection | null {
  if (cause instanceof WireFault) return cause.rejection;
  if (!(cause instanceof Error)) return null;
  if (cause.message === 'premature EOF') return truncated().rejection;
  if (cause.message === 'invalid varint')
    return { reason: 'protobuf-wire-type', detail: 'a number is longer than ten bytes' };
  return null;
}

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

/** Reads one keyed value into a list, where it is wanted. */
export function pushAttribute(at: Cursor, wire: number, end: number, into: Attribute[]): void {
  needs(wire, BYTES);
  const attribute = readAttribute(at, end, 0, true);
  if (attribute === null) return;
  limited(into, ATTRIBUTES_MAX, 'attributes').push(attribute);
}

/** One keyed value; null where it is passed over because nobody wants it. */
function readAttribute(at: Cursor, end: number, depth: number, isTop: boolean): Attribute | null {
  let key = '';
  let value: Value = null;
  let isWanted = true;
  eachField(at, end, (_, field, wire, to) => {
    if (field === 1) {
      key = text(at, wire, to);
      isWanted = !isTop || at.wanted(key);
    } else if (field === 2 && isWanted) {
      needs(wire, BYTES);
      value = readValue(at, to, depth);
    } else return false;
    return true;
  });
  return isWanted ? { key, value } : null;
}

/** Reads a value at a depth of nesting. */
export function readValue(at: Cursor, end: number, depth: number): Value {
  if (depth >= NESTING_MAX)
    throw new WireFault('too-deep', `nested deeper than ${NESTING_MAX} levels`);
  let value: Value = null;
  eachField(at, end, (_, field, wire, to) => {
    switch (field) {
      case 1:
        value = text(at, wire, to);
        return true;
      case 2:
        needs(wire, VARINT);
        value = at.reader.bool();
        return true;
      case 3:
        needs(wire, VARINT);
        value = BigInt(at.reader.int64());
        return true;
      case 4:
        needs(wire, FIXED64);
        value = at.reader.double();
        return true;
      case 5:
        value = readArray(at, wire, to, depth);
        return true;
      case 6:
        value = readKeyed(at, wire, to, depth);
        return true;
      case 7:
        needs(wire, BYTES);
        value = Uint8Array.prototype.slice.call(at.bytes, at.reader.pos, to);
        at.reader.pos = to;
        return true;
      default:
        return false;
    }
  });
  return value;
}

function readArray(at: Cursor, wire: number, end: number, depth: number): readonly Value[] {
  needs(wire, BYTES);
  const values: Value[] = [];
  eachField(at, end, (_, field, kind, to) => {
    if (field !== 1) return false;
    needs(kind, BYTES);
    limited(values, ITEMS_MAX, 'items in an array').push(readValue(at, to, depth + 1));
    return true;
  });
  return values;
}

function readKeyed(at: Cursor, wire: number, end: number, depth: number): KeyedValues {
  needs(wire, BYTES);
  const entries: Attribute[] = [];
  eachField(at, end, (_, field, kind, to) => {
    if (field !== 1) return false;
    needs(kind, BYTES);
    const entry = readAttribute(at, to, depth + 1, false);
    if (entry !== null) limited(entries, ITEMS_MAX, 'keyed values').push(entry);
    return true;
  });
  return { entries };
}
