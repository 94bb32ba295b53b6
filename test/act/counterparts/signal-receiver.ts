/** A strict receiver of Shared Signals: verifies by node:crypto alone and enforces what it is told. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/';

/** Claims as they came. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a token is examined against. */
export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  /** Public keys as the transmitter shows them. */
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** A token that holds, or the error code of RFC 8935 and why. */
export type Examined =
  | { readonly ok: true; readonly claims: Claims; readonly event: string; readonly payload: Claims }
  | { readonly ok: false; readonly err: string; readonly why: string };

/**
 * Everything RFC 8417, SSF 1.0, CAEP 1.0 and the interoperability profile say of one token. Shares no
 * code with what made it: signature by `node:crypto`, the rest by hand.
 */
export function examine(jwt: string, expected: Expected): Examined {
  const no = (err: string, why: string) => ({ ok: false as const, err, why });
  const parts = jwt.split('.');
  if (parts.length !== 3) return no('invalid_request', 'not a compact JWS');
  const [head = '', body = '', signature = ''] = parts;
  const header = objectOf(head);
  const claims = objectOf(body);
  if (header === null || claims === null) return no('invalid_request', 'not JSON');
  if (header['typ'] !== 'secevent+jwt')
    return no('invalid_request', `typ ${String(header['typ'])}`);
  if (header['alg'] !== 'RS256') return no('invalid_key', `alg ${String(header['alg'])}`);
  const jwk = expected.keys.find(({ kid }) => kid === header['kid']);
  if (jwk === undefined) return no('invalid_key', 'unknown kid');
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) return no('invalid_key', 'short key');
  const signed = Buffer.from(`${head}.${body}`, 'ascii');
  if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url')))
    return no('invalid_key', 'the signature does not hold');
  if (claims['iss'] !== expected.issuer) return no('invalid_issuer', String(claims['iss']));
  if (claims['aud'] !== expected.audience) return no('invalid_audience', String(claims['aud']));
  for (const name of ['sub', 'exp'])
    if (Object.hasOwn(claims, name)) return no('invalid_request', `${name} must not be there`);
  if (!Number.isSafeInteger(claims['iat'])) return no('invalid_request', 'iat is no whole second');
  if (typeof claims['jti'] !== 'string') return no('invalid_request', 'no jti');
  const events = Object.entries((claims['events'] ?? {}) as Record<string, unknown>);
  const [only] = events;
  if (events.length !== 1 || only === undefined)
    return no('invalid_request', `${events.length} events where there is one`);
  const [event, payload] = only as [string, Claims];
  const wrong = wrongIn(event, payload, claims);
  if (wrong !== null) return no('invalid_request', wrong);
  return { ok: true, claims, event, payload };
}

function wrongIn(event: string, payload: Claims, claims: Claims): string | null {
  const subject = claims['sub_id'] as Claims | undefined;
  if (typeof subject?.['format'] !== 'string') return 'no sub_id with a format';
  if (event === `${SSF}verification` || event === `${SSF}stream-updated`)
    return subject['format'] === 'opaque' ? null : 'the subject of a stream is opaque';
  if (typeof claims['txn'] !== 'string' || claims['txn'] === '') return 'no txn';
  const wrong = wrongSubject(subject);
  if (wrong !== null) return wrong;
  if (!Number.isSafeInteger(payload['event_timestamp'])) return 'event_timestamp';
  if ((payload['event_timestamp'] as number) > 9_999_999_999) return 'event_timestamp in ms';
  if (!['admin', 'user', 'policy', 'system'].includes(String(payload['initiating_entity'])))
    return 'initiating_entity';
  const reason = payload['reason_admin'] as Claims | undefined;
  switch (event) {
    case `${CAEP}session-revoked`:
      return typeof reason?.['en'] === 'string' && reason['en'] !== '' ? null : 'no reason_admin';
    case `${CAEP}risk-level-change`:
      if (!['USER', 'SESSION'].includes(String(payload['principal']))) return 'principal';
      return ['LOW', 'MEDIUM', 'HIGH'].includes(String(payload['current_level'])) ? null : 'level';
    case `${CAEP}token-claims-change`:
      return typeof payload['claims'] === 'object' && payload['claims'] !== null ? null : 'claims';
    default:
      return `unknown event ${event}`;
  }
}

function wrongSubject(subject: Claims): string | null {
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  switch (subject['format']) {
    case 'iss_sub':
      return isText(subject['iss']) && isText(subject['sub']) ? null : 'iss_sub';
    case 'email':
      return /^[^@\s]+@[^@\s]+$/.test(String(subject['email'])) ? null : 'email';
    case 'opaque':
      return isText(subject['id']) ? null : 'opaque';
    case 'complex':
      for (const [name, member] of Object.entries(subject)) {
        if (name === 'format') continue;
        const wrong = wrongSubject(member as Claims);
        if (wrong !== null) return `${name}: ${wrong}`;
      }
      return null;
    default:
      return `format ${String(subject['format'])}`;
  }
}

function objectOf(part: string): Claims | null {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Claims;
  } catch {
    return null;
  }
}

/** What a receiver enforces: levels and ended sessions by subject, and what tokens may carry. */
export interface Enforcement {
  /** Takes a token that holds; the same `jti` once. True where it changed something. */
  take(examined: Extract<Examined, { ok: true }>): boolean;
  /** How often something changed. */
  effects(): number;
  /** True where calls of this agent's session are refused. */
  stops(agent: string, session: string): boolean;
  /** Scope that tokens of the agent carry; null: as granted. */
  scopeOf(agent: string): string | null;
  /** Events in the order in which they took effect, by their last word. */
  readonly order: readonly string[];
  everything(): string;
}

/** An enforcement point of a receiver. */
export function createEnforcement(): Enforcement {
  const seen = new Set<string>();
  const high = new Set<string>();
  const ended = new Set<string>();
  const scopes = new Map<string, string>();
  const order: string[] = [];
  const who = (subject: Claims): string => {
    if (subject['format'] === 'email') return String(subject['email']).split('@', 1)[0] ?? '';
    if (subject['format'] === 'iss_sub') return String(subject['sub']);
    const { user, session } = subject as { user?: Claims; session?: Claims };
    const agent = String(user?.['sub']);
    return session === undefined ? agent : JSON.stringify([agent, session['id']]);
  };
  const blocks = (set: ReadonlySet<string>, agent: string, session: string) =>
    set.has(agent) || set.has(JSON.stringify([agent, session]));
  return {
    take: ({ claims, event, payload }) => {
      if (seen.has(String(claims['jti']))) return false;
      seen.add(String(claims['jti']));
      const subject = who(claims['sub_id'] as Claims);
      const name = event.slice(event.lastIndexOf('/') + 1);
      const level = payload['current_level'];
      order.push(level === undefined ? name : `${name} ${String(level)}`);
      if (name === 'session-revoked') ended.add(subject);
      if (name === 'risk-level-change' && level === 'HIGH') high.add(subject);
      if (name === 'risk-level-change' && level === 'LOW') high.delete(subject);
      if (name === 'token-claims-change')
        scopes.set(subject, String((payload['claims'] as Claims)['scope']));
      return true;
    },
    effects: () => order.length,
    stops: (agent, session) => blocks(high, agent, session) || blocks(ended, agent, session),
    scopeOf: (agent) => scopes.get(agent) ?? null,
    order,
    everything: () =>
      JSON.stringify({ high: [...high], ended: [...ended], scopes: [...scopes], order }),
  };
}
