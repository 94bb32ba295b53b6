/** An authorization server (RFC 7009, 7662, global revocation) and a resource server that may ask it. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Target, TargetRequest } from './front.ts';

/** How a client is known to it. */
export interface KnownClient {
  readonly id: string;
  readonly secret: string;
  /** For private_key_jwt. */
  readonly publicKey?: KeyObject;
  /** `aud` that assertions must bear. */
  readonly audience?: string;
}

/** What one agent's session holds. */
export interface Grant {
  readonly agent: string;
  readonly session: string;
  readonly refreshToken: string;
  readonly accessToken: string;
}

/** A running authorization server. */
export interface AuthorizationServer {
  readonly target: Target;
  /** True: answers 200 and does nothing. */
  ignores: boolean;
  /** Types it does not revoke. */
  readonly unsupported: Set<string>;
  /** True where the token is good at a resource server that asks each time. */
  isActive(token: string): boolean;
  /** How often a grant has ended. */
  effects(): number;
  /** Requests that a client was not believed. */
  readonly rejected: string[];
  everything(): string;
}

const GLOBAL_AUTHORIZATION = 'Bearer global-3c9d';

/** What the global endpoint wants to see. */
export { GLOBAL_AUTHORIZATION };

/** Starts with grants that all live. `now` is in ms. */
export function createAuthorizationServer(
  client: KnownClient,
  grants: readonly Grant[],
  nowMs: () => number,
): AuthorizationServer {
  const ended = new Set<Grant>();
  const endedAccess = new Set<string>();
  const seenAssertions = new Set<string>();
  const rejected: string[] = [];
  let effects = 0;
  const ofToken = (token: string | null) =>
    grants.find(({ refreshToken, accessToken }) => token === refreshToken || token === accessToken);
  const isActive = (token: string) => {
    const grant = ofToken(token);
    return grant !== undefined && !ended.has(grant) && !endedAccess.has(token);
  };
  const end = (grant: Grant) => {
    if (!ended.has(grant)) effects += 1;
    ended.add(grant);
  };
  const fail = (status: number, error: string) => ({ status, body: { error } });

  const revoke = (form: URLSearchParams) => {
    const token = form.get('token');
    if (token === null) return fail(400, 'invalid_request');
    const grant = ofToken(token);
    const type = grant?.refreshToken === token ? 'refresh_token' : 'access_token';
    if (grant !== undefined && server.unsupported.has(type))
      return fail(400, 'unsupported_token_type');
    // An unknown token is answered as a known one, RFC 7009 §2.2: whoever asks learns nothing.
    if (grant === undefined || server.ignores) return { status: 200, body: '' };
    // Where the refresh token goes, what was made of it goes too.
    if (type === 'refresh_token') end(grant);
    else if (!ended.has(grant)) endedAccess.add(token);
    return { status: 200, body: '' };
  };
  const introspect = (form: URLSearchParams) => ({
    status: 200,
    body: isActive(form.get('token') ?? '')
      ? { active: true, token_type: 'Bearer' }
      : { active: false },
  });
  const endAll = ({ headers, body }: TargetRequest) => {
    if (headers['authorization'] !== GLOBAL_AUTHORIZATION) return fail(401, 'invalid_token');
    const { sub_id } = JSON.parse(body) as { sub_id?: Record<string, string> };
    if (sub_id?.['format'] !== 'iss_sub' || sub_id['iss'] !== 'https://idp.example')
      return fail(400, 'invalid_request');
    const own = grants.filter(({ agent }) => agent === sub_id['sub']);
    if (own.length === 0) return fail(404, 'not_found');
    if (!server.ignores) for (const grant of own) end(grant);
    return { status: 204, body: '' };
  };
  const server: AuthorizationServer = {
    target: (request) => {
      if (request.method !== 'POST') return fail(405, 'invalid_request');
      if (request.path === '/global') return endAll(request);
      const form = new URLSearchParams(request.body);
      if (request.headers['content-type'] !== 'application/x-www-form-urlencoded')
        return fail(400, 'invalid_request');
      const why = wrongClient(client, request, form, seenAssertions, nowMs());
      if (why !== null) {
        rejected.push(why);
        return fail(401, 'invalid_client');
      }
      if (request.path === '/revoke') return revoke(form);
      if (request.path === '/introspect') return introspect(form);
      return fail(404, 'not_found');
    },
    ignores: false,
    unsupported: new Set(),
    isActive,
    effects: () => effects,
    rejected,
    everything: () => JSON.stringify({ ended: [...ended], endedAccess: [...endedAccess], effects }),
  };
  return server;
}

function wrongClient(
  client: KnownClient,
  { headers }: TargetRequest,
  form: URLSearchParams,
  seen: Set<string>,
  nowMs: number,
): string | null {
  const [scheme, pair] = (headers['authorization'] ?? '').split(' ');
  if (scheme === 'Basic') {
    const [id, secret] = Buffer.from(pair ?? '', 'base64')
      .toString('utf8')
      .split(':');
    const plain = (part = '') => decodeURIComponent(part.replaceAll('+', ' '));
    return plain(id) === client.id && plain(secret) === client.secret ? null : 'basic';
  }
  const assertion = form.get('client_assertion');
  if (assertion === null)
    return form.get('client_id') === client.id && form.get('client_secret') === client.secret
      ? null
      : 'post';
  if (
    form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  )
    return 'client_assertion_type';
  const [head = '', body = '', signature = ''] = assertion.split('.');
  if (client.publicKey === undefined) return 'no key';
  const key = { key: client.publicKey, dsaEncoding: 'ieee-p1363' as const };
  const signed = Buffer.from(`${head}.${body}`, 'ascii');
  if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return 'signature';
  const parse = (part: string) =>
    JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
  const claims = parse(body);
  const alg = client.publicKey.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256';
  if (parse(head)['alg'] !== alg) return 'alg';
  if (claims['iss'] !== client.id || claims['sub'] !== client.id) return 'iss, sub';
  if (claims['aud'] !== client.audience) return 'aud';
  const seconds = nowMs / 1_000;
  const [iat, exp] = [Number(claims['iat']), Number(claims['exp'])];
  if (!(iat <= seconds && exp > seconds && exp <= iat + 300)) return 'exp';
  if (seen.has(String(claims['jti']))) return 'jti seen before';
  seen.add(String(claims['jti']));
  return null;
}

/** Public half of a private key in PEM. */
export function publicHalf(pem: string): KeyObject {
  return createPublicKey(pem);
}
