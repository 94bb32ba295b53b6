/** Calls for tests of derived fields: a gateway event and what the ledger knows of it. */
import { buildInventory, type ToolEntry } from '../../../src/baseline/inventory.ts';
import { type Asked, ask } from '../../../src/detect/derived/asked.ts';
import type { Action } from '../../../src/model/event-action.ts';
import type { EventContext } from '../../../src/model/event-context.ts';
import type { EventFact } from '../../../src/model/fact.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';

/** An inventory of these entries, with a zone. Fails where they are wrong. */
export function inventoryOf(tools: readonly ToolEntry[], zone: readonly string[] = []) {
  const value = { zone: [...zone], tools: [...tools] };
  const { inventory, problems } = buildInventory([
    { file: 'tools.yaml', documents: [{ value, lineOf: () => null }] },
  ]);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('; '));
  return inventory;
}

/** A folded gateway call of `agent-1` in session `s`. */
export function callFact(
  action: Partial<Action> = {},
  over: Partial<EventFact> = {},
  context: Partial<EventContext> = {},
): EventFact {
  const whole: Action = {
    phase: 'result',
    tool: 'send_report',
    decision: 'allow',
    outcome: 'ok',
    ...action,
  };
  return {
    type: 'event',
    event: eventOf({ kind: 'gateway', ms: 1000, body: { action: whole } }),
    session: null,
    tenant: '-',
    agent: 'agent-1',
    role: null,
    argsDigest: null,
    toolClass: 'communicate',
    granted: null,
    ours: false,
    model: null,
    late: false,
    ...known(context),
    ...over,
  };
}

/** The same under examination. */
export function askedCall(
  action: Partial<Action> = {},
  inventory = inventoryOf([]),
  over: Partial<EventFact> = {},
): Asked {
  return ask(callFact(action, over), inventory);
}

/** An entry of the inventory, with everything that must be said of a tool. */
export function tool(name: string, more: Partial<ToolEntry> = {}): ToolEntry {
  return {
    tool: name,
    class: 'communicate',
    tier: 'autonomous',
    reversible: false,
    route: 'gateway',
    ...more,
  };
}
