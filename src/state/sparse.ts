/** Sparse entities: what is as in a new one is not written, and comes back from a new one. */

/**
 * The members that are not as `usual` has them: another plain value, or a list or record that is not
 * empty on both sides. `without`: names that are left out whatever they hold.
 */
export function sparse(
  entity: object,
  usual: object,
  without: readonly string[] = [],
): Record<string, unknown> {
  const from = entity as Readonly<Record<string, unknown>>;
  const fresh = usual as Readonly<Record<string, unknown>>;
  const written: Record<string, unknown> = {};
  for (const name in from) {
    const value = from[name];
    if (value === undefined || isUsual(value, fresh[name]) || without.includes(name)) continue;
    written[name] = value;
  }
  return written;
}

/** Is it the same plain value, or nothing in a list or record on both sides? */
function isUsual(value: unknown, usual: unknown): boolean {
  if (value === usual) return true;
  if (typeof value !== 'object' || typeof usual !== 'object') return false;
  return value !== null && usual !== null && isEmpty(value) && isEmpty(usual);
}

function isEmpty(value: object): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const name in value) if (Object.hasOwn(value, name)) return false;
  return true;
}
