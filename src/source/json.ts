/** Bytes to a JSON value, within limits: never throws, never hangs, counts what it changed. */
import { isUtf8 } from 'node:buffer';
import type { RejectReason } from '../model/detection.ts';

/** Bytes of one record at most. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;
/** Levels of arrays and objects inside each other at most. */
export const NESTING_MAX = 64;
/** Items of one array, or members of one object, at most. */
export const ITEMS_MAX = 10_000;
/** UTF-16 units of one string at most; a longer one keeps its first and last half of this. */
export const STRING_UNITS_MAX = 256 * 1024;
/** A file reader cuts longer lines here (plus one byte), so that they can be named as cut. */
const LINE_BYTES_MAX = 1024 * 1024;

/** Why something could not be read: a closed reason, and where, without payload text. */
export interface Rejection {
  readonly reason: RejectReason;
  /** At most 256 characters. */
  readonly detail: string;
}

/** What decoding noticed on its way. Filled by the decoder, read by the caller. */
export interface Facts {
  /** Members that a later one of the same name displaced, with all that was inside them. */
  duplicateKeys: number;
  /** True where a string was cut to its two ends. */
  truncated: boolean;
  /** The first thing that went wrong while reading a field. */
  failure: Rejection | null;
}

/** Facts at the start of a record. */
export function noFacts(): Facts {
  return { duplicateKeys: 0, truncated: false, failure: null };
}

/** A decoded value, or the reason why there is none. */
export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly rejection: Rejection };

/**
 * Decodes one JSON text. Duplicate keys (last wins, as in JSON.parse) and cut strings are noted in
 * `facts`. Objects of the result may own keys such as `__proto__`: ask with Object.hasOwn only.
 */
export function decodeJson(bytes: Buffer, facts: Facts, maxBytes = RECORD_BYTES_MAX): JsonResult {
  if (bytes.length > maxBytes) {
    return reject('too-large', `${bytes.length} bytes; at most ${maxBytes} are read`);
  }
  if (!isUtf8(bytes)) return reject('not-utf8', 'the record is not valid UTF-8');
  const text = bytes.toString('utf8');
  const members = scan(text);
  if (members < 0) {
    if (members === TOO_DEEP) return reject('too-deep', `nested deeper than ${NESTING_MAX} levels`);
    return reject('too-many-items', `an array or object has more than ${ITEMS_MAX} items`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The message of a SyntaxError quotes the payload, so only its position could be kept: V8 does
    // not give it as a number. The class of the error is all that is used.
    if (!(cause instanceof SyntaxError)) throw cause;
    return bytes.length === LINE_BYTES_MAX + 1
      ? reject('too-large', `cut by the reader after ${LINE_BYTES_MAX} bytes`)
      : reject('json-syntax', `not a JSON text (${bytes.length} bytes)`);
  }
  const walk = { members: 0, truncated: false, infinite: false };
  const root = { value };
  visit(root, walk);
  walk.members -= 1;
  if (walk.infinite) return reject('field-type', 'a number is too large to be represented');
  // Every colon outside strings is a member; those that did not survive had a later namesake.
  facts.duplicateKeys += members - walk.members;
  if (walk.truncated) facts.truncated = true;
  return { ok: true, value: root.value };
}

function reject(reason: RejectReason, detail: string): JsonResult {
  return { ok: false, rejection: { reason, detail } };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const TOO_DEEP = -1;
const TOO_MANY = -2;

/** Commas seen at each level. Scratch space of `scan`, which never yields while it uses it. */
const commas = new Int32Array(NESTING_MAX + 1);

/**
 * Number of object members in the text, or a negative code when a limit is broken. One pass before
 * parsing, so that nothing large is built only to be refused. Says nothing about syntax: where that
 * is wrong, the figures are meaningless and JSON.parse refuses next.
 */
function scan(text: string): number {
  const length = text.length;
  let depth = 0;
  let members = 0;
  commas[0] = 0;
  for (let i = 0; i < length; i += 1) {
    switch (text.charCodeAt(i)) {
      case QUOTE:
        i = stringEnd(text, i + 1);
        if (i < 0) return members;
        break;
      case 0x3a: // :
        members += 1;
        break;
      case 0x2c: {
        // ,
        const count = (commas[depth] as number) + 1;
        if (count >= ITEMS_MAX) return TOO_MANY;
        commas[depth] = count;
        break;
      }
      case 0x7b: // {
      case 0x5b: // [
        depth += 1;
        if (depth > NESTING_MAX) return TOO_DEEP;
        commas[depth] = 0;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        if (depth > 0) depth -= 1;
        break;
      default:
        break;
    }
  }
  return members;
}

/** Index of the quote that ends the string whose content starts at `from`; -1 where none does. */
function stringEnd(text: string, from: number): number {
  let start = from;
  for (;;) {
    const quote = text.indexOf('"', start);
    if (quote < 0 || text.charCodeAt(quote - 1) !== BACKSLASH) return quote;
    let slashes = 1;
    while (quote - 1 - slashes >= start && text.charCodeAt(quote - 1 - slashes) === BACKSLASH) {
      slashes += 1;
    }
    if (slashes % 2 === 0) return quote;
    start = quote + 1;
  }
}

interface Walk {
  members: number;
  truncated: boolean;
  infinite: boolean;
}

/** Counts members and cuts long strings in place. Depth is bounded by the scan. */
function visit(value: unknown, walk: Walk): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) visitMember(value, i, value[i], walk);
    return;
  }
  // Twice as fast as Object.keys here: no array of names is made.
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    walk.members += 1;
    visitMember(value, key, (value as Readonly<Record<string, unknown>>)[key], walk);
  }
}

function visitMember(owner: object, key: string | number, item: unknown, walk: Walk): void {
  if (typeof item === 'string') {
    if (item.length > STRING_UNITS_MAX) {
      walk.truncated = true;
      replace(owner, key, cutText(item));
    }
  } else if (typeof item === 'object') visit(item, walk);
  else if (typeof item === 'number' && !Number.isFinite(item)) walk.infinite = true;
}

/** Sets an own property, also one of a name such as __proto__, without reaching a setter. */
function replace(owner: object, key: string | number, value: string): void {
  Object.defineProperty(owner, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** First and last half of STRING_UNITS_MAX of a longer text, without splitting a surrogate pair. */
export function cutText(text: string): string {
  const half = STRING_UNITS_MAX / 2;
  const head = isHighSurrogate(text.charCodeAt(half - 1)) ? half - 1 : half;
  const start = text.length - half;
  const tail = isLowSurrogate(text.charCodeAt(start)) ? start + 1 : start;
  return text.slice(0, head) + text.slice(tail);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Is it a byte that JSON allows between its tokens? */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
