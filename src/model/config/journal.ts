/** The signed record in the configuration: its key, its checkpoints, and how long it stays. */
import { Type } from 'typebox';
import { duration } from '../duration.ts';
import { strict } from './parts.ts';
import { Secret } from './secret.ts';

/** How the record is signed and kept. */
export const JournalConfig = Type.Object(
  {
    signingKey: Type.Optional(Secret),
    checkpointEvery: Type.Optional(
      duration('How often the record is signed; 15 s at the least.', '5m'),
    ),
    keep: Type.Optional(
      duration(
        'Entries are let go of so long after they were signed. Unset: they are kept.',
        '400d',
      ),
    ),
  },
  {
    ...strict,
    description:
      'The signed record. `signingKey`: Ed25519 in PEM (PKCS #8); absent: one is made in dataDir.',
  },
);
