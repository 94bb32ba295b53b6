/** Correlation in the configuration: how far witnesses may lie apart, and how much is kept. */
import { Type } from 'typebox';
import { duration } from '../duration.ts';
import { strict } from './parts.ts';

/** Windows of correlation, and bounds of what it keeps. */
export const CorrelateConfig = Type.Object(
  {
    joinWindow: Type.Optional(duration('How far apart witnesses of one act may lie.', '30s')),
    closeGrace: Type.Optional(duration('Acts this soon after close still belong to it.', '10s')),
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
);
