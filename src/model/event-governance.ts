/** The body of a governance event: who agents are, what they may do, every change to that. */
import { type Static, Type } from 'typebox';
import {
  amount,
  Delegation,
  digest,
  id,
  literals,
  moment,
  names,
  Plan,
  text,
} from './event-parts.ts';

/** Every change governance knows. */
export const CHANGES = [
  'agent.registered',
  'agent.changed',
  'agent.retired',
  'tool.added',
  'tool.removed',
  'tool.changed',
  'tools.granted',
  'tools.revoked',
  'role.changed',
  'model.changed',
  'prompt.changed',
  'policy.changed',
  'flag.changed',
  'approval.granted',
  'approval.denied',
  'window.opened',
  'window.closed',
  'session.opened',
  'session.closed',
  'plan.declared',
  'key.issued',
  'key.revoked',
  'approval.requested',
  'delegation.granted',
  'delegation.revoked',
  'review.completed',
] as const;

/** Reach of a tool: what its class allows to happen. */
export const TOOL_CLASSES = ['read', 'write', 'execute', 'communicate', 'spend'] as const;
/** Tiers of a tool, freest first. */
export const TOOL_TIERS = [
  'autonomous',
  'pre-approved',
  'human-in-the-loop',
  'prohibited',
] as const;

const GrantedTool = Type.Object({
  tool: id('Tool name.'),
  class: Type.Optional(literals(TOOL_CLASSES, 'Reach of the tool.')),
  tier: Type.Optional(literals(TOOL_TIERS, 'How freely the tool may be used.')),
  validToMs: Type.Optional(moment('The grant expires then; absent: it does not.')),
  scopes: Type.Optional(names('Scopes the grant is limited to.', 64)),
  quorum: Type.Optional(amount('Independent approvals that each use needs.')),
  digest: Type.Optional(digest('Digest of the definition that was reviewed.')),
});
/** One granted tool. */
export type GrantedTool = Static<typeof GrantedTool>;

/** Who the agent is, what it may do, and every change to that. */
export const GovernanceBody = Type.Object({
  change: literals(CHANGES, 'What changed.'),
  target: Type.Optional(
    Type.Object({ type: text('Kind of target.', 256), id: text('Target.', 512) }),
  ),
  actor: Type.Optional(text('Who made the change.', 512)),
  beforeDigest: Type.Optional(digest('Digest of what is changed, before.')),
  afterDigest: Type.Optional(digest('Digest of what is changed, after.')),
  detail: Type.Optional(
    Type.Object({
      role: Type.Optional(text('Role (peer group) of the agent.', 256)),
      model: Type.Optional(text('Approved model.', 256)),
      mandate: Type.Optional(text('What the session is to do.')),
      taskType: Type.Optional(text('Class of the task.', 256)),
      principal: Type.Optional(text('For whom the session runs.', 512)),
      parent: Type.Optional(text('Session that spawned this one.', 512)),
      tools: Type.Optional(Type.Array(GrantedTool, { maxItems: 10_000 })),
      controls: Type.Optional(Type.Array(text('Control in force.', 512), { maxItems: 1_000 })),
      mandateDigest: Type.Optional(digest('Digest of the mandate.')),
      systemDigest: Type.Optional(digest('Digest of the approved system instructions.')),
      offeredToolsDigest: Type.Optional(digest('Digest of the approved set of tools.')),
      mode: Type.Optional(text('Mode the session runs in, for example observe, dry-run.', 64)),
      scopes: Type.Optional(names('Scopes in force.', 1_000)),
      maxDepth: Type.Optional(amount('Generations of delegation that are allowed below.')),
      maxFanOut: Type.Optional(amount('Sessions that one session may spawn.')),
      instances: Type.Optional(amount('Instances of the agent that may be active at once.')),
      delegation: Type.Optional(Delegation),
      plan: Type.Optional(Plan),
      flag: Type.Optional(
        Type.Object(
          { name: id('Flag.'), value: Type.Optional(text('Value it has now.', 512)) },
          { description: 'A configuration flag.' },
        ),
      ),
      validFromMs: Type.Optional(moment('Start of what is opened or granted.')),
      validToMs: Type.Optional(moment('End of what is opened or granted.')),
    }),
  ),
  approval: Type.Optional(
    Type.Object({
      ref: Type.Optional(text('Reference of the approval.', 512)),
      by: Type.Optional(Type.Array(text('Approver.', 512), { maxItems: 64 })),
      tools: Type.Optional(Type.Array(id('Tool it covers.'), { maxItems: 1_000 })),
      validFromMs: Type.Optional(Type.Number()),
      validToMs: Type.Optional(Type.Number()),
      quorum: Type.Optional(amount('Independent approvals that are needed.')),
      scopes: Type.Optional(names('Scopes it covers.', 64)),
      argsDigest: Type.Optional(digest('Digest of the arguments it covers; absent: any.')),
    }),
  ),
});
/** Body of a governance event. */
export type Governance = Static<typeof GovernanceBody>;
