/** A receiver of signed webhooks that trusts nobody: it checks as the published library does. */
import { Webhook } from 'standardwebhooks';
import { type Answer, type HttpCounterpart, type Received, startCounterpart } from './server.ts';

/** A running receiver. */
export interface ReceiverCounterpart extends HttpCounterpart {
  /** What it took, by message id: events in order of arrival; a repeat is answered and not kept. */
  readonly events: Map<string, Readonly<Record<string, unknown>>>;
  readonly refused: string[];
}

const TOLERANCE_S = 300;

/** Starts one. Its clock decides which time stamps are too old. */
export async function startReceiver(
  secret: string,
  nowMs: () => number,
): Promise<ReceiverCounterpart> {
  const events = new Map<string, Readonly<Record<string, unknown>>>();
  const refused: string[] = [];
  const take = ({ headers, body }: Received): Answer => {
    const id = headers['webhook-id'] ?? '';
    const seconds = Number(headers['webhook-timestamp']);
    const theirs = new Webhook(secret).sign(id, new Date(seconds * 1000), body);
    const fits = (headers['webhook-signature'] ?? '').split(' ').includes(theirs);
    const isFresh = Math.abs(nowMs() / 1000 - seconds) <= TOLERANCE_S;
    if (!fits || !isFresh) {
      refused.push(fits ? 'too old' : 'signature');
      return { status: 401 };
    }
    if (!events.has(id)) events.set(id, JSON.parse(body) as Record<string, unknown>);
    return { status: 204 };
  };
  const server = await startCounterpart((received) =>
    received.method === 'POST' && received.path === '/alerts' ? take(received) : { status: 404 },
  );
  return Object.assign(server, { events, refused });
}
