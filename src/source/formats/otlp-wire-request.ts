/** A request in protobuf: resources and scopes around items, each read or refused by itself. */
import type { Rejection } from '../json.ts';
import {
  BATCH_ITEMS_MAX,
  BATCH_PARTS_MAX,
  type Batch,
  type Read,
  type ResourceItems,
  type ScopeItems,
  type Wanted,
} from './otlp.ts';
import {
  BYTES,
  type Cursor,
  eachField,
  faultOf,
  needs,
  readerOf,
  text,
  uint32,
  WireFault,
} from './otlp-wire.ts';
import { pushAttribute } from './otlp-wire-values.ts';

/** Could these bytes be a request? All of it is field 1, length-delimited, to the last byte. */
export function looksLikeRequest(bytes: Buffer): boolean {
  const reader = readerOf(bytes);
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
 * with too many items, resources or scopes is refused as a whole.
 */
export function readRequest<T>(
  bytes: Buffer,
  wanted: Wanted,
  readItem: (at: Cursor, end: number) => T,
): Batch<T> | Rejection {
  const counted = { items: 0, parts: 0 };
  const at: Cursor = { reader: readerOf(bytes), bytes, wanted, ...counted, altered: false };
  const groups: ResourceItems<T>[] = [];
  const broken: Rejection[] = [];
  try {
    eachField(at, bytes.length, (_, field, wire, end) => {
      if (field !== 1 || wire !== BYTES) return false;
      countPart(at);
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

/** What is broken above items is a resource or a scope: these bound it as well. */
function countPart(at: Cursor): void {
  at.parts += 1;
  if (at.parts > BATCH_PARTS_MAX)
    throw new WireFault(
      'too-many-items',
      `more than ${BATCH_PARTS_MAX} resources and scopes in one record`,
    );
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
      countPart(at);
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
    const isTooLarge = at.items > BATCH_ITEMS_MAX || at.parts > BATCH_PARTS_MAX;
    if (fault === null || isTooLarge) throw cause;
    at.reader.pos = end;
    return fault;
  }
}
