/** Standard Webhooks signatures: what drivers and sinks sign their bodies with. */
import { createHmac } from 'node:crypto';

/** Bytes of a `whsec_<base64>` secret, or what is wrong with it without repeating it. */
export function parseWebhookSecret(
  text: string,
):
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly problem: string } {
  const refuse = (problem: string) => ({
    ok: false as const,
    problem: `webhook secret ${problem}; write whsec_ followed by the base64 of 24 to 64 random bytes`,
  });
  if (!text.startsWith('whsec_')) return refuse('does not start with whsec_');
  const encoded = text.slice('whsec_'.length);
  const bytes = Buffer.from(encoded, 'base64');
  // Buffer.from skips what it cannot read: only text that comes back the same was base64.
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) {
    return refuse('is not base64 after whsec_');
  }
  if (bytes.length < 24) return refuse(`holds ${bytes.length} bytes, too few`);
  if (bytes.length > 64) return refuse(`holds ${bytes.length} bytes, too many`);
  return { ok: true, bytes };
}

/** `v1,<base64>`: HMAC-SHA256 over id, time in seconds and body, as Standard Webhooks has it. */
export function signWebhook(secret: Buffer, id: string, seconds: number, body: string): string {
  const signed = createHmac('sha256', secret).update(`${id}.${seconds}.${body}`, 'utf8');
  return `v1,${signed.digest('base64')}`;
}
