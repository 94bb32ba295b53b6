/** Order: many things by a number of theirs, without comparing them two by two. */

/** Places of `things` in the order of their numbers; those with equal numbers as they came. */
export function orderOf<T>(
  things: readonly T[],
  numberOf: (thing: T) => number,
): readonly number[] {
  const count = things.length;
  const numbers = new Float64Array(count);
  let isOrdered = true;
  let isExact = true;
  let before = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at += 1) {
    const number = numberOf(things[at] as T);
    if (number < before) isOrdered = false;
    // Number and place in one: numbers sort by themselves, without a comparison that is a call.
    const both = number * count + at;
    if (number < 0 || !Number.isSafeInteger(number) || !Number.isSafeInteger(both)) isExact = false;
    numbers[at] = both;
    before = number;
  }
  const places = Array.from(things.keys());
  if (isOrdered) return places;
  if (!isExact)
    return places.sort((a, b) => compare(numberOf(things[a] as T), numberOf(things[b] as T)));
  numbers.sort();
  for (let at = 0; at < count; at += 1) {
    const both = numbers[at] as number;
    places[at] = both - Math.floor(both / count) * count;
  }
  return places;
}

/** Infinite ones have no difference. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
