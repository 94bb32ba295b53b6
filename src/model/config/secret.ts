/** Secrets as configuration refers to them: by variable or file, never inline. */
import { type Static, Type } from 'typebox';
import { strict } from './parts.ts';

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
