/** Taxonomy: the public ids detectors may name in their tags, and what a wrong one meant. */
import { type Static, Type } from 'typebox';
import type { Problem } from '../model/errors.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import { editDistance } from './derived/near-miss.ts';

const strict = { additionalProperties: false } as const;
const Entry = Type.Object({ id: Type.String({ minLength: 1 }), name: Type.String() }, strict);

/** The data file `detectors/taxonomy.json`: names and ids of public lists. */
export const TaxonomyFile = Type.Object(
  {
    taxonomies: Type.Array(
      Type.Object(
        {
          namespace: Type.String({
            description: 'Namespace of the tags: what stands before the dot.',
          }),
          title: Type.String(),
          version: Type.String(),
          complete: Type.Boolean({ description: 'Does it hold all ids of the list?' }),
          groups: Type.Array(Entry, { description: 'Groups of ids, for example tactics.' }),
          ids: Type.Array(
            Type.Object(
              {
                id: Type.String({ minLength: 1 }),
                name: Type.String(),
                groups: Type.Array(Type.String()),
              },
              strict,
            ),
          ),
        },
        strict,
      ),
    ),
  },
  strict,
);

/** One public list. */
export type PublicList = Static<typeof TaxonomyFile>['taxonomies'][number];

/** Every id a tag may name. */
export interface Taxonomy {
  readonly lists: readonly PublicList[];
  /** Name of what a tag names; null where no list has it. */
  nameOf(tag: string): string | null;
}

/** A taxonomy without any list: every tag is then unknown. */
export const NO_TAXONOMY: Taxonomy = taxonomyOf([]);

/** Reads the data file; problems name what is wrong, and the lists are then empty. */
export function readTaxonomy(
  value: unknown,
  where: Located,
): { readonly taxonomy: Taxonomy; readonly problems: readonly Problem[] } {
  const problems = schemaProblems(TaxonomyFile, value, where);
  if (problems.length > 0) return { taxonomy: NO_TAXONOMY, problems };
  return { taxonomy: taxonomyOf((value as Static<typeof TaxonomyFile>).taxonomies), problems };
}

function taxonomyOf(lists: readonly PublicList[]): Taxonomy {
  const names = new Map<string, string>();
  for (const { namespace, ids } of lists)
    for (const { id, name } of ids) names.set(`${namespace}.${id}`, name);
  return { lists, nameOf: (tag) => names.get(tag) ?? null };
}

/** Every tag that no list knows, with those that were probably meant. `path` is where the tags stand. */
export function tagProblems(
  tags: readonly string[],
  taxonomy: Taxonomy,
  where: Located,
  path: readonly (string | number)[] = ['tags'],
): Problem[] {
  return tags.flatMap((tag, at) => {
    const message = tagProblem(tag, taxonomy);
    return message === null ? [] : [problemAt(where, [...path, at], message)];
  });
}

/** What is wrong with a tag; null where a list has it. */
export function tagProblem(tag: string, taxonomy: Taxonomy): string | null {
  if (taxonomy.nameOf(tag) !== null) return null;
  const dot = tag.indexOf('.');
  const namespace = tag.slice(0, Math.max(0, dot));
  const list = taxonomy.lists.find((one) => one.namespace === namespace);
  if (list === undefined) {
    const known = taxonomy.lists.map((one) => `${one.namespace}.`).join(', ');
    return `no list of ids begins with ${JSON.stringify(namespace)}; there are: ${known}`;
  }
  const meant = nearestIds(tag.slice(dot + 1), list);
  const also = list.complete
    ? ''
    : '; only some of its ids are kept: add it to detectors/taxonomy.json';
  return `${list.title} ${list.version} has no ${tag.slice(dot + 1)}; nearest: ${meant.join(', ')}${also}`;
}

const NEAREST = 3;
const EDITS_MAX = 4;

/** The nearest ids of a list with their names, the nearest first. */
function nearestIds(id: string, list: PublicList): readonly string[] {
  return list.ids
    .map((entry) => ({ ...entry, distance: editDistance(id.toLowerCase(), entry.id, EDITS_MAX) }))
    .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1))
    .slice(0, NEAREST)
    .map((entry) => `${list.namespace}.${entry.id} (${entry.name})`);
}
