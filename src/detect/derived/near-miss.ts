/** Near miss: is an unknown tool's name all but the name of one the agent holds? */

const DISTANCE_MAX = 2;
/** Of shorter names two edits make any other. */
const LENGTH_MIN = 5;
const NAMES_MAX = 2_000;

/**
 * Letters of other scripts, digits and separators that look like a Latin letter. A short list of
 * what a font cannot tell apart (Unicode TR 39 has all); what it lacks the edit distance still meets.
 */
const LOOKS_LIKE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '0': 'o',
    '1': 'l',
    '|': 'l',
    а: 'a',
    с: 'c',
    ԁ: 'd',
    е: 'e',
    һ: 'h',
    і: 'i',
    ј: 'j',
    к: 'k',
    м: 'm',
    н: 'h',
    о: 'o',
    р: 'p',
    ѕ: 's',
    т: 't',
    у: 'y',
    х: 'x',
    α: 'a',
    ε: 'e',
    ι: 'i',
    κ: 'k',
    ν: 'v',
    ο: 'o',
    ρ: 'p',
    τ: 't',
    υ: 'u',
    χ: 'x',
    ı: 'i',
  }),
);

/** What a name looks like: compatibility forms folded, marks and separators dropped, look-alikes one. */
export function skeletonOf(name: string): string {
  let text = '';
  for (const character of name.normalize('NFKD').toLowerCase()) {
    if (/[\p{M}\p{Cf}\s_.\-:/]/u.test(character)) continue;
    text += LOOKS_LIKE.get(character) ?? character;
  }
  return text;
}

/** A name and its skeleton. */
export interface Skeleton {
  readonly name: string;
  readonly skeleton: string;
}

/** Skeletons of at most 2,000 names, in their order; worth keeping where the names are asked often. */
export function skeletonsOf(names: readonly string[]): readonly Skeleton[] {
  return names
    .slice(0, NAMES_MAX)
    .map((name) => ({ name, skeleton: skeletonOf(name.slice(0, 128)) }));
}

/**
 * The name among `names` that `name` all but is: the same skeleton, or at most two edits away. The
 * nearest wins, then the first in the alphabet; undefined where none is near, or `name` is one of them.
 */
export function nearMissOf(name: string, names: readonly Skeleton[]): string | undefined {
  const skeleton = skeletonOf(name.slice(0, 128));
  let best: { name: string; distance: number } | undefined;
  for (const other of names) {
    if (other.name === name) return undefined;
    const distance = distanceOf(skeleton, other.skeleton);
    if (distance > DISTANCE_MAX) continue;
    const isBetter =
      best === undefined ||
      distance < best.distance ||
      (distance === best.distance && other.name < best.name);
    if (isBetter) best = { name: other.name, distance };
  }
  return best?.name;
}

function distanceOf(a: string, b: string): number {
  if (a === b) return 0;
  if (Math.min(a.length, b.length) < LENGTH_MIN) return Number.POSITIVE_INFINITY;
  if (Math.abs(a.length - b.length) > DISTANCE_MAX) return Number.POSITIVE_INFINITY;
  return editDistance(a, b, DISTANCE_MAX);
}

/**
 * Edits (insert, delete, replace, swap of neighbours) from `a` to `b`; Infinity beyond `most`. Only the
 * cells that far from the diagonal are looked at, so it costs length × most.
 */
export function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return Number.POSITIVE_INFINITY;
  const far = most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row: number[] = [];
    const from = Math.max(1, i - most);
    const to = Math.min(b.length, i + most);
    row[from - 1] = from === 1 ? i : far;
    let least = row[from - 1] as number;
    for (let j = from; j <= to; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(
        (last[j] ?? far) + 1,
        (row[j - 1] ?? far) + 1,
        (last[j - 1] ?? far) + same,
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? far) + 1);
      row[j] = cost;
      least = Math.min(least, cost);
    }
    if (least > most) return Number.POSITIVE_INFINITY;
    before = last;
    last = row;
  }
  const distance = last[b.length] ?? far;
  return distance <= most ? distance : Number.POSITIVE_INFINITY;
}
