/** Collecting: sessions kept whole, from folded events, for baselines to be learnt from. */
import type { Inventory } from '../model/expectation.ts';
import type { EventFact } from '../model/fact.ts';
import type { UnitHead, UnitItem, UnitRecord } from '../model/unit.ts';
import { headOf, itemsOf } from './items.ts';
import { dueOf, type Span, UNIT_ACTIONS } from './unit-bounds.ts';

interface Open extends Span {
  head: UnitHead;
  items: UnitItem[];
  actions: number;
}

type Grants = Record<string, string | null>;

/** Bounds of a collection. */
export interface CollectOptions {
  readonly inventory: Inventory;
  /** Units kept; those after them are counted only. Default 50,000. */
  readonly maxUnits?: number;
  /** Items kept of one unit; those after them are counted only. Default 2,000. */
  readonly maxItems?: number;
}

/** A collection of units. Pure: the same facts in the same order give the same units. */
export interface Collector {
  see(fact: EventFact): void;
  /** Ends every open unit. Units with a call, in order of session, then time. */
  finish(): readonly UnitRecord[];
  /** What was left out: `units` beyond the bound, `items` beyond it, `late` records. */
  readonly dropped: Readonly<Record<'units' | 'items' | 'late', number>>;
}

/** Makes an empty collection. */
export function createCollector(options: CollectOptions): Collector {
  const { inventory, maxUnits = 50_000, maxItems = 2000 } = options;
  const open = new Map<string, Open>();
  const byAgent = new Map<string, Set<string>>();
  const grants = new Map<string, Grants>();
  const units: UnitRecord[] = [];
  const dropped = { units: 0, items: 0, late: 0 };
  const close = (own: Open): void => {
    const { head, items, lastMs } = own;
    const isUnit = items.some((item) => item.type === 'call');
    if (isUnit && units.length >= maxUnits) dropped.units += 1;
    else if (isUnit) {
      const held = grants.get(agentKey(head.tenant, head.agent));
      units.push({ head, items, grants: held === undefined ? null : { ...held }, lastMs });
    }
    own.items = [];
    own.actions = 0;
  };
  const take = (own: Open, item: UnitItem): void => {
    if (own.items.length === 0) own.firstMs = item.ms;
    if (own.items.length >= maxItems) dropped.items += 1;
    else own.items.push(item);
    own.lastMs = Math.max(own.lastMs, item.ms);
    if (item.type === 'call' && !item.ours) own.actions += 1;
    if (own.actions >= UNIT_ACTIONS) close(own);
  };
  return {
    dropped,
    see(fact) {
      const { session, event } = fact;
      const ms = event.time.eventMs;
      if (fact.late) dropped.late += 1;
      const agent = agentKey(fact.tenant, fact.agent);
      noteGrants(grants, agent, fact, inventory);
      if (session === null) {
        if (event.kind !== 'governance') return;
        for (const key of byAgent.get(agent) ?? []) {
          const own = open.get(key);
          if (own === undefined || own.items.length === 0 || ms > dueOf(own)) continue;
          for (const item of itemsOf(fact, inventory)) take(own, item);
        }
        return;
      }
      const key = agentKey(session.tenant, session.id);
      let own = open.get(key);
      if (own === undefined) {
        own = { head: headOf(fact, session), items: [], actions: 0, ...spanAt(ms) };
        open.set(key, own);
        const owner = agentKey(session.tenant, session.agent);
        byAgent.set(owner, (byAgent.get(owner) ?? new Set()).add(key));
      } else if (event.governance?.change === 'session.opened') own.head = headOf(fact, session);
      if (own.items.length > 0 && ms > dueOf(own)) close(own);
      if (own.items.length === 0) Object.assign(own, spanAt(ms));
      for (const item of itemsOf(fact, inventory)) take(own, item);
      if (event.governance?.change === 'session.closed') own.closedMs ??= ms;
    },
    finish() {
      for (const own of open.values()) close(own);
      open.clear();
      byAgent.clear();
      return units.sort((a, b) => order(a, b) || a.lastMs - b.lastMs);
    },
  };
}

function spanAt(ms: number): Span {
  return { firstMs: ms, lastMs: ms, closedMs: null };
}

function order(a: UnitRecord, b: UnitRecord): number {
  const [x, y] = [a, b].map(({ head }) => agentKey(head.tenant, head.session)) as [string, string];
  return x < y ? -1 : x > y ? 1 : 0;
}

function agentKey(tenant: string, id: string): string {
  return `${tenant.length}:${tenant}:${id}`;
}

/** Keeps what governance lists of an agent's tools. */
function noteGrants(
  grants: Map<string, Grants>,
  agent: string,
  { event }: EventFact,
  inventory: Inventory,
): void {
  const { governance } = event;
  if (governance?.change !== 'tools.granted' && governance?.change !== 'tools.revoked') return;
  // Whoever was given units before keeps the list of that moment.
  const held: Grants = Object.assign(Object.create(null), grants.get(agent));
  for (const { tool, class: toolClass } of governance.detail?.tools ?? []) {
    const name = inventory.tool(tool)?.tool ?? tool;
    if (governance.change === 'tools.revoked') delete held[name];
    else held[name] = toolClass ?? inventory.tool(tool)?.class ?? null;
  }
  grants.set(agent, held);
}
