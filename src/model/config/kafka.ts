/** Kafka in the configuration: the cluster, the group, and lanes that members share. */
import { type Static, Type } from 'typebox';
import { duration } from '../duration.ts';
import { strict } from './parts.ts';
import { Secret } from './secret.ts';

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

/** TLS to the brokers. */
export const KafkaTls = Type.Object(
  {
    ca: Type.Optional(Secret),
    cert: Type.Optional(Secret),
    key: Type.Optional(Secret),
    servername: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._-]{1,253}$',
        description:
          "Name that the brokers' certificates bear, where it is not that of their address.",
      }),
    ),
  },
  {
    ...strict,
    description:
      'Brokers are spoken to over TLS, and their certificates verified: by `ca`, PEM, or by the authorities of the system. `cert` and `key`, PEM, are ours, where brokers ask for one. `{}` is enough for a public authority.',
  },
);

/** Who we are to the brokers. */
export const KafkaSasl = Type.Object(
  {
    mechanism: Type.Enum(['scram-sha-512', 'scram-sha-256', 'plain'], {
      description: 'Where brokers offer several: the first of these. `plain` needs `tls`.',
    }),
    username: Type.String({ minLength: 1, maxLength: 255 }),
    password: Secret,
  },
  {
    ...strict,
    description: 'Name and password by which brokers know us. Absent: nobody in particular.',
  },
);

/** The cluster that is read, and as whom. */
export const KafkaConfig = Type.Object(
  {
    brokers: Type.Array(Type.String({ pattern: '^[^:]+:[0-9]+$' }), {
      minItems: 1,
      description: 'host:port of at least one broker.',
    }),
    tls: Type.Optional(KafkaTls),
    sasl: Type.Optional(KafkaSasl),
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
);
/** The same as written. */
export type KafkaConfig = Static<typeof KafkaConfig>;
