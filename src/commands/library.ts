/** Library: reads detectors, mappings and the tool inventory, and says all that is wrong. */
import { fileURLToPath } from 'node:url';
import { exists, listFolder, readYamlDocuments, readYamlFolder } from '../adapters/files.ts';
import { buildInventory } from '../baseline/inventory.ts';
import { readObjectives } from '../baseline/objectives-file.ts';
import { KINDS_OF_ANALYTIC } from '../detect/detect.ts';
import { readDetectorFile } from '../detect/detector-file.ts';
import { FAMILIES } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Problem } from '../model/errors.ts';
import type { Exception } from '../model/exception.ts';
import type { Inventory } from '../model/expectation.ts';
import type { ServiceLevels } from '../model/objective.ts';
import type { Measurement } from '../model/power.ts';
import { compileMappings } from '../source/mapping.ts';
import { BESIDE, readPower } from './library-power.ts';

/** Root of the installed package: its own detectors, mappings and baselines lie there. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Everything that is read from YAML besides the configuration. */
export interface Library {
  readonly detectors: readonly Detector[];
  readonly mappings: ReturnType<typeof compileMappings>['mappings'];
  readonly inventory: Inventory;
  readonly levels: ServiceLevels;
  readonly problems: readonly Problem[];
  /** Measurements of the versions that are there, by stem. */
  readonly measured: ReadonlyMap<string, Measurement>;
  readonly exceptions: readonly Exception[];
  /** What a person should know although nothing is wrong. */
  readonly remarks: readonly string[];
}

/** Reads it all. A broken detector or mapping is left out and said; the others are there. */
export async function readLibrary(detectorsDir: string): Promise<Library> {
  const detectors: Detector[] = [];
  const problems: Problem[] = [];
  for (const family of FAMILIES) {
    const read = await readYamlFolder(`${detectorsDir}/${family}`, { optional: true });
    problems.push(...read.problems);
    for (const file of read.files) {
      if (BESIDE.test(file.file)) continue;
      const texts = file.documents.map(({ value, lineOf }) => ({
        ...{ file: file.file, document: value, lineOf },
      }));
      const result = readDetectorFile(texts, KINDS_OF_ANALYTIC);
      problems.push(...result.problems);
      if (result.detector !== null) detectors.push(result.detector);
    }
  }
  problems.push(...twice(detectors));
  if (detectors.length === 0 && problems.length === 0) {
    const found = (await listFolder(detectorsDir)).join(', ');
    const message = `no detector in ${FAMILIES.join('/, ')}/; the folder holds: ${found || 'nothing'}`;
    problems.push({ file: detectorsDir, line: null, key: '', message });
  }
  const maps = await readYamlFolder(`${ROOT}mappings`, { optional: true });
  const compiled = compileMappings(maps.files);
  problems.push(...maps.problems, ...compiled.problems);
  const tools = await readYamlDocuments(`${ROOT}baselines/tools.yaml`);
  const built = buildInventory([tools.file]);
  problems.push(...tools.problems, ...built.problems);
  const { levels, problems: unsound } = await readLevels();
  problems.push(...unsound);
  const power = await readPower(detectorsDir, detectors);
  problems.push(...power.problems);
  const { measured, exceptions, remarks } = power;
  const { mappings } = compiled;
  const { inventory } = built;
  return { detectors, mappings, inventory, levels, problems, measured, exceptions, remarks };
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
