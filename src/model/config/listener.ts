/** Listeners in the configuration: where one listens, who speaks TLS, who may ask what. */
import { type Static, Type } from 'typebox';
import { SCOPES } from '../route.ts';
import { sha256, strict } from './parts.ts';
import { Secret } from './secret.ts';

/** Where a listener listens, and who speaks TLS. */
export const endpoint = (port: number) => ({
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
            sha256: sha256('SHA-256 of its token: plumbline tokens new NAME.'),
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
