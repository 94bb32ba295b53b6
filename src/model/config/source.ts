/** Sources in the configuration: who writes a topic, how it is read, what is believed. */
import { type Static, Type } from 'typebox';
import { duration } from '../duration.ts';
import { KINDS, TRUSTS } from '../event.ts';
import { sha256, strict } from './parts.ts';
import { Secret } from './secret.ts';

const SettingValue = Type.Union(
  [
    Type.String({ maxLength: 1024 }),
    Type.Array(Type.String({ maxLength: 1024 }), { minItems: 1, maxItems: 64 }),
  ],
  { description: 'A JSON Pointer, or what the setting asks for; or several.' },
);

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
      duration('Caught up and without events this long: it no longer holds the watermark.', '30s'),
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
