/** Detectors in the configuration: where they lie, and how far each is trusted here. */
import { Type } from 'typebox';
import { MATURITIES } from '../detection.ts';
import { strict } from './parts.ts';

/** Detectors of this deployment. */
export const DetectorsConfig = Type.Object(
  {
    dir: Type.Optional(Type.String({ description: 'Folder of detectors.', default: 'detectors' })),
    maturity: Type.Optional(
      Type.Record(Type.String(), Type.Enum(MATURITIES), {
        description:
          'Overrides by file stem, or `hard` for all of that evidence class that are past shadow.',
      }),
    ),
    placeholders: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Array(Type.Union([Type.String(), Type.Number()]), { minItems: 1 }),
        { description: 'Values that `%name%` stands for in rules with `expand`; literal.' },
      ),
    ),
  },
  strict,
);
