/** Attributes and values in protobuf: those that are wanted, to a depth and a number. */
import { ITEMS_MAX, NESTING_MAX } from '../json.ts';
import { ATTRIBUTES_MAX, type Attribute, type KeyedValues, type Value } from './otlp.ts';
import {
  BYTES,
  bool,
  type Cursor,
  double,
  eachField,
  int64,
  limited,
  needs,
  text,
  WireFault,
} from './otlp-wire.ts';

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
        value = bool(at, wire);
        return true;
      case 3:
        value = int64(at, wire);
        return true;
      case 4:
        value = double(at, wire);
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
