/** OTLP in JSON: hex ids, integers as text or numbers, enumerations by number or name. */
import { ITEMS_MAX, NESTING_MAX, type Rejection } from '../json.ts';
import { type Instant, parseNs } from '../time.ts';
import {
  ATTRIBUTES_MAX,
  type Attribute,
  BATCH_ITEMS_MAX,
  BATCH_PARTS_MAX,
  type Batch,
  type LogRecord,
  newLogRecord,
  newSpan,
  type Read,
  type Resource,
  type ResourceItems,
  type ScopeItems,
  type Span,
  type SpanEvent,
  type SpanLink,
  type Value,
  type Wanted,
} from './otlp.ts';

/** An object of JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** Why an item cannot be read. Thrown and caught in this file only. */
class JsonFault extends Error {
  readonly rejection: Rejection;
  constructor(reason: Rejection['reason'], detail: string) {
    super(reason);
    this.rejection = { reason, detail };
  }
}

/** What is thrown where a member is not what it must be; caught by whoever reads the item. */
export const wrong = (name: string, must: string) =>
  new JsonFault('field-type', `${name}: must be ${must}`);

/** Reads the JSON of an ExportTraceServiceRequest. The value has passed the limits of decodeJson. */
export function tracesOf(value: unknown, wanted: Wanted): Batch<Span> | Rejection {
  const names = { resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' };
  return batchOf(value, names, wanted, spanOf);
}

/** Reads the JSON of an ExportLogsServiceRequest, likewise. */
export function logsOf(value: unknown, wanted: Wanted): Batch<LogRecord> | Rejection {
  const names = { resources: 'resourceLogs', scopes: 'scopeLogs', items: 'logRecords' };
  return batchOf(value, names, wanted, logRecordOf);
}

interface Names {
  readonly resources: string;
  readonly scopes: string;
  readonly items: string;
}

/** Reads a request whose lists have these names; items are read by `read`. */
export function batchOf<T>(
  value: unknown,
  names: Names,
  wanted: Wanted,
  read: (value: Json, wanted: Wanted) => T,
): Batch<T> | Rejection {
  // Empty lists are left out by many who write JSON from protobuf.
  if (isObject(value) && Object.keys(value).length === 0) return { groups: [], broken: [] };
  if (!isObject(value) || !Object.hasOwn(value, names.resources))
    return { reason: 'schema-unknown', detail: `/: no ${names.resources}` };
  const broken: Rejection[] = [];
  const groups: ResourceItems<T>[] = [];
  let left = BATCH_ITEMS_MAX;
  let partsLeft = BATCH_PARTS_MAX;
  const attempt = (doing: () => void) => {
    const fault = faultOf(doing);
    if (fault !== null) broken.push(fault);
  };
  const attemptEach = (list: readonly unknown[], doing: (one: unknown) => void) => {
    partsLeft -= list.length;
    if (partsLeft >= 0) for (const one of list) attempt(() => doing(one));
  };
  attempt(() =>
    attemptEach(listAt(value, names.resources), (one) => {
      const from = objectIn(one, names.resources);
      const resource = objectAt(from, 'resource') ?? {};
      const group: ResourceItems<T> = {
        resource: resourceOf(resource, wanted),
        raw: JSON.stringify(resource),
        schemaUrl: textAt(from, 'schemaUrl'),
        scopes: [],
      };
      groups.push(group);
      attemptEach(listAt(from, names.scopes), (inner) => {
        const scoped = objectIn(inner, names.scopes);
        const items = listAt(scoped, names.items);
        left -= items.length;
        if (left >= 0) group.scopes.push(scopeOf(scoped, items, wanted, read));
      });
    }),
  );
  if (left < 0)
    return { reason: 'too-many-items', detail: `more than ${BATCH_ITEMS_MAX} items in one record` };
  if (partsLeft < 0) {
    const detail = `more than ${BATCH_PARTS_MAX} resources and scopes in one record`;
    return { reason: 'too-many-items', detail };
  }
  return { groups, broken };
}

function scopeOf<T>(
  from: Json,
  items: readonly unknown[],
  wanted: Wanted,
  read: (value: Json, wanted: Wanted) => T,
): ScopeItems<T> {
  const scope = objectAt(from, 'scope') ?? {};
  return {
    scope: {
      name: textAt(scope, 'name'),
      version: textAt(scope, 'version'),
      ...resourceOf(scope, wanted),
    },
    schemaUrl: textAt(from, 'schemaUrl'),
    items: items.map((item) => readOne(item, wanted, read)),
  };
}

function readOne<T>(
  value: unknown,
  wanted: Wanted,
  read: (value: Json, wanted: Wanted) => T,
): Read<T> {
  const raw = JSON.stringify(value);
  let item: T | undefined;
  const rejection = faultOf(() => {
    item = read(objectIn(value, 'item'), wanted);
  });
  return rejection === null
    ? { ok: true, item: item as T, raw }
    : { ok: false, rejection, raw: Buffer.from(raw) };
}

function faultOf(doing: () => void): Rejection | null {
  try {
    doing();
    return null;
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    return cause.rejection;
  }
}

function resourceOf(from: Json, wanted: Wanted): Resource {
  return {
    attributes: attributesAt(from, wanted),
    dropped: numberAt(from, 'droppedAttributesCount'),
  };
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map(
  (name) => `SPAN_KIND_${name}`,
);
const STATUS_CODES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

function spanOf(from: Json, wanted: Wanted): Span {
  const span = newSpan();
  span.traceId = idAt(from, 'traceId');
  span.spanId = idAt(from, 'spanId');
  span.traceState = textAt(from, 'traceState');
  span.parentSpanId = idAt(from, 'parentSpanId');
  span.name = textAt(from, 'name');
  span.kind = enumAt(from, 'kind', KINDS);
  span.start = timeAt(from, 'startTimeUnixNano');
  span.end = timeAt(from, 'endTimeUnixNano');
  span.attributes = attributesAt(from, wanted);
  span.dropped = numberAt(from, 'droppedAttributesCount');
  span.events = listAt(from, 'events').map((event) => eventOf(objectIn(event, 'events'), wanted));
  span.droppedEvents = numberAt(from, 'droppedEventsCount');
  span.links = listAt(from, 'links').map((link) => linkOf(objectIn(link, 'links'), wanted));
  span.droppedLinks = numberAt(from, 'droppedLinksCount');
  span.flags = numberAt(from, 'flags');
  const status = objectAt(from, 'status');
  if (status !== undefined)
    span.status = {
      code: enumAt(status, 'code', STATUS_CODES),
      message: textAt(status, 'message'),
    };
  return span;
}

function eventOf(from: Json, wanted: Wanted): SpanEvent {
  return {
    time: timeAt(from, 'timeUnixNano'),
    name: textAt(from, 'name'),
    ...resourceOf(from, wanted),
  };
}

function linkOf(from: Json, wanted: Wanted): SpanLink {
  return {
    traceId: idAt(from, 'traceId'),
    spanId: idAt(from, 'spanId'),
    traceState: textAt(from, 'traceState'),
    flags: numberAt(from, 'flags'),
    ...resourceOf(from, wanted),
  };
}

const SEVERITIES = [
  'UNSPECIFIED',
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name) => [
    name,
    ...[2, 3, 4].map((n) => `${name}${n}`),
  ]),
].map((name) => `SEVERITY_NUMBER_${name}`);

function logRecordOf(from: Json, wanted: Wanted): LogRecord {
  const record = newLogRecord();
  record.traceId = idAt(from, 'traceId');
  record.spanId = idAt(from, 'spanId');
  record.time = timeAt(from, 'timeUnixNano');
  record.observed = timeAt(from, 'observedTimeUnixNano');
  record.severity = enumAt(from, 'severityNumber', SEVERITIES);
  record.severityText = textAt(from, 'severityText');
  record.eventName = textAt(from, 'eventName');
  record.body = anyValue(ownAt(from, 'body'), 0);
  record.attributes = attributesAt(from, wanted);
  record.dropped = numberAt(from, 'droppedAttributesCount');
  record.flags = numberAt(from, 'flags');
  return record;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own member other than null. */
export function ownAt(from: Json, name: string): unknown {
  return Object.hasOwn(from, name) ? (from[name] ?? undefined) : undefined;
}

/** A value that must be an object. */
export function objectIn(value: unknown, name: string): Json {
  if (!isObject(value)) throw wrong(name, 'an object');
  return value;
}

/** A member that must be an object. */
export function objectAt(from: Json, name: string): Json | undefined {
  const value = ownAt(from, name);
  return value === undefined ? undefined : objectIn(value, name);
}

/** A member that must be an array; empty where there is none. */
export function listAt(from: Json, name: string): readonly unknown[] {
  const value = ownAt(from, name) ?? [];
  if (!Array.isArray(value)) throw wrong(name, 'an array');
  return value;
}

/** A member that must be text; empty where there is none. */
export function textAt(from: Json, name: string): string {
  const value = ownAt(from, name) ?? '';
  if (typeof value !== 'string') throw wrong(name, 'a string');
  return value;
}

function idAt(from: Json, name: string): string {
  const value = textAt(from, name);
  if (value.length > 64 || !/^([0-9a-fA-F]{2})*$/.test(value)) throw wrong(name, 'hex');
  return value.toLowerCase();
}

/** An unsigned number of 32 bits, as a number or as decimal text. */
export function numberAt(from: Json, name: string): number {
  const value = ownAt(from, name) ?? 0;
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || number !== number >>> 0) throw wrong(name, 'a count');
  return number;
}

/** A member of an enumeration, by number or by name. */
export function enumAt(from: Json, name: string, words: readonly string[]): number {
  const value = ownAt(from, name) ?? 0;
  if (typeof value !== 'string' || /^\d/.test(value)) return numberAt(from, name);
  const at = words.indexOf(value);
  if (at < 0) throw wrong(name, 'a number or a name of the enumeration');
  return at;
}

const NANOS_MAX = 18_446_744_073_709_551_615n;

/** A member that must be nanoseconds. */
export function timeAt(from: Json, name: string): Instant {
  const value = ownAt(from, name) ?? '0';
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text)) throw wrong(name, 'nanoseconds');
  const at = parseNs(text);
  if (at !== null) return at;
  const nanos = BigInt(text);
  if (nanos > NANOS_MAX) throw wrong(name, 'nanoseconds of 64 bits');
  // Beyond the year 9999: kept as it is; who makes an event of it refuses the time.
  return { ms: Number(nanos / 1_000_000n), nsInMs: Number(nanos % 1_000_000n) };
}

/** Attributes that are wanted. */
export function attributesAt(from: Json, wanted: Wanted): Attribute[] {
  const list = listAt(from, 'attributes');
  if (list.length > ATTRIBUTES_MAX)
    throw new JsonFault('too-many-items', `more than ${ATTRIBUTES_MAX} attributes`);
  const made: Attribute[] = [];
  for (const one of list) {
    const attribute = objectIn(one, 'attributes');
    const key = textAt(attribute, 'key');
    if (wanted(key)) made.push({ key, value: anyValue(ownAt(attribute, 'value'), 0) });
  }
  return made;
}

/** Doubles that JSON has no number for. */
export const DOUBLES: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

function anyValue(value: unknown, depth: number): Value {
  if (value === undefined || value === null) return null;
  if (depth >= NESTING_MAX) throw new JsonFault('too-deep', `nested deeper than ${NESTING_MAX}`);
  const from = objectIn(value, 'value');
  for (const name in from) {
    if (!Object.hasOwn(from, name) || from[name] === null) continue;
    const read = Object.hasOwn(READS, name) ? READS[name] : undefined;
    if (read !== undefined) return read(from[name], depth);
  }
  return null;
}

const READS: Readonly<Record<string, (value: unknown, depth: number) => Value>> = {
  stringValue: (value) => {
    if (typeof value !== 'string') throw wrong('stringValue', 'a string');
    return value;
  },
  boolValue: (value) => {
    if (typeof value !== 'boolean') throw wrong('boolValue', 'a boolean');
    return value;
  },
  intValue: (value) => {
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 63)
      return BigInt(value);
    if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value))
      throw wrong('intValue', 'an integer');
    return BigInt.asIntN(64, BigInt(value));
  },
  doubleValue: (value) => {
    const named = typeof value === 'string' && Object.hasOwn(DOUBLES, value);
    const number = named ? DOUBLES[value] : value;
    if (typeof number !== 'number') throw wrong('doubleValue', 'a number');
    return number;
  },
  bytesValue: (value) => {
    if (typeof value !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(value))
      throw wrong('bytesValue', 'base64');
    return Uint8Array.from(Buffer.from(value, 'base64'));
  },
  arrayValue: (value, depth) => {
    const values = listAt(objectIn(value, 'arrayValue'), 'values');
    return bounded(values).map((inner) => anyValue(inner, depth + 1));
  },
  kvlistValue: (value, depth) => {
    const values = listAt(objectIn(value, 'kvlistValue'), 'values');
    const entries = bounded(values).map((one) => {
      const entry = objectIn(one, 'kvlistValue');
      return { key: textAt(entry, 'key'), value: anyValue(ownAt(entry, 'value'), depth + 1) };
    });
    return { entries };
  },
};

/** A list that is not too long. */
export function bounded(values: readonly unknown[]): readonly unknown[] {
  if (values.length > ITEMS_MAX)
    throw new JsonFault('too-many-items', `more than ${ITEMS_MAX} items in an array`);
  return values;
}
