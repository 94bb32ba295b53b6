/** Self-observation in the configuration: where it is read, and how it is measured. */
import { type Static, Type } from 'typebox';
import { duration } from '../duration.ts';
import { Listener } from './listener.ts';
import { strict } from './parts.ts';

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
