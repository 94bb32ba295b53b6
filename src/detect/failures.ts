/** Failures: what the founding texts say goes wrong, and which detectors answer it. */
import { type Static, Type } from 'typebox';
import type { Problem } from '../model/errors.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import { editDistance } from './derived/near-miss.ts';

const strict = { additionalProperties: false } as const;
const Stem = Type.String({
  pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$',
  description: 'Stem of a file.',
});

/** The data file `detectors/failures.yaml`. */
export const FailuresFile = Type.Object(
  {
    complete: Type.Boolean({ description: 'Is every failure answered that can be?' }),
    planned: Type.Array(Stem, { description: 'Stems that are still to be written.' }),
    failures: Type.Array(
      Type.Object(
        {
          id: Stem,
          from: Type.String({ minLength: 1, description: 'Text that names it.' }),
          says: Type.String({ minLength: 20, maxLength: 240, description: 'One sentence.' }),
          detectors: Type.Array(Stem, { description: 'Stems of the detectors that answer it.' }),
          outside: Type.Optional(
            Type.String({ minLength: 20, description: 'Why no detector can answer it.' }),
          ),
        },
        strict,
      ),
    ),
  },
  strict,
);

/** The file as written. */
export type FailuresFile = Static<typeof FailuresFile>;
/** One failure. */
export type Failure = FailuresFile['failures'][number];

/**
 * Reads the list. Problems: what breaks the schema, ids twice, stems that are neither a detector nor
 * planned, failures that say nothing; and once the list calls itself complete, whatever is planned.
 */
export function readFailures(
  value: unknown,
  stems: ReadonlySet<string>,
  where: Located,
): { readonly failures: FailuresFile | null; readonly problems: readonly Problem[] } {
  const broken = schemaProblems(FailuresFile, value, where);
  if (broken.length > 0) return { failures: null, problems: broken };
  const file = value as FailuresFile;
  const problems: Problem[] = [];
  const say = (path: readonly (string | number)[], message: string) =>
    problems.push(problemAt(where, path, message));
  const planned = new Set(file.planned);
  const seen = new Set<string>();
  file.failures.forEach((failure, at) => {
    const path = ['failures', at];
    if (seen.has(failure.id)) say([...path, 'id'], `${failure.id} is listed twice`);
    seen.add(failure.id);
    if (failure.detectors.length === 0 && failure.outside === undefined)
      say(path, 'names detectors, or says under `outside` why there can be none');
    failure.detectors.forEach((stem, n) => {
      if (stems.has(stem) || (planned.has(stem) && !file.complete)) return;
      const known = [...stems, ...planned];
      say([...path, 'detectors', n], `no detector of this stem${meant(stem, known)}`);
    });
  });
  if (file.complete && file.planned.length > 0)
    say(['planned'], 'a list that is complete plans nothing');
  const named = new Set(file.failures.flatMap(({ detectors }) => detectors));
  file.planned.forEach((stem, at) => {
    if (!named.has(stem)) say(['planned', at], `no failure names ${stem}`);
  });
  return { failures: file, problems };
}

function meant(stem: string, known: readonly string[]): string {
  const near = known
    .map((name) => ({ name, distance: editDistance(stem, name, 3) }))
    .filter(({ distance }) => Number.isFinite(distance))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return near[0] === undefined ? '' : `; did you mean ${near[0].name}?`;
}
