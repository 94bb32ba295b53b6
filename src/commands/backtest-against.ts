/** The other version of a comparison: a folder of detectors, or a revision of it. */
import path from 'node:path';
import { exists, writeAtomic } from '../adapters/files.ts';
import { readRevision } from '../adapters/git.ts';
import type { Problem } from '../model/errors.ts';
import { usage } from './arguments.ts';
import { problemLines } from './config.ts';
import { inTemporaryFolder } from './evaluate-fleet.ts';
import { type Library, type LibraryOptions, readLibrary } from './library.ts';
import { safe } from './output.ts';

/** Detectors to compare with. */
export interface OtherVersion {
  /** What it is, for people: the folder, or revision and commit. */
  readonly name: string;
  readonly library: Library;
  /** Files that could not be used: they are left out of the comparison, and said. */
  readonly problems: readonly string[];
}

const COMMIT_SHOWN = 12;
const DETECTOR = /^[a-z]+\/[^/]+\.ya?ml$/;

/**
 * Reads the detectors that `against` names: a folder where there is one, else a git revision of `dir`.
 * An old text that today's schema refuses is left out and named; with none left it is a mistake.
 */
export async function otherVersion(
  against: string,
  dir: string,
  options: LibraryOptions,
): Promise<OtherVersion> {
  if (await exists(against)) return named(against, await readLibrary(against, options), against);
  const { commit, files } = await readRevision(dir, against, (file) => DETECTOR.test(file));
  const name = `${against} (${commit.slice(0, COMMIT_SHOWN)})`;
  if (files.size === 0) throw usage(`${against}: ${dir} held no detector then`);
  return await inTemporaryFolder(async (folder) => {
    for (const [file, content] of files) await writeAtomic(path.join(folder, file), content);
    return named(name, await readLibrary(folder, options), folder);
  });
}

function named(name: string, library: Library, folder: string): OtherVersion {
  const own = library.problems.filter(({ file }) => file.startsWith(folder));
  const problems = problemLines(own.map((problem) => below(problem, folder, name)));
  if (library.detectors.length === 0)
    throw usage(`${name} holds no detector that can be used\n${problems.join('\n')}`);
  return { name, library, problems: problems.map((line) => safe(line, 500)) };
}

/** Where a file lay in the folder that is compared, not where it lies for the moment. */
function below(problem: Problem, folder: string, name: string): Problem {
  return { ...problem, file: `${name}: ${path.relative(folder, problem.file)}` };
}
