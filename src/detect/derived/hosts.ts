/** Hosts: where the arguments of a call point to, and whether that lies in the declared zone. */
import { type Asked, type Leaf, type Memo, toolFacts, UNASKED } from './asked.ts';
import { argumentTexts } from './strings.ts';

/** Hosts of the own house cost an agent nothing: so many of them must not hide another. */
const HOSTS_MAX = 4096;
/** Characters of all texts of a call that are searched for addresses. */
const SEARCHED = 4_194_304;
/** Keys whose whole value is a host although it has no scheme. */
const HOST_KEYS = /^(?:host|hostname|domain|server|endpoint|url|uri|destination|address|webhook)$/i;
const BARE_HOST = /^[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})(?:\.[\p{L}\p{N}-]{1,63}){1,10}$/u;
const HOST_END = /[^\p{L}\p{N}.-]/u;
/** What ends the authority of an address; a backslash does too, as it does for browsers. */
const AUTHORITY_END = /[/?#\\\s"'<>`{}|^,;)\]]/;

/** Hosts of URLs, mail addresses and host-like values in the arguments, each once, sorted. */
export function hostsOf(asked: Asked): readonly string[] | undefined {
  const uri = asked.fact.event.action?.resource?.uri;
  const texts = argumentTexts(asked);
  if (texts === undefined && uri === undefined) return undefined;
  const { memo } = asked;
  if (memo.hosts === UNASKED) memo.hosts = found(uri, texts ?? [], memo);
  return memo.hosts;
}

function found(uri: string | undefined, texts: readonly Leaf[], memo: Memo): readonly string[] {
  const hosts = new Set<string>();
  if (uri !== undefined) fromUrls(uri, hosts);
  let left = SEARCHED;
  for (const { key, text } of texts) {
    if (left <= 0 || hosts.size >= HOSTS_MAX) break;
    const part = text.slice(0, left);
    left -= part.length;
    fromUrls(part, hosts);
    fromMail(part, hosts);
    if (HOST_KEYS.test(key)) fromBare(part.trim().slice(0, 512), hosts);
  }
  if (left <= 0 || hosts.size >= HOSTS_MAX) memo.left += 1;
  return hosts.size === 0 ? NO_HOSTS : [...hosts].sort();
}

const NO_HOSTS: readonly string[] = [];

/** Hosts behind `://`; what stands before an `@` is a name and a password, however it looks. */
function fromUrls(text: string, into: Set<string>): void {
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    if (into.size >= HOSTS_MAX) return;
    const authority = upTo(AUTHORITY_END, text, at + 3);
    const host = authority.slice(authority.lastIndexOf('@') + 1);
    // Of an address of version 6 the bracket that closes it has ended the authority.
    if (host.startsWith('[')) into.add(host.slice(1).toLowerCase());
    else add(host, into);
  }
}

/** Hosts behind an `@` with a name before it. */
function fromMail(text: string, into: Set<string>): void {
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (into.size >= HOSTS_MAX) return;
    if (at === 0 || !/[A-Za-z0-9._%+-]/.test(text.charAt(at - 1))) continue;
    const host = upTo(HOST_END, text, at + 1);
    // In an address with a scheme the part behind @ was read above; it is the same host.
    if (host.includes('.')) add(host, into);
  }
}

/** The text from `from` to the first character that ends it, at most 255. */
function upTo(end: RegExp, text: string, from: number): string {
  const part = text.slice(from, from + 255);
  const length = part.search(end);
  return length < 0 ? part : part.slice(0, length);
}

function fromBare(text: string, into: Set<string>): void {
  const host = text.split(/[:/]/, 1)[0] ?? '';
  if (BARE_HOST.test(host)) add(host, into);
}

function add(written: string, into: Set<string>): void {
  const host = written
    .replace(/:\d{1,5}$/, '')
    .replace(/^\.+|\.+$/g, '')
    .toLowerCase();
  if (host !== '' && host.length <= 255) into.add(host);
}

/** Hosts of the call outside what the library declares; undefined where it declares nothing. */
export function hostsOutside(asked: Asked): readonly string[] | undefined {
  const own = toolFacts(asked)?.destinations;
  const zone = asked.inventory.zone ?? [];
  if (own === undefined && zone.length === 0) return undefined;
  const hosts = hostsOf(asked);
  if (hosts === undefined) return undefined;
  const allowed = [...(own ?? []), ...zone];
  return hosts.filter((host) => !allowed.some((pattern) => isWithin(host, pattern)));
}

/** `*.example.org` takes everything below example.org, not itself; other patterns are exact. */
export function isWithin(host: string, pattern: string): boolean {
  if (!pattern.startsWith('*.')) return host === pattern;
  const tail = pattern.slice(1);
  return host.length > tail.length && host.endsWith(tail);
}
