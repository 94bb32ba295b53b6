/** The courier: pushes queued signals to receivers, in order, and keeps at it (RFC 8935). */
import { OperatingError } from '../model/errors.ts';
import type { Clock, Http, HttpResponse, Log } from '../model/ports.ts';
import {
  errorCode,
  isWithin,
  POLL,
  PUSH,
  type ReceiverRule,
  type SignalKeys,
  type SignalStore,
  type SignalStream,
  STREAM_EVENTS,
  streamNotice,
  type TrackedSignal,
} from '../model/signals.ts';
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS } from './backoff.ts';
import { objectOf, outcomeOfFailure, outcomeOfRefusal } from './target.ts';

/** What the courier is made of. */
export interface CourierParts {
  readonly store: SignalStore;
  readonly keys: SignalKeys;
  readonly http: Http;
  readonly clock: Clock;
}

/** How it pushes. */
export interface CourierOptions {
  readonly receivers: ReadonlyMap<string, ReceiverRule>;
  /** Value of the Authorization header that configuration gives for a receiver, or null. */
  readonly authorizationOf: (receiver: string) => string | null;
  readonly timeoutMs: number;
  /** `iss` of what is said of a stream itself. */
  readonly issuer: string;
  /** A polling receiver that is silent this long is paused, ms. */
  readonly inactivityMs: number;
}

/** What came of one push. */
export type Pushed =
  | { readonly type: 'delivered' | 'refused'; readonly detail: string }
  | { readonly type: 'retry' | 'unknown'; readonly detail: string; readonly afterMs: number };

/** Pushes signals. */
export interface Courier {
  /**
   * Pushes what waits for one subject of one stream, oldest first, until nothing waits or a push
   * fails. What fails is the caller's to try again: the loop leaves it alone for a minute. Returns
   * what came of each by its jti.
   */
  deliver(stream: SignalStream, subjectKey: string): Promise<ReadonlyMap<string, Pushed>>;
  /** Pushes what is due of every stream, once. Returns how many one stream was sent at most. */
  round(log?: Log): Promise<number>;
  /** Pauses streams whose receivers stopped polling, and tells them. Returns how many. */
  pauseIdle(): Promise<number>;
  /** Rounds until the signal aborts, one a second. Rejects only on what trying again cannot heal. */
  run(signal: AbortSignal, log: Log): Promise<void>;
}

/** A push, its time-out and its record, ms: nobody else takes the signal meanwhile. */
const HOLD_MS = 15_000;
/** Longer than the executor's longest pause: it tries its own again, the loop only what is left. */
const LEFT_TO_EXECUTOR_MS = 60_000;
const BEAT_MS = 1_000;
const ROUND_MAX = 64;
const TIDY_EVERY_MS = 60_000;
/** How long what was settled is kept, ms. */
const KEPT_MS = 7 * 86_400_000;
/** Signals of one subject that one call delivers; the loop does the rest. */
const SUBJECT_MAX = 8;

/** A courier over the store. It keeps nothing: any member may go on where another one stopped. */
export function createCourier(parts: CourierParts, options: CourierOptions): Courier {
  const { store, clock } = parts;
  const settle = async (signal: TrackedSignal, pushed: Pushed, retryMs: number | null) => {
    const nowMs = clock.nowMs();
    const isOpen = pushed.type === 'retry' || pushed.type === 'unknown';
    const pauseMs = isOpen ? (retryMs ?? pauseOf(signal.attempts, pushed.afterMs)) : 0;
    const state = isOpen ? ('waiting' as const) : pushed.type;
    const outcome = { state, detail: pushed.detail, dueMs: nowMs + pauseMs };
    await store.settle(signal.streamId, signal.jti, outcome, nowMs);
  };
  const deliver: Courier['deliver'] = async (stream, subjectKey) => {
    const results = new Map<string, Pushed>();
    for (let tries = 0; tries < SUBJECT_MAX; tries += 1) {
      const taken = await store.take(stream.id, clock.nowMs(), 1, HOLD_MS, subjectKey);
      const [signal] = taken;
      if (signal === undefined) break;
      const pushed = await push(parts, options, stream, signal);
      await settle(signal, pushed, LEFT_TO_EXECUTOR_MS);
      results.set(signal.jti, pushed);
      if (pushed.type === 'retry' || pushed.type === 'unknown') break;
    }
    return results;
  };
  const round: Courier['round'] = async (log) => {
    const ofStream = async (stream: SignalStream): Promise<number> => {
      if (stream.delivery.method !== PUSH || !options.receivers.has(stream.receiver)) return 0;
      const due = await store.take(stream.id, clock.nowMs(), ROUND_MAX, HOLD_MS);
      await Promise.all(
        due.map(async (signal) => {
          const pushed = await push(parts, options, stream, signal);
          await settle(signal, pushed, null);
          if (pushed.type === 'refused')
            log?.warn({ receiver: stream.receiver, detail: pushed.detail }, 'a signal was refused');
        }),
      );
      return due.length;
    };
    // Side by side: a receiver that is slow keeps no other one waiting.
    const made = await Promise.all((await store.streams()).map(ofStream));
    return Math.max(0, ...made);
  };
  const idle: Courier['pauseIdle'] = async () => await pauseIdle(parts, options);
  return {
    ...{ deliver, round, pauseIdle: idle },
    run: async (signal, log) => await runRounds({ round, pauseIdle: idle }, parts, signal, log),
  };
}

async function pauseIdle({ store, clock }: CourierParts, options: CourierOptions): Promise<number> {
  const nowMs = clock.nowMs();
  const idle = (await store.streams()).filter(
    ({ delivery, status, heardMs }) =>
      delivery.method === POLL &&
      status === 'enabled' &&
      heardMs !== null &&
      nowMs - heardMs > options.inactivityMs,
  );
  for (const stream of idle) {
    const reason = 'nothing was polled for the inactivity time-out';
    const updated = { type: STREAM_EVENTS.streamUpdated, payload: { status: 'paused', reason } };
    // Said before it is done, so that it lies in the stream whatever comes next.
    await store.enqueue([streamNotice(options.issuer, stream, updated, nowMs)], nowMs);
    await store.changeStream(stream.id, { status: 'paused', reason });
  }
  return idle.length;
}

async function runRounds(
  courier: Pick<Courier, 'round' | 'pauseIdle'>,
  { store, clock }: CourierParts,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  let tidiedMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    try {
      const nowMs = clock.nowMs();
      if (nowMs - tidiedMs >= TIDY_EVERY_MS) {
        const stale = await store.tidy(nowMs, nowMs - KEPT_MS);
        if (stale > 0) log.warn({ signals: stale }, 'signals went stale before they were heard');
        const idle = await courier.pauseIdle();
        if (idle > 0) log.warn({ streams: idle }, 'receivers stopped polling: streams paused');
        tidiedMs = nowMs;
      }
      // A full round is followed by the next at once: a backlog is worked off, not rationed.
      if ((await courier.round(log)) >= ROUND_MAX) continue;
    } catch (cause) {
      if (!(cause instanceof OperatingError && cause.retryable)) throw cause;
      log.warn({ code: cause.code }, 'signals wait: the store cannot be reached');
    }
    await clock.sleep(BEAT_MS, signal);
  }
}

/** Doubles from 250 ms to 30 s; no jitter: one receiver has one courier at a time. */
function pauseOf(attempts: number, askedMs: number): number {
  const pauseMs = BACKOFF_BASE_MS * 2 ** Math.min(Math.max(attempts - 1, 0), 7);
  return Math.min(BACKOFF_CAP_MS, Math.max(pauseMs, askedMs));
}

async function push(
  { keys, http, clock }: CourierParts,
  options: CourierOptions,
  stream: SignalStream,
  signal: TrackedSignal,
): Promise<Pushed> {
  const { delivery } = stream;
  if (delivery.method !== PUSH) return { type: 'refused', detail: 'the stream is polled' };
  const rule = options.receivers.get(stream.receiver);
  // Looked at again when it is sent: what configuration has taken away is not called any more.
  if (rule === undefined || !isWithin(delivery.url, rule.pushUrl))
    return { type: 'refused', detail: 'its address is not in configuration any more' };
  const authorization = await authorizationFor(keys, options, stream.receiver, delivery);
  if (authorization === undefined)
    return { type: 'refused', detail: 'its Authorization header cannot be opened: set it again' };
  try {
    const reply = await http({
      method: 'POST',
      url: delivery.url,
      headers: {
        'content-type': 'application/secevent+jwt',
        accept: 'application/json',
        ...(authorization === null ? {} : { authorization }),
      },
      body: await keys.sign(signal.claims),
      timeoutMs: options.timeoutMs,
    });
    return pushedOf(reply, clock.nowMs());
  } catch (cause) {
    return outcomeOfFailure(cause);
  }
}

/** Undefined: there is one and it cannot be read. */
async function authorizationFor(
  keys: SignalKeys,
  options: CourierOptions,
  receiver: string,
  delivery: { readonly sealedAuthorization: string | null },
): Promise<string | null | undefined> {
  if (delivery.sealedAuthorization === null) return options.authorizationOf(receiver);
  return (await keys.open(delivery.sealedAuthorization)) ?? undefined;
}

/** RFC 8935: 202 is yes; 400 names what is wrong and is final; the rest by the common policy. */
function pushedOf(reply: HttpResponse, nowMs: number): Pushed {
  const { status } = reply;
  if (status === 202) return { type: 'delivered', detail: 'HTTP 202' };
  if (status >= 200 && status < 300)
    return { type: 'delivered', detail: `HTTP ${status}, where 202 is the rule` };
  if (status === 400) return { type: 'refused', detail: errorCode(objectOf(reply.body)?.['err']) };
  const outcome = outcomeOfRefusal(reply, "the receiver's Authorization header", nowMs);
  if (outcome.type === 'retry' || outcome.type === 'unknown') return outcome;
  return { type: 'refused', detail: outcome.detail };
}
