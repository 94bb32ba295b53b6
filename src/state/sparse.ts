/** Sparse entities: what is as in a new one is not written, and comes back from a new one. */

/** Names of members that are never written. */
const LEFT_OUT = Symbol('left out');

/**
 * Makes a writer: it gives the members that are not as `usual` has them: another plain value, or a
 * list or record that is not empty on both sides. `without`: names it leaves out whatever they hold.
 */
export function sparse(
  usual: object,
  without: readonly string[] = [],
): (entity: object) => Record<string, unknown> {
  const fresh = new Map<string, unknown>(Object.entries(usual));
  for (const name of without) fresh.set(name, LEFT_OUT);
  return (entity) => {
    const written: Record<string, unknown> = {};
    for (const name in entity) {
      const value = (entity as Readonly<Record<string, unknown>>)[name];
      if (value === undefined) continue;
      const known = fresh.get(name);
      if (value === known || known === LEFT_OUT || isNothing(value, known)) continue;
      written[name] = value;
    }
    return written;
  };
}

/** Is there nothing in a list, or in a record, on both sides? */
function isNothing(value: unknown, usual: unknown): boolean {
  if (typeof value !== 'object' || typeof usual !== 'object') return false;
  return value !== null && usual !== null && isEmpty(value) && isEmpty(usual);
}

function isEmpty(value: object): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const name in value) if (Object.hasOwn(value, name)) return false;
  return true;
}
