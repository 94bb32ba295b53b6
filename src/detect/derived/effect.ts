/** Effect: a digest of what a call would bring about, whichever tool brings it about. */
import { canonicalJson } from '../../model/canonical-json.ts';
import { type Asked, isCall } from './asked.ts';

const VALUES_MAX = 64;
const DEPTH_MAX = 16;

/**
 * Keyed digest of the tool's class and of what the call is aimed at: the resource where the gateway
 * names one, else the values of the arguments in any order and under any key, normalised; below L2
 * the digests of the leaves. Two tools that reach the same effect collide. Undefined for a call that
 * names nothing: it would collide with every other such call.
 */
export function effectDigest(asked: Asked): string | undefined {
  if (!isCall(asked)) return undefined;
  const { fact } = asked;
  const action = fact.event.action;
  if (action === undefined) return undefined;
  const reach = fact.toolClass ?? `tool:${action.tool}`;
  const uri = action.resource?.uri;
  if (uri !== undefined && uri !== '')
    return fact.keyed(canonicalJson([reach, 'resource', normalised(uri)]));
  if (action.args !== undefined) {
    const { _meta, ...args } = action.args;
    const values: string[] = [];
    collect(args, 0, values);
    return values.length === 0 ? undefined : fact.keyed(canonicalJson([reach, values.sort()]));
  }
  const leaves = Object.values(action.leafDigests ?? {});
  if (leaves.length > 0) return fact.keyed(canonicalJson([reach, 'leaves', leaves.sort()]));
  const { argsDigest } = action;
  return argsDigest === undefined ? undefined : fact.keyed(canonicalJson([reach, argsDigest]));
}

function collect(value: unknown, depth: number, into: string[]): void {
  if (into.length >= VALUES_MAX || depth > DEPTH_MAX || value === null) return;
  if (typeof value === 'object') {
    for (const member of Object.values(value as object)) collect(member, depth + 1, into);
    return;
  }
  // A number and its digits are one value: tools differ in how they type their arguments.
  if (typeof value === 'number') into.push(String(value));
  else if (typeof value === 'string') into.push(normalised(value));
}

/**
 * One writing of an address, a path or a word: composed form, no spaces around, scheme and host
 * small, no default port, no `.`, `..`, doubled or final slash. Case within a path is kept.
 */
export function normalised(text: string): string {
  const plain = text.normalize('NFC').trim();
  const url = /^([A-Za-z][A-Za-z0-9+.-]{0,31}):\/\/([^/?#\\]*)(.*)$/s.exec(plain);
  if (url === null) return plain.includes('/') && !/\s/.test(plain) ? path(plain) : plain;
  const scheme = (url[1] as string).toLowerCase();
  const host = (url[2] as string).toLowerCase().replace(DEFAULT_PORT[scheme] ?? /$^/, '');
  const rest = url[3] as string;
  const end = rest.search(/[?#]/);
  const tail = end < 0 ? '' : rest.slice(end);
  return `${scheme}://${host}${path(end < 0 ? rest : rest.slice(0, end))}${tail}`;
}

const DEFAULT_PORT: Readonly<Record<string, RegExp>> = { http: /:80$/, https: /:443$/ };

function path(text: string): string {
  const isAbsolute = /^[/\\]/.test(text);
  const parts: string[] = [];
  for (const part of text.split(/[/\\]+/)) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !isAbsolute) parts.push(part);
  }
  return `${isAbsolute ? '/' : ''}${parts.join('/')}`;
}
