/** Names: texts made of two others, made once as long as they are in use. */

/** What is remembered before all of it is made anew. */
const NAMES_MAX = 32_768;

/**
 * `make`, remembered. A text that was just put together is hashed wherever it is looked up; the same
 * one again is not, and one event asks for the same few some thirty times.
 */
export function naming(
  make: (one: string, other: string) => string,
): (one: string, other: string) => string {
  const known = new Map<string, Map<string, string>>();
  let size = 0;
  return (one, other) => {
    let names = known.get(one);
    const found = names?.get(other);
    if (found !== undefined) return found;
    if (size >= NAMES_MAX) {
      known.clear();
      names = undefined;
      size = 0;
    }
    if (names === undefined) {
      names = new Map();
      known.set(one, names);
    }
    size += 1;
    const made = make(one, other);
    names.set(other, made);
    return made;
  };
}
