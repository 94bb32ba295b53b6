/** Derived fields: what rules may ask beyond the event's own paths, in one table. */
import type { Inventory, ToolFacts } from '../../model/expectation.ts';
import type { EventFact } from '../../model/fact.ts';

/** Value of a derived field; undefined where the event has none. */
export type Derived = (fact: EventFact, inventory: Inventory) => unknown;

const toolFacts = (fact: EventFact, inventory: Inventory): ToolFacts | null => {
  const tool = fact.event.action?.tool;
  return tool === undefined ? null : inventory.tool(tool);
};
const ofTool =
  (key: keyof ToolFacts): Derived =>
  (fact, inventory) =>
    toolFacts(fact, inventory)?.[key];
const present = <T>(value: T | null): T | undefined => value ?? undefined;

/** Every derived field, by the name rules use. They go before the event's own paths. */
export const DERIVED: Readonly<Record<string, Derived>> = {
  'agent.id': (fact) => fact.agent,
  'agent.role': (fact) => present(fact.role),
  'session.id': ({ event, session }) => event.session?.id ?? session?.id,
  'session.owner': ({ session }) => session?.agent,
  'session.parent': ({ event, session }) =>
    event.session?.parent ?? present(session?.parent ?? null),
  tenant: (fact) => fact.tenant,
  'call.argsDigest': (fact) => present(fact.argsDigest),
  'call.granted': (fact) => present(fact.granted),
  'call.ours': (fact) => (fact.event.action === undefined ? undefined : fact.ours),
  'ref.tool.known': (fact, inventory) =>
    fact.event.action === undefined ? undefined : toolFacts(fact, inventory) !== null,
  'ref.tool.granted': (fact) => present(fact.granted),
  'ref.tool.class': (fact, inventory) =>
    present(fact.toolClass) ?? toolFacts(fact, inventory)?.class,
  'ref.tool.tier': ofTool('tier'),
  'ref.tool.reversible': ofTool('reversible'),
  'ref.tool.route': ofTool('route'),
  'ref.tool.polling': ofTool('polling'),
  'ref.agent.role': (fact) => present(fact.role),
  'ref.model.approved': (fact) => present(fact.model),
};

/**
 * Fields whose values come from closed lists, or name a thing rather than say something: an explanation
 * may show them. Of every other field only the length of the value is told.
 */
export const SHOWN: ReadonlySet<string> = new Set([
  ...['kind', 'category', 'agent.id', 'agent.role', 'session.id', 'session.owner', 'src.trust'],
  ...['call.granted', 'call.ours', 'ref.tool.known', 'ref.tool.granted', 'ref.tool.class'],
  ...['ref.tool.tier', 'ref.tool.reversible', 'ref.tool.route', 'ref.tool.polling'],
  ...['ref.agent.role', 'ref.model.approved', 'evidence.level', 'evidence.truncated'],
  ...['action.phase', 'action.tool', 'action.toolType', 'action.decision', 'action.outcome'],
  ...['action.status', 'action.durationMs', 'action.bytesIn', 'action.bytesOut'],
  ...['action.policy.id', 'action.policy.rule', 'reasoning.provider', 'reasoning.model'],
  ...['reasoning.op', 'reasoning.finish', 'reasoning.intents.tool', 'reasoning.claims.tool'],
  ...['reasoning.tokens.in', 'reasoning.tokens.out', 'governance.change'],
  ...['metric.name', 'metric.unit', 'metric.type', 'metric.value'],
]);
