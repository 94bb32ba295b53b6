/** Library: reads detectors, mappings and the tool inventory, and says all that is wrong. */
import { fileURLToPath } from 'node:url';
import { systemClock } from '../adapters/clock.ts';
import {
  exists,
  listFolder,
  readYamlDocuments,
  readYamlFolder,
  type YamlFile,
} from '../adapters/files.ts';
import { buildInventory } from '../baseline/inventory.ts';
import { readObjectives } from '../baseline/objectives-file.ts';
import { KINDS_OF_ANALYTIC } from '../detect/detect.ts';
import { type DetectorText, readDetectorFile } from '../detect/detector-file.ts';
import {
  applyFilters,
  type FilterRead,
  type FiltersRead,
  readFilter,
} from '../detect/sigma/filter.ts';
import type { RuleOptions } from '../detect/sigma/values.ts';
import type { Taxonomy } from '../detect/taxonomy.ts';
import { FAMILIES } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Problem } from '../model/errors.ts';
import type { Exception } from '../model/exception.ts';
import type { Inventory } from '../model/expectation.ts';
import type { ServiceLevels } from '../model/objective.ts';
import type { Measurement } from '../model/power.ts';
import { compileMappings } from '../source/mapping.ts';
import { BESIDE, readPower } from './library-power.ts';
import { readTaxonomyFile, tagsUnknown } from './taxonomy-file.ts';

/** Root of the installed package: its own detectors, mappings and baselines lie there. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Everything that is read from YAML besides the configuration. */
export interface Library {
  readonly detectors: readonly Detector[];
  readonly mappings: ReturnType<typeof compileMappings>['mappings'];
  readonly inventory: Inventory;
  /** Public ids that tags may name. */
  readonly taxonomy: Taxonomy;
  readonly levels: ServiceLevels;
  readonly problems: readonly Problem[];
  /** Measurements of the versions that are there, by stem. */
  readonly measured: ReadonlyMap<string, Measurement>;
  readonly exceptions: readonly Exception[];
  /** What a person should know although nothing is wrong. */
  readonly remarks: readonly string[];
  /** What stops nothing and is to be said: filters that expired, or keep what they name. */
  readonly warnings: readonly Problem[];
}

/** What reading detectors takes from the configuration. */
export interface LibraryOptions {
  /** Values of `%name%` in rules with `expand`. */
  readonly placeholders?: Readonly<Record<string, readonly (string | number)[]>>;
  /** Folder of the deployment's own mapping files, beside those we ship. */
  readonly mappingsDir?: string;
}

/** Reads it all. A broken detector or mapping is left out and said; the others are there. */
export async function readLibrary(
  detectorsDir: string,
  options: LibraryOptions = {},
): Promise<Library> {
  const rules = ruleOptions(options);
  const detectors: Detector[] = [];
  const problems: Problem[] = [];
  const ids = await readTaxonomyFile(ROOT);
  problems.push(...ids.problems);
  for (const family of FAMILIES) {
    // Cases are four fifths of the text, and only the lint and the tests want them.
    const read = await readYamlFolder(`${detectorsDir}/${family}`, {
      optional: true,
      wanted: (name) => !BESIDE.test(name),
    });
    problems.push(...read.problems);
    for (const file of read.files) {
      const result = readDetectorFile(textsOf(file), KINDS_OF_ANALYTIC, rules);
      problems.push(...result.problems);
      if (result.detector === null || file.faulty.length > 0) continue;
      detectors.push(result.detector);
      problems.push(...tagsUnknown(result.detector.tags, ids.taxonomy, textsOf(file)));
    }
  }
  problems.push(...twice(detectors));
  const filters = await readFilters(`${detectorsDir}/filters`, rules);
  const filtered = applyFilters(detectors, filters.value);
  problems.push(...filters.problems, ...filtered.problems);
  if (detectors.length === 0 && problems.length === 0) {
    const found = (await listFolder(detectorsDir)).join(', ');
    const message = (await exists(detectorsDir))
      ? `no detector in ${FAMILIES.join('/, ')}/; the folder holds: ${found || 'nothing'}`
      : 'there is no such folder';
    problems.push({ file: detectorsDir, line: null, key: '', message });
  }
  // Fixtures lie beside them.
  const wanted = (name: string) => !BESIDE.test(name);
  const maps = await readYamlFolder(`${ROOT}mappings`, { optional: true, wanted });
  const own =
    options.mappingsDir === undefined
      ? { files: [], problems: [] }
      : await readYamlFolder(options.mappingsDir, { wanted });
  const compiled = compileMappings([...maps.files, ...own.files]);
  problems.push(...maps.problems, ...own.problems, ...compiled.problems);
  const tools = await readYamlDocuments(`${ROOT}baselines/tools.yaml`);
  const built = buildInventory([tools.file]);
  problems.push(...tools.problems, ...built.problems);
  const { levels, problems: unsound } = await readLevels();
  problems.push(...unsound);
  const power = await readPower(detectorsDir, filtered.detectors);
  problems.push(...power.problems);
  const { measured, exceptions, remarks } = power;
  return {
    detectors: filtered.detectors,
    mappings: compiled.mappings,
    inventory: built.inventory,
    taxonomy: ids.taxonomy,
    ...{ levels, problems, warnings: filters.warnings, measured, exceptions, remarks },
  };
}

/** Objectives beside the other baselines; without the file nothing is promised. */
async function readLevels(): Promise<{
  readonly levels: ServiceLevels;
  readonly problems: readonly Problem[];
}> {
  const path = `${ROOT}baselines/objectives.yaml`;
  if (!(await exists(path))) return readObjectives([]);
  const { file, problems } = await readYamlDocuments(path);
  const read = readObjectives([file]);
  return { levels: read.levels, problems: [...problems, ...read.problems] };
}

function ruleOptions({ placeholders = {} }: LibraryOptions): RuleOptions {
  const values = Object.entries(placeholders).map(
    ([name, list]) => [name, list.map(String)] as const,
  );
  return { placeholders: new Map(values), unresolved: 'refuse' };
}

/** Filters of a folder; the day decides which of them have expired. */
async function readFilters(
  folder: string,
  rules: RuleOptions,
): Promise<FiltersRead<readonly FilterRead[]>> {
  const wanted = (name: string) => !/\.test\.ya?ml$/.test(name);
  const read = await readYamlFolder(folder, { optional: true, wanted });
  const filters: FilterRead[] = [];
  const problems = [...read.problems];
  const warnings: Problem[] = [];
  for (const file of read.files) {
    for (const text of textsOf(file)) {
      const one = readFilter(text, systemClock.nowMs(), rules);
      problems.push(...one.problems);
      warnings.push(...one.warnings);
      if (one.value !== null && file.faulty.length === 0) filters.push(one.value);
    }
  }
  return { value: filters, problems, warnings };
}

/** Every document that can be judged, those with a key twice included. */
function textsOf(file: YamlFile): DetectorText[] {
  return [...file.documents, ...file.faulty].map(({ value, lineOf }) => ({
    file: file.file,
    document: value,
    lineOf,
  }));
}

function twice(detectors: readonly Detector[]): Problem[] {
  const problems: Problem[] = [];
  const byId = new Map<string, Detector>();
  const byStem = new Map<string, Detector>();
  for (const detector of detectors) {
    const same = byId.get(detector.uuid) ?? byStem.get(detector.stem);
    if (same !== undefined)
      problems.push({
        file: detector.file,
        line: null,
        key: 'id',
        message: `shares its id or file name with ${same.file}; both must be unique`,
      });
    byId.set(detector.uuid, detector);
    byStem.set(detector.stem, detector);
  }
  return problems;
}
