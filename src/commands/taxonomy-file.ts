/** Taxonomy file: reads the public ids the package brings, and checks tags where they stand. */
import { readYamlDocuments } from '../adapters/files.ts';
import type { DetectorText } from '../detect/detector-file.ts';
import { NO_TAXONOMY, readTaxonomy, type Taxonomy, tagProblems } from '../detect/taxonomy.ts';
import type { Problem } from '../model/errors.ts';

/** The lists of public ids below the package's root. */
export async function readTaxonomyFile(root: string): Promise<ReturnType<typeof readTaxonomy>> {
  const file = `${root}detectors/taxonomy.json`;
  const read = await readYamlDocuments(file);
  const [document] = read.file.documents;
  if (read.problems.length > 0 || document === undefined)
    return { taxonomy: NO_TAXONOMY, problems: read.problems };
  return readTaxonomy(document.value, { file, lineOf: document.lineOf });
}

/** Tags of a detector that no list knows, with the line of the document that bears them. */
export function tagsUnknown(
  tags: readonly string[],
  taxonomy: Taxonomy,
  texts: readonly DetectorText[],
): readonly Problem[] {
  const bears = ({ document }: DetectorText) =>
    typeof document === 'object' && document !== null && Object.hasOwn(document, 'plumbline');
  const text = texts.find(bears) ?? texts[0];
  return text === undefined ? [] : tagProblems(tags, taxonomy, text);
}
