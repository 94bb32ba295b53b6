/** Canonical JSON (RFC 8785 order and numbers): equal values give equal text. */

/**
 * Text of a JSON value with object keys in UTF-16 order. Numbers as JavaScript prints them, which is
 * what RFC 8785 prescribes; values JSON has no word for (undefined, functions, NaN) become null.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    let text = '[';
    for (let at = 0; at < value.length; at += 1)
      text += (at === 0 ? '' : ',') + canonicalJson(value[at]);
    return `${text}]`;
  }
  if (typeof value === 'object' && value !== null) {
    let text = '{';
    let first = true;
    for (const key of Object.keys(value).sort()) {
      const member = (value as Record<string, unknown>)[key];
      if (member === undefined) continue;
      text += `${first ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
      first = false;
    }
    return `${text}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
