/** Configuration: one YAML file; every key is documented here and published as JSON Schema. */
import { type Static, type TOptional, type TSchema, Type } from 'typebox';
import { MODES, VERBS, type Verb } from './decision.ts';
import { LEVELS, MATURITIES } from './detection.ts';
import { KINDS, TRUSTS } from './event.ts';
import { SCOPES } from './route.ts';

/** A duration with its unit, as configuration writes it. */
export const duration = (description: string, fallback: string) =>
  Type.String({
    pattern: '^[0-9]+(ms|s|m|h|d)$',
    description: `${description} Written 500ms, 30s, 15m, 4h, 7d.`,
    default: fallback,
  });
const budget = (description: string, fallback: string) =>
  Type.String({
    minLength: 3,
    maxLength: 80,
    description: `${description} that are allowed, in words: 1 per agent-week, 1 per 10,000 sessions, 1 % of sessions.`,
    default: fallback,
  });
const strict = { additionalProperties: false } as const;

const SettingValue = Type.Union(
  [
    Type.String({ maxLength: 1024 }),
    Type.Array(Type.String({ maxLength: 1024 }), { minItems: 1, maxItems: 64 }),
  ],
  { description: 'A JSON Pointer, or what the setting asks for; or several.' },
);
/** Reference to a secret. Plug-ins put it into their own schemas; `secret` marks it there. */
export const Secret = Type.Object(
  {
    env: Type.Optional(Type.String({ description: 'Environment variable that holds it.' })),
    file: Type.Optional(Type.String({ description: 'File that holds it.' })),
  },
  {
    ...strict,
    secret: true,
    description: 'A secret, from the environment or a file, never inline.',
  },
);
/** A secret as configuration refers to it: exactly one of the two. */
export type SecretReference = Static<typeof Secret>;

const sha256 = (description: string) => Type.String({ pattern: '^[0-9a-f]{64}$', description });

/** Who may send to a source over HTTP. */
export const SourceHttp = Type.Object(
  {
    token: Type.Optional(Secret),
    sha256: Type.Optional(
      Type.Array(sha256('SHA-256 of a token: plumbline tokens new NAME --source.'), {
        minItems: 1,
        maxItems: 8,
        description: 'Hashes of tokens, several while one is exchanged; instead of `token`.',
      }),
    ),
  },
  {
    ...strict,
    description:
      'It is sent to over HTTP by whoever has this token, which decides topic, tenant, trust and decoder. docs/ingest.md has the routes.',
  },
);
/** Who may send to a source, as written. */
export type SourceHttp = Static<typeof SourceHttp>;

/** One source: trust, decoder and expectations are set here and nowhere else. */
export const SourceConfig = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128, description: 'Name in findings and logs.' }),
    topic: Type.String({ minLength: 1, maxLength: 249, description: 'Kafka topic, or file stem.' }),
    decoder: Type.String({
      minLength: 1,
      description:
        '`canonical`, `otlp-traces/1`, `otlp-logs/1`, `otlp-metrics/1`, `cloudevents/1`, or the name and version of a mapping: a preset such as opa/1, or your own.',
    }),
    settings: Type.Optional(
      Type.Record(Type.String(), SettingValue, {
        description: 'What this deployment writes elsewhere than the preset expects, by setting.',
      }),
    ),
    opa: Type.Optional(
      Type.Object(
        {
          paths: Type.Record(Type.String(), Type.Record(Type.String(), SettingValue), {
            description: 'Settings by the path of the policy, for example mcp/authz.',
          }),
        },
        { ...strict, description: 'Where policies of OPA put what; decoder opa/1 only.' },
      ),
    ),
    trust: Type.Enum(TRUSTS, { description: 'Who writes this topic; never read from a payload.' }),
    http: Type.Optional(SourceHttp),
    tenant: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'Whose records these are. One that names another tenant is a dead letter; absent: what records say.',
      }),
    ),
    kinds: Type.Array(Type.Enum(KINDS), {
      minItems: 1,
      description: 'What it may produce; anything else goes to the dead letters.',
    }),
    identity: Type.Optional(
      Type.Object(
        {
          bases: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
              minItems: 1,
              description: 'Bases that are believed here, for example jwt, key, self. Unset: all.',
            }),
          ),
          shared: Type.Optional(
            Type.Boolean({
              description:
                'One checked identity serves several agents here: what they say of themselves tells them apart.',
            }),
          ),
        },
        { ...strict, description: 'Whose word on who acted is taken.' },
      ),
    ),
    lateness: Type.Optional(duration('How late a record may arrive.', '30s')),
    maxFutureSkew: Type.Optional(duration('Later stamps are clamped and counted.', '60s')),
    idleAfter: Type.Optional(
      duration('Caught up and quiet this long: it no longer holds the watermark.', '30s'),
    ),
    expectEvery: Type.Optional(
      duration('Quiet three times as long means blind. Unset: judged by what others do.', '60s'),
    ),
    sampled: Type.Optional(
      Type.Boolean({ description: 'Records are missing by design: nothing is inferred from it.' }),
    ),
  },
  strict,
);
/** One configured source. */
export type SourceConfig = Static<typeof SourceConfig>;

/** A configured plug-in. */
export type PluginConfig = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A plug-in by its type; its other keys are its own, and its own schema checks them. */
export const PluginConfig = Type.Unsafe<PluginConfig>(
  Type.Object(
    { type: Type.String({ minLength: 1, maxLength: 64, description: 'Which plug-in.' }) },
    { additionalProperties: true },
  ),
);

const NAME = '^[a-z0-9][a-z0-9-]{0,31}$';
const selection = (what: string) =>
  Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: what }));

/** Which announcements go where. */
export const RouteConfig = Type.Object(
  {
    when: Type.Optional(
      Type.Object(
        {
          severity: Type.Optional(
            Type.Array(Type.Enum(LEVELS), { minItems: 1, description: 'Levels it is about.' }),
          ),
          role: selection('Roles it is about.'),
          detector: selection('File stems of detectors it is about.'),
        },
        { ...strict, description: 'All that is given must hold. Absent: everything.' },
      ),
    ),
    to: Type.Array(Type.String({ pattern: NAME }), {
      minItems: 1,
      description: 'Names of sinks. Empty routes are not written: leave the route away.',
    }),
  },
  strict,
);
/** One route; the first whose condition holds decides. */
export type RouteConfig = Static<typeof RouteConfig>;

const perVerb = <T extends TSchema>(schema: T, description: string) =>
  Type.Object(
    Object.fromEntries(VERBS.map((verb) => [verb, Type.Optional(schema)])) as Record<
      Verb,
      TOptional<T>
    >,
    { ...strict, description },
  );

/** Who must agree before an action is sent. */
export const Approval = Type.Object(
  {
    quorum: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 9, default: 1, description: 'Approvers that agree.' }),
    ),
    within: Type.Optional(duration('Unanswered this long: it lapses, nothing is sent.', '10m')),
  },
  strict,
);
/** Who must agree. */
export type Approval = Static<typeof Approval>;

/** Where a listener listens, and who speaks TLS. */
const endpoint = (port: number) => ({
  host: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      default: '127.0.0.1',
      description: 'Address to listen on. Beyond this machine it takes tls or trustProxy.',
    }),
  ),
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, default: port })),
  tls: Type.Optional(
    Type.Object(
      { cert: Secret, key: Secret },
      { ...strict, description: 'Certificate chain and key, PEM.' },
    ),
  ),
  trustProxy: Type.Optional(
    Type.Array(Type.String({ pattern: '^[0-9a-fA-F:.]+(/[0-9]{1,3})?$', maxLength: 64 }), {
      minItems: 1,
      maxItems: 64,
      description:
        'Addresses and networks of the proxies in front, which speak TLS; nobody else may connect.',
    }),
  ),
});

/** The control-facing listener: what enforcement points and receivers read, each with a token. */
export const Listener = Type.Object(
  {
    ...endpoint(8443),
    consumers: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' }),
        Type.Object(
          {
            sha256: Type.String({
              pattern: '^[0-9a-f]{64}$',
              description: 'SHA-256 of its token: plumbline tokens new NAME.',
            }),
            scopes: Type.Array(Type.Enum(SCOPES), {
              minItems: 1,
              description: 'What the token is good for, and nothing else.',
            }),
            tenant: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 256,
                description: 'The tenant it reads. Absent: events without one.',
              }),
            ),
          },
          strict,
        ),
        { description: 'Who may ask, each by the hash of a token of its own.' },
      ),
    ),
  },
  {
    ...strict,
    description: 'Where posture, bundles and control are read. Absent: nothing listens.',
  },
);
/** The listener as written. */
export type Listener = Static<typeof Listener>;

/** Where the observer is asked how it does itself. */
export const SelfListener = Type.Object(
  {
    ...Listener.properties,
    port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, default: 9464 })),
    metrics: Type.Optional(
      Type.Enum(['token', 'open'], {
        default: 'token',
        description:
          'Who may read /metrics: a consumer with the scope metrics.read, or whoever reaches the port. Probes are always open.',
      }),
    ),
  },
  { ...strict, description: 'Probes and /metrics on a port of their own.' },
);
/** That listener as written. */
export type SelfListener = Static<typeof SelfListener>;

/** Self-observation: where it is read, and how it is measured. */
export const TelemetryConfig = Type.Object(
  {
    listener: Type.Optional(SelfListener),
    readyLag: Type.Optional(
      duration('Further behind its logs than this the observer is not ready.', '60s'),
    ),
    heartbeat: Type.Optional(
      duration(
        'How often sinks that ring at nobody are told that the observer works; 30 s to 4 min. Unset: never.',
        '60s',
      ),
    ),
    sampleEvery: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        default: 509,
        description: 'Of so many facts one is timed, detector by detector. 0: none is.',
      }),
    ),
  },
  strict,
);
/** What is sent to sources over HTTP: where it arrives, how much is taken, how long it is kept. */
export const IngestConfig = Type.Object(
  {
    listener: Type.Optional(
      Type.Object(endpoint(4318), {
        ...strict,
        description: 'A listener for ingest alone. Absent: control.listener has these routes, too.',
      }),
    ),
    bodyMiB: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 8, default: 8, description: 'A body as it is sent.' }),
    ),
    inflatedMiB: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, default: 64, description: 'A body once inflated.' }),
    ),
    perMinute: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 1_000_000,
        default: 60_000,
        description: 'Requests a minute of one token.',
      }),
    ),
    backlogMiB: Type.Optional(
      Type.Integer({
        minimum: 1,
        default: 1024,
        description: 'More than this is unread: senders are told to wait (429).',
      }),
    ),
    keep: Type.Optional(duration('The event log keeps records so long.', '7d')),
    keepMiB: Type.Optional(
      Type.Integer({
        minimum: 1,
        default: 5120,
        description: 'Above this the oldest records of the event log go.',
      }),
    ),
    unread: Type.Optional(
      Type.Enum(['keep', 'drop'] as const, {
        default: 'keep',
        description:
          'Records that are due and were not read: kept, or let go of, which is recorded as a gap.',
      }),
    ),
  },
  {
    ...strict,
    description:
      'Records that arrive over HTTP (`sources[].http`). With kafka they go to the topic; the event log is for fleets without.',
  },
);
/** The section as written. */
export type IngestConfig = Static<typeof IngestConfig>;

/** Control: drivers, the order in which they are tried, and who must agree. */
export const Control = Type.Object(
  {
    drivers: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_-]{0,31}$' }), PluginConfig, {
      description: 'Control targets by a name of yours; `type` says which kind.',
    }),
    chains: Type.Optional(
      perVerb(
        Type.Array(Type.String(), { minItems: 1, maxItems: 8 }),
        'Drivers by verb, tried in order: one that refuses or leaks gives way to the next. Absent: every driver that has the verb, as listed.',
      ),
    ),
    approval: Type.Optional(
      perVerb(Approval, 'Verbs that need a person. One that cannot be undone always does.'),
    ),
    approvers: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1, maxLength: 64 }),
        Type.Object({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, strict),
        {
          description:
            'Who may approve, each by the SHA-256 of a token: plumbline approvals token.',
        },
      ),
    ),
    listener: Type.Optional(Listener),
    verifyWithin: Type.Optional(
      duration('A request without an answer for so long: the next driver is asked as well.', '60s'),
    ),
    dryRun: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Everything is decided and recorded, and nothing is sent.',
      }),
    ),
  },
  strict,
);

/** How the work is shared among several processes. */
export const Lanes = Type.Object(
  {
    count: Type.Integer({
      minimum: 1,
      maximum: 1024,
      description:
        'Lanes, at least four for each process that is planned. It cannot be changed for a group.',
    }),
    topic: Type.Optional(
      Type.String({
        pattern: '^[a-zA-Z0-9._-]{1,249}$',
        default: 'plumbline.events',
        description: 'Internal topic with a partition for each lane; made where it is missing.',
      }),
    ),
    key: Type.Optional(
      Type.Enum(['tenant'], {
        default: 'tenant',
        description: 'What decides whose an event is: a tenant is folded in one lane.',
      }),
    ),
  },
  {
    ...strict,
    description:
      'Shares the work among processes of one group. Absent: one works, and others wait as standby.',
  },
);
/** Lanes as written. */
export type Lanes = Static<typeof Lanes>;

/** The whole configuration. */
export const Config = Type.Object(
  {
    instance: Type.Optional(
      Type.String({ description: 'Name of this observer.', default: 'plumbline' }),
    ),
    dataDir: Type.Optional(Type.String({ description: 'Own data folder.', default: '.plumbline' })),
    kafka: Type.Optional(
      Type.Object(
        {
          brokers: Type.Array(Type.String({ pattern: '^[^:]+:[0-9]+$' }), {
            minItems: 1,
            description: 'host:port of at least one broker.',
          }),
          group: Type.Optional(Type.String({ minLength: 1, default: 'plumbline' })),
          sessionTimeout: Type.Optional(duration('Kafka session time-out.', '45s')),
          undecodable: Type.Optional(
            Type.Enum(['stop', 'skip'], {
              default: 'stop',
              description:
                'A batch that cannot be unpacked, or unpacks beyond the limits: reading ends there, or goes on behind it with the gap recorded.',
            }),
          ),
          lanes: Type.Optional(Lanes),
        },
        strict,
      ),
    ),
    jsonl: Type.Optional(
      Type.Object(
        {
          path: Type.String({
            description: 'Folder with one file per topic: <topic>.jsonl or .jsonl.gz.',
          }),
          follow: Type.Optional(
            Type.Boolean({ description: 'Keep reading as files grow.', default: true }),
          ),
        },
        strict,
      ),
    ),
    database: Type.Optional(
      Type.Object(
        {
          url: Type.Optional(Secret),
        },
        { ...strict, description: 'Absent: DATABASE_URL, else an embedded server in dataDir.' },
      ),
    ),
    sources: Type.Array(SourceConfig, { minItems: 1 }),
    identities: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1, maxLength: 512 }),
        Type.Array(Type.String({ minLength: 1, maxLength: 1100 }), { minItems: 1, maxItems: 256 }),
        {
          description:
            'Agent → identities it goes by: VALUE, BASIS:VALUE, or BASIS:ISSUER#VALUE, for example jwt:https://id.example#billing.',
        },
      ),
    ),
    mappings: Type.Optional(
      Type.Object(
        { dir: Type.String({ description: 'Folder of mapping files of your own.' }) },
        strict,
      ),
    ),
    ingest: Type.Optional(IngestConfig),
    correlate: Type.Optional(
      Type.Object(
        {
          joinWindow: Type.Optional(duration('How far apart witnesses of one act may lie.', '30s')),
          closeGrace: Type.Optional(
            duration('Acts this soon after close still belong to it.', '10s'),
          ),
          quietMax: Type.Optional(
            duration('A source without a record this long proves nothing by absence.', '24h'),
          ),
          blindSessions: Type.Optional(
            Type.Integer({
              minimum: 2,
              maximum: 1000,
              default: 3,
              description: 'So many sessions in a row unseen by a source: the source is blind.',
            }),
          ),
          maxAgents: Type.Optional(Type.Integer({ minimum: 1000, default: 1_000_000 })),
          maxSessions: Type.Optional(Type.Integer({ minimum: 1000, default: 1_000_000 })),
          maxSessionsPerAgent: Type.Optional(Type.Integer({ minimum: 10, default: 1000 })),
          maxActsPerSession: Type.Optional(Type.Integer({ minimum: 64, default: 4096 })),
          maxActs: Type.Optional(
            Type.Integer({
              minimum: 10_000,
              default: 4_000_000,
              description: 'Acts of all sessions together; one agent may hold a sixteenth of them.',
            }),
          ),
          maxBuffered: Type.Optional(
            Type.Integer({
              minimum: 1000,
              default: 200_000,
              description:
                'Events that may wait for the watermark; above it sources that run ahead pause. Shared among lanes.',
            }),
          ),
          maxBufferedBytes: Type.Optional(
            Type.Integer({
              minimum: 1_048_576,
              default: 268_435_456,
              description:
                'Bytes of records whose events wait, likewise. At twice either the oldest are released early.',
            }),
          ),
        },
        strict,
      ),
    ),
    roles: Type.Optional(
      Type.Record(Type.String(), Type.Object({ mode: Type.Enum(MODES) }, strict), {
        description: 'Mode per role; `default` for the rest. Default: observe.',
      }),
    ),
    detectors: Type.Optional(
      Type.Object(
        {
          dir: Type.Optional(
            Type.String({ description: 'Folder of detectors.', default: 'detectors' }),
          ),
          maturity: Type.Optional(
            Type.Record(Type.String(), Type.Enum(MATURITIES), {
              description:
                'Overrides by file stem, or `hard` for all of that evidence class that are past shadow.',
            }),
          ),
          placeholders: Type.Optional(
            Type.Record(
              Type.String(),
              Type.Array(Type.Union([Type.String(), Type.Number()]), { minItems: 1 }),
              { description: 'Values that `%name%` stands for in rules with `expand`; literal.' },
            ),
          ),
        },
        strict,
      ),
    ),
    budgets: Type.Optional(
      Type.Object(
        {
          alert: Type.Optional(budget('Needless alerts', '1 per agent-week')),
          posture: Type.Optional(budget('Needless restrictions', '1 per agent-month')),
          freeze_tool: Type.Optional(budget('Needless freezes', '1 per fleet-week')),
          revoke_session: Type.Optional(budget('Needless revocations', '1 per fleet-month')),
          suspend_agent: Type.Optional(budget('Needless suspensions', '1 per fleet-quarter')),
        },
        {
          ...strict,
          description: 'False firings of calibrated evidence that are allowed, by rung.',
        },
      ),
    ),
    control: Type.Optional(Control),
    telemetry: Type.Optional(TelemetryConfig),
    sinks: Type.Optional(
      Type.Record(Type.String({ pattern: NAME }), PluginConfig, {
        description: 'Where people are told of cases, by a name that routes use.',
      }),
    ),
    routes: Type.Optional(
      Type.Array(RouteConfig, {
        maxItems: 100,
        description:
          'The first that fits decides; none: nobody is told. Absent: everything goes to every sink.',
      }),
    ),
    alerts: Type.Optional(
      Type.Object(
        {
          group: Type.Optional(
            duration('What is announced of a case within this time is told together.', '30s'),
          ),
          repeat: Type.Optional(
            duration('A case that goes on is told again, at the earliest, after this time.', '4h'),
          ),
          link: Type.Optional(
            Type.String({
              pattern: '^https?://',
              maxLength: 1000,
              description: 'Address of a case for people; `{case}` stands for its id.',
            }),
          ),
          ocsf: Type.Optional(
            Type.Enum(['1.8.0', '1.9.0-dev'], {
              description: 'Schema of findings; the second is not released.',
              default: '1.8.0',
            }),
          ),
        },
        strict,
      ),
    ),
    journal: Type.Optional(
      Type.Object(
        {
          signingKey: Type.Optional(Secret),
          checkpointEvery: Type.Optional(
            duration('How often the record is signed; 15 s at the least.', '5m'),
          ),
          keep: Type.Optional(
            duration(
              'Entries are let go of so long after they were signed. Unset: they are kept.',
              '400d',
            ),
          ),
        },
        {
          ...strict,
          description:
            'The signed record. `signingKey`: Ed25519 in PEM (PKCS #8); absent: one is made in dataDir.',
        },
      ),
    ),
    guardrails: Type.Optional(
      Type.Object(
        {
          neverTouch: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
              description:
                'Never acted upon: `agent:NAME`, `role:NAME`, or the bare name of an agent. What stands against them is lifted.',
            }),
          ),
          agentPerHour: Type.Optional(
            Type.Integer({
              minimum: 1,
              default: 12,
              description: 'New actions against one agent in an hour, at most.',
            }),
          ),
          fleetPerMinute: Type.Optional(
            Type.Integer({
              minimum: 1,
              default: 30,
              description: 'New actions in a minute for the agents of a tenant, at most.',
            }),
          ),
          coolDown: Type.Optional(
            duration('Between the end of a lease and the next of its kind.', '5m'),
          ),
          immunity: Type.Optional(duration('After an undo, for the same detector.', '15m')),
          leaseMax: Type.Optional(
            duration(
              'No lease is asked for longer at once; it is renewed while its cause lasts.',
              '4h',
            ),
          ),
          breakerFleetShare: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.05 })),
          breakerRoleShare: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.2 })),
          breakerWindow: Type.Optional(duration('Window of the fleet breaker.', '15m')),
        },
        strict,
      ),
    ),
  },
  {
    ...strict,
    $id: 'https://plumbline.dev/schema/config-1.json',
    title: 'Plumbline configuration',
  },
);
/** The whole configuration as written. */
export type Config = Static<typeof Config>;

/** Milliseconds of a duration as written in configuration. Throws on anything the schema refuses. */
export function durationMs(text: string): number {
  const match = /^([0-9]+)(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new RangeError(`not a duration: ${text}`);
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 'ms'];
  return Number(match[1]) * factor;
}
