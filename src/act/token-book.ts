/** Tokens of a session: from a list or a vault, in memory while they are being revoked. */
import type { ApplyOutcome } from '../model/action-log.ts';
import type { Subject } from '../model/decision.ts';
import type { Http } from '../model/ports.ts';
import { objectOf, outcomeOfFailure, outcomeOfRefusal } from './target.ts';

/** A token; its text is shown nowhere. */
export interface HeldToken {
  readonly token: string;
  readonly type: 'refresh_token' | 'access_token';
}

/** Tokens of a subject, refresh tokens first, or why they could not be had. */
export type Tokens =
  | { readonly type: 'tokens'; readonly tokens: readonly HeldToken[] }
  | Extract<ApplyOutcome, { readonly type: 'refused' | 'retry' }>;

/** Finds the tokens of a subject. */
export interface TokenBook {
  /** Never rejects; `nowMs` is what a Retry-After is counted from. */
  tokensOf(subject: Subject, nowMs: number): Promise<Tokens>;
}

const TOKENS_MAX = 64;
const TOKEN_BYTES_MAX = 16 * 1024;
const ENTRIES_MAX = 10_000;

/**
 * A book over a JSON list of `{tenant?, agent, session?, refreshToken?, accessToken?}`, or what is
 * wrong with it without a word of it. A session's tokens are those of its entries; an agent's are all.
 */
export function listedTokens(
  text: string,
):
  | { readonly ok: true; readonly book: TokenBook }
  | { readonly ok: false; readonly problem: string } {
  const refuse = (problem: string) => ({ ok: false as const, problem: `tokens.list ${problem}` });
  // A list is no object: wrapped, it can be read by the same careful reader.
  const parsed = objectOf(`{"entries":${text}}`)?.['entries'];
  if (!Array.isArray(parsed)) return refuse('is no JSON list of {agent, session, refreshToken, …}');
  if (parsed.length > ENTRIES_MAX)
    return refuse(`has more than ${ENTRIES_MAX} entries; use a vault`);
  const entries: {
    tenant: string | null;
    agent: string;
    session: string | null;
    tokens: HeldToken[];
  }[] = [];
  for (const [at, one] of (parsed as readonly unknown[]).entries()) {
    const given = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>;
    const { tenant = null, agent, session = null, refreshToken, accessToken } = given;
    const isNamed =
      typeof agent === 'string' && agent !== '' && isTextOrNull(tenant) && isTextOrNull(session);
    const tokens = [
      ...(isToken(refreshToken) ? [{ token: refreshToken, type: 'refresh_token' as const }] : []),
      ...(isToken(accessToken) ? [{ token: accessToken, type: 'access_token' as const }] : []),
    ];
    if (!isNamed || tokens.length === 0)
      return refuse(
        `entry ${at + 1} has no agent, or no token of at most ${TOKEN_BYTES_MAX} bytes`,
      );
    entries.push({ tenant, agent, session, tokens });
  }
  const tokensOf: TokenBook['tokensOf'] = async ({ tenant, agent, session }) => {
    const tokens = entries
      .filter(
        (one) =>
          one.agent === agent &&
          (one.tenant === null || one.tenant === tenant) &&
          (session === null || one.session === session),
      )
      .flatMap((one) => one.tokens);
    return found(tokens);
  };
  return { ok: true, book: { tokensOf } };
}

/** A vault that is asked over HTTP. */
export interface Vault {
  readonly http: Http;
  readonly url: string;
  readonly authorization: string | null;
  readonly timeoutMs: number;
}

/**
 * A book that asks a vault: `POST {tenant, agent, session}` → 200 `{"tokens": [{token, type}]}`, 404
 * where there are none. Names go into the body, never into the address.
 */
export function vaultTokens({ http, url, authorization, timeoutMs }: Vault): TokenBook {
  const tokensOf: TokenBook['tokensOf'] = async ({ tenant, agent, session }, nowMs) => {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(authorization === null ? {} : { authorization }),
    };
    const body = JSON.stringify({ tenant, agent, session });
    try {
      const reply = await http({ method: 'POST', url, headers, body, timeoutMs });
      if (reply.status === 404) return found([]);
      if (reply.status === 200) return found(tokensIn(reply.body));
      return notHad(outcomeOfRefusal(reply, 'tokens.vault.authorization', nowMs));
    } catch (cause) {
      return notHad(outcomeOfFailure(cause));
    }
  };
  return { tokensOf };
}

function tokensIn(body: string): readonly HeldToken[] {
  const list = objectOf(body)?.['tokens'];
  if (!Array.isArray(list)) return [];
  return (list as readonly unknown[]).flatMap((one) => {
    const { token, type } = (typeof one === 'object' && one !== null ? one : {}) as Record<
      string,
      unknown
    >;
    const isType = type === 'refresh_token' || type === 'access_token';
    return isToken(token) && isType ? [{ token, type }] : [];
  });
}

/** Refresh tokens first: while one lives, a new access token is a request away. */
function found(tokens: readonly HeldToken[]): Tokens {
  if (tokens.length === 0)
    return { type: 'refused', detail: 'no token of this subject is known: nothing to revoke' };
  if (tokens.length > TOKENS_MAX)
    return { type: 'refused', detail: `more than ${TOKENS_MAX} tokens of one subject` };
  const ofType = (type: HeldToken['type']) => tokens.filter((one) => one.type === type);
  return { type: 'tokens', tokens: [...ofType('refresh_token'), ...ofType('access_token')] };
}

/** Looking up changes nothing: a reply that was lost is a plain retry. */
function notHad(outcome: ApplyOutcome): Tokens {
  if (outcome.type === 'unknown' || outcome.type === 'retry')
    return { type: 'retry', detail: `token vault: ${outcome.detail}`, afterMs: outcome.afterMs };
  return { type: 'refused', detail: outcome.detail };
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= TOKEN_BYTES_MAX;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
