/** JSON Pointers of mappings, compiled to closures that never throw. */

/** Resolves a pointer (RFC 6901); undefined where nothing is there. Own properties only. */
export function compilePointer(pointer: string): (item: unknown) => unknown {
  const segments = pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  const [first, ...rest] = segments;
  if (first === undefined) return (item) => item;
  if (rest.length === 0) return (item) => step(item, first);
  return (item) => {
    let value = step(item, first);
    for (const segment of rest) {
      if (value === undefined) return undefined;
      value = step(value, segment);
    }
    return value;
  };
}

const INDEX = /^(0|[1-9][0-9]{0,8})$/;

function step(value: unknown, segment: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return INDEX.test(segment) ? value[Number(segment)] : undefined;
  // Most places that are looked at hold nothing, which costs less to see than whose it is.
  const found = (value as Readonly<Record<string, unknown>>)[segment];
  return found === undefined || Object.hasOwn(value, segment) ? found : undefined;
}

/** Pointers of a `from`, as one reader: the first value that is neither absent nor null. */
export function compileFrom(from: string | readonly string[]): (item: unknown) => unknown {
  if (typeof from === 'string') {
    const read = compilePointer(from);
    return (item) => read(item) ?? undefined;
  }
  const reads = from.map(compilePointer);
  return (item) => {
    for (const read of reads) {
      const value = read(item) ?? undefined;
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/** A pointer, or several, for messages. Comes from the mapping, not from a payload. */
export function pointerName(from: string | readonly string[]): string {
  return typeof from === 'string' ? from || '/' : from.map((one) => one || '/').join(' or ');
}
