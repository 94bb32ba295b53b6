/** Library: reads detectors, mappings and the tool inventory, and says all that is wrong. */
import { fileURLToPath } from 'node:url';
import { listFolder, readYamlDocuments, readYamlFolder } from '../adapters/files.ts';
import { buildInventory } from '../baseline/inventory.ts';
import { KINDS_OF_ANALYTIC } from '../detect/detect.ts';
import { readDetector } from '../detect/detector-file.ts';
import { NO_TAXONOMY, readTaxonomy, type Taxonomy, tagProblems } from '../detect/taxonomy.ts';
import { FAMILIES } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Problem } from '../model/errors.ts';
import type { Inventory } from '../model/expectation.ts';
import { compileMappings } from '../source/mapping.ts';

/** Root of the installed package: its own detectors, mappings and baselines lie there. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Everything that is read from YAML besides the configuration. */
export interface Library {
  readonly detectors: readonly Detector[];
  readonly mappings: ReturnType<typeof compileMappings>['mappings'];
  readonly inventory: Inventory;
  /** Public ids that tags may name. */
  readonly taxonomy: Taxonomy;
  readonly problems: readonly Problem[];
}

/** Reads it all. A broken detector or mapping is left out and said; the others are there. */
export async function readLibrary(detectorsDir: string): Promise<Library> {
  const detectors: Detector[] = [];
  const problems: Problem[] = [];
  const ids = await readTaxonomyFile();
  problems.push(...ids.problems);
  for (const family of FAMILIES) {
    const read = await readYamlFolder(`${detectorsDir}/${family}`, { optional: true });
    problems.push(...read.problems);
    for (const file of read.files) {
      if (/\.test\.ya?ml$/.test(file.file)) continue;
      for (const { value, lineOf } of file.documents) {
        const text = { file: file.file, document: value, lineOf };
        const result = readDetector(text, KINDS_OF_ANALYTIC);
        problems.push(...result.problems);
        if (result.detector === null) continue;
        detectors.push(result.detector);
        problems.push(...tagProblems(result.detector.tags, ids.taxonomy, text));
      }
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
  const { taxonomy } = ids;
  const { mappings } = compiled;
  return { detectors, mappings, inventory: built.inventory, taxonomy, problems };
}

/** The lists of public ids that the package brings. */
export async function readTaxonomyFile(): Promise<ReturnType<typeof readTaxonomy>> {
  const file = `${ROOT}detectors/taxonomy.json`;
  const read = await readYamlDocuments(file);
  const [document] = read.file.documents;
  if (read.problems.length > 0 || document === undefined)
    return { taxonomy: NO_TAXONOMY, problems: read.problems };
  return readTaxonomy(document.value, { file, lineOf: document.lineOf });
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
