/** What a decoder makes of a record: event parts, checked, still without source and identity. */
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Kind, Trust } from '../model/event.ts';
import { WireEvent } from '../model/event.ts';
import type { Schema } from '../model/schema.ts';
import type { Account } from './account.ts';
import type { Facts, Rejection } from './json.ts';
import type { Instant } from './time.ts';

const { id: _id, time: _time, ...parts } = WireEvent.properties;
/** The parts of an event that a payload may give; the rest is configuration and the broker. */
export const EventParts = Type.Object(parts);
/** Parts of an event, in the shape of the wire form. */
export type EventParts = Static<typeof EventParts>;

/** An event in the making. */
export interface Draft {
  /** The producer's id, where there is one. */
  readonly id: string | undefined;
  /** Name that tells events apart which a mapping made of one item; null where it made one. */
  readonly part: string | null;
  readonly time: Instant;
  readonly parts: EventParts;
  /** Where a record is a batch: what stands for this item alone, however it is batched. */
  readonly item?: ItemIdentity;
  /** Names given twice within the item, where the record does not count them. */
  readonly duplicateKeys?: number;
  /** Values that are not as their conventions prescribe: read all the same, and counted. */
  readonly nonconforming?: number;
  /** True where its item gives others too: it is left out where its kind is not asked for. */
  readonly isExtra?: boolean;
}

/** Identity of an item by its content: the record it came in says nothing of it. */
export interface ItemIdentity {
  /** Digest of the item and of what it shares with its siblings, as hex. */
  readonly digest: string;
  /** How many items of the same digest came before it in the record. */
  readonly nth: number;
}

/** One item of a record: decoded, refused, or left out on purpose. */
export type Outcome =
  | { readonly type: 'draft'; readonly draft: Draft }
  | {
      readonly type: 'rejected';
      readonly rejection: Rejection;
      /** Bytes of the item alone, where the record is a batch. */
      readonly raw?: Uint8Array;
    }
  | { readonly type: 'ignored' };

/** A decoder: total, pure, and without knowledge of topics. */
export interface Format {
  /** Name in the configuration, for example acme/1. */
  readonly name: string;
  /** Every kind it can produce. */
  readonly kinds: readonly Kind[];
  /** Names under which a source may give other values, where there are any. */
  readonly settings?: readonly string[];
  /** The same format with values of a source; problems name the setting. */
  tailored?(tailoring: Tailoring): Tailored;
  /** Tells what is read of a value, field by field; for samples, not for every record. */
  account?(value: unknown): readonly Account[];
  /** Decodes one JSON value. An array of outcomes: one for each item of the record. */
  decode(value: unknown, facts: Facts): readonly Outcome[];
}

/** A decoder of records that are not one JSON value; otherwise the same. */
export interface ByteFormat extends Omit<Format, 'decode' | 'account'> {
  /** Tells what is read of a record, field by field; for samples, not for every record. */
  accountBytes?(bytes: Buffer, source: AskedOf): readonly Account[] | Rejection;
  /** Decodes the bytes of a record as `source` sends it; a rejection where there is no item at all. */
  decodeBytes(bytes: Buffer, facts: Facts, source: AskedOf): readonly Outcome[] | Rejection;
}

/** What a decoder may know of the source: who speaks, and what it is asked for. */
export interface AskedOf {
  readonly trust: Trust;
  readonly kinds: readonly Kind[];
  readonly maxBytes: number;
  /** Headers of the record, names in lower case, where its broker keeps them. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Values a source gives for the settings of a format. */
export type Settings = Readonly<Record<string, string | readonly string[]>>;

/** What a source has to say of how it is read. */
export interface Tailoring {
  readonly settings: Settings;
  /** Settings for records that show a value at a pointer, tried before the rest. */
  readonly cases: readonly {
    readonly pointer: string;
    readonly is: string;
    readonly settings: Settings;
  }[];
}

/** A format with the values of a source; none where they cannot be. Problems name setting or key. */
export interface Tailored {
  readonly format: Format | ByteFormat | null;
  readonly problems: readonly string[];
}

/** The property that holds the body of a kind. */
export const BODY_OF = {
  reasoning: 'reasoning',
  gateway: 'action',
  governance: 'governance',
  metrics: 'metric',
} as const satisfies Record<Kind, string>;

const BODIES = Object.values(BODY_OF);
const validator = Compile(EventParts);

/** The parts where they hold to the wire schema and carry exactly the body of their kind. */
export function checkParts(value: Readonly<Record<string, unknown>>): EventParts | Rejection {
  if (!validator.Check(value)) return describe(value);
  const body = BODY_OF[value.kind];
  for (const name of BODIES) {
    if ((value[name] !== undefined) !== (name === body)) {
      return name === body
        ? { reason: 'field-missing', detail: `/${name}: missing; ${value.kind} needs it` }
        : { reason: 'field-type', detail: `/${name}: not allowed in an event of ${value.kind}` };
    }
  }
  return value;
}

/** True where the answer of a check is a rejection. */
export function isRejection(value: EventParts | Rejection): value is Rejection {
  return 'reason' in value;
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** The first error as a rejection. Paths are made of schema names and indexes, never of payload. */
function describe(value: unknown): Rejection {
  const first = (validator.Errors(value) as readonly SchemaError[])[0];
  if (first === undefined) return { reason: 'field-type', detail: 'not an event' };
  const path = first.instancePath === '' ? '/' : first.instancePath;
  const params = first.params as { requiredProperties?: string[]; allowedValues?: unknown[] };
  if (first.keyword === 'required') {
    const missing = (params.requiredProperties ?? []).join(', ');
    return clip('field-missing', `${path}: missing ${missing}`);
  }
  const expected =
    first.keyword === 'enum'
      ? `must be one of ${(params.allowedValues ?? []).join(', ')}`
      : first.message;
  return clip('field-type', `${path}: ${expected}`);
}

/** A rejection whose detail keeps to 256 characters. */
export function clip(reason: Rejection['reason'], detail: string): Rejection {
  return { reason, detail: detail.length > 256 ? `${detail.slice(0, 253)}...` : detail };
}

/**
 * Takes out of a checked value, in place, what its schema does not name, so that a payload can add
 * no field that later stages derive. Free-form objects (arguments, results) are left as they are.
 */
export function pruner(of: object): ((value: unknown) => void) | null {
  const schema = of as Schema;
  if (schema.type === 'array' && schema.items !== undefined) {
    const item = pruner(schema.items);
    if (item === null) return null;
    return (value) => {
      if (Array.isArray(value)) for (const one of value) item(one);
    };
  }
  if (schema.type !== 'object' || schema.properties === undefined) return null;
  const members = new Map(
    Object.entries(schema.properties).map(([name, child]) => [name, pruner(child)]),
  );
  return (value) => {
    if (value === undefined) return;
    const owner = value as Record<string, unknown>;
    for (const key in owner) {
      if (!Object.hasOwn(owner, key)) continue;
      const prune = members.get(key);
      if (prune === undefined) delete owner[key];
      else if (prune !== null) prune(owner[key]);
    }
  };
}
