/** Fields of a mapping: where a value comes from, compiled to closures that never throw. */
import { compileWhen } from './condition.ts';
import type { Conversion, Field } from './field-schema.ts';
import { decodeJson, type Facts, noFacts, type Rejection } from './json.ts';
import { compileFrom, pointerName } from './pointer.ts';
import { EPOCH_UNITS, type EpochUnit, type Instant, parseEpoch, parseRfc3339 } from './time.ts';

/** Reads a value out of an item; undefined where there is none. A failure goes into the facts. */
export type Read<T = unknown> = (item: unknown, facts: Facts) => T | undefined;

/** Compiles a field. A string that is no pointer is a constant (schema: an allowed word). */
export function compileField(spec: Field): Read {
  if (typeof spec === 'string' && spec !== '' && !spec.startsWith('/')) return () => spec;
  if (typeof spec === 'string' || Array.isArray(spec)) return compileFrom(spec);
  const { when, prefix } = spec;
  let read = compileValue(spec);
  if (prefix !== undefined) {
    const inner = read;
    read = (item, facts) => {
      const value = inner(item, facts);
      return typeof value === 'string' || typeof value === 'number' ? prefix + value : undefined;
    };
  }
  if (when === undefined) return read;
  const holds = compileWhen(when);
  return (item, facts) => (holds(item) ? read(item, facts) : undefined);
}

type Composed = Exclude<Field, string | readonly string[]>;

function compileValue(spec: Composed): Read {
  const { from, as, map, default: fallback, const: fixed, first } = spec;
  if (fixed !== undefined) return () => fixed;
  if (first !== undefined) return compileFirst(first as readonly Field[], fallback);
  const find = from === undefined ? () => undefined : compileFrom(from);
  const name = from === undefined ? '' : pointerName(from);
  const convert = as === undefined ? null : compileConversion(as, name);
  const table = map === undefined ? null : new Map(Object.entries(map));
  return (item, facts) => {
    let value = find(item);
    if (value !== undefined && convert !== null) value = convert(value, facts);
    if (value !== undefined && table !== null) {
      const key = typeof value === 'object' ? undefined : table.get(String(value));
      if (key === undefined && fallback === undefined) {
        fail(facts, 'field-type', `${name}: value is not in the mapping's \`map\``);
      }
      value = key;
    }
    return value ?? fallback;
  };
}

/** The first alternative that gives a value; one that cannot read what it finds is passed over. */
function compileFirst(first: readonly Field[], fallback: unknown): Read {
  const reads = first.map(compileField);
  return (item, facts) => {
    for (const read of reads) {
      const own = noFacts();
      const value = read(item, own);
      facts.duplicateKeys += own.duplicateKeys;
      if (own.truncated) facts.truncated = true;
      if (own.failure === null && value !== undefined) return value;
    }
    return fallback;
  };
}

/** Compiles the time of a mapping to a reader of instants. */
export function compileTime(from: string | readonly string[], as: string): Read<Instant> {
  const find = compileFrom(from);
  const name = pointerName(from);
  return (item, facts) => {
    const value = find(item);
    if (value === undefined) {
      fail(facts, 'field-missing', `${name}: missing; the event time is read from it`);
      return undefined;
    }
    const at = instantOf(value, as);
    if (at === null) fail(facts, 'time-invalid', `${name}: not a time as ${as}, 1970 to 9999`);
    return at ?? undefined;
  };
}

/** Notes a failure; the first one is kept. */
export function fail(facts: Facts, reason: Rejection['reason'], detail: string): void {
  facts.failure ??= { reason, detail: detail.slice(0, 256) };
}

function instantOf(value: unknown, as: string): Instant | null {
  if (as === 'rfc3339') return typeof value === 'string' ? parseRfc3339(value) : null;
  return parseEpoch(value, as as EpochUnit);
}

const FACTORS: Readonly<Record<string, number>> = {
  number: 1,
  seconds_to_ms: 1000,
  us_to_ms: 1 / 1000,
  ns_to_ms: 1 / 1_000_000,
};

function compileConversion(as: Conversion, name: string): Read {
  const convert = plainConversion(as);
  if (as === 'json') {
    return (value, facts) => {
      if (typeof value !== 'string') return value;
      const result = decodeJson(Buffer.from(value, 'utf8'), facts);
      if (result.ok) return result.value ?? undefined;
      fail(facts, result.rejection.reason, `${name}: ${result.rejection.detail}`);
      return undefined;
    };
  }
  return (value, facts) => {
    const converted = convert(value);
    if (converted === undefined) fail(facts, 'field-type', `${name}: cannot be read as ${as}`);
    return converted;
  };
}

/** A conversion that needs nothing but the value; undefined where it cannot be done. */
function plainConversion(as: Conversion): (value: unknown) => unknown {
  if (as === 'rfc3339' || Object.hasOwn(EPOCH_UNITS, as)) {
    return (value) => instantOf(value, as)?.ms;
  }
  const factor = Object.hasOwn(FACTORS, as) ? FACTORS[as] : undefined;
  if (factor !== undefined) return (value) => scaled(value, factor);
  if (as === 'hex32') return (value) => hex(value, 32);
  if (as === 'hex16') return (value) => hex(value, 16);
  if (as === 'unquote') return unquote;
  if (as === 'duration_ms') return durationOf;
  if (as === 'traceparent_trace') return (value) => traceparent(value, 1);
  if (as === 'traceparent_span') return (value) => traceparent(value, 2);
  if (as === 'bundle_revisions') return revisionsOf;
  if (as === 'is_empty')
    return (value) => {
      const size = sizeOf(value);
      return size === undefined ? undefined : size === 0;
    };
  if (as === 'lower')
    return (value) => (typeof value === 'string' ? value.toLowerCase() : undefined);
  return (value) => (typeof value === 'string' ? value : JSON.stringify(value));
}

function scaled(value: unknown, factor: number): number | undefined {
  const isNumeric = typeof value === 'string' && /^-?[0-9]{1,18}(\.[0-9]{1,18})?$/.test(value);
  const number = typeof value === 'number' ? value : isNumeric ? Number(value) : Number.NaN;
  const result = number * factor;
  return Number.isFinite(result) ? result : undefined;
}

/** Ids arrive as hex in either case, with dashes (UUID), or as base64 of the bytes (OTLP/JSON). */
function hex(value: unknown, length: 16 | 32): string | undefined {
  if (typeof value !== 'string' || value.length > 64) return undefined;
  const plain = value.replaceAll('-', '').toLowerCase();
  if (plain.length === length && /^[0-9a-f]+$/.test(plain)) return plain;
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(value);
  const bytes = isBase64 ? Buffer.from(value, 'base64').toString('hex') : '';
  return bytes.length === length ? bytes : undefined;
}

/** Takes one pair of double quotes off: models sometimes quote the names they list. */
function unquote(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const isQuoted = value.length > 2 && value.startsWith('"') && value.endsWith('"');
  return isQuoted ? value.slice(1, -1) : value;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1 / 1_000_000,
  us: 1 / 1000,
  µs: 1 / 1000,
  μs: 1 / 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
};

/** Milliseconds of a duration with its unit, such as `15ms` or `1.5s`; a bare number is one already. */
function durationOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.length > 24) return undefined;
  const parts = /^([0-9]{1,15}(?:\.[0-9]{1,9})?)([a-zµμ]{0,2})$/.exec(value);
  if (parts === null) return undefined;
  const unit = parts[2] === '' ? 'ms' : (parts[2] as string);
  return Object.hasOwn(UNITS, unit) ? Number(parts[1]) * (UNITS[unit] as number) : undefined;
}

/** Trace id (1) or span id (2) of a W3C `traceparent` header; ids of zeros say nothing. */
function traceparent(value: unknown, part: 1 | 2): string | undefined {
  if (typeof value !== 'string' || value.length > 128) return undefined;
  const parts = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/i.exec(value.trim());
  const id = parts?.[part]?.toLowerCase();
  return id === undefined || /^0+$/.test(id) ? undefined : id;
}

/** Members of a list or object, letters of a text; undefined where there are none to count. */
function sizeOf(value: unknown): number | undefined {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
}

const BUNDLES_MAX = 16;

/** `name=revision` of each bundle of a policy engine, by name: a change of any of them changes it. */
function revisionsOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const found = Object.entries(value).flatMap(([name, bundle]: [string, unknown]) => {
    if (typeof bundle !== 'object' || bundle === null || !Object.hasOwn(bundle, 'revision'))
      return [];
    const { revision } = bundle as { readonly revision: unknown };
    return typeof revision === 'string' && revision !== '' ? [`${name}=${revision}`] : [];
  });
  if (found.length === 0 || found.length > BUNDLES_MAX) return undefined;
  return found.sort().join(',').slice(0, 512);
}
