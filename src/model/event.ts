/** The canonical event: one envelope, four kinds; the paths here are what detectors name. */
import { type Static, Type } from 'typebox';
import { ActionBody } from './event-action.ts';
import { GovernanceBody } from './event-governance.ts';
import { MetricBody } from './event-metric.ts';
import { type Claim, Claims, digest, id, literals, text } from './event-parts.ts';
import { ReasoningBody } from './event-reasoning.ts';

/** The four kinds of record, one per book of the reconciliation. */
export const KINDS = ['reasoning', 'gateway', 'governance', 'metrics'] as const;
/** Which book an event belongs to. */
export type Kind = (typeof KINDS)[number];

/** Who is speaking, lowest first. Set by configuration per topic, never by a payload. */
export const TRUSTS = ['agent', 'runtime', 'gateway', 'policy', 'platform'] as const;
/** Trust class of a source. */
export type Trust = (typeof TRUSTS)[number];

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
