/** `coverage`: which ids of public lists and which failures the detectors answer. */
import { exists, readYamlDocuments, writeAtomic } from '../adapters/files.ts';
import { type Coverage, coverageOf } from '../detect/coverage.ts';
import { type FailuresFile, readFailures } from '../detect/failures.ts';
import type { Detector } from '../model/detector.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import type { Command } from './command.ts';
import { problemLines } from './config.ts';
import { coverageLines, coveragePage } from './coverage-page.ts';
import { configOrNull, detectorsDir, libraryOf } from './inputs.ts';
import { type Library, ROOT } from './library.ts';

/** The command. */
export const coverage: Command = {
  name: 'coverage',
  synopsis: 'coverage [--detectors DIR] [--all] [--write FILE]',
  summary: 'draw which ATLAS and OWASP ids and which failures the detectors answer, and the gaps',
  options: { detectors: 'value', all: 'flag', write: 'value' },
  run: async (given, { output }) => {
    const config = await configOrNull(given);
    const library = await libraryOf(given, config);
    const found = await readCoverage(library, detectorsDir(given, config));
    if (found.problems.length > 0)
      throw new OperatingError('CONFIG_INVALID', problemLines(found.problems).join('\n'), {
        retryable: false,
      });
    const file = given.value('write');
    if (file !== undefined) await writeAtomic(file, coveragePage(found.coverage));
    output.json(found.coverage);
    for (const line of coverageLines(found.coverage, given.has('all'))) output.line(line);
    if (file !== undefined) output.line(`\nWritten to ${file}.`);
    return 0;
  },
};

/**
 * Coverage of a library by the list of failures beside its detectors, else by that of the package;
 * of the latter a library of somebody else's need not have the detectors.
 */
export async function readCoverage(
  { detectors, taxonomy }: Pick<Library, 'detectors' | 'taxonomy'>,
  folder: string,
): Promise<{ readonly coverage: Coverage; readonly problems: readonly Problem[] }> {
  const own = `${folder}/failures.yaml`;
  const isOwn = await exists(own);
  const { failures, problems } = await failuresIn(
    isOwn ? own : `${ROOT}detectors/failures.yaml`,
    detectors,
  );
  const list = failures ?? { complete: false, planned: [], failures: [] };
  return {
    coverage: coverageOf(detectors, taxonomy, list),
    problems: isOwn ? problems : [],
  };
}

async function failuresIn(
  file: string,
  detectors: readonly Detector[],
): Promise<{ readonly failures: FailuresFile | null; readonly problems: readonly Problem[] }> {
  const read = await readYamlDocuments(file);
  const [document] = read.file.documents;
  if (read.problems.length > 0 || document === undefined)
    return { failures: null, problems: read.problems };
  const stems = new Set(detectors.map(({ stem }) => stem));
  return readFailures(document.value, stems, { file, lineOf: document.lineOf });
}
