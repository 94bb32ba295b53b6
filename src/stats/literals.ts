/** Literals: a text becomes tokens, words by stem and literals in canonical form. */
import { stem } from './literal-forms.ts';
import { scan } from './literal-scan.ts';
import { digestOf, KINDS, newTape, type TokenKind } from './tape.ts';

export { stem, type TokenKind };

/** One token. */
export interface Token {
  /** 32-bit digest of the canonical form; no content is kept where only this is. */
  readonly h: number;
  readonly kind: TokenKind;
  /** Canonical form. */
  readonly text: string;
}

/** Tokens as lists of one length: digests and kinds. */
export interface Digests {
  readonly h: number[];
  readonly kinds: TokenKind[];
}

/**
 * Digest of a text: FNV-1a with a final mix, unsigned 32 bits. Not for secrets and not collision-free:
 * among 16,384 words about one in 30 texts has a collision.
 * @example hash32('plumbline') // 3007202939
 */
export function hash32(text: string): number {
  return digestOf(text) >>> 0;
}

/**
 * Tokens of a text in order. Claim: equal values in other clothes give equal tokens: case, URL scheme,
 * `www.`, fragment and trailing slash, thousands separators and trailing zeros do not matter; a URL with
 * a path also gives its host. Compound names (`a_1`) fall into their parts.
 * Parameters: text - any; most - at most so many tokens, the rest is not read.
 * Cost: linear. Reference: statistics chapter §4.7.
 * @example tokensOf('Pay $1,810.00 to AT68').map(({ text }) => text) // ['pay', '1810', 'to', 'at68']
 */
export function tokensOf(text: string, most = 4096): Token[] {
  const texts: string[] = [];
  const tape = newTape(texts);
  scan(text, 0, text.length, most, tape);
  return texts.map((form, at) => ({
    h: (tape.h[at] as number) >>> 0,
    kind: KINDS[tape.kinds[at] as number] as TokenKind,
    text: form,
  }));
}

/**
 * Digests and kinds of the tokens of a stretch of a text: what `tokensOf` says of it, without the
 * canonical forms. Nothing outside `from`..`to` is looked at. Cost: linear.
 * @example digestsOf('Pay 4711', 4, 8).kinds // ['number']
 */
export function digestsOf(text: string, from = 0, to = text.length, most = 4096): Digests {
  const tape = newTape();
  scan(text, from, to, most, tape);
  return {
    h: Array.from(tape.h.subarray(0, tape.n), (h) => h >>> 0),
    kinds: Array.from(tape.kinds.subarray(0, tape.n), (kind) => KINDS[kind] as TokenKind),
  };
}

/**
 * Words of a tool's name, stemmed: `send_email`, `sendEmail` and `mail.send` fall into theirs.
 * @example toolWordsOf('updateUser_passwords') // ['updat', 'user', 'password']
 */
export function toolWordsOf(tool: string): string[] {
  return tool
    .slice(0, 256)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]/u)
    .filter((part) => part !== '')
    .map(stem);
}
