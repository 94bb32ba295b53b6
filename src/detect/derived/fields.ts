/** Derived fields: the one table of names rules may use beside those of the record itself. */
import type { Inventory } from '../../model/expectation.ts';
import type { EventFact } from '../../model/fact.ts';
import { type Asked, ask, type DerivedField } from './asked.ts';
import { CALL_FIELDS } from './call-fields.ts';
import { REFERENCE_FIELDS } from './reference-fields.ts';
import { SESSION_FIELDS } from './session-fields.ts';

/** Every derived field, in the order of the documentation. */
export const DERIVED_FIELDS: readonly DerivedField[] = [
  ...SESSION_FIELDS,
  ...REFERENCE_FIELDS,
  ...CALL_FIELDS,
];

const BY_NAME: ReadonlyMap<string, DerivedField> = new Map(
  DERIVED_FIELDS.map((field) => [field.name, field]),
);

/** The derived field of that name; undefined where the name is none. */
export function derivedField(name: string): DerivedField | undefined {
  return BY_NAME.get(name);
}

/** Value of a derived field; undefined where it is absent. */
export function readDerived(asked: Asked, field: DerivedField): unknown {
  return field.read(asked);
}

/** Reads one field of events by its name, resolved once: a derived field, else a path of the event. */
export function fieldReader(path: string): (fact: EventFact, inventory: Inventory) => unknown {
  const field = BY_NAME.get(path);
  if (field !== undefined) return (fact, inventory) => field.read(ask(fact, inventory));
  const parts = path.split('.');
  return (fact) => ownAt(fact.event, parts);
}

/** Value at a path of own properties; undefined where one is missing. */
export function ownAt(root: object, parts: readonly string[]): unknown {
  let value: unknown = root;
  for (const part of parts) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}
