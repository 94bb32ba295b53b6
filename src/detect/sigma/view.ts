/** Event views: one event as rules see it, values by field name, own properties only. */
import type { Inventory } from '../../model/expectation.ts';
import type { EventFact } from '../../model/fact.ts';
import { type Asked, ask, type DerivedField } from '../derived/asked.ts';
import { Ends } from '../derived/ends.ts';
import { derivedField } from '../derived/fields.ts';
import { fold } from './text.ts';

/** What an event holds under one field. */
export interface FieldValue {
  /** Is there such a field, be it null? */
  readonly present: boolean;
  /** Missing, or null; in an array, one of its elements is. */
  readonly nothing: boolean;
  /** Scalars: the value, or each element of an array, those of nested arrays too. Objects are none. */
  readonly scalars: readonly (string | number | boolean)[];
  /** The same as texts, cut to bounds. */
  readonly texts: readonly string[];
  /** The same folded, once. */
  folded(): readonly string[];
}

/** A field, looked up once: views know it by its number. */
export interface FieldRef {
  readonly id: number;
  readonly name: string;
  readonly derived: DerivedField | undefined;
  readonly path: FieldPath;
}

/** One event as rules see it. */
export interface EventView {
  /** Another number for each event that is shown, whoever shows it. */
  readonly turn: number;
  /** Value of a field; undefined where it is absent. Where its path crosses an array, a list. */
  get(field: string): unknown;
  /** The same, prepared for comparing; made once for each field. */
  value(field: string | FieldRef): FieldValue;
  /** Every scalar of the event as text, for keywords; folded on request, once. */
  texts(folded: boolean): readonly string[];
  /** Time of the event, ms since 1970; null for a record of which it is not known. */
  readonly ms: number | null;
  /** How many values were longer than is looked at. */
  readonly oversized: number;
  /** How many values were not looked at, because there were more than are kept of one event. */
  readonly leftOut: number;
}

/** A longer text is looked at in its head and its tail, so many characters each. */
export const HALF_MAX = 131_072;
/** Stands for what lies between head and tail. No text holds it: it is no character. */
const CUT = '\uffff';
/** Of more values of an event, or of one field, the first and the last ones are looked at. */
const TEXTS_MAX = 100_000;
const DEPTH_MAX = 64;

/** View of a folded event: derived fields, then its own. */
export function viewOf(fact: EventFact, inventory: Inventory): EventView {
  return createViewer(inventory)(fact);
}

/** Makes views of folded events, one after the other: each is good until the next one is made. */
export function createViewer(inventory: Inventory): (fact: EventFact) => EventView {
  const view = new View();
  return (fact) => {
    view.show(fact.event, ask(fact, inventory), fact.event.time.eventMs);
    return view;
  };
}

/** View of any record, without derived fields. */
export function recordView(record: object): EventView {
  const view = new View();
  view.show(record, null, null);
  return view;
}

/** What is at a field of the event of a turn: places are kept, so that an event makes none anew. */
interface Place {
  /** Turn that `raw` is of, and the one that `value` is of. */
  turn: number;
  raw: unknown;
  valued: number;
  value: Value;
  own: Value | null;
}

/** Turns so far, of all views: what remembers by them need not know whose they are. */
let turns = 0;

class View implements EventView {
  #record: object = NOBODY;
  #asked: Asked | null = null;
  /** By the number of the field. */
  readonly #places: (Place | undefined)[] = [];
  #texts: readonly string[] | undefined;
  #folded: readonly string[] | undefined;
  turn = 0;
  ms: number | null = null;
  oversized = 0;
  #leftOut = 0;

  /** `asked`: what derived fields are read from; null where there are none. */
  show(record: object, asked: Asked | null, ms: number | null): void {
    turns += 1;
    this.turn = turns;
    this.#record = record;
    this.#asked = asked;
    this.#texts = undefined;
    this.#folded = undefined;
    this.ms = ms;
    this.oversized = 0;
    this.#leftOut = 0;
  }

  get leftOut(): number {
    return this.#leftOut + (this.#asked?.memo.left ?? 0);
  }

  get(field: string): unknown {
    return this.#placeOf(fieldRef(field)).raw;
  }

  value(field: string | FieldRef): FieldValue {
    const place = this.#placeOf(typeof field === 'string' ? fieldRef(field) : field);
    if (place.valued === this.turn) return place.value;
    place.valued = this.turn;
    if (place.raw === undefined) place.value = ABSENT;
    else {
      place.own ??= new Value();
      place.value = place.own.fill(place.raw, this.#cut);
      this.#leftOut += place.own.left;
    }
    return place.value;
  }

  #placeOf(field: FieldRef): Place {
    let place = this.#places[field.id];
    if (place === undefined) {
      place = { turn: 0, raw: undefined, valued: 0, value: ABSENT, own: null };
      this.#places[field.id] = place;
    }
    if (place.turn !== this.turn) {
      place.raw = this.#read(field);
      place.turn = this.turn;
    }
    return place;
  }

  /** A name of a derived field that is absent is not looked for in what the record claims. */
  #read({ derived, path }: FieldRef): unknown {
    if (derived === undefined || this.#asked === null) return lookUp(this.#record, path, 0);
    return derived.read(this.#asked);
  }

  texts(folded: boolean): readonly string[] {
    if (this.#texts === undefined) {
      const texts = new Ends<string>(TEXTS_MAX);
      collectTexts(this.#record, texts, this.#cut, 0);
      this.#texts = texts.list();
      this.#leftOut += texts.left;
    }
    if (!folded) return this.#texts;
    this.#folded ??= this.#texts.map(fold);
    return this.#folded;
  }

  /** Padding a value does not hide its end. */
  readonly #cut = (text: string): string => {
    if (text.length <= 2 * HALF_MAX) return text;
    this.oversized += 1;
    return `${text.slice(0, HALF_MAX)}${CUT}${text.slice(-HALF_MAX)}`;
  };
}

const NOBODY: object = {};
const NONE: readonly never[] = [];

/** What is at a field. It is filled anew for each event that has something there. */
class Value implements FieldValue {
  present = false;
  nothing = true;
  scalars: readonly (string | number | boolean)[] = NONE;
  /** How many more there were. */
  left = 0;
  #texts: readonly string[] | undefined = NONE;
  #folded: readonly string[] | undefined = NONE;
  #cut: (text: string) => string = (text) => text;
  /** Lists of one, kept: most values are single. */
  readonly #oneScalar: (string | number | boolean)[] = [''];
  readonly #oneText: string[] = [''];
  readonly #oneFolded: string[] = [''];

  fill(raw: unknown, cut: (text: string) => string): this {
    this.#cut = cut;
    this.#texts = undefined;
    this.#folded = undefined;
    this.present = raw !== undefined;
    this.left = 0;
    if (Array.isArray(raw)) {
      const scalars = new Ends<string | number | boolean>(TEXTS_MAX);
      this.nothing = flatten(raw, scalars, 0);
      this.scalars = scalars.list();
      this.left = scalars.left;
      this.#texts = this.#textsOf();
    } else if (isScalar(raw)) {
      this.nothing = false;
      this.#oneScalar[0] = raw;
      this.scalars = this.#oneScalar;
      // What is too long is counted when the value is first looked at, whoever asks for its text.
      if (typeof raw === 'string' && raw.length > 2 * HALF_MAX) this.#texts = [cut(raw)];
    } else {
      this.nothing = raw === undefined || raw === null;
      this.scalars = NONE;
    }
    return this;
  }

  get texts(): readonly string[] {
    this.#texts ??= this.#textsOf();
    return this.#texts;
  }

  folded(): readonly string[] {
    this.#folded ??= this.#foldedOf();
    return this.#folded;
  }

  #textsOf(): readonly string[] {
    const { scalars } = this;
    if (scalars.length === 0) return NONE;
    const text = (each: string | number | boolean) =>
      typeof each === 'string' ? this.#cut(each) : String(each);
    if (scalars.length > 1) return scalars.map(text);
    this.#oneText[0] = text(scalars[0] as string);
    return this.#oneText;
  }

  #foldedOf(): readonly string[] {
    const { texts } = this;
    if (texts.length !== 1) return texts.length === 0 ? NONE : texts.map(fold);
    this.#oneFolded[0] = fold(texts[0] as string);
    return this.#oneFolded;
  }
}

/** Most events lack most fields that rules speak of. */
const ABSENT = new Value();

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Puts the scalars of an array into a list; true where one of its elements is null. */
function flatten(
  array: readonly unknown[],
  into: Ends<string | number | boolean>,
  depth: number,
): boolean {
  let nothing = false;
  for (const each of array) {
    if (isScalar(each)) into.push(each);
    else if (each === null) nothing = true;
    else if (Array.isArray(each) && depth < DEPTH_MAX)
      nothing = flatten(each, into, depth + 1) || nothing;
  }
  return nothing;
}

/** A field cut at its dots: the first part of each rest, and the rest itself. */
interface FieldPath {
  readonly firsts: readonly string[];
  readonly rests: readonly string[];
}

/** Names come from rules: there are as many as people wrote, and no event brings one. */
const FIELDS = new Map<string, FieldRef>();

/** The field of that name. */
export function fieldRef(name: string): FieldRef {
  const known = FIELDS.get(name);
  if (known !== undefined) return known;
  const firsts = name.split('.');
  const path = { firsts, rests: firsts.map((_, at) => firsts.slice(at).join('.')) };
  const made = { id: FIELDS.size, name, derived: derivedField(name), path };
  FIELDS.set(name, made);
  return made;
}

/** The whole rest as one key first, then its first part; through an array, in each element. */
function lookUp(holder: unknown, path: FieldPath, at: number): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined;
  if (Array.isArray(holder)) return lookUpEach(holder, path, at);
  const whole = memberOf(holder, path.rests[at] as string);
  if (whole !== undefined || at === path.firsts.length - 1) return whole;
  const first = memberOf(holder, path.firsts[at] as string);
  return first === undefined ? undefined : lookUp(first, path, at + 1);
}

/** Own members only; what every object inherits is asked for again where it seems to be there. */
function memberOf(holder: object, name: string): unknown {
  const value = (holder as Readonly<Record<string, unknown>>)[name];
  if (value === undefined || !(name in Object.prototype)) return value;
  return Object.hasOwn(holder, name) ? value : undefined;
}

function lookUpEach(array: readonly unknown[], path: FieldPath, at: number): unknown {
  const found: unknown[] = [];
  for (const each of array) {
    const value = lookUp(each, path, at);
    if (value !== undefined) found.push(value);
  }
  return found.length === 0 ? undefined : found;
}

function collectTexts(
  value: unknown,
  into: Ends<string>,
  cut: (text: string) => string,
  depth: number,
): void {
  if (depth > DEPTH_MAX) return;
  if (typeof value === 'string') into.push(cut(value));
  else if (typeof value === 'number' || typeof value === 'boolean') into.push(String(value));
  else if (Array.isArray(value)) for (const each of value) collectTexts(each, into, cut, depth + 1);
  else if (typeof value === 'object' && value !== null)
    for (const key of Object.keys(value))
      collectTexts((value as Readonly<Record<string, unknown>>)[key], into, cut, depth + 1);
}
