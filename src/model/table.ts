/** Tables: records whose keys others choose, apart from objects that our code shapes. */

/**
 * An empty table. It inherits nothing, so any name is safe as a key, and V8 keeps it as a hash table from its
 * first member. `{}` would be given a shape for each key instead: a shape may have some 1,500 successors,
 * and is one with every object literal of four members. Once agents have used those up with ids of their
 * choosing, each new object is a shape of its own and all code that meets them is slow
 * (docs/notes/shapes-of-objects.md).
 */
export function newTable<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** A table of these members. */
export function tableOf<T>(members: Readonly<Record<string, T>>): Record<string, T> {
  const table = newTable<T>();
  for (const key of Object.keys(members)) table[key] = members[key] as T;
  return table;
}
