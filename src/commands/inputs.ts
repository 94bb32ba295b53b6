/** Inputs: the configuration and library a command was given, refused as a whole if wrong. */
import { exists } from '../adapters/files.ts';
import type { Config } from '../model/config.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import type { Given } from './arguments.ts';
import { DEFAULT_SOURCES, problemLines } from './config.ts';
import { type Library, type LibraryOptions, ROOT, readLibrary } from './library.ts';
import { readConfig } from './read-config.ts';

/** File that is read where no --config is given and it exists. */
export const CONFIG_FILE = 'plumbline.yaml';

/** The configuration named by --config, or plumbline.yaml here, or null where there is neither. */
export async function configOrNull(given: Given): Promise<Config | null> {
  const named = given.value('config');
  if (named === undefined && !(await exists(CONFIG_FILE))) return null;
  const read = await readConfig(named ?? CONFIG_FILE);
  refuse(read.problems);
  return read.config;
}

/** The same, with the defaults of a fresh checkout where there is no file. */
export async function configOf(given: Given): Promise<{ config: Config; file: string }> {
  const config = await configOrNull(given);
  const file = given.value('config') ?? CONFIG_FILE;
  return config === null
    ? { config: { sources: [...DEFAULT_SOURCES] }, file: '(no configuration)' }
    : { config, file };
}

/** Folder of detectors: --detectors, the configuration's, or the package's own. */
export function detectorsDir(given: Given, config: Config | null): string {
  const own = `${ROOT}detectors`;
  return given.value('detectors') ?? config?.detectors?.dir ?? own;
}

/** What the configuration says of reading detectors and mappings. */
export function libraryOptions(config: Config | null): LibraryOptions {
  const placeholders = config?.detectors?.placeholders;
  const mappingsDir = config?.mappings?.dir;
  return {
    ...(placeholders === undefined ? {} : { placeholders }),
    ...(mappingsDir === undefined ? {} : { mappingsDir }),
  };
}

/** The library; every problem of every file is said before anything else happens. */
export async function libraryOf(given: Given, config: Config | null): Promise<Library> {
  const library = await readLibrary(detectorsDir(given, config), libraryOptions(config));
  refuse(library.problems);
  return library;
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  throw new OperatingError('CONFIG_INVALID', problemLines(problems).join('\n'), {
    retryable: false,
  });
}
