/** Parts of the canonical event that several bodies share; every one of them is optional. */
import { Type } from 'typebox';

/** Text of at most `max` UTF-16 units. */
export const text = (description: string, max = 262_144) =>
  Type.String({ description, maxLength: max });
/** A name nobody may leave empty. */
export const id = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 512 });
/** One of a closed list of words. */
export const literals = <const T extends string[]>(values: readonly [...T], description: string) =>
  Type.Enum(values, { description });
/** A digest as its producer wrote it: equality is all that is ever asked of it. */
export const digest = (description: string) =>
  Type.String({ description: `${description} (L1)`, minLength: 1, maxLength: 160 });
/** Milliseconds or a count, never negative. */
export const amount = (description: string) => Type.Number({ minimum: 0, description });
/** A point in time, ms since 1970. */
export const moment = (description: string) =>
  Type.Number({ description: `${description} Milliseconds since 1970.` });
/** A bounded list of names. */
export const names = (description: string, maxItems: number) =>
  Type.Array(id('Name.'), { description, maxItems });

/** Arguments of a call as its witness gives them. */
export const Args = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Arguments of the call as an object (evidence level L2 and above).',
});

const POINTER = '^(/.{0,1023})?$';
/** JSON pointer → digest of a leaf of the arguments: what is left of them at L1. */
export const LeafDigests = Type.Record(Type.String({ pattern: POINTER }), digest('Of a leaf.'), {
  additionalProperties: false,
  maxProperties: 64,
  description: 'JSON pointer of each leaf of the arguments → digest of its value (L1).',
});

/** What an action is aimed at. */
export const Resource = Type.Object(
  {
    type: Type.Optional(text('Kind of resource, for example file, table, endpoint.', 256)),
    uri: Type.Optional(text('Address of the resource, without credentials.', 2048)),
    environment: Type.Optional(text('Environment it belongs to, for example production.', 256)),
    zone: Type.Optional(text('Trust zone it lies in, as the gateway knows it.', 256)),
  },
  { description: 'What the call is aimed at.' },
);

/** A check of content by something beside the model. */
export const Guardrail = Type.Object(
  {
    name: id('Which guardrail.'),
    verdict: literals(
      ['allow', 'deny', 'modify', 'warn', 'escalate', 'unknown'] as const,
      'What it answered.',
    ),
    category: Type.Optional(text('What it looked for, for example pii, secrets, jailbreak.', 256)),
    score: Type.Optional(Type.Number({ description: 'Its score, as it gives it.' })),
  },
  { description: 'Outcome of a guardrail or safety classifier.' },
);

/** A hand-over of work to another agent or session. */
export const Delegation = Type.Object(
  {
    agent: Type.Optional(id('Agent that receives the work.')),
    session: Type.Optional(id('Session that is spawned.')),
    scopes: Type.Optional(names('Scopes passed on.', 1000)),
    tools: Type.Optional(names('Tools passed on.', 10_000)),
    taskDigest: Type.Optional(digest('Digest of the task handed over.')),
  },
  { description: 'A hand-over of work.' },
);

/** A use of long-term memory. */
export const Memory = Type.Object(
  {
    op: literals(['read', 'write', 'delete'] as const, 'What was done.'),
    id: Type.Optional(id('Which memory.')),
    store: Type.Optional(text('Where it lies.', 512)),
    digest: Type.Optional(digest('Digest of its content.')),
    origin: Type.Optional(text('Where the content came from, for example a tool name.', 512)),
    writtenMs: Type.Optional(moment('When it was written.')),
  },
  { description: 'A use of long-term memory.' },
);

/** What the model was given to reason from. */
export const Context = Type.Object(
  {
    ageMs: Type.Optional(amount('Age of the oldest part of the context, ms.')),
    tokens: Type.Optional(amount('Tokens of context.')),
    truncated: Type.Optional(Type.Boolean({ description: 'Was something left out for length?' })),
    documents: Type.Optional(
      Type.Array(
        Type.Object({
          id: Type.Optional(id('Which document.')),
          uri: Type.Optional(text('Where it came from.', 2048)),
          ageMs: Type.Optional(amount('Its age, ms.')),
          digest: Type.Optional(digest('Digest of its content.')),
          trust: Type.Optional(
            literals(['trusted', 'untrusted', 'unknown'] as const, 'Whose word it is.'),
          ),
        }),
        { maxItems: 256, description: 'Documents and retrieved passages.' },
      ),
    ),
  },
  { description: 'What the model was given to reason from, and how old it is.' },
);

/** A declared plan. */
export const Plan = Type.Object(
  {
    id: Type.Optional(id('Which plan.')),
    revision: Type.Optional(text('Revision of the plan.', 256)),
    binding: Type.Optional(Type.Boolean({ description: 'Must it be followed to the letter?' })),
    steps: Type.Optional(names('Tools in their order.', 1000)),
  },
  { description: 'A declared plan.' },
);

/** A score or label that an evaluation gave. */
export const Evaluation = Type.Object(
  {
    name: id('Which evaluation.'),
    score: Type.Optional(Type.Number({ description: 'Its score, as it gives it.' })),
    label: Type.Optional(text('Its label, for example pass.', 256)),
  },
  { description: 'Outcome of a quality evaluation.' },
);

/** A tool as it is offered to a model or listed by a server. */
export const OfferedTool = Type.Object({
  tool: id('Tool name.'),
  digest: Type.Optional(digest('Digest of name, description and input schema.')),
});

/** Identities a record names, where it names several. */
export const Claims = Type.Array(
  Type.Object({
    basis: text('What it rests on: jwt, spiffe, mtls, key, platform, self.', 64),
    value: id('The identity, as it is written.'),
    issuer: Type.Optional(text('Who issued the credential.', 512)),
  }),
  {
    maxItems: 16,
    description: 'Every identity the record names; how far each is believed is configuration.',
  },
);

/** One identity a record names, with what configuration makes of it. */
export interface Claim {
  readonly basis: string;
  readonly value: string;
  readonly issuer?: string;
  /** Agent it stands for by the table of identities; absent where the table does not have it. */
  readonly agent?: string;
}
