/** HTTP headers and queries as handlers see them: each name once. */

/** Null where a name is given twice: which of the two is meant is not ours to guess. */
export function flat(query: unknown): Record<string, string> | null {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(query as Readonly<Record<string, unknown>>)) {
    if (typeof value !== 'string') return null;
    found[name] = value;
  }
  return found;
}

/** Headers with one value each. */
export function joined(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) found[name] = Array.isArray(value) ? value.join(', ') : String(value);
  return found;
}
