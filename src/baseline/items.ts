/** Items: what a folded event is to baselines, in learning and in scoring alike. */
import type { Inventory } from '../model/expectation.ts';
import type { EventFact, SessionView } from '../model/fact.ts';
import { eventIdOf } from '../model/ids.ts';
import type { CallItem, UnitHead, UnitItem } from '../model/unit.ts';
import { MANDATE_MAX } from './unit-bounds.ts';

/** What a folded event says of its unit: at most one item; none where it says nothing. */
export function itemsOf(fact: EventFact, inventory: Inventory): UnitItem[] {
  const { event } = fact;
  const ms = event.time.eventMs;
  const nameOf = (tool: string) => inventory.tool(tool)?.tool ?? tool;
  if (event.action !== undefined)
    return event.category === 'tool_call' ? [callOf(fact, nameOf(event.action.tool))] : [];
  if (event.reasoning !== undefined) {
    const { text, intents } = event.reasoning;
    const tools = intents.map(({ tool }) => nameOf(tool));
    return [{ type: 'say', seq: event.order?.seq ?? null, ms, text: textOf(text), tools }];
  }
  if (event.metric !== undefined) {
    const { name, value } = event.metric;
    return value === undefined ? [] : [{ type: 'metric', ms, name, value }];
  }
  if (event.governance === undefined) return [];
  const { change, detail, approval } = event.governance;
  const tools = [...(detail?.tools ?? []).map(({ tool }) => tool), ...(approval?.tools ?? [])];
  return [{ type: 'change', ms, change, tools: tools.map(nameOf) }];
}

function callOf(fact: EventFact, tool: string): CallItem {
  const { event } = fact;
  const action = event.action as NonNullable<typeof event.action>;
  return {
    type: 'call',
    seq: event.order?.seq ?? null,
    ms: event.time.eventMs,
    eventId: eventIdOf(event.src.topic, event.nativeId),
    tool,
    toolClass: fact.toolClass,
    granted: fact.granted,
    args: action.args ?? null,
    decision: action.decision,
    outcome: action.outcome,
    result: isEmpty(action.result) ? textOf(action.reason) : action.result,
    bytes: action.bytesOut ?? null,
    ours: fact.ours,
  };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function textOf(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}

/** What is known of a session before it acts; `fact` may be the record that opens it. */
export function headOf(fact: EventFact, session: SessionView): UnitHead {
  const opened = fact.event.governance;
  const detail = opened?.change === 'session.opened' ? opened.detail : undefined;
  return {
    tenant: session.tenant,
    session: session.id,
    agent: session.agent,
    role: session.role,
    model: fact.model,
    mandate: detail?.mandate?.slice(0, MANDATE_MAX) ?? null,
    taskType: detail?.taskType ?? null,
    openedMs: session.openedMs,
  };
}

/** Does this item carry content that only evidence level L3 has? */
export function hasContent(item: UnitItem): boolean {
  if (item.type === 'call') return item.result !== null;
  return item.type === 'say' && item.text !== null;
}

/** Does this item carry arguments, which evidence level L2 has? */
export function hasArguments(item: UnitItem): boolean {
  return item.type === 'call' && item.args !== null;
}
