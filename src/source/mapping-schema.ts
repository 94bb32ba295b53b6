/** The mapping file: schema of the YAML that turns foreign JSON into canonical events. */
import { type Static, Type } from 'typebox';
import { KINDS } from '../model/event.ts';
import { ActionBody } from '../model/event-action.ts';
import { CHANGES, GovernanceBody, TOOL_CLASSES, TOOL_TIERS } from '../model/event-governance.ts';
import { MetricBody } from '../model/event-metric.ts';
import { ReasoningBody } from '../model/event-reasoning.ts';
import {
  Condition,
  Field,
  FieldObject,
  FORMS,
  Pointer,
  Pointers,
  TIME_FORMATS,
} from './field-schema.ts';
import { restOf, withRest } from './mirror.ts';

const strict = { additionalProperties: false } as const;

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
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'What the identity rests on: jwt, spiffe, mtls (checked), key, platform, self. Default self.',
      }),
    ),
    from: Type.Union([Pointer, Pointers]),
    as: FieldObject.properties.as,
    prefix: FieldObject.properties.prefix,
    setting: FieldObject.properties.setting,
    issuer: Type.Optional({ ...Pointer, description: 'Who issued the credential it rests on.' }),
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
  tool: field('Tool; every document but a common one names it.'),
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
  change: Type.Optional(wordOrField(CHANGES)),
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
    each: Type.Optional(
      Type.Union([Pointer, Pointers], {
        description:
          'One event for each item of this array; of a list, the first that is there. "" is the record itself: where that is no array, it is its only item.',
      }),
    ),
    lines: Type.Optional(
      Type.Boolean({
        description:
          'A record that is no JSON text may be several, one a line; empty lines count not.',
      }),
    ),
    envelope: Type.Optional(
      Type.Literal('cloudevents', {
        description:
          'Records are CloudEvents 1.0, structured, binary or a batch; pointers see the structured form.',
      }),
    ),
    when: Type.Optional(Condition),
    common: Type.Optional(
      Type.Literal(true, {
        description:
          'Gives no events: what it says holds for the later documents of its format that do not say otherwise; of blocks, member by member.',
      }),
    ),
    ignore: Type.Optional(
      Type.Literal(true, { description: 'What matches is left out on purpose, and counted.' }),
    ),
    also: Type.Optional(
      Type.Literal(true, {
        description:
          'Later documents see the item too: it gives several events, where the source allows their kinds.',
      }),
    ),
    kind: Type.Optional(
      Type.Enum(KINDS, { description: 'Book the events belong to; not given with `ignore`.' }),
    ),
    category: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 512 }), FieldObject], {
        description: 'Log-source category, for example tool_call; or {from, map, default}.',
      }),
    ),
    id: field('The producer’s unique id. Without it: session and order.seq, else the content.'),
    order: Type.Optional(
      Type.Object(
        { seq: Field, of: Type.Enum(['session', 'trace', 'producer']) },
        { ...strict, description: "The producer's own counter, and the scope it counts in." },
      ),
    ),
    time: Type.Optional(
      Type.Object(
        {
          from: Type.Union([Pointer, Pointers]),
          as: Type.Enum(TIME_FORMATS),
        },
        { ...strict, description: 'Event time.' },
      ),
    ),
    tenant: field('Tenant.'),
    agent: Type.Optional(
      Type.Union([Agent, Type.Array(Agent, { minItems: 1, maxItems: 16 })], {
        description:
          'Agent identity, {basis, from} or a list: all that are present are kept; how far each is believed is the source’s to say.',
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
          setting: FieldObject.properties.setting,
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
    evidence: Type.Optional(
      Type.Object(
        {
          chain: Type.Object(
            { prev: field('Digest of the entry before.'), hash: Field },
            { ...strict, description: 'The link of this record in its producer’s hash chain.' },
          ),
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

/** A document that gives events: whatever `ignore` documents may leave out is there. */
export type EventDocument = MappingDocument &
  Required<Pick<MappingDocument, 'kind' | 'category' | 'time'>>;
