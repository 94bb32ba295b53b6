/** Targets: which URLs may be called at all, and how long one that is busy asks us to wait. */
import { BlockList, isIP } from 'node:net';
import { BACKOFF_CAP_MS } from './backoff.ts';

const neverCalled = new BlockList();
neverCalled.addSubnet('169.254.0.0', 16, 'ipv4');
neverCalled.addSubnet('fe80::', 10, 'ipv6');
neverCalled.addAddress('fd00:ec2::254', 'ipv6');
neverCalled.addAddress('100.100.100.200', 'ipv4');

/**
 * The target's URL, or what is wrong with it, as the rest of a sentence about the URL. Cloud metadata and link-local addresses are refused:
 * a configuration that names them is a mistake or an attack, never a control plane.
 */
export function parseTarget(
  text: string,
): { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly problem: string } {
  const refuse = (problem: string) => ({ ok: false as const, problem });
  const url = URL.parse(text);
  if (url === null) return refuse('is not a URL; write for example https://ops.internal/control');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return refuse(`has the scheme ${url.protocol} where http: or https: is needed`);
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('contains credentials; secrets are given apart, remove them');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const blocked =
    host === 'metadata.google.internal' ||
    (family !== 0 && neverCalled.check(host, family === 6 ? 'ipv6' : 'ipv4'));
  if (blocked) return refuse(`points at ${host}, a link-local or metadata address`);
  return { ok: true, url };
}

/** Retry-After in ms, seconds or HTTP date; 0 where absent or unreadable, at most 30 s. */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  const text = value.trim();
  const ms = /^[0-9]+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(BACKOFF_CAP_MS, Math.max(0, ms));
}
