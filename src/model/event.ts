/** The canonical event: one envelope, four kinds; the paths here are what detectors name. */
import { type Static, Type } from 'typebox';
import {
  Args,
  amount,
  type Claim,
  Claims,
  Context,
  Delegation,
  digest,
  Evaluation,
  Guardrail,
  id,
  LeafDigests,
  literals,
  Memory,
  moment,
  names,
  OfferedTool,
  Plan,
  Resource,
  text,
} from './event-parts.ts';

/** The four kinds of record, one per book of the reconciliation. */
export const KINDS = ['reasoning', 'gateway', 'governance', 'metrics'] as const;
/** Which book an event belongs to. */
export type Kind = (typeof KINDS)[number];

/** Who is speaking, lowest first. Set by configuration per topic, never by a payload. */
export const TRUSTS = ['agent', 'runtime', 'gateway', 'policy', 'platform'] as const;
/** Trust class of a source. */
export type Trust = (typeof TRUSTS)[number];

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

/** What it cost and did to the systems. */
export const MetricBody = Type.Object({
  name: id('Metric name.'),
  unit: Type.Optional(text('Unit, UCUM where possible.', 64)),
  type: literals(['gauge', 'counter', 'histogram'] as const, 'Instrument.'),
  temporality: literals(['delta', 'cumulative', 'none'] as const, 'How values add up.'),
  value: Type.Optional(Type.Number()),
  count: Type.Optional(Type.Number({ description: 'Of a histogram: how many values it is of.' })),
  series: Type.Optional(id('Of a cumulative value: what tells its series from others.')),
  startMs: Type.Optional(
    Type.Number({ description: 'Since when a cumulative value counts, ms since 1970.' }),
  ),
  attrs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

/** Evidence levels, least first (DESIGN, words). */
export const EVIDENCE_LEVELS = ['L0', 'L1', 'L2', 'L3'] as const;
/** How much content a witness carries. */
export type EvidenceLevel = (typeof EVIDENCE_LEVELS)[number];

const offset = Type.Integer({ minimum: 0 });

/** The wire form of a canonical event, as JSON. Published as docs/reference/event.schema.json. */
export const WireEvent = Type.Object(
  {
    id: Type.Optional(
      id('Producer id; where absent the identity is session + order.seq, else the content.'),
    ),
    kind: literals(KINDS, 'Which book the event belongs to.'),
    category: id('Log-source category, for example tool_call.'),
    order: Type.Optional(
      Type.Object({
        seq: Type.Number({ description: "The producer's own counter; it is order in its scope." }),
        of: literals(['session', 'trace', 'producer'] as const, 'Scope of the counter.'),
      }),
    ),
    time: Type.Object({
      eventNs: Type.String({
        pattern: '^[0-9]{1,20}$',
        description: 'Nanoseconds since 1970, decimal string: never one JavaScript number.',
      }),
    }),
    tenant: Type.Optional(id('Tenant; absent means the only one.')),
    agent: Type.Optional(
      Type.Object({
        id: id('Deployed identity of the agent.'),
        role: Type.Optional(text('Role the record names.', 256)),
        basis: Type.Optional(text('Where the identity was read from.', 64)),
        subject: Type.Optional(text('Subject a credential proved, where one was checked.', 512)),
        instance: Type.Optional(text('Running instance, for example a pod.', 512)),
        claims: Type.Optional(Claims),
      }),
    ),
    session: Type.Optional(
      Type.Object({
        id: id("One mandate's run."),
        parent: Type.Optional(id('Session that spawned it.')),
      }),
    ),
    principal: Type.Optional(Type.Object({ sub: text('For whom.', 512) })),
    keys: Type.Optional(
      Type.Object({
        traceId: Type.Optional(id('Trace id.')),
        spanId: Type.Optional(id('Span id.')),
        parentSpanId: Type.Optional(id('Parent span id.')),
        toolCallId: Type.Optional(id('Call id; unique only within a session.')),
        rpcId: Type.Optional(id('JSON-RPC request id; unique only within a connection.')),
        requestId: Type.Optional(id('Request id of the gateway.')),
        decisionId: Type.Optional(id('Decision id of the policy engine.')),
      }),
    ),
    evidence: Type.Optional(
      Type.Object({
        level: literals(EVIDENCE_LEVELS, 'How much content is here.'),
        truncated: Type.Optional(Type.Boolean()),
        chain: Type.Optional(
          Type.Object(
            {
              prev: Type.Optional(
                text('Digest of the entry before; empty or zeros: none. (L1)', 160),
              ),
              hash: digest('Of this entry.'),
            },
            { description: 'The link of this record in its producer’s hash chain.' },
          ),
        ),
      }),
    ),
    reasoning: Type.Optional(ReasoningBody),
    action: Type.Optional(ActionBody),
    governance: Type.Optional(GovernanceBody),
    metric: Type.Optional(MetricBody),
  },
  { $id: 'https://plumbline.dev/schema/event-1.json', title: 'Plumbline canonical event' },
);
/** Wire form of an event. */
export type WireEvent = Static<typeof WireEvent>;

/** Where a record lies in its log. Offsets are safe integers; `index` is the n-th event of one record. */
export const Position = Type.Object({
  topic: Type.String(),
  partition: offset,
  offset,
  index: offset,
});
/** Where a record lies. */
export type Position = Static<typeof Position>;

/** Where an event came from; everything here is set by configuration and the broker. */
export interface EventSource {
  /** Topic, or file stem. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** n-th event of one record, from 0. */
  readonly index: number;
  /** Name of the configured source. */
  readonly name: string;
  /** Decoder that read it. */
  readonly format: string;
  readonly trust: Trust;
}

/** Times of an event. Nanoseconds are split so that no JavaScript number loses them. */
export interface EventTime {
  /** Event time in ms since 1970, after clamping to `observedMs` where it lay too far ahead. */
  readonly eventMs: number;
  /** Nanoseconds within the millisecond, 0..999999. */
  readonly nsInMs: number;
  /** When the broker (or the reader) got it, ms since 1970. */
  readonly observedMs: number;
  /** True where the producer's time lay beyond the allowed future skew. */
  readonly clamped: boolean;
}

/** The agent of an event, with the claims it rests on where there are several, highest tier first. */
export interface NamedAgent extends Omit<NonNullable<WireEvent['agent']>, 'claims'> {
  readonly claims?: readonly Claim[];
}

/** The canonical event inside the core. Paths equal the wire form; detectors name them. */
export interface Event extends Omit<WireEvent, 'id' | 'time' | 'agent'> {
  readonly agent?: NamedAgent;
  readonly src: EventSource;
  readonly time: EventTime;
  /** Identity within the topic: producer id, else session + seq, else content digest. */
  readonly nativeId: string;
  /** 53-bit digest of the record's bytes: tells a repeat from a forgery under the same id. */
  readonly contentHash: number;
}

/** A tool call as stated by the agent. */
export type StatedCall = Static<typeof Call>;
/** Body of a gateway event. */
export type Action = Static<typeof ActionBody>;
/** Body of a governance event. */
export type Governance = Static<typeof GovernanceBody>;
/** Body of a reasoning event. */
export type Reasoning = Static<typeof ReasoningBody>;
/** Body of a metrics event. */
export type Metric = Static<typeof MetricBody>;
/** One granted tool. */
export type GrantedTool = Static<typeof GrantedTool>;
