/** The body of a reasoning event: what the model decided and said it would do. */
import { type Static, Type } from 'typebox';
import {
  Args,
  Context,
  Delegation,
  digest,
  Evaluation,
  Guardrail,
  id,
  literals,
  Memory,
  OfferedTool,
  Plan,
  text,
} from './event-parts.ts';

const Call = Type.Object(
  {
    toolCallId: Type.Optional(id('Call id of the framework; unique only within a session.')),
    tool: id('Tool name as this witness wrote it.'),
    toolType: Type.Optional(
      literals(
        ['function', 'provider', 'local', 'datastore'] as const,
        'Where the call runs. `provider` and `local` calls pass no gateway.',
      ),
    ),
    args: Type.Optional(Args),
    argsDigest: Type.Optional(digest('Digest of the arguments, where they are not given.')),
    outcome: Type.Optional(literals(['ok', 'error', 'unknown'] as const, 'What the agent claims.')),
    resultDigest: Type.Optional(digest('Digest of the result the agent claims.')),
  },
  { description: 'A tool call as the agent states it.' },
);
/** A tool call as stated by the agent. */
export type StatedCall = Static<typeof Call>;

/** What the model decided and said it would do. */
export const ReasoningBody = Type.Object({
  op: Type.Optional(text('Operation name, for example chat.', 256)),
  provider: Type.Optional(text('Model provider.', 256)),
  model: Type.Optional(text('Model that answered.', 256)),
  finish: Type.Optional(Type.Array(text('Finish reason.', 256), { maxItems: 256 })),
  tokens: Type.Optional(
    Type.Object({
      in: Type.Optional(Type.Number({ minimum: 0 })),
      out: Type.Optional(Type.Number({ minimum: 0 })),
      cacheRead: Type.Optional(Type.Number({ minimum: 0 })),
      cacheWrite: Type.Optional(Type.Number({ minimum: 0 })),
      reasoning: Type.Optional(Type.Number({ minimum: 0 })),
    }),
  ),
  intents: Type.Array(Call, { maxItems: 10_000, description: 'Calls the model announced.' }),
  claims: Type.Array(Call, { maxItems: 10_000, description: 'Calls the agent says it made.' }),
  mandate: Type.Optional(text('What the agent was asked, as it quotes it.')),
  text: Type.Optional(text('Reasoning text (L3).')),
  mandateDigest: Type.Optional(digest('Digest of the mandate as the agent quotes it.')),
  systemDigest: Type.Optional(digest('Digest of the template of the system instructions.')),
  offeredToolsDigest: Type.Optional(digest('Digest of the tools offered to the model.')),
  textDigest: Type.Optional(digest('Digest of the reasoning text.')),
  offered: Type.Optional(
    Type.Array(OfferedTool, { maxItems: 1_000, description: 'Tools offered to the model.' }),
  ),
  guardrail: Type.Optional(Guardrail),
  delegation: Type.Optional(Delegation),
  memory: Type.Optional(Memory),
  context: Type.Optional(Context),
  plan: Type.Optional(Plan),
  evaluation: Type.Optional(Evaluation),
});
/** Body of a reasoning event. */
export type Reasoning = Static<typeof ReasoningBody>;
