/** JSON with items beyond the limits: these are taken out, and what is around them is read. */
import type { Format, Outcome } from './draft.ts';
import {
  decodeJson,
  type Facts,
  isSpace,
  type JsonResult,
  noFacts,
  type Rejection,
} from './json.ts';

/** An item that is beyond a limit, with its own bytes. */
export interface Excess {
  readonly rejection: Rejection;
  readonly raw: Buffer;
}

/** What decodeJson gives of the text without the items that are beyond its limits, and those. */
export interface ReadAround {
  readonly read: JsonResult;
  readonly apart: readonly Excess[];
}

/** Brackets around the items of a record that is an array of them. */
export const IN_ARRAY = '[';
/** Brackets around the items of an OTLP request: of resources, of scopes, of items. */
export const IN_REQUEST = '{[{[{[';

/** Items that are looked at one by one: a record with more is refused for that. */
const ITEMS_LOOKED_AT_MAX = 20_000;

const LIMITS: ReadonlySet<Rejection['reason']> = new Set([
  ...(['too-deep', 'too-many-items', 'field-type'] as const),
]);

/** True where decodeJson refused a text for a limit that one part of it may have broken. */
export function isExcess({ reason }: Rejection): boolean {
  return LIMITS.has(reason);
}

/**
 * Decodes one JSON text. Where it is refused for a limit, objects between exactly these brackets that break
 * one are taken out first. What is left is refused for what it is.
 */
export function decodeAround(
  bytes: Buffer,
  facts: Facts,
  maxBytes: number,
  around: string,
): ReadAround {
  const whole = decodeJson(bytes, facts, maxBytes);
  if (whole.ok || !isExcess(whole.rejection)) return { read: whole, apart: [] };
  const [open, close] = [
    Buffer.from('['.repeat(around.length)),
    Buffer.from(']'.repeat(around.length)),
  ];
  const rest = Buffer.from(bytes);
  const apart: Excess[] = [];
  for (const { from, to } of itemsIn(bytes, around)) {
    const raw = bytes.subarray(from, to);
    // As deep as it lies in the record.
    const item = decodeJson(Buffer.concat([open, raw, close]), noFacts());
    if (item.ok || !isExcess(item.rejection)) continue;
    apart.push({ rejection: item.rejection, raw });
    takeOut(rest, from, to);
  }
  const read = apart.length === 0 ? whole : decodeJson(rest, facts, maxBytes);
  return read.ok ? { read, apart } : { read: whole, apart: [] };
}

/** Decodes a record of one JSON text; of an array, what cannot be read takes nothing else with it. */
export function decodeText(
  bytes: Buffer,
  facts: Facts,
  maxBytes: number,
  decode: Format['decode'],
): readonly Outcome[] | Rejection {
  const { read, apart } = decodeAround(bytes, facts, maxBytes, IN_ARRAY);
  if (!read.ok) return read.rejection;
  if (apart.length === 0) return decode(read.value, facts);
  const outcomes = apart.map((one): Outcome => ({ type: 'rejected', ...one }));
  const isNothing = Array.isArray(read.value) && read.value.length === 0;
  return isNothing ? outcomes : outcomes.concat(decode(read.value, facts));
}

const [QUOTE, BACKSLASH, COMMA, BRACE] = [0x22, 0x5c, 0x2c, 0x7b];

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Objects that lie between exactly these brackets; none where there are too many. */
function itemsIn(bytes: Buffer, around: string): readonly Span[] {
  const found: Span[] = [];
  // How many of the brackets that are open, from the first on, are those that are asked for.
  let [depth, agreed, from] = [0, 0, -1];
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (inText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === BRACE || byte === 0x5b) {
      if (depth === around.length && agreed === depth && byte === BRACE) from = at;
      if (agreed === depth && byte === around.charCodeAt(depth)) agreed += 1;
      depth += 1;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      agreed = Math.min(agreed, depth);
      if (depth !== around.length || from < 0) continue;
      if (found.length >= ITEMS_LOOKED_AT_MAX) return [];
      found.push({ from, to: at + 1 });
      from = -1;
    }
  }
  return found;
}

/** Blanks out an element of an array, with the comma behind it, else the one before it. */
function takeOut(bytes: Buffer, from: number, to: number): void {
  bytes.fill(0x20, from, to);
  let at = to;
  while (isSpace(bytes[at])) at += 1;
  if (bytes[at] !== COMMA) {
    at = from - 1;
    while (isSpace(bytes[at])) at -= 1;
  }
  if (bytes[at] === COMMA) bytes[at] = 0x20;
}
