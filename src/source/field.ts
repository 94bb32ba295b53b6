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
  // One for all records: alternatives do not lie inside each other, and nothing waits in between.
  const own = noFacts();
  return (item, facts) => {
    for (const read of reads) {
      const value = read(item, own);
      if (own.failure === null && value !== undefined) {
        passOn(own, facts);
        return value;
      }
      own.failure = null;
    }
    passOn(own, facts);
    return fallback;
  };
}

function passOn(own: Facts, facts: Facts): void {
  if (own.duplicateKeys > 0) {
    facts.duplicateKeys += own.duplicateKeys;
    own.duplicateKeys = 0;
  }
  if (!own.truncated) return;
  facts.truncated = true;
  own.truncated = false;
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
  if (value.length === length && isLowerHex(value)) return value;
  const plain = value.replaceAll('-', '').toLowerCase();
  if (plain.length === length && isLowerHex(plain)) return plain;
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(value);
  const bytes = isBase64 ? Buffer.from(value, 'base64').toString('hex') : '';
  return bytes.length === length ? bytes : undefined;
}

function isLowerHex(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return true;
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
  const text = value.trim().toLowerCase();
  if (text.length < 55 || text[2] !== '-' || text[35] !== '-' || text[52] !== '-') return undefined;
  const id = part === 1 ? text.slice(3, 35) : text.slice(36, 52);
  return isLowerHex(id) && !/^0+$/.test(id) ? id : undefined;
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
  const bundles = value as Readonly<Record<string, unknown>>;
  const found: string[] = [];
  for (const name in bundles) {
    if (!Object.hasOwn(bundles, name)) continue;
    const bundle = bundles[name];
    if (typeof bundle !== 'object' || bundle === null || !Object.hasOwn(bundle, 'revision'))
      continue;
    const { revision } = bundle as { readonly revision: unknown };
    if (typeof revision === 'string' && revision !== '') found.push(`${name}=${revision}`);
    if (found.length > BUNDLES_MAX) return undefined;
  }
  if (found.length === 0) return undefined;
  return (found.length === 1 ? (found[0] as string) : found.sort().join(',')).slice(0, 512);
}
