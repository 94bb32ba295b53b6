/** The body of a gateway event: what was attempted, what policy answered, what came of it. */
import { type Static, Type } from 'typebox';
import {
  Args,
  amount,
  digest,
  id,
  LeafDigests,
  literals,
  names,
  OfferedTool,
  Resource,
  text,
} from './event-parts.ts';

/** What was attempted, what policy answered, what came of it. */
export const ActionBody = Type.Object({
  phase: literals(['attempt', 'decision', 'result'] as const, 'The last stage this record proves.'),
  tool: id('Tool name as the gateway wrote it.'),
  toolType: Type.Optional(text('Kind of tool.', 256)),
  server: Type.Optional(text('Server that offers the tool.', 512)),
  method: Type.Optional(text('Protocol method.', 256)),
  args: Type.Optional(Args),
  decision: literals(
    ['allow', 'deny', 'modify', 'escalate', 'unknown'] as const,
    'What policy answered.',
  ),
  policy: Type.Optional(
    Type.Object({
      id: Type.Optional(text('Policy that decided.', 512)),
      rule: Type.Optional(text('Rule within the policy.', 512)),
      revision: Type.Optional(text('Revision of the policy.', 512)),
    }),
  ),
  reason: Type.Optional(text('Why policy answered so, or the error text (L3).')),
  outcome: literals(['ok', 'error', 'unknown'] as const, 'What came of the call.'),
  status: Type.Optional(Type.Number({ description: 'Protocol status code.' })),
  durationMs: Type.Optional(Type.Number({ minimum: 0, description: 'Milliseconds.' })),
  bytesIn: Type.Optional(Type.Number({ minimum: 0 })),
  bytesOut: Type.Optional(Type.Number({ minimum: 0 })),
  result: Type.Optional(Type.Unknown({ description: 'Result body (L3).' })),
  resource: Type.Optional(Resource),
  argsDigest: Type.Optional(digest('Digest of the arguments, where they are not given.')),
  leafDigests: Type.Optional(LeafDigests),
  resultDigest: Type.Optional(digest('Digest of the result.')),
  definitionDigest: Type.Optional(digest('Digest of the tool definition the call was made by.')),
  offered: Type.Optional(
    Type.Array(OfferedTool, { maxItems: 1_000, description: 'Tools that a server lists.' }),
  ),
  affected: Type.Optional(amount('Objects the call touched, or is predicted to touch.')),
  dryRun: Type.Optional(Type.Boolean({ description: 'Was it a rehearsal without effect?' })),
  errorType: Type.Optional(text('Class of the error, for example unknown_tool, timeout.', 256)),
  attempt: Type.Optional(amount('Which try of the same call this is, from 1.')),
  model: Type.Optional(text('Model that produced the call, as the gateway knows it.', 256)),
  actingFor: Type.Optional(names('Acting-as chain, the nearest principal first.', 32)),
  signature: Type.Optional(
    literals(
      ['valid', 'invalid', 'absent', 'unknown'] as const,
      'What the gateway found of the signature of the caller.',
    ),
  ),
  approval: Type.Optional(
    Type.Object(
      {
        ref: Type.Optional(text('Reference of the approval it was let through by.', 512)),
        by: Type.Optional(names('Approvers that the gateway names.', 64)),
      },
      { description: 'Approval that the gateway says the call rests on.' },
    ),
  ),
});
/** Body of a gateway event. */
export type Action = Static<typeof ActionBody>;
