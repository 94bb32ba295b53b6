/** Short lists: most hold an item or two, and one that grows in place takes room for sixteen. */

/** Up to so many items a list is made anew. */
const SHORT = 3;

/** The list with an item at its end: this list, or another where it is short. Use what is returned. */
export function grown<T>(list: T[], item: T): T[] {
  const { length } = list;
  if (length === 0) return [item];
  if (length >= SHORT) list.push(item);
  else return length === 1 ? [list[0] as T, item] : [list[0] as T, list[1] as T, item];
  return list;
}

/** The same of numbers, which V8 keeps unboxed where a place makes no other lists. */
export function grownNumbers(list: number[], item: number): number[] {
  const { length } = list;
  if (length === 0) return [item];
  if (length >= SHORT) list.push(item);
  else
    return length === 1 ? [list[0] as number, item] : [list[0] as number, list[1] as number, item];
  return list;
}
