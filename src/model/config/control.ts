/** Control in the configuration: drivers, their order, and who must agree. */
import { type Static, type TOptional, type TSchema, Type } from 'typebox';
import { VERBS, type Verb } from '../decision.ts';
import { duration } from '../duration.ts';
import { Listener } from './listener.ts';
import { SHA256, strict } from './parts.ts';
import { PluginConfig } from './plugin.ts';

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
        Type.Object({ sha256: Type.String({ pattern: SHA256 }) }, strict),
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
