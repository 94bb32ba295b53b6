/** Ingest items: cuts JSON, or JSON values by line, into records of bounded size. */
import { isUtf8 } from 'node:buffer';
import type { ItemCheck } from '../model/ingest.ts';

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
  | Uncut;

/** Why a body is no records: it cannot be read (400), or is more than one request may bring (413). */
export interface Uncut {
  readonly ok: false;
  readonly status: 400 | 413;
  readonly detail: string;
}

/** Items of one request at most: a span for each is kept while it is cut, however little it holds. */
export const REQUEST_ITEMS_MAX = 200_000;
/** Items, and bytes, of one record at most, unless a single item alone has more. */
export const RECORD_ITEMS_MAX = 1000;
export const RECORD_BYTES_MAX = 512 * 1024;
/** Records of one request at most that hold one item because it would harm others beside it. */
export const ALONE_MAX = 1000;
/** Bytes kept of what cannot be read: as much as a dead letter shows. */
const BROKEN_BYTES_MAX = 64 * 1024;
/** After so many bytes somebody else may have a turn. */
const TURN_BYTES = 1024 * 1024;
/** Looking at an item of nothing takes time, too. */
const ITEM_BYTES_MIN = 64;

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

const unreadable = (detail: string): Uncut => ({ ok: false, status: 400, detail });
const TOO_MANY: Uncut = {
  ...{ ok: false, status: 413 },
  detail: `more than ${REQUEST_ITEMS_MAX} items in one request; send smaller batches`,
};

/** How items are looked at, and what is awaited now and then so that others have a turn. */
export interface Cutting {
  readonly check: ItemCheck;
  readonly turn: () => Promise<void>;
}

/**
 * Cuts a body. Items keep the bytes they came with: what a decoder refuses in them, a key named twice for
 * one, it still sees. A body of one object is one record as it stands.
 */
export async function cutItems(body: Buffer, isLines: boolean, cutting: Cutting): Promise<Cut> {
  if (!isUtf8(body)) return unreadable('the body is not UTF-8');
  if (isLines) return await gather(body, linesOf(body), null, cutting);
  const [from, to] = trimmed(body);
  const [first, last] = [body[from], body[to - 1]];
  if (from >= to) return unreadable('the body is empty');
  const whole = body.subarray(from, to);
  if (first === 0x7b) return await gather(body, [{ from, to }], whole, cutting);
  if (first !== 0x5b)
    return unreadable('send an object, an array of objects, or one object a line');
  if (last !== 0x5d) return unreadable('the array does not end');
  return await gather(body, elementsOf(body, from + 1, to - 1), whole, cutting);
}

function trimmed(body: Buffer): [from: number, to: number] {
  // A byte order mark is no JSON, and some shells write one.
  let from = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  let to = body.length;
  while (from < to && isSpace(body[from])) from += 1;
  while (to > from && isSpace(body[to - 1])) to -= 1;
  return [from, to];
}

function linesOf(body: Buffer): Span[] | Uncut {
  const spans: Span[] = [];
  for (let from = 0; ; ) {
    // Blank lines are passed over byte by byte: a search for the end of each would take seconds.
    while (from < body.length && isSpace(body[from])) from += 1;
    if (from >= body.length) return spans;
    if (spans.length >= REQUEST_ITEMS_MAX) return TOO_MANY;
    const end = body.indexOf(LINE_FEED, from);
    const to = end < 0 ? body.length : end;
    spans.push({ from, to });
    from = to;
  }
}

function isBlank(body: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (!isSpace(body[at])) return false;
  return true;
}

const UNMATCHED = unreadable('the brackets of the array do not match');

/** Elements between the brackets of an array. */
function elementsOf(body: Buffer, from: number, to: number): Span[] | Uncut {
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
      if (depth < 0) return UNMATCHED;
    } else if (byte === COMMA && depth === 0) {
      if (spans.length >= REQUEST_ITEMS_MAX - 1) return TOO_MANY;
      spans.push({ from: start, to: at });
      start = at + 1;
    }
  }
  if (depth !== 0 || inText) return UNMATCHED;
  if (spans.length > 0 || !isBlank(body, start, to)) spans.push({ from: start, to });
  return spans;
}

/**
 * Whole items into records, in order; the others into one of their own. `whole` is the body where it is
 * JSON as it stands: what need not be cut is kept byte by byte.
 */
async function gather(
  body: Buffer,
  spans: readonly Span[] | Uncut,
  whole: Buffer | null,
  { check, turn }: Cutting,
): Promise<Cut> {
  if ('ok' in spans) return spans;
  const records = newRecords();
  const broken: Buffer[] = [];
  let [accepted, rejected, brokenBytes, sinceTurn] = [0, 0, 0, 0];
  let detail = '';
  let isPlain = true;
  for (const [at, { from, to }] of spans.entries()) {
    const item = body.subarray(from, to);
    sinceTurn += Math.max(item.length, ITEM_BYTES_MIN);
    const { fault, isAlone } = check(item);
    if (isAlone) isPlain = false;
    const refusal = fault ?? records.add(item, isAlone);
    if (refusal === null) accepted += 1;
    else {
      rejected += 1;
      if (detail === '') detail = `item ${at}: ${refusal}`;
      // An element of nothing, between two commas, is kept as a line of nothing.
      const kept = item.subarray(0, BROKEN_BYTES_MAX - brokenBytes);
      if (kept.length > 0 || broken.length === 0) broken.push(kept);
      brokenBytes += kept.length;
    }
    if (sinceTurn < TURN_BYTES) continue;
    sinceTurn = 0;
    await turn();
  }
  const values = records.made();
  const isWhole = whole !== null && isPlain && rejected === 0 && values.length === 1;
  return {
    ok: true,
    values: isWhole ? [whole] : values,
    broken: broken.length === 0 ? null : joined(broken, '\n'),
    ...{ accepted, rejected, detail },
  };
}

/** Records in the making. */
function newRecords() {
  const values: Buffer[] = [];
  let open: Buffer[] = [];
  let [openBytes, alone] = [0, 0];
  const close = () => {
    if (open.length > 0) values.push(recordOf(open));
    open = [];
    openBytes = 0;
  };
  return {
    /** Puts an item in, or says why it has no place. */
    add: (item: Buffer, isAlone: boolean): string | null => {
      if (isAlone && alone >= ALONE_MAX)
        return `one of more than ${ALONE_MAX} that need a record of their own`;
      const isFull = open.length >= RECORD_ITEMS_MAX || openBytes + item.length > RECORD_BYTES_MAX;
      if (isAlone || isFull) close();
      open.push(item);
      openBytes += item.length;
      if (!isAlone) return null;
      alone += 1;
      close();
      return null;
    },
    made: (): readonly Buffer[] => {
      close();
      return values;
    },
  };
}

function recordOf(items: readonly Buffer[]): Buffer {
  if (items.length === 1) return Buffer.from(items[0] as Buffer);
  return Buffer.concat([Buffer.from('['), joined(items, ','), Buffer.from(']')]);
}

function joined(parts: readonly Buffer[], between: string): Buffer {
  const mark = Buffer.from(between);
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [mark, part])));
}
