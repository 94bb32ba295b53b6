/** Plain text: what agents wrote, made harmless wherever it is shown, and cut to a bound. */

/**
 * Text on one line, of at most `max` UTF-16 units: control characters, bidi marks, other invisible
 * characters and lone surrogates become visible escapes; a cut is marked with `…` and parts no
 * character.
 */
export function plain(text: string, max: number): string {
  // Cut first: what is escaped grows, and the work is bounded by the bound.
  const escaped = text
    .slice(0, max + 1)
    .toWellFormed()
    .replace(
      /[\p{Cc}\p{Cf}\u2028\u2029]|\p{Variation_Selector}/gu,
      (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`,
    );
  return cut(escaped, max);
}

/** Text of at most `max` UTF-16 units; what was cut away is marked with `…`. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const kept = text.slice(0, Math.max(0, max - 1));
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1)}…`;
}

/** Text of at most `max` bytes of UTF-8. */
export function cutBytes(text: string, max: number): string {
  if (Buffer.byteLength(text) <= max) return text;
  let kept = text.slice(0, max);
  while (Buffer.byteLength(kept) > max - 3)
    kept = kept.slice(0, Math.floor(kept.length * 0.95) - 1);
  return cut(text, kept.length + 1);
}
