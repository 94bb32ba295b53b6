/** Shown fields: whose values an explanation may repeat. */

/**
 * Fields whose values come from closed lists, or name a thing rather than say something: an explanation
 * may show them. Of every other field only the length of the value is told.
 */
export const SHOWN: ReadonlySet<string> = new Set([
  ...['kind', 'category', 'agent.id', 'agent.role', 'session.id', 'session.owner', 'src.trust'],
  ...[
    'call.executed',
    'call.ours',
    'call.selfApproved',
    'call.grantExpired',
    'ref.tool.known',
    'ref.tool.granted',
    'ref.tool.class',
  ],
  ...['ref.tool.tier', 'ref.tool.reversible', 'ref.tool.route', 'ref.tool.polling'],
  ...['ref.agent.role', 'ref.model.approved', 'ref.model.named'],
  ...['evidence.level', 'evidence.truncated'],
  ...['action.phase', 'action.tool', 'action.toolType', 'action.decision', 'action.outcome'],
  ...['action.status', 'action.durationMs', 'action.bytesIn', 'action.bytesOut'],
  ...['action.policy.id', 'action.policy.rule', 'reasoning.provider', 'reasoning.model'],
  ...['reasoning.op', 'reasoning.finish', 'reasoning.intents.tool', 'reasoning.claims.tool'],
  ...['reasoning.tokens.in', 'reasoning.tokens.out', 'governance.change'],
  ...['metric.name', 'metric.unit', 'metric.type', 'metric.value'],
]);
