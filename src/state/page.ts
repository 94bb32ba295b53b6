/** Page: on which of the pages an entity is stored. */

/** Number of pages the entities are spread over by the hash of their key. */
export const PAGES = 256;

/** 0 to PAGES − 1, by FNV-1a over the UTF-16 units of both: stable for ever, for it is stored. */
export function pageOf(space: string, key: string): number {
  return pageOfHash(hashed(seedOf(space), key));
}

/** Where the hashes of a space's keys begin. */
export function seedOf(space: string): number {
  return hashed(hashed(FNV_BASIS, space), ' ');
}

/** The hash of a key, from its space's seed; 32 bits with a sign. */
export function hashed(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  return hash;
}

/** The page of a key with this hash. */
export function pageOfHash(hash: number): number {
  return (hash ^ (hash >>> 16)) & (PAGES - 1);
}

/** FNV-1a, 32 bits. */
export const FNV_BASIS = 0x811c9dc5;
export const FNV_PRIME = 0x01000193;
