/** Page: on which of the pages an entity is stored. */

/** Number of pages the entities are spread over by the hash of their key. */
export const PAGES = 256;

/** 0 to PAGES − 1, by FNV-1a over the UTF-16 units of both: stable for ever, for it is stored. */
export function pageOf(space: string, key: string): number {
  const hash = hashed(hashed(hashed(0x811c9dc5, space), ' '), key);
  return (hash ^ (hash >>> 16)) & (PAGES - 1);
}

function hashed(from: number, text: string): number {
  let hash = from;
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
