/** Order: many things by a number of theirs, without comparing them two by two. */

/** Things in the order of their numbers; those with equal numbers by `compare`, or as they came. */
export function inOrder<T>(
  things: readonly T[],
  numberOf: (thing: T) => number,
  compare: ((a: T, b: T) => number) | null = null,
): T[] {
  const ordered = placesOf(things, numberOf).map((place) => things[place] as T);
  if (compare === null) return ordered;
  for (let from = 0, to = 1; from < ordered.length; from = to, to += 1) {
    const number = numberOf(ordered[from] as T);
    while (to < ordered.length && numberOf(ordered[to] as T) === number) to += 1;
    if (to - from < 2) continue;
    const equal = ordered.slice(from, to).sort(compare);
    for (const [at, thing] of equal.entries()) ordered[from + at] = thing;
  }
  return ordered;
}

function placesOf<T>(things: readonly T[], numberOf: (thing: T) => number): readonly number[] {
  const count = things.length;
  const numbers = new Float64Array(count);
  let isOrdered = true;
  let isExact = true;
  let before = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at += 1) {
    const number = numberOf(things[at] as T);
    if (number < before) isOrdered = false;
    before = number;
    // Number and place in one: numbers sort by themselves, without a comparison that is a call.
    const both = number * count + at;
    if (number < 0 || !Number.isSafeInteger(number) || !Number.isSafeInteger(both)) isExact = false;
    numbers[at] = both;
  }
  const places = Array.from(things.keys());
  if (isOrdered) return places;
  if (!isExact)
    return places.sort((a, b) => difference(numberOf(things[a] as T), numberOf(things[b] as T)));
  numbers.sort();
  for (let at = 0; at < count; at += 1) {
    const both = numbers[at] as number;
    places[at] = both - Math.floor(both / count) * count;
  }
  return places;
}

/** Infinite ones have no difference. */
function difference(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
