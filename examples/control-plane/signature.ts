/** Checks Standard Webhooks signatures: who sent this, recently, and unchanged. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Headers older or newer than this are refused, seconds. */
export const TOLERANCE_SECONDS = 300;

/** Bytes of a `whsec_<base64>` secret. Throws without repeating the secret. */
export function secretBytes(secret: string): Buffer {
  const encoded = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : '';
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length < 24 || bytes.length > 64) {
    throw new Error('the secret must be whsec_ followed by the base64 of 24 to 64 bytes');
  }
  return bytes;
}

/** Null when the signature holds, else why not. Several signatures may stand side by side. */
export function signatureProblem(
  secret: Buffer,
  headers: Readonly<Record<string, unknown>>,
  body: Buffer,
  nowMs: number,
): string | null {
  const id = headers['webhook-id'];
  const stamp = headers['webhook-timestamp'];
  const given = headers['webhook-signature'];
  if (typeof id !== 'string' || typeof stamp !== 'string' || typeof given !== 'string') {
    return 'webhook-id, webhook-timestamp and webhook-signature are needed';
  }
  if (id.length === 0 || id.length > 256) return 'webhook-id has an unreasonable length';
  if (!/^[0-9]{1,12}$/.test(stamp)) return 'webhook-timestamp is not a time in seconds';
  if (Math.abs(nowMs / 1000 - Number(stamp)) > TOLERANCE_SECONDS) {
    return `webhook-timestamp is more than ${TOLERANCE_SECONDS} s away from this clock`;
  }
  const expected = createHmac('sha256', secret).update(`${id}.${stamp}.`).update(body).digest();
  for (const part of given.split(' ').slice(0, 16)) {
    if (!part.startsWith('v1,')) continue;
    const claimed = Buffer.from(part.slice('v1,'.length), 'base64');
    if (claimed.length === expected.length && timingSafeEqual(claimed, expected)) return null;
  }
  return 'no signature matches';
}
