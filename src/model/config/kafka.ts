/** Kafka in the configuration: the cluster, the group, and lanes that members share. */
import { type Static, Type } from 'typebox';
import { duration } from '../duration.ts';
import { strict } from './parts.ts';

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

/** The cluster that is read, and as whom. */
export const KafkaConfig = Type.Object(
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
);
