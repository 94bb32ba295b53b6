/** Coverage: which public ids and which failures the detectors of a library answer. */
import type { Detector } from '../model/detector.ts';
import type { FailuresFile } from './failures.ts';
import type { Taxonomy } from './taxonomy.ts';

/** One id of a public list, and the detectors that bear it. */
export interface CoveredId {
  readonly tag: string;
  readonly name: string;
  /** Names of its groups, for example tactics. */
  readonly groups: readonly string[];
  /** Stems, sorted. */
  readonly detectors: readonly string[];
}

/** One public list. */
export interface CoveredList {
  readonly namespace: string;
  readonly title: string;
  readonly version: string;
  /** False where only some ids of the list are kept: then no share of it can be named. */
  readonly complete: boolean;
  readonly ids: readonly CoveredId[];
}

/** One failure: answered · planned · gap · outside. */
export interface CoveredFailure {
  readonly id: string;
  readonly from: string;
  readonly says: string;
  readonly state: 'answered' | 'planned' | 'gap' | 'outside';
  /** Detectors that exist. */
  readonly detectors: readonly string[];
  /** Stems that are still to be written. */
  readonly planned: readonly string[];
  /** Why no detector can answer it; null where one could. */
  readonly outside: string | null;
}

/** What a library covers. A detector in shadow counts, and is named as such by `shadow`. */
export interface Coverage {
  readonly detectors: number;
  /** Stems of detectors that write to the journal only. */
  readonly shadow: readonly string[];
  readonly lists: readonly CoveredList[];
  readonly failures: readonly CoveredFailure[];
  /** Detectors that answer no failure of the list. */
  readonly beyond: readonly string[];
}

/** Sets detectors against the lists; everything sorted, so that equal libraries read alike. */
export function coverageOf(
  detectors: readonly Detector[],
  taxonomy: Taxonomy,
  failures: FailuresFile,
): Coverage {
  const byTag = new Map<string, string[]>();
  const sorted = [...detectors].sort((a, b) => (a.stem < b.stem ? -1 : 1));
  for (const { stem, tags } of sorted)
    for (const tag of tags) byTag.set(tag, [...(byTag.get(tag) ?? []), stem]);
  const stems = new Set(sorted.map(({ stem }) => stem));
  const named = new Set(failures.failures.flatMap((failure) => failure.detectors));
  return {
    detectors: sorted.length,
    shadow: sorted.filter(({ maturity }) => maturity === 'shadow').map(({ stem }) => stem),
    lists: taxonomy.lists.map(({ namespace, title, version, complete, groups, ids }) => {
      const groupNames = new Map(groups.map(({ id, name }) => [id, name]));
      return {
        namespace,
        title,
        version,
        complete,
        ids: ids.map((entry) => ({
          tag: `${namespace}.${entry.id}`,
          name: entry.name,
          groups: entry.groups.map((group) => groupNames.get(group) ?? group),
          detectors: byTag.get(`${namespace}.${entry.id}`) ?? [],
        })),
      };
    }),
    failures: failures.failures.map((failure) => {
      const present = failure.detectors.filter((stem) => stems.has(stem));
      const planned = failure.detectors.filter((stem) => !stems.has(stem));
      return {
        id: failure.id,
        from: failure.from,
        says: failure.says,
        state: stateOf(present.length, planned.length, failure.outside !== undefined),
        detectors: present,
        planned,
        outside: failure.outside ?? null,
      };
    }),
    beyond: [...stems].filter((stem) => !named.has(stem)),
  };
}

function stateOf(present: number, planned: number, isOutside: boolean): CoveredFailure['state'] {
  if (present > 0) return 'answered';
  if (isOutside) return 'outside';
  return planned > 0 ? 'planned' : 'gap';
}
