/** The mapping file: schema of the YAML that turns foreign JSON into canonical events. */
import { type Static, Type } from 'typebox';
import {
  ActionBody,
  CHANGES,
  GovernanceBody,
  KINDS,
  MetricBody,
  ReasoningBody,
  TOOL_CLASSES,
  TOOL_TIERS,
} from '../model/event.ts';
import { restOf, withRest } from './mirror.ts';
import { EPOCH_UNITS } from './time.ts';

const strict = { additionalProperties: false } as const;

/** Conversions a field may name; anything else would be code, and mappings are data. */
export const CONVERSIONS = [
  'string',
  'number',
  'json',
  'unquote',
  'lower',
  'hex32',
  'hex16',
  'seconds_to_ms',
  'us_to_ms',
  'ns_to_ms',
  'rfc3339',
  'unix_s',
  'unix_ms',
  'unix_us',
  'unix_ns',
] as const;
/** One of CONVERSIONS. */
export type Conversion = (typeof CONVERSIONS)[number];

const TIME_FORMATS = ['rfc3339', ...(Object.keys(EPOCH_UNITS) as (keyof typeof EPOCH_UNITS)[])];

const Pointer = Type.String({
  pattern: '^(/([^~/]|~[01])*)*$',
  maxLength: 1024,
  description: 'a JSON Pointer such as /call/tool',
});
const Pointers = Type.Array(Pointer, {
  minItems: 1,
  maxItems: 16,
  description: 'JSON Pointers; the first that finds a value other than null wins',
});
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);

const FieldObject = Type.Object(
  {
    from: Type.Optional(Type.Union([Pointer, Pointers])),
    const: Type.Optional(Scalar),
    map: Type.Optional(
      Type.Record(Type.String(), Scalar, {
        description: 'Value by what was found; without `default` an unlisted value is refused.',
      }),
    ),
    default: Type.Optional(Scalar),
    as: Type.Optional(Type.Enum(CONVERSIONS, { description: 'Conversion, applied before `map`.' })),
    alias: Type.Optional(
      Type.Literal('tools', {
        description: 'Accepted, without effect: events keep the tool name as its witness wrote it.',
      }),
    ),
  },
  strict,
);

const FORMS = 'a JSON Pointer, a list of them, or {from, const, map, default, as}';
/** Where a value comes from: a pointer, several, or an object. */
export const Field = Type.Union([Pointer, Pointers, FieldObject], { description: FORMS });
/** Where a value comes from. */
export type Field = Static<typeof Field>;

const field = (description: string) =>
  Type.Optional({ ...Field, description: `${description} Written as ${FORMS}.` });
const wordOrField = <T extends readonly string[]>(words: T) =>
  Type.Union([Type.Enum([...words] as string[]), Field], {
    description: `one of ${words.join(', ')}; or a JSON Pointer, or {from, map, default}`,
  });

const Each = Type.Object({ each: Pointer });
const tools = { field, each: Each.properties.each };
const call = {
  each: Each.properties.each,
  toolCallId: field('Call id of the framework.'),
  tool: Field,
  toolType: field('function, provider, local or datastore.'),
  args: field('Arguments, an object; `as: json` where they are a string.'),
  outcome: field('What the agent claims: ok, error, unknown.'),
};
const Call = ReasoningBody.properties.intents.items;
const Calls = Type.Object(withRest(Call, call, tools), {
  ...strict,
  description: 'Pointers are relative to the items of `each`. No array there means no calls.',
});
const granted = {
  each: Each.properties.each,
  tool: Field,
  class: field(TOOL_CLASSES.join(', ')),
  tier: field(TOOL_TIERS.join(', ')),
};
const GovernanceDetail = GovernanceBody.properties.detail;
const Granted = GovernanceDetail.properties.tools.items;
const GrantedTools = Type.Object(withRest(Granted, granted, tools), {
  ...strict,
  description:
    'Pointers are relative to the items of `each`; "" is the item itself. Nameless items are left out.',
});

const Agent = Type.Object(
  {
    basis: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'What the identity rests on.' }),
    ),
    from: Type.Union([Pointer, Pointers]),
    as: FieldObject.properties.as,
    issuer: Type.Optional({ ...Pointer, description: 'Accepted, without effect so far.' }),
    subject: field('Subject that a checked credential proved.'),
    instance: field('Running instance, for example a pod.'),
  },
  strict,
);

const reasoning = {
  op: field('Operation, for example chat.'),
  provider: field('Model provider.'),
  model: field('Model that answered.'),
  finish: field('Finish reasons, an array of strings.'),
  tokens: Type.Optional(
    Type.Object(
      {
        in: field('Tokens in.'),
        out: field('Tokens out.'),
        cacheRead: field('Tokens read from cache.'),
        cacheWrite: field('Tokens written to cache.'),
        reasoning: field('Tokens of hidden reasoning.'),
      },
      strict,
    ),
  ),
  intents: Type.Optional(Calls),
  claims: Type.Optional(Calls),
  mandate: field('What the agent was asked, as it quotes it.'),
  text: field('Reasoning text.'),
};
const Reasoning = Type.Object(withRest(ReasoningBody, reasoning, tools), strict);

const act = ActionBody.properties;
const action = {
  phase: Type.Optional(wordOrField(act.phase.enum)),
  tool: Field,
  toolType: field('Kind of tool.'),
  server: field('Server that offers the tool.'),
  method: field('Protocol method.'),
  args: field('Arguments, an object; `as: json` where they are a string.'),
  decision: Type.Optional(wordOrField(act.decision.enum)),
  policy: Type.Optional(
    Type.Object(
      { id: field('Policy.'), rule: field('Rule within it.'), revision: field('Its revision.') },
      strict,
    ),
  ),
  reason: field('Why policy answered so, or the error text.'),
  outcome: Type.Optional(wordOrField(act.outcome.enum)),
  status: field('Protocol status code.'),
  durationMs: field('Milliseconds; `as: seconds_to_ms` and the like convert.'),
  bytesIn: field('Bytes in.'),
  bytesOut: field('Bytes out.'),
  result: field('Result body.'),
};
const Action = Type.Object(withRest(ActionBody, action, tools), {
  ...strict,
  description:
    'decision and outcome are `unknown` where nothing is found; phase is then what they prove.',
});

const detail = {
  role: field('Role of the agent.'),
  model: field('Approved model.'),
  mandate: field('What the session is to do.'),
  taskType: field('Class of the task.'),
  principal: field('For whom.'),
  parent: field('Session that spawned this one.'),
  tools: Type.Optional(GrantedTools),
  controls: field('Controls in force, an array of strings.'),
};
const approval = {
  ref: field('Reference of the approval.'),
  by: field('Approvers, an array of strings.'),
  tools: field('Tools it covers, an array of strings.'),
  validFromMs: field('Start; `as: rfc3339` and the like give milliseconds.'),
  validToMs: field('End.'),
};
const GovernanceApproval = GovernanceBody.properties.approval;
const governance = {
  change: wordOrField(CHANGES),
  target: Type.Optional(Type.Object({ type: Field, id: Field }, strict)),
  actor: field('Who made the change.'),
  detail: Type.Optional(Type.Object(withRest(GovernanceDetail, detail, tools), strict)),
  approval: Type.Optional(Type.Object(withRest(GovernanceApproval, approval, tools), strict)),
};
const Governance = Type.Object(withRest(GovernanceBody, governance, tools), strict);

/** Parts of the event that a mapping fills by a block of the same shape, not by words of its own. */
export const MIRRORED = {
  call: restOf(Call, call),
  granted: restOf(Granted, granted),
  reasoning: restOf(ReasoningBody, reasoning),
  action: restOf(ActionBody, action),
  governance: restOf(GovernanceBody, governance),
  detail: restOf(GovernanceDetail, detail),
  approval: restOf(GovernanceApproval, approval),
} as const;

const Metric = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 512, description: 'Metric name, as written.' }),
    unit: Type.Optional(Type.String({ maxLength: 64, description: 'Unit, UCUM where possible.' })),
    from: Type.Union([Pointer, Pointers]),
    as: FieldObject.properties.as,
    type: Type.Enum(MetricBody.properties.type.enum, { description: 'Instrument.' }),
    temporality: Type.Optional(
      Type.Enum(MetricBody.properties.temporality.enum, {
        description: 'How values add up. Default: delta for counters, none for the rest.',
      }),
    ),
    attrs: Type.Optional(
      Type.Record(Type.String({ maxLength: 256 }), Field, {
        maxProperties: 64,
        description: 'Attributes by name, each written as a field.',
      }),
    ),
  },
  strict,
);

/** One document of a mapping file. Documents of one format are tried in order. */
export const MappingDocument = Type.Object(
  {
    format: Type.String({
      pattern: '^[a-z0-9][a-z0-9._-]*/[0-9]+$',
      maxLength: 128,
      description: 'name/version, as a source names it in `decoder`',
    }),
    unwrap: Type.Optional({
      ...Pointer,
      description: 'Read this part of the record; a string there is parsed as JSON.',
    }),
    each: Type.Optional({ ...Pointer, description: 'One event for each item of this array.' }),
    when: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Union([Scalar, Type.Array(Scalar), Type.Object({ exists: Type.Boolean() }, strict)]),
        { description: 'Pointer → literal, list of literals, or {exists: true}. All must match.' },
      ),
    ),
    kind: Type.Enum(KINDS, { description: 'Book the events belong to.' }),
    category: Type.Union([Type.String({ minLength: 1, maxLength: 512 }), FieldObject], {
      description: 'Log-source category, for example tool_call; or {from, map, default}.',
    }),
    id: field('The producer’s unique id. Without it: session and order.seq, else the content.'),
    order: Type.Optional(
      Type.Object(
        { seq: Field, of: Type.Enum(['session', 'trace', 'producer']) },
        { ...strict, description: "The producer's own counter, and the scope it counts in." },
      ),
    ),
    time: Type.Object(
      { from: Type.Union([Pointer, Pointers]), as: Type.Enum(TIME_FORMATS) },
      { ...strict, description: 'Event time.' },
    ),
    tenant: field('Tenant.'),
    agent: Type.Optional(
      Type.Union([Agent, Type.Array(Agent, { minItems: 1, maxItems: 16 })], {
        description: 'Agent identity, {basis, from} or a list; the first that is present wins.',
      }),
    ),
    role: field('Role the record names for its agent.'),
    session: Type.Optional(
      Type.Object(
        {
          basis: Type.Optional(
            Type.String({ maxLength: 64, description: 'Accepted, without effect so far.' }),
          ),
          from: Type.Union([Pointer, Pointers]),
          as: FieldObject.properties.as,
          parent: field('Session that spawned it.'),
        },
        { ...strict, description: 'The session, where the record names one.' },
      ),
    ),
    principal: Type.Optional(Type.Object({ sub: Field }, strict)),
    keys: Type.Optional(
      Type.Object(
        {
          traceId: field('Trace id.'),
          spanId: field('Span id.'),
          parentSpanId: field('Parent span id.'),
          toolCallId: field('Call id.'),
          rpcId: field('JSON-RPC request id; `as: string` where it is a number.'),
          requestId: field('Request id of the gateway.'),
          decisionId: field('Decision id of the policy engine.'),
        },
        strict,
      ),
    ),
    reasoning: Type.Optional(Reasoning),
    action: Type.Optional(Action),
    governance: Type.Optional(Governance),
    metrics: Type.Optional(
      Type.Array(Metric, {
        minItems: 1,
        maxItems: 256,
        description: 'One event for each metric that is present.',
      }),
    ),
    otherwise: Type.Optional(
      Type.Enum(['deadletter', 'ignore'], {
        description: 'Records that no document matches; stated in the last document of a format.',
        default: 'deadletter',
      }),
    ),
  },
  {
    ...strict,
    $id: 'https://plumbline.dev/schema/mapping-1.json',
    title: 'Plumbline mapping',
  },
);
/** One document of a mapping file. */
export type MappingDocument = Static<typeof MappingDocument>;
