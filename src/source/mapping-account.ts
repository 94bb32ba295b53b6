/** Accounts of mappings: which pointer gave a field, and which fields none did. */
import { type Account, type AccountedField, unreadIn } from './account.ts';
import { compileWhen } from './condition.ts';
import { compileField } from './field.ts';
import type { Field } from './field-schema.ts';
import { noFacts } from './json.ts';
import type { MappingDocument } from './mapping-schema.ts';
import { compilePointer } from './pointer.ts';

type Block = Readonly<Record<string, unknown>>;

/** Keys of a document that name no field of an event. */
const NO_FIELDS: ReadonlySet<string> = new Set(
  'format unwrap each lines envelope when ignore also common kind otherwise'.split(' '),
);

/** Fields in the making. */
interface Tally {
  readonly item: unknown;
  readonly found: AccountedField[];
  readonly missing: AccountedField[];
  readonly read: string[];
}

/** What a document, the n-th of its format, makes of an item that it matches. */
export function accountOf(
  document: MappingDocument,
  number: number,
  item: unknown,
  index: number,
): Account {
  const tally: Tally = { item, found: [], missing: [], read: Object.keys(document.when ?? {}) };
  const { category, kind } = document;
  const what = typeof category === 'string' ? `${kind} ${category}` : `${kind}`;
  const speaks = `document ${number}: ${document.ignore === true ? 'left out' : what}`;
  if (document.ignore !== true)
    for (const [name, spec] of Object.entries(document))
      if (!NO_FIELDS.has(name)) walk(tally, [name], spec);
  const { found, missing, read } = tally;
  const rest = document.ignore === true ? { unread: [], unreadMore: 0 } : unreadIn(item, read);
  return { index, speaks, found, missing, ...rest };
}

/** An item that no document takes. */
export function unmatched(item: unknown, index: number): Account {
  return { index, speaks: null, found: [], missing: [], ...unreadIn(item, []) };
}

function walk(tally: Tally, path: readonly string[], spec: unknown): void {
  if (typeof spec === 'string' || isPointers(spec)) {
    note(tally, path, spec as Field);
    return;
  }
  if (Array.isArray(spec)) {
    for (const one of spec as readonly Block[]) walk(tally, nameIn(path, one), one);
    return;
  }
  if (typeof spec !== 'object' || spec === null) return;
  const block = spec as Block;
  if (typeof block['each'] === 'string') list(tally, path, block);
  else if (['from', 'const', 'first'].some((key) => Object.hasOwn(block, key)))
    note(tally, nameIn(path, block), field(block));
  else if (!Object.hasOwn(block, 'setting'))
    for (const [name, member] of Object.entries(block)) walk(tally, [...path, name], member);
}

/** Lists of claims and of metrics are told apart by what they are. */
function nameIn(path: readonly string[], { basis, name }: Block): readonly string[] {
  if (path[0] === 'agent' && path.length === 1)
    return [...path, typeof basis === 'string' ? basis : 'id'];
  return path[0] === 'metrics' && typeof name === 'string' ? [...path, name] : path;
}

/** Only what says where a value comes from: the rest of an agent's or a metric's entry is no field. */
function field(block: Block): Field {
  const made: Record<string, unknown> = {};
  for (const key of ['from', 'const', 'map', 'default', 'as', 'prefix', 'when', 'first'])
    if (Object.hasOwn(block, key)) made[key] = block[key];
  return made as Field;
}

function list(tally: Tally, path: readonly string[], block: Block): void {
  const { each, ...members } = block as Block & { readonly each: string };
  const items = compilePointer(each)(tally.item);
  const name = path.join('.');
  if (!Array.isArray(items)) {
    tally.missing.push({ field: name, at: each || '/', note: null });
    return;
  }
  tally.read.push(each);
  const inner: Tally = { item: items[0], found: [], missing: [], read: [] };
  const many = items.length === 1 ? '1 item' : `${items.length} items, the first is shown`;
  tally.found.push({ field: name, at: each || '/', note: many });
  if (items.length === 0) return;
  for (const [member, spec] of Object.entries(members))
    walk(inner, [...path.slice(0, -1), `${path.at(-1)}[]`, member], spec);
  const below = ({ at, ...rest }: AccountedField) => ({ ...rest, at: `${each}/0${at}` });
  tally.found.push(...inner.found.map(below));
  tally.missing.push(...inner.missing.map(below));
}

/** Says of one field where it was found, or where it was looked for. */
function note(tally: Tally, path: readonly string[], spec: Field): void {
  const name = path.join('.');
  const hit = hitOf(spec, tally.item);
  if (hit === null) {
    const at = pointersOf(spec).join(', ') || 'nowhere';
    tally.missing.push({ field: name, at, note: null });
    return;
  }
  if (hit.at !== null) tally.read.push(hit.at);
  tally.found.push({ field: name, at: hit.at === null ? '-' : hit.at || '/', note: hit.note });
}

interface Hit {
  /** Null for a constant or a default. */
  readonly at: string | null;
  readonly note: string | null;
}

function hitOf(spec: Field, item: unknown): Hit | null {
  if (typeof spec === 'string')
    return spec === '' || spec.startsWith('/')
      ? placeOf([spec], item)
      : { at: null, note: 'constant' };
  if (isPointers(spec)) return placeOf(spec as string[], item);
  const { when, first, from, const: fixed, as, map, default: fallback } = spec as FieldObject;
  if (when !== undefined && !compileWhen(when)(item)) return null;
  if (fixed !== undefined) return { at: null, note: 'constant' };
  const otherwise: Hit | null = fallback === undefined ? null : { at: null, note: 'default' };
  if (first !== undefined) {
    for (const one of first as readonly Field[]) {
      const facts = noFacts();
      const value = compileField(one)(item, facts);
      if (value !== undefined && facts.failure === null) return hitOf(one, item);
    }
    return otherwise;
  }
  const place = from === undefined ? null : placeOf(typeof from === 'string' ? [from] : from, item);
  if (place === null) return otherwise;
  const facts = noFacts();
  compileField(spec)(item, facts);
  if (facts.failure !== null) return { ...place, note: facts.failure.detail };
  const said = [as === undefined ? '' : `as ${as}`, map === undefined ? '' : 'by its map'];
  return { ...place, note: said.filter((one) => one !== '').join(', ') || null };
}

function placeOf(pointers: readonly string[], item: unknown): Hit | null {
  for (const at of pointers) {
    const value = compilePointer(at)(item) ?? undefined;
    if (value !== undefined) return { at, note: null };
  }
  return null;
}

type FieldObject = Exclude<Field, string | readonly string[]>;

function isPointers(spec: unknown): spec is readonly string[] {
  return Array.isArray(spec) && spec.length > 0 && spec.every((one) => typeof one === 'string');
}

/** Every pointer a field looks at, in order. */
function pointersOf(spec: Field): readonly string[] {
  if (typeof spec === 'string') return [spec || '/'];
  if (isPointers(spec)) return spec as string[];
  const { from, first } = spec as FieldObject;
  const own = from === undefined ? [] : typeof from === 'string' ? [from || '/'] : from;
  return [...own, ...((first ?? []) as readonly Field[]).flatMap(pointersOf)];
}
