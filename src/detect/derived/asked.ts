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

/** One event under examination. Nothing in it is stored, and what was worked out of it is kept. */
export interface Asked {
  readonly fact: EventFact;
  readonly inventory: Inventory;
  readonly memo: Memo;
}

/** What several fields need, worked out once an event; `unasked` until it is. */
export interface Memo {
  tool: ToolFacts | null | typeof UNASKED;
  texts: readonly Leaf[] | typeof UNASKED;
  hosts: readonly string[] | typeof UNASKED;
  near: string | undefined | typeof UNASKED;
  /** Texts of the arguments that were let go, and one more where not all hosts were sought; 0 until they are asked for. */
  left: number;
}

/** A text of the arguments and the key it stands under; items of a list have the key of the list. */
export interface Leaf {
  readonly key: string;
  readonly text: string;
}

/** Stands for what was not worked out yet. */
export const UNASKED: unique symbol = Symbol('not worked out yet');

/** Rules, kinds and fields ask one after the other about one event: what it was asked last is kept. */
let newest: Asked | null = null;

/** Begins to ask about an event, or goes on. Fields are worked out when read. */
export function ask(fact: EventFact, inventory: Inventory): Asked {
  if (newest !== null && newest.fact === fact && newest.inventory === inventory) return newest;
  newest = {
    fact,
    inventory,
    memo: { tool: UNASKED, texts: UNASKED, hosts: UNASKED, near: UNASKED, left: 0 },
  };
  return newest;
}

/** What the inventory says of the tool of a gateway call; null where it does not know it. */
export function toolFacts(asked: Asked): ToolFacts | null {
  const { fact, inventory, memo } = asked;
  if (memo.tool === UNASKED) {
    const tool = fact.event.action?.tool;
    memo.tool = tool === undefined ? null : inventory.tool(tool);
  }
  return memo.tool;
}

/** Null becomes undefined: to a rule both mean that the field is absent. */
export function orAbsent<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined;
}

/** Is it a call that a gateway saw, and not a listing or a sign-in? */
export function isCall({ fact: { event } }: Asked): boolean {
  return event.action !== undefined && event.category === 'tool_call';
}
