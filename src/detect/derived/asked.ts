/** Asked: one folded event while rules ask about it; what is worked out is kept. */
import type { EvidenceLevel, Kind } from '../../model/event.ts';
import type { Inventory, ToolFacts } from '../../model/expectation.ts';
import type { EventFact } from '../../model/fact.ts';

/** Types a derived field can have. `strings` matches where any element does. */
export const FIELD_TYPES = ['string', 'number', 'boolean', 'strings'] as const;
/** One of FIELD_TYPES. */
export type FieldType = (typeof FIELD_TYPES)[number];

/** A field that no record carries: read off the event, the reviewed library or the ledger. */
export interface DerivedField {
  /** Name as rules write it. */
  readonly name: string;
  readonly type: FieldType;
  /** What it rests on. */
  readonly source: 'event' | 'library' | 'ledger';
  /** Books whose events can have it. */
  readonly kinds: readonly Kind[];
  /** Least evidence it needs; below it the field is absent. */
  readonly level: EvidenceLevel;
  /** One sentence. */
  readonly says: string;
  /** Its value; undefined where it cannot be told. Pure: the same event, the same value. */
  read(asked: Asked): unknown;
}

/** One event under examination. Made per event and detection pass; nothing in it is stored. */
export interface Asked {
  readonly fact: EventFact;
  readonly inventory: Inventory;
  /** Values worked out so far, by name; made when the first is. */
  memo: Map<string, unknown> | null;
}

/** Begins to ask about an event. Costs one small object; fields are worked out when read. */
export function ask(fact: EventFact, inventory: Inventory): Asked {
  return { fact, inventory, memo: null };
}

/** Stands for undefined among what was worked out. */
const NOTHING = Symbol('worked out, and absent');

/** A value that several fields need, worked out once an event. */
export function once<T>(asked: Asked, name: string, work: () => T): T {
  asked.memo ??= new Map();
  const known = asked.memo.get(name);
  if (known !== undefined) return (known === NOTHING ? undefined : known) as T;
  const value = work();
  asked.memo.set(name, value ?? (value === undefined ? NOTHING : value));
  return value;
}

/** What the inventory says of the tool of a gateway call; null where it does not know it. */
export function toolFacts(asked: Asked): ToolFacts | null {
  const tool = asked.fact.event.action?.tool;
  if (tool === undefined) return null;
  return once(asked, '#tool', () => asked.inventory.tool(tool));
}

/** Null becomes undefined: to a rule both mean that the field is absent. */
export function orAbsent<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined;
}

/** Is it a call that a gateway saw, and not a listing or a sign-in? */
export function isCall({ fact: { event } }: Asked): boolean {
  return event.action !== undefined && event.category === 'tool_call';
}
