/** Shrinking: the fewest events with which something still holds, by delta debugging. */

/** What was left, and what it cost to find. */
export interface Shrunk<T> {
  readonly kept: readonly T[];
  /** How often `holds` was asked. */
  readonly asked: number;
  /** False: it ran out of questions, and fewer may do. */
  readonly isLeast: boolean;
}

/**
 * Leaves out pieces of `items`, halves first and single ones last, while `holds` stays true of the rest,
 * which keeps its order (Zeller and Hildebrandt 2002, the complements of ddmin). In the end no single
 * item can be left out, unless `mostAsked` questions were asked before. `holds` is true of `items`.
 */
export function shrink<T>(
  items: readonly T[],
  holds: (some: readonly T[]) => boolean,
  mostAsked: number,
): Shrunk<T> {
  let kept = items;
  let asked = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1; ) {
    let isLess = false;
    for (let from = 0; from < kept.length; ) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (rest.length === 0) break;
      if (asked >= mostAsked) return { kept, asked, isLeast: false };
      asked += 1;
      if (holds(rest)) {
        kept = rest;
        isLess = true;
      } else from += size;
    }
    if (size === 1 && !isLess) break;
    // What could not go before may go now that something else is gone.
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return { kept, asked, isLeast: true };
}
