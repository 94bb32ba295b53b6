/** A batch of OTLP items as outcomes: one for each item, in the order of the record. */
import type { ItemTally } from '../../model/ingest.ts';
import { hash53OfDigest, sha256Of } from '../../state/hash53.ts';
import type { Account } from '../account.ts';
import {
  type AskedOf,
  checkParts,
  clip,
  type Draft,
  type ItemIdentity,
  isRejection,
  type Outcome,
} from '../draft.ts';
import { type Facts, isSpace, noFacts, RECORD_BYTES_MAX, type Rejection } from '../json.ts';
import { decodeAround, IN_REQUEST } from '../json-around.ts';
import type { Instant } from '../time.ts';
import { accountOf, type DialectAccount, type Said } from './dialect.ts';
import { type Batch, isGiven, type Value, type Wanted } from './otlp.ts';
import type { Made } from './otlp-events.ts';
import { looksLikeRequest } from './otlp-wire-request.ts';

/** What all items of a resource share. */
export interface Shared {
  readonly service: string | undefined;
  readonly instance: string | undefined;
  readonly scope: string;
  readonly isTruncated: boolean;
}

/** An item read by its dialects, with the times it may stand for. */
export interface ItemRead {
  readonly made: Made | Rejection | null;
  /** Producer's id; undefined where there is none. */
  readonly id: string | undefined;
  readonly start: Instant;
  readonly end: Instant;
}

/** How one encoding's readers give a batch, and how an item of it is read. */
export interface BatchReaders<T> {
  readonly wanted: Wanted;
  wire(bytes: Buffer, wanted: Wanted): Batch<T> | Rejection;
  json(value: unknown, wanted: Wanted): Batch<T> | Rejection;
  item(item: T, shared: Shared, source: AskedOf): ItemRead;
  /** What its attributes say; null where no dialect is spoken. */
  said(item: T, scope: string): Said | null;
}

/**
 * Decodes a request in either encoding. The first bytes tell which: JSON begins with a brace, and a line
 * feed before it is also how protobuf begins, so that protobuf is what holds to its end.
 */
export function decodeBatch<T>(
  bytes: Buffer,
  facts: Facts,
  source: AskedOf,
  readers: BatchReaders<T>,
): readonly Outcome[] | Rejection {
  const batch = readBatch(bytes, facts, source.maxBytes, readers);
  return 'reason' in batch ? batch : outcomesOf(batch, source, readers);
}

/** How one encoding's readers give a batch. */
export type EncodingReaders<T> = Pick<BatchReaders<T>, 'wanted' | 'wire' | 'json'>;

/** Reads a request in either encoding. */
export function readBatch<T>(
  bytes: Buffer,
  facts: Facts,
  maxBytes: number,
  readers: EncodingReaders<T>,
): Batch<T> | Rejection {
  if (bytes.length > maxBytes)
    return { reason: 'too-large', detail: `${bytes.length} bytes; at most ${maxBytes} are read` };
  if (!isJson(bytes)) return readers.wire(bytes, readers.wanted);
  const { read, apart } = decodeAround(bytes, facts, maxBytes, IN_REQUEST);
  if (!read.ok) return read.rejection;
  const batch = readers.json(read.value, readers.wanted);
  if ('reason' in batch || apart.length === 0) return batch;
  const beyond = apart.map(({ rejection, raw }) => ({ ...rejection, raw }));
  return { ...batch, broken: [...beyond, ...batch.broken] };
}

function isJson(bytes: Buffer): boolean {
  let at = 0;
  while (isSpace(bytes[at])) at += 1;
  return bytes[at] === 0x7b && (at === 0 || !looksLikeRequest(bytes));
}

function outcomesOf<T>(
  batch: Batch<T>,
  source: AskedOf,
  readers: BatchReaders<T>,
): readonly Outcome[] {
  const outcomes = batch.broken.map((one) => rejected(one, one.raw ?? null));
  const seen = new Map<string, number>();
  for (const { resource, raw, scopes } of batch.groups) {
    const origin = digestOf(raw).slice(0, 16);
    const service = textAt(resource.attributes, 'service.name');
    const instance = textAt(resource.attributes, 'service.instance.id');
    for (const { scope, items } of scopes) {
      const shared: Shared = {
        ...{ service, instance, scope: scope.name },
        isTruncated: resource.dropped > 0 || scope.dropped > 0,
      };
      for (const read of items) {
        if (!read.ok) {
          outcomes.push(rejected(read.rejection, read.raw));
          continue;
        }
        const item = readers.item(read.item, shared, source);
        if (item.made === null) outcomes.push({ type: 'ignored' });
        else if ('reason' in item.made) outcomes.push(rejected(item.made, bytesOf(read.raw)));
        else {
          const digest = `${origin}${digestOf(read.raw)}`;
          const nth = seen.get(digest) ?? 0;
          seen.set(digest, nth + 1);
          outcomes.push(outcomeOf(item, item.made, { digest, nth }, source, read.raw));
        }
      }
    }
  }
  return outcomes;
}

function outcomeOf(
  { id, start, end }: ItemRead,
  made: Made,
  item: ItemIdentity,
  source: AskedOf,
  raw: Uint8Array | string,
): Outcome {
  const { fields, atEnd, duplicateKeys, nonconforming } = made;
  // What the source was never asked for is no offence: the kind is our choice, not the payload's.
  if (!source.kinds.includes(fields['kind'] as never) && isUnasked(fields, source))
    return { type: 'ignored' };
  const time = atEnd && isGiven(end) ? end : isGiven(start) ? start : end;
  // 64 bits of nanoseconds end in 2554: any time that is given is one.
  if (!isGiven(time))
    return rejected({ reason: 'time-invalid', detail: 'the item has no time' }, bytesOf(raw));
  const parts = checkParts(fields);
  if (isRejection(parts)) return rejected(parts, bytesOf(raw));
  const draft: Draft = { id, part: null, time, parts, item, duplicateKeys, nonconforming };
  return { type: 'draft', draft };
}

/** Reasoning on a topic that is read for its gateway events only: model calls that pass a proxy. */
function isUnasked(fields: Readonly<Record<string, unknown>>, source: AskedOf): boolean {
  return fields['kind'] === 'reasoning' && source.trust !== 'agent' && source.trust !== 'runtime';
}

/** A refusal of one item, with its own bytes where there are any. */
export function rejected({ reason, detail }: Rejection, raw: Uint8Array | null): Outcome {
  const rejection = clip(reason, detail);
  return raw === null ? { type: 'rejected', rejection } : { type: 'rejected', rejection, raw };
}

/** What an item was read from, as bytes. */
export const bytesOf = (raw: Uint8Array | string) =>
  typeof raw === 'string' ? Buffer.from(raw) : raw;

/** SHA-256 of what an item was read from, hex. */
export function digestOf(raw: Uint8Array | string): string {
  return sha256Of(typeof raw === 'string' ? Buffer.from(raw) : raw);
}

/** Text of an attribute; undefined where it is none, or empty. */
export function textAt(
  attributes: readonly { readonly key: string; readonly value: Value }[],
  name: string,
): string | undefined {
  const value = attributes.find(({ key }) => key === name)?.value;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What became of one item of a record, for a person; null where no dialect of ours is spoken. */
export interface ItemAccount {
  /** n-th item of the record, as in positions. */
  readonly index: number;
  readonly account: DialectAccount | null;
  /** Why it could not be read; null where it could. */
  readonly rejection: Rejection | null;
}

/** Tells of each item of a record what was read of it. Total, like decoding; the same bytes, the same places. */
export function accountsOf<T>(
  bytes: Buffer,
  readers: BatchReaders<T>,
): readonly ItemAccount[] | Rejection {
  const batch = readBatch(bytes, noFacts(), RECORD_BYTES_MAX, readers);
  if ('reason' in batch) return batch;
  const made: ItemAccount[] = [];
  const add = (account: DialectAccount | null, rejection: Rejection | null) =>
    made.push({ index: made.length, account, rejection });
  for (const rejection of batch.broken) add(null, rejection);
  for (const { scopes } of batch.groups)
    for (const { scope, items } of scopes)
      for (const read of items) {
        if (!read.ok) add(null, read.rejection);
        else {
          const said = readers.said(read.item, scope.name);
          add(said === null ? null : accountOf(said), null);
        }
      }
  return made;
}

/** The same, in the words that all decoders share. */
export function tellAccounts(
  accounts: readonly ItemAccount[] | Rejection,
): readonly Account[] | Rejection {
  if ('reason' in accounts) return accounts;
  return accounts.map(({ index, account }) => ({
    index,
    speaks: account === null ? null : `${account.dialects.join(', ')}: ${account.operation}`,
    found: (account?.found ?? []).map(({ field, attribute, dialect }) => ({
      ...{ field, at: attribute, note: dialect },
    })),
    missing: (account?.missing ?? []).map((field) => ({ field, at: '', note: null })),
    ...{ unread: [], unreadMore: 0 },
  }));
}

/**
 * Counts the items of a request, and those that cannot be read, without reading what they say. Total; the
 * decoder refuses at least these.
 */
export function tallyOf<T>(bytes: Buffer, readers: EncodingReaders<T>): ItemTally {
  const nothing = { ...readers, wanted: () => false };
  const batch = readBatch(bytes, noFacts(), RECORD_BYTES_MAX, nothing);
  const worded = ({ reason, detail }: Rejection) => clip(reason, `${reason}: ${detail}`).detail;
  if ('reason' in batch) return { items: 1, broken: 1, detail: worded(batch) };
  let items = batch.broken.length;
  let broken = batch.broken.length;
  let [first] = batch.broken;
  for (const { scopes } of batch.groups)
    for (const scope of scopes)
      for (const item of scope.items) {
        items += 1;
        if (item.ok) continue;
        broken += 1;
        first ??= item.rejection;
      }
  return { items, broken, detail: first === undefined ? '' : worded(first) };
}

/** Digest of an item as one number, for telling a repeat from a forgery. */
export function itemHash53(item: ItemIdentity): number {
  const { digest } = item;
  // The resource comes first: what is mixed in tells the same span of two processes apart.
  const shift = Number.parseInt(digest.slice(0, 8), 16);
  return (hash53OfDigest(digest.slice(16)) + shift * 2_097_143) % Number.MAX_SAFE_INTEGER;
}
