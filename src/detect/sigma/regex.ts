/** Regular expressions in linear time: the only home of re2js (ADR 0013). */
import { RE2JS } from 're2js';

/** A compiled expression: searches, does not anchor. Time grows with the text and no faster. */
export type Search = (text: string) => boolean;

const PATTERN_MAX = 4096;
const FLAGS: Readonly<Record<string, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
};

/**
 * Compiles RE2 syntax. `flags`: i ignores case, m lets ^ and $ meet each line, s lets . meet a line
 * end. What cannot be matched in linear time (look-around, back-references, atomic and possessive
 * groups) is refused with the reason.
 */
export function compileRegex(
  pattern: string,
  flags: string,
): { readonly search: Search } | { readonly problem: string } {
  if (pattern.length > PATTERN_MAX)
    return { problem: `is longer than ${PATTERN_MAX} characters; split it` };
  let bits = 0;
  for (const flag of flags) bits |= FLAGS[flag] ?? 0;
  try {
    const compiled = RE2JS.compile(pattern, bits);
    // `test` and not `matcher().find()`: the latter is up to forty times slower on a first call.
    return { search: (text) => compiled.test(text) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be compiled';
    return { problem: `is no expression that can be matched in linear time: ${reason}` };
  }
}
