/** Literals: text becomes tokens, words by stem and literals in canonical form, each one number. */

/** What a token is. A literal is a value somebody could act on. */
export type TokenKind = 'word' | 'email' | 'url' | 'host' | 'path' | 'date' | 'number' | 'id';

/** One token. */
export interface Token {
  /** 32-bit digest of the canonical form; no content is kept where only this is. */
  readonly h: number;
  readonly kind: TokenKind;
  /** Canonical form. */
  readonly text: string;
}

// Repetitions are bounded, so that no text makes a match slow: agents write what is read here.
const TOKEN =
  /([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})|((?:https?:\/\/|www\.)[^\s"'<>()[\]{}|\\^`,]{1,512})|((?:~|\.{1,2})?(?:\/[\w.-]{1,128}){1,24}\/?)|(\d{4}-\d{2}-\d{2})|(\d[\d,]{0,30}(?:\.\d{1,20})?(?![\w-]))|([\p{L}\d_-]{0,64}\d[\p{L}\d_-]{0,64})|(\p{L}{1,64})/gu;

/**
 * Digest of a text: FNV-1a with a final mix, unsigned 32 bits. Not for secrets and not collision-free:
 * among 16,384 words about one in 30 texts has a collision.
 * @example hash32('plumbline') // 3007202939
 */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    h ^= text.charCodeAt(at);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  return h >>> 0;
}

/**
 * A word without its commonest English endings, so that `sending`, `sends` and `send` meet. A rough cut:
 * it may join words that differ, never more than an ending. Words of other languages pass unharmed.
 * @example stem('downloading') // 'download'
 */
export function stem(word: string): string {
  let s = word;
  if (s.length > 3 && s.endsWith('s') && !s.endsWith('ss')) s = s.slice(0, -1);
  if (s.length > 5 && s.endsWith('ing')) s = s.slice(0, -3);
  else if (s.length > 4 && s.endsWith('ed')) s = s.slice(0, -2);
  if (s.length > 3 && s.endsWith('e')) s = s.slice(0, -1);
  return s;
}

/**
 * Tokens of a text in order. Claim: equal values in other clothes give equal tokens: case, URL scheme,
 * `www.`, fragment and trailing slash, thousands separators and trailing zeros do not matter; a URL with
 * a path also gives its host. Compound names (`a_1`) fall into their parts.
 * Parameters: text - any; most - at most so many tokens, the rest is not read.
 * Cost: linear, about 40 ns a byte. Reference: statistics chapter §4.7.
 * @example tokensOf('Pay $1,810.00 to AT68').map(({ text }) => text) // ['pay', '1810', 'to', 'at68']
 */
export function tokensOf(text: string, most = 4096): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    if (found.length >= most) break;
    const [, email, url, path, date, number, id, word] = match;
    if (word !== undefined) found.push(token(stem(word.toLowerCase()), 'word'));
    else if (number !== undefined) found.push(token(canonicalNumber(number), 'number'));
    else if (email !== undefined)
      found.push(token(email.toLowerCase().replace(/\.{1,9}$/, ''), 'email'));
    else if (url !== undefined) addUrl(url, found);
    else if (path !== undefined) addPath(path, found);
    else if (date !== undefined) found.push(token(date, 'date'));
    else if (id !== undefined) addParts(id, found);
  }
  return found;
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

function token(text: string, kind: TokenKind): Token {
  return { h: hash32(text), kind, text };
}

function canonicalNumber(text: string): string {
  const plain = text.replaceAll(',', '');
  return plain.includes('.') ? plain.replace(/0{1,20}$/, '').replace(/\.$/, '') : plain;
}

function addUrl(text: string, found: Token[]): void {
  const [address = ''] = text
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/^www\./, '')
    .split('#');
  const url = address.replace(/[/.,;:!?]{1,16}$/, '');
  const [host = ''] = url.split('/');
  if (host !== url) found.push(token(host, 'host'));
  found.push(token(url, 'url'));
}

function addPath(text: string, found: Token[]): void {
  const path = text.toLowerCase().replace(/[/.]{1,16}$/, '');
  if (path !== '') found.push(token(path, 'path'));
}

function addParts(text: string, found: Token[]): void {
  for (const part of text.toLowerCase().split('_')) {
    if (part === '') continue;
    const kind = /^\d+$/.test(part) ? 'number' : /\d/.test(part) ? 'id' : 'word';
    found.push(token(part, kind));
  }
}
