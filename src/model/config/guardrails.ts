/** Guardrails in the configuration: what is never touched, and how much at most is done. */
import { Type } from 'typebox';
import { duration } from '../duration.ts';
import { strict } from './parts.ts';

/** Limits of what is done, whatever is found. */
export const GuardrailsConfig = Type.Object(
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
    coolDown: Type.Optional(duration('Between the end of a lease and the next of its kind.', '5m')),
    immunity: Type.Optional(duration('After an undo, for the same detector.', '15m')),
    leaseMax: Type.Optional(
      duration('No lease is asked for longer at once; it is renewed while its cause lasts.', '4h'),
    ),
    breakerFleetShare: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.05 })),
    breakerRoleShare: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.2 })),
    breakerWindow: Type.Optional(duration('Window of the fleet breaker.', '15m')),
  },
  strict,
);
