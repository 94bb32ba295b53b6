/** Streams as receivers see and change them: what is asked for, what is kept, what is shown. */
import {
  isWithin,
  POLL,
  PUSH,
  type ReceiverRule,
  type SignalKeys,
  type SignalStream,
} from '../model/signals.ts';

/** What every stream of this transmitter has in common. */
export interface StreamCommon {
  /** Without a slash at its end. */
  readonly issuer: string;
  readonly eventsSupported: readonly string[];
  /** Between two verifications, ms. */
  readonly verifyEveryMs: number;
  /** A polling receiver that is not heard of this long is paused, ms. */
  readonly inactivityMs: number;
}

/** A change that was asked for, or what is wrong with it. */
export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

const EVENTS_MAX = 50;
const TEXT_MAX = 500;
/** Bytes of an Authorization header that a receiver may give us. */
const HEADER_MAX = 4_096;

/** A request body as a JSON object, or null. */
export function bodyOf(body: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(body);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Readonly<Record<string, unknown>>) : null;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

/** The configuration of a stream (SSF 1.0 §8.1.1), without the header that it was given. */
export function streamShown(
  stream: SignalStream,
  common: StreamCommon,
): Readonly<Record<string, unknown>> {
  const { delivery } = stream;
  const requested = new Set(stream.eventsRequested);
  return {
    stream_id: stream.id,
    iss: common.issuer,
    aud: stream.audience,
    events_supported: common.eventsSupported,
    events_requested: stream.eventsRequested,
    events_delivered: common.eventsSupported.filter((event) => requested.has(event)),
    delivery: {
      method: delivery.method,
      endpoint_url:
        delivery.method === PUSH
          ? delivery.url
          : `${common.issuer}/ssf/poll/${encodeURIComponent(stream.id)}`,
    },
    min_verification_interval: Math.ceil(common.verifyEveryMs / 1_000),
    // A pushed stream is never idle by its receiver's fault.
    ...(delivery.method === POLL
      ? { inactivity_timeout: Math.ceil(common.inactivityMs / 1_000) }
      : {}),
    ...(stream.description === null ? {} : { description: stream.description }),
  };
}

/** The part of a stream that its receiver decides. */
export type StreamWish = Pick<SignalStream, 'delivery' | 'eventsRequested' | 'description'>;

/**
 * What a body asks of a stream. `from` is what stands and is kept where the body is silent; null for
 * a new stream and for a replacement.
 */
export async function streamAsked(
  body: Readonly<Record<string, unknown>>,
  rule: ReceiverRule,
  from: StreamWish | null,
  keys: SignalKeys,
): Promise<Asked<StreamWish>> {
  const events = body['events_requested'];
  if (events !== undefined && !isTexts(events))
    return refuse(`events_requested is a list of at most ${EVENTS_MAX} event types`);
  const description = body['description'];
  if (description !== undefined && !isText(description))
    return refuse(`description is a text of at most ${TEXT_MAX} characters`);
  const delivery = await deliveryAsked(body['delivery'], rule, from, keys);
  if (!delivery.ok) return delivery;
  return {
    ok: true,
    value: {
      delivery: delivery.value,
      eventsRequested: events ?? from?.eventsRequested ?? [],
      description: description ?? from?.description ?? null,
    },
  };
}

async function deliveryAsked(
  asked: unknown,
  rule: ReceiverRule,
  from: StreamWish | null,
  keys: SignalKeys,
): Promise<Asked<SignalStream['delivery']>> {
  if (asked === undefined) return { ok: true, value: from?.delivery ?? { method: POLL } };
  if (typeof asked !== 'object' || asked === null) return refuse('delivery is no object');
  const { method, endpoint_url, authorization_header } = asked as Record<string, unknown>;
  if (method === POLL) return { ok: true, value: { method: POLL } };
  if (method !== PUSH) return refuse(`delivery.method is ${PUSH} or ${POLL}`);
  if (typeof endpoint_url !== 'string' || !isWithin(endpoint_url, rule.pushUrl))
    return refuse(
      'delivery.endpoint_url is not at or below the address that our configuration gives for you',
    );
  const isHeader =
    typeof authorization_header === 'string' &&
    authorization_header.length <= HEADER_MAX &&
    /^[\x20-\x7e]+$/.test(authorization_header);
  if (authorization_header !== undefined && !isHeader)
    return refuse('delivery.authorization_header is no value of a header');
  const sealedAuthorization = isHeader ? await keys.seal(authorization_header) : null;
  return { ok: true, value: { method: PUSH, url: endpoint_url, sealedAuthorization } };
}

/** Members that are ours to say: a body may repeat them, not change them. */
export function ownMembersProblem(
  body: Readonly<Record<string, unknown>>,
  shown: Readonly<Record<string, unknown>>,
): string | null {
  for (const name of ['iss', 'aud', 'events_supported', 'events_delivered'])
    if (body[name] !== undefined && JSON.stringify(body[name]) !== JSON.stringify(shown[name]))
      return `${name} is ours to say: leave it away, or repeat it as it is`;
  return null;
}

function refuse(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= EVENTS_MAX && value.every(isText);
}
