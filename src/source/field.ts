/** Fields of a mapping: JSON Pointers and conversions, compiled to closures that never throw. */
import { decodeJson, type Facts, type Rejection } from './json.ts';
import type { Conversion, Field } from './mapping-schema.ts';
import { EPOCH_UNITS, type EpochUnit, type Instant, parseEpoch, parseRfc3339 } from './time.ts';

/** Reads a value out of an item; undefined where there is none. A failure goes into the facts. */
export type Read<T = unknown> = (item: unknown, facts: Facts) => T | undefined;

/** Resolves a pointer (RFC 6901); undefined where nothing is there. Own properties only. */
export function compilePointer(pointer: string): (item: unknown) => unknown {
  const segments = pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  const [first, ...rest] = segments;
  if (first === undefined) return (item) => item;
  if (rest.length === 0) return (item) => step(item, first);
  return (item) => {
    let value = step(item, first);
    for (const segment of rest) {
      if (value === undefined) return undefined;
      value = step(value, segment);
    }
    return value;
  };
}

function step(value: unknown, segment: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    return /^(0|[1-9][0-9]{0,8})$/.test(segment) ? value[Number(segment)] : undefined;
  }
  return Object.hasOwn(value, segment)
    ? (value as Readonly<Record<string, unknown>>)[segment]
    : undefined;
}

/** Pointers of a `from`, as one reader: the first value that is neither absent nor null. */
export function compileFrom(from: string | readonly string[]): (item: unknown) => unknown {
  if (typeof from === 'string') {
    const read = compilePointer(from);
    return (item) => read(item) ?? undefined;
  }
  const reads = from.map(compilePointer);
  return (item) => {
    for (const read of reads) {
      const value = read(item) ?? undefined;
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/** Compiles a field. A string that is no pointer is a constant (schema: an allowed word). */
export function compileField(spec: Field): Read {
  if (typeof spec === 'string' && spec !== '' && !spec.startsWith('/')) return () => spec;
  if (typeof spec === 'string' || Array.isArray(spec)) return compileFrom(spec);
  const { from, as, map, default: fallback, const: fixed } = spec;
  if (fixed !== undefined) return () => fixed;
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

/** A pointer, or several, for messages. Comes from the mapping, not from a payload. */
export function pointerName(from: string | readonly string[]): string {
  return typeof from === 'string' ? from || '/' : from.join(' or ');
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
