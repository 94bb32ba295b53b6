/** Polling a stream: acknowledges, takes errors, and waits for what comes (RFC 8936). */
import type { Clock } from '../model/ports.ts';
import {
  errorCode,
  POLL,
  type SignalKeys,
  type SignalStore,
  type SignalStream,
} from '../model/signals.ts';
import { type ApiRequest, type ApiResponse, json } from './route.ts';
import { bodyOf } from './ssf-stream.ts';

/** What polling needs. */
export interface PollParts {
  readonly store: SignalStore;
  readonly keys: SignalKeys;
  readonly clock: Clock;
}

/** A long poll is answered after this long, with nothing if there is nothing, ms. */
const WAIT_MS = 30_000;
/** How often a waiting poll looks: signals are queued by any member, so nobody could wake it, ms. */
const LOOK_MS = 500;
/** What was handed out and not acknowledged is handed out again after this long, ms. */
export const RESEND_MS = 15_000;
const EVENTS_DEFAULT = 50;
const EVENTS_MAX = 100;
/** Acknowledgements in one request. */
const ACKS_MAX = 1_000;

interface Poll {
  readonly maxEvents: number;
  readonly isWaiting: boolean;
  readonly acks: readonly string[];
  readonly errors: readonly (readonly [jti: string, err: unknown])[];
}

/** One poll of a stream that belongs to the caller. */
export async function pollStream(
  { store, keys, clock }: PollParts,
  request: ApiRequest,
  stream: SignalStream,
): Promise<ApiResponse> {
  if (stream.delivery.method !== POLL) return refuse('the stream is pushed, not polled');
  const poll = pollOf(request.body);
  if (typeof poll === 'string') return refuse(poll);
  const nowMs = clock.nowMs();
  await store.changeStream(stream.id, { heardMs: nowMs });
  for (const jti of poll.acks)
    await store.settle(stream.id, jti, { state: 'delivered', detail: 'acknowledged' }, nowMs);
  for (const [jti, err] of poll.errors)
    await store.settle(stream.id, jti, { state: 'refused', detail: errorCode(err) }, nowMs);
  if (poll.maxEvents === 0) return json(200, { sets: {} });
  const untilMs = nowMs + WAIT_MS;
  const isOver = () => !poll.isWaiting || request.signal.aborted || clock.nowMs() >= untilMs;
  while (!(await store.hasDue(stream.id, clock.nowMs())) && !isOver())
    await clock.sleep(Math.min(LOOK_MS, Math.max(1, untilMs - clock.nowMs())), request.signal);
  // Whoever hung up would never acknowledge: leave it for who asks next.
  if (request.signal.aborted) return json(200, { sets: {} });
  const taken = await store.take(stream.id, clock.nowMs(), poll.maxEvents, RESEND_MS);
  const sets: Record<string, string> = {};
  for (const { jti, claims } of taken) sets[jti] = await keys.sign(claims);
  const more = taken.length > 0 && (await store.hasDue(stream.id, clock.nowMs()));
  return json(200, { sets, ...(more ? { moreAvailable: true } : {}) });
}

/** The request, or what is wrong with it. */
function pollOf(text: string): Poll | string {
  const body = bodyOf(text);
  if (body === null) return 'the body is no JSON object';
  const { maxEvents = EVENTS_DEFAULT, returnImmediately = false, ack = [], setErrs = {} } = body;
  if (!Number.isSafeInteger(maxEvents) || (maxEvents as number) < 0)
    return 'maxEvents is a whole number from 0';
  if (typeof returnImmediately !== 'boolean') return 'returnImmediately is true or false';
  if (!Array.isArray(ack) || !ack.every((jti) => typeof jti === 'string' && jti.length <= 512))
    return 'ack is a list of jti';
  if (typeof setErrs !== 'object' || setErrs === null || Array.isArray(setErrs))
    return 'setErrs is an object by jti';
  const errors = Object.entries(setErrs).map(([jti, said]) => {
    const err: unknown = typeof said === 'object' && said !== null ? said.err : undefined;
    return [jti, err] as const;
  });
  if (ack.length + errors.length > ACKS_MAX) return `at most ${ACKS_MAX} acknowledgements at once`;
  return {
    maxEvents: Math.min(maxEvents as number, EVENTS_MAX),
    isWaiting: !returnImmediately,
    acks: ack as readonly string[],
    errors,
  };
}

function refuse(description: string): ApiResponse {
  return json(400, { err: 'invalid_request', description });
}
