/** Names: which fields a rule may name, and which one a misspelt name probably means. */

import type { EvidenceLevel } from '../../model/event.ts';
import { type Kind, WireEvent } from '../../model/event.ts';
import type { Schema } from '../../model/schema.ts';
import { DERIVED_FIELDS, derivedField } from './fields.ts';
import { editDistance } from './near-miss.ts';

/** A field that records carry. */
export interface WireField {
  /** Path as rules write it; members of a list have the path of the list. */
  readonly path: string;
  /** Type, for the documentation. */
  readonly type: string;
  /** True where any path below it is a field too: arguments, results, attributes. */
  readonly open: boolean;
  /** Books whose events can have it; null: all of them. */
  readonly kind: Kind | null;
  readonly says: string;
}

const BODY_KIND: Readonly<Record<string, Kind>> = {
  reasoning: 'reasoning',
  action: 'gateway',
  governance: 'governance',
  metric: 'metrics',
};

/** What every event has from its source, and no payload can set. */
const OURS: readonly WireField[] = [
  ['src.topic', 'string', 'Topic, or stem of the file.'],
  ['src.name', 'string', 'Name of the configured source.'],
  ['src.format', 'string', 'Decoder that read it.'],
  ['src.trust', 'string', 'Trust class of the source: agent, runtime, gateway, policy, platform.'],
  ['time.eventMs', 'number', 'Event time, ms since 1970.'],
  ['time.observedMs', 'number', 'Arrival, ms since 1970.'],
  ['time.clamped', 'boolean', 'Did its time lie beyond the allowed skew?'],
  ['nativeId', 'string', 'Identity within the topic.'],
].map(([path = '', type = '', says = '']) => ({ path, type, says, open: false, kind: null }));

function wireFields(): WireField[] {
  const found: WireField[] = [];
  const whole: object = WireEvent;
  const { time: _time, id: _id, ...members } = (whole as Schema).properties ?? {};
  for (const [name, schema] of Object.entries(members))
    walk(schema, name, BODY_KIND[name] ?? null, found);
  return [...found, ...OURS];
}

function walk(schema: Schema, path: string, kind: Kind | null, into: WireField[]): void {
  if (schema.type === 'array' && schema.items !== undefined) {
    if (schema.items.type !== 'object') {
      const type = schema.items.type ?? 'any';
      into.push({ path, type: `list of ${type}`, open: false, kind, says: says(schema) });
    } else walk(schema.items, path, kind, into);
    return;
  }
  if (schema.properties !== undefined) {
    for (const [name, member] of Object.entries(schema.properties))
      walk(member, `${path}.${name}`, kind, into);
    return;
  }
  const isOpen = schema.patternProperties !== undefined || schema.type === undefined;
  const open = isOpen && schema.enum === undefined && schema.anyOf === undefined;
  const type = schema.enum === undefined ? (schema.type ?? 'any') : 'string';
  into.push({ path, type, open, kind, says: says(schema) });
}

function says(schema: Schema): string {
  const words = schema.enum === undefined ? '' : ` One of ${schema.enum.join(', ')}.`;
  return `${schema.description ?? ''}${words}`.trim();
}

/** Every field that records carry, in the order of the schema. */
export const WIRE_FIELDS: readonly WireField[] = wireFields();

const BY_PATH: ReadonlyMap<string, WireField> = new Map(
  WIRE_FIELDS.map((field) => [field.path, field]),
);

/** Objects that hold fields: a rule may ask whether they are there. */
const CONTAINERS: ReadonlyMap<string, WireField> = new Map(
  WIRE_FIELDS.flatMap(({ path, kind }) => {
    const parts = path.split('.');
    return parts.slice(1).map((_, at): [string, WireField] => {
      const above = parts.slice(0, at + 1).join('.');
      return [above, { path: above, type: 'object', open: false, kind, says: 'Is it there?' }];
    });
  }),
);

/** The field of the record that a path names; members of open fields count as that field. */
export function wireField(path: string): WireField | undefined {
  const exact = BY_PATH.get(path) ?? CONTAINERS.get(path);
  if (exact !== undefined) return exact;
  for (let at = path.lastIndexOf('.'); at > 0; at = path.lastIndexOf('.', at - 1)) {
    const above = BY_PATH.get(path.slice(0, at));
    if (above !== undefined) return above.open ? above : undefined;
  }
  return undefined;
}

/**
 * What is wrong with a field name, with what was probably meant; null where it is a field of events
 * of that book (of any book where `kind` is null).
 */
export function fieldProblem(path: string, kind: Kind | null): string | null {
  const derived = derivedField(path);
  const wire = derived === undefined ? wireField(path) : undefined;
  if (derived === undefined && wire === undefined) {
    const meant = nearestFields(path, kind);
    return `no field of this name; ${meant.length === 0 ? 'see docs/taxonomy.md' : `did you mean ${meant.join(', ')}?`}`;
  }
  if (kind === null) return null;
  const books = derived?.kinds ?? (wire?.kind === null ? null : [wire?.kind]);
  if (books === null || books.includes(kind)) return null;
  return `events of ${kind} never have it: it belongs to ${books.join(', ')}`;
}

/** Least evidence at which the field can be there; L0 for what is no derived field and no content. */
export function levelOfField(path: string): EvidenceLevel {
  const derived = derivedField(path);
  if (derived !== undefined) return derived.level;
  const { says: text } = wireField(path) ?? { says: '' };
  return LEVEL_OF[path.split('.').slice(0, 3).join('.')] ?? levelIn(text);
}

/** Content whose level its description does not say. */
const LEVEL_OF: Readonly<Record<string, EvidenceLevel>> = {
  'reasoning.mandate': 'L2',
  'governance.detail.mandate': 'L2',
};

function levelIn(text: string): EvidenceLevel {
  if (text.includes('L3')) return 'L3';
  if (text.includes('L2')) return 'L2';
  return text.includes('L1') ? 'L1' : 'L0';
}

const NEAREST = 3;

/** Names that are nearest to a misspelt one, the nearest first, at most three. */
export function nearestFields(path: string, kind: Kind | null): readonly string[] {
  const plain = path.replaceAll('[]', '').toLowerCase();
  const last = plain.slice(plain.lastIndexOf('.') + 1);
  const names = [
    ...DERIVED_FIELDS.filter(({ kinds }) => kind === null || kinds.includes(kind)).map(
      ({ name }) => name,
    ),
    ...WIRE_FIELDS.filter(
      (field) => kind === null || field.kind === null || field.kind === kind,
    ).map((field) => field.path),
  ];
  const ranked = [...new Set(names)].flatMap((name) => {
    const lower = name.toLowerCase();
    const most = Math.max(2, Math.floor(plain.length / 4));
    const whole = editDistance(plain, lower, most);
    // The right word at the wrong place is meant too.
    const member = editDistance(last, lower.slice(lower.lastIndexOf('.') + 1), 1);
    const rank = Math.min(whole, last.length >= 3 ? most + 1 + member : Number.POSITIVE_INFINITY);
    return Number.isFinite(rank) ? [{ name, rank }] : [];
  });
  ranked.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));
  return ranked.slice(0, NEAREST).map(({ name }) => name);
}
