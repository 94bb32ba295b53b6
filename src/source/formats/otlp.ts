/** OTLP as both of its encodings give it: resources, scopes, spans, log records, values. */
import type { Rejection } from '../json.ts';
import type { Instant } from '../time.ts';

/** Spans, log records or metrics of one record at most. */
export const BATCH_ITEMS_MAX = 20_000;
/** Resources and scopes of one record at most, together: one of each for every item. */
export const BATCH_PARTS_MAX = 2 * BATCH_ITEMS_MAX;
/** Attributes of one span, log record, event, link, scope or resource at most. */
export const ATTRIBUTES_MAX = 512;

/** A list of keyed values inside a value. */
export interface KeyedValues {
  readonly entries: readonly Attribute[];
}

/** A value of an attribute or body. A `bigint` was an integer, a `number` a double, null nothing. */
export type Value =
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | readonly Value[]
  | KeyedValues
  | null;

/** One attribute. A key may be named twice: the reader keeps both. */
export interface Attribute {
  readonly key: string;
  readonly value: Value;
}

/** What a process says of itself. */
export interface Resource {
  attributes: Attribute[];
  dropped: number;
}

/** The library that made the items. */
export interface Scope {
  name: string;
  version: string;
  attributes: Attribute[];
  dropped: number;
}

/** An event within a span. */
export interface SpanEvent {
  time: Instant;
  name: string;
  attributes: Attribute[];
  dropped: number;
}

/** A link to another span. */
export interface SpanLink {
  traceId: string;
  spanId: string;
  traceState: string;
  attributes: Attribute[];
  dropped: number;
  flags: number;
}

/** What a span and a log record have in common. */
export interface Item {
  /** Lower-case hex; empty where it is not given. */
  traceId: string;
  spanId: string;
  attributes: Attribute[];
  dropped: number;
  flags: number;
  /** True where text was cut, or was not valid UTF-8 and is not what its producer wrote. */
  altered: boolean;
}

/** One span. A time at 1970 is one that is not given. */
export interface Span extends Item {
  traceState: string;
  parentSpanId: string;
  name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer; 0 not given. */
  kind: number;
  start: Instant;
  end: Instant;
  events: SpanEvent[];
  droppedEvents: number;
  links: SpanLink[];
  droppedLinks: number;
  /** 0 not given, 1 ok, 2 error. */
  status: { code: number; message: string };
}

/** One log record. */
export interface LogRecord extends Item {
  time: Instant;
  observed: Instant;
  severity: number;
  severityText: string;
  body: Value;
  eventName: string;
}

/** An item, with the bytes or the text it was read from, or the reason why there is none. */
export type Read<T> =
  | { readonly ok: true; readonly item: T; readonly raw: Uint8Array | string }
  | { readonly ok: false; readonly rejection: Rejection; readonly raw: Uint8Array | null };

/** Items of one scope. */
export interface ScopeItems<T> {
  readonly scope: Scope;
  schemaUrl: string;
  readonly items: Read<T>[];
}

/** Everything of one resource. */
export interface ResourceItems<T> {
  readonly resource: Resource;
  /** The resource as it was written: tells two processes apart whose items are the same. */
  raw: Uint8Array | string;
  schemaUrl: string;
  readonly scopes: ScopeItems<T>[];
}

/** A part of a request that could not be read; its own bytes, where it is an item. */
export interface Broken extends Rejection {
  readonly raw?: Uint8Array;
}

/** A whole request; `broken` are the parts above single items, and items beyond the limits of JSON. */
export interface Batch<T> {
  readonly groups: readonly ResourceItems<T>[];
  readonly broken: readonly Broken[];
}

/** Which attributes are wanted; the values of others are passed over. */
export type Wanted = (key: string) => boolean;

/** The time that is not given. */
export const NO_TIME: Instant = { ms: 0, nsInMs: 0 };

/** Is a time given? */
export const isGiven = (at: Instant): boolean => at.ms !== 0 || at.nsInMs !== 0;

/** A new span without anything. */
export function newSpan(): Span {
  return {
    traceId: '',
    spanId: '',
    attributes: [],
    dropped: 0,
    flags: 0,
    altered: false,
    traceState: '',
    parentSpanId: '',
    name: '',
    kind: 0,
    start: NO_TIME,
    end: NO_TIME,
    events: [],
    droppedEvents: 0,
    links: [],
    droppedLinks: 0,
    status: { code: 0, message: '' },
  };
}

/** A new log record without anything. */
export function newLogRecord(): LogRecord {
  return {
    traceId: '',
    spanId: '',
    attributes: [],
    dropped: 0,
    flags: 0,
    altered: false,
    time: NO_TIME,
    observed: NO_TIME,
    severity: 0,
    severityText: '',
    body: null,
    eventName: '',
  };
}

/**
 * A value as plain JSON: integers as numbers where they are safe and as decimal text elsewhere, bytes as
 * base64. Keyed values become objects whose names are inert, the last of a name winning.
 */
export function plain(value: Value): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if ('entries' in value && !Array.isArray(value)) {
    const made: Record<string, unknown> = {};
    for (const { key, value: inner } of (value as KeyedValues).entries)
      Object.defineProperty(made, key, {
        value: plain(inner),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    return made;
  }
  return (value as readonly Value[]).map(plain);
}
