/** Alerts in the configuration: sinks, the routes to them, and how often people are told. */
import { type Static, Type } from 'typebox';
import { LEVELS } from '../detection.ts';
import { duration } from '../duration.ts';
import { strict } from './parts.ts';
import { PluginConfig } from './plugin.ts';

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

/** Sinks by the names that routes use. */
export const SinksConfig = Type.Record(Type.String({ pattern: NAME }), PluginConfig, {
  description: 'Where people are told of cases, by a name that routes use.',
});

/** Routes in the order in which they are tried. */
export const RoutesConfig = Type.Array(RouteConfig, {
  maxItems: 100,
  description:
    'The first that fits decides; none: nobody is told. Absent: everything goes to every sink.',
});

/** How what is announced is put together, repeated and linked. */
export const AlertsConfig = Type.Object(
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
);
