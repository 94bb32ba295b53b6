/** Ingest items: cuts JSON, or JSON values by line, into records of bounded size. */
import { isUtf8 } from 'node:buffer';

/** A body as records, or why it is none. */
export type Cut =
  | {
      readonly ok: true;
      /** What can be read, raw, in order. */
      readonly values: readonly Buffer[];
      /** What cannot, as one record that decodes to a dead letter; null where there is none. */
      readonly broken: Buffer | null;
      readonly accepted: number;
      readonly rejected: number;
      /** What is wrong with the first that cannot be read; empty where nothing is. */
      readonly detail: string;
    }
  | { readonly ok: false; readonly detail: string };

/** Items, and bytes, of one record at most, unless a single item alone has more. */
export const RECORD_ITEMS_MAX = 1000;
export const RECORD_BYTES_MAX = 512 * 1024;
/** Bytes kept of what cannot be read: as much as a dead letter shows. */
const BROKEN_BYTES_MAX = 64 * 1024;
/** After so many bytes somebody else may have a turn. */
const TURN_BYTES = 1024 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === LINE_FEED || byte === 0x0d || byte === 0x09;

interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts a body. Items keep the bytes they came with: what a decoder refuses in them, a key named twice for
 * one, it still sees. A body of one object is one record as it stands. `turn` is awaited now and then.
 */
export async function cutItems(
  body: Buffer,
  isLines: boolean,
  turn: () => Promise<void>,
): Promise<Cut> {
  if (!isUtf8(body)) return { ok: false, detail: 'the body is not UTF-8' };
  if (isLines) return await gather(body, linesOf(body), null, turn);
  const [from, to] = trimmed(body);
  const [first, last] = [body[from], body[to - 1]];
  if (from >= to) return { ok: false, detail: 'the body is empty' };
  const whole = body.subarray(from, to);
  if (first === 0x7b) return await gather(body, [{ from, to }], whole, turn);
  if (first !== 0x5b)
    return { ok: false, detail: 'send an object, an array of objects, or one object a line' };
  if (last !== 0x5d) return { ok: false, detail: 'the array does not end' };
  const items = elementsOf(body, from + 1, to - 1);
  if (items === null) return { ok: false, detail: 'the brackets of the array do not match' };
  return await gather(body, items, whole, turn);
}

function trimmed(body: Buffer): [from: number, to: number] {
  // A byte order mark is no JSON, and some shells write one.
  let from = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  let to = body.length;
  while (from < to && isSpace(body[from])) from += 1;
  while (to > from && isSpace(body[to - 1])) to -= 1;
  return [from, to];
}

function linesOf(body: Buffer): Span[] {
  const spans: Span[] = [];
  for (let from = 0; from < body.length; ) {
    const end = body.indexOf(LINE_FEED, from);
    const to = end < 0 ? body.length : end;
    if (!isBlank(body, from, to)) spans.push({ from, to });
    from = to + 1;
  }
  return spans;
}

function isBlank(body: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (!isSpace(body[at])) return false;
  return true;
}

/** Elements between the brackets of an array; null where brackets or quotes inside do not match. */
function elementsOf(body: Buffer, from: number, to: number): Span[] | null {
  const spans: Span[] = [];
  let depth = 0;
  let start = from;
  let inText = false;
  for (let at = from; at < to; at += 1) {
    const byte = body[at];
    if (inText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (depth < 0) return null;
    } else if (byte === COMMA && depth === 0) {
      spans.push({ from: start, to: at });
      start = at + 1;
    }
  }
  if (depth !== 0 || inText) return null;
  if (spans.length > 0 || !isBlank(body, start, to)) spans.push({ from: start, to });
  return spans;
}

/**
 * Whole items into records, in order; the others into one of their own. `whole` is the body where it is
 * JSON as it stands: what need not be cut is kept byte by byte.
 */
async function gather(
  body: Buffer,
  spans: readonly Span[],
  whole: Buffer | null,
  turn: () => Promise<void>,
): Promise<Cut> {
  const values: Buffer[] = [];
  const broken: Buffer[] = [];
  let [accepted, rejected, brokenBytes, sinceTurn] = [0, 0, 0, 0];
  let detail = '';
  let open: Buffer[] = [];
  let openBytes = 0;
  const close = () => {
    if (open.length > 0) values.push(recordOf(open));
    open = [];
    openBytes = 0;
  };
  for (const [at, { from, to }] of spans.entries()) {
    const item = body.subarray(from, to);
    sinceTurn += item.length;
    const fault = faultOf(item);
    if (fault === null) {
      accepted += 1;
      if (open.length >= RECORD_ITEMS_MAX || openBytes + item.length > RECORD_BYTES_MAX) close();
      open.push(item);
      openBytes += item.length;
    } else {
      rejected += 1;
      if (detail === '') detail = `item ${at}: ${fault}`;
      // An element of nothing, between two commas, is kept as a line of nothing.
      const kept = item.subarray(0, BROKEN_BYTES_MAX - brokenBytes);
      if (kept.length > 0 || broken.length === 0) broken.push(kept);
      brokenBytes += kept.length;
    }
    if (sinceTurn < TURN_BYTES) continue;
    sinceTurn = 0;
    await turn();
  }
  close();
  const isWhole = whole !== null && rejected === 0 && values.length === 1;
  return {
    ok: true,
    values: isWhole ? [whole] : values,
    broken: broken.length === 0 ? null : joined(broken, '\n'),
    ...{ accepted, rejected, detail },
  };
}

function faultOf(item: Buffer): string | null {
  let at = 0;
  while (isSpace(item[at])) at += 1;
  if (item[at] !== 0x7b) return 'is no JSON object';
  try {
    JSON.parse(item.toString('utf8'));
    return null;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return 'is no JSON';
  }
}

function recordOf(items: readonly Buffer[]): Buffer {
  if (items.length === 1) return Buffer.from(items[0] as Buffer);
  return Buffer.concat([Buffer.from('['), joined(items, ','), Buffer.from(']')]);
}

function joined(parts: readonly Buffer[], between: string): Buffer {
  const mark = Buffer.from(between);
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [mark, part])));
}
