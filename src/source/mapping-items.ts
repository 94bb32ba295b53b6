/** Items of a record as a mapping finds them: unwrapped, fanned out, one a line. */
import type { Account } from './account.ts';
import type { AskedOf, ByteFormat, Format, Outcome } from './draft.ts';
import { fail } from './field.ts';
import { readCloudEvents } from './formats/cloudevents-envelope.ts';
import { decodeJson, type Facts, ITEMS_MAX, isSpace, noFacts, type Rejection } from './json.ts';
import { decodeText, isExcess } from './json-around.ts';
import type { MappingDocument } from './mapping-schema.ts';
import { compileFrom, compilePointer } from './pointer.ts';

/** Reads the items out of a record; null where it holds none of the kind. */
export type Items = (value: unknown, facts: Facts) => readonly unknown[] | null;

/** Compiles `unwrap` and `each`. */
export function compileItems({ unwrap, each }: MappingDocument): Items {
  const unwrapAt = unwrap === undefined ? null : compileFrom(unwrap);
  const eachAt = each === undefined ? null : compileEach(each);
  return (value, facts) => {
    let inner = value;
    if (unwrapAt !== null) {
      inner = unwrapAt(value);
      if (typeof inner === 'string') {
        const result = decodeJson(Buffer.from(inner, 'utf8'), facts);
        if (!result.ok)
          fail(facts, result.rejection.reason, `${unwrap}: ${result.rejection.detail}`);
        inner = result.ok ? result.value : undefined;
      }
    }
    if (inner === undefined) return null;
    return eachAt === null ? [inner] : eachAt(inner);
  };
}

function compileEach(each: string | readonly string[]): (value: unknown) => unknown[] | null {
  const reads = (typeof each === 'string' ? [each] : each).map((pointer) => {
    const read = compilePointer(pointer);
    const isRoot = pointer === '';
    return (value: unknown): unknown[] | null => {
      const found = read(value);
      if (Array.isArray(found)) return found;
      return isRoot ? [found] : null;
    };
  });
  return (value) => {
    for (const read of reads) {
      const items = read(value);
      if (items !== null) return items;
    }
    return null;
  };
}

/** A format whose records may be several JSON texts, one a line: one text is tried first. */
export function byLines(format: Format): ByteFormat {
  const { decode, account, ...rest } = format;
  return {
    ...rest,
    ...(account === undefined ? {} : { accountBytes: (bytes) => accountLines(bytes, account) }),
    decodeBytes: (bytes, facts, { maxBytes }) => {
      const whole = decodeText(bytes, facts, maxBytes, decode);
      if (!('reason' in whole) || !bytes.includes(LINE_FEED)) return whole;
      const isLines = whole.reason === 'json-syntax' || (isExcess(whole) && beginsWithLine(bytes));
      return isLines ? decodeLines(bytes, facts, maxBytes, decode) : whole;
    },
  };
}

const LINE_FEED = 0x0a;

/** Is the first line an object from end to end? The lines of one text that was indented are none. */
function beginsWithLine(bytes: Buffer): boolean {
  let from = 0;
  while (isSpace(bytes[from])) from += 1;
  let to = bytes.indexOf(LINE_FEED, from);
  while (to > from && isSpace(bytes[to])) to -= 1;
  return bytes[from] === 0x7b && bytes[to] === 0x7d;
}

/** Accounts of one text, or of one a line. */
function accountLines(
  bytes: Buffer,
  account: NonNullable<Format['account']>,
): readonly Account[] | Rejection {
  const whole = decodeJson(bytes, noFacts());
  if (whole.ok) return account(whole.value);
  if (!bytes.includes(LINE_FEED)) return whole.rejection;
  const texts = bytes.toString('utf8').split('\n');
  const read = texts.filter((text) => text.trim() !== '').slice(0, ITEMS_MAX);
  return read.flatMap((text, index) => {
    const line = decodeJson(Buffer.from(text), noFacts());
    return line.ok ? account(line.value).map((one) => ({ ...one, index })) : [];
  });
}

function decodeLines(
  bytes: Buffer,
  facts: Facts,
  maxBytes: number,
  decode: Format['decode'],
): readonly Outcome[] | Rejection {
  const outcomes: Outcome[] = [];
  let lines = 0;
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, from);
    const line = bytes.subarray(from, end < 0 ? bytes.length : end);
    from += line.length + 1;
    if (isBlank(line)) continue;
    lines += 1;
    if (lines > ITEMS_MAX)
      return { reason: 'too-many-items', detail: `the record has more than ${ITEMS_MAX} lines` };
    const own = noFacts();
    const read = decodeJson(line, own, maxBytes);
    if (!read.ok) outcomes.push({ type: 'rejected', rejection: read.rejection, raw: line });
    else
      for (const outcome of decode(read.value, own)) outcomes.push(withFacts(outcome, own, line));
    if (own.truncated) facts.truncated = true;
  }
  return outcomes;
}

/** What was noticed in one line or item is said of it alone; `raw` are its bytes, where it has some. */
export function withFacts(outcome: Outcome, { duplicateKeys }: Facts, raw?: Buffer): Outcome {
  if (outcome.type === 'rejected')
    return raw === undefined ? outcome : { ...outcome, raw: outcome.raw ?? raw };
  if (outcome.type !== 'draft' || duplicateKeys === 0) return outcome;
  return { type: 'draft', draft: { ...outcome.draft, duplicateKeys } };
}

function isBlank(line: Buffer): boolean {
  return line.every(isSpace);
}

/** A format whose records are CloudEvents: each is decoded by its structured form. */
export function inCloudEvents(format: Format): ByteFormat {
  const { decode, account, ...rest } = format;
  const accountBytes: ByteFormat['accountBytes'] = (bytes, { headers, maxBytes }) => {
    const read = readCloudEvents(bytes, headers ?? {}, noFacts(), maxBytes);
    if ('reason' in read) return read;
    return read.flatMap((one, index) =>
      one.ok && account !== undefined ? account(one.event).map((told) => ({ ...told, index })) : [],
    );
  };
  return {
    ...rest,
    ...(account === undefined ? {} : { accountBytes }),
    decodeBytes: (bytes: Buffer, facts: Facts, { headers, maxBytes }: AskedOf) => {
      const read = readCloudEvents(bytes, headers ?? {}, facts, maxBytes);
      if ('reason' in read) return read;
      if (read.length === 0) return [{ type: 'ignored' }];
      return read.flatMap((one) =>
        one.ok ? decode(one.event, facts) : [{ type: 'rejected' as const, ...one.refused }],
      );
    },
  };
}
