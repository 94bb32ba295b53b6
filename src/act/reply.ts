/** Reply: what an HTTP answer to an alert means, the same for every sink that speaks HTTP. */
import type { SendOutcome } from '../model/alert-log.ts';
import type { Http, HttpRequest, HttpResponse } from '../model/ports.ts';
import { outcomeOfFailure, retryAfterMs } from './target.ts';

/** How long a sink that only a person can mend is left alone, ms. */
export const MENDING_MS = 30_000;
const REFUSED: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/**
 * Sends and reads the answer. 2xx goes to `read`, which may say more; 400, 413, 415 and 422 are our
 * fault and final; everything else is tried again: a wrong key or address is mended by a person, and
 * what happened meanwhile is to arrive then.
 */
export async function exchange(
  http: Http,
  request: HttpRequest,
  nowMs: () => number,
  read: (reply: HttpResponse) => SendOutcome = accepted,
): Promise<SendOutcome> {
  try {
    const reply = await http(request);
    const { status } = reply;
    if (status >= 200 && status < 300) return read(reply);
    if (REFUSED.has(status)) return { type: 'refused', detail: `HTTP ${status}` };
    const afterMs = retryAfterMs(reply.headers['retry-after'], nowMs());
    if (status === 408 || status === 425 || status === 429 || status >= 500)
      return { type: 'retry', detail: `HTTP ${status}`, afterMs };
    return { type: 'retry', detail: `HTTP ${status}${hintOf(status)}`, afterMs: MENDING_MS };
  } catch (cause) {
    return outcomeOfFailure(cause);
  }
}

/** The plain answer: it was taken. */
export function accepted({ status }: HttpResponse): SendOutcome {
  return { type: 'sent', detail: `HTTP ${status}` };
}

function hintOf(status: number): string {
  if (status === 401 || status === 403) return ', our credential is not accepted: check the secret';
  if (status === 404 || status === 410) return ', nothing is there: check the url';
  if (status >= 300 && status < 400) return ', redirects are not followed: configure the final url';
  return '';
}
