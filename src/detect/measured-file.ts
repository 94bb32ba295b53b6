/** Measurement records: what benign traffic showed of one version of a detector. */
import { type Static, Type } from 'typebox';
import type { Problem } from '../model/errors.ts';
import { MEASURED_WHERE, type Measurement } from '../model/power.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';

/** A document of `detectors/<family>/<stem>.measured.yaml`; written by `measure`. */
export const MeasuredDocument = Type.Object(
  {
    version: Type.String({
      pattern: '^[0-9a-f]{16}$',
      description: 'Version of the detector that was measured.',
    }),
    benignUnits: Type.Integer({ minimum: 0, description: 'Sessions in which nothing was wrong.' }),
    falseAlarms: Type.Integer({ minimum: 0, description: 'Those of them in which it fired.' }),
    where: Type.Enum(MEASURED_WHERE, { description: 'Where the units were seen.' }),
    date: Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}$',
      description: 'Day of the measurement.',
    }),
  },
  {
    additionalProperties: false,
    $id: 'https://plumbline.dev/schema/measured-1.json',
    title: 'Plumbline measurement',
  },
);
type MeasuredDocument = Static<typeof MeasuredDocument>;

/**
 * Reads a record. A file is a claim by whoever can write it, so it cannot claim live units: those are
 * counted in the database. `problems` is empty if and only if `measured` is there.
 */
export function readMeasured(
  document: unknown,
  where: Located,
): { readonly measured: Measurement | null; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [...schemaProblems(MeasuredDocument, document, where)];
  if (problems.length > 0) return { measured: null, problems };
  const measured = document as MeasuredDocument;
  if (measured.falseAlarms > measured.benignUnits)
    problems.push(problemAt(where, ['falseAlarms'], 'more false alarms than units'));
  if (measured.where === 'live')
    problems.push(problemAt(where, ['where'], 'live units are counted by the daemon, not written'));
  return problems.length > 0 ? { measured: null, problems } : { measured, problems };
}
