/** OAuth driver: revokes tokens (RFC 7009), asks whether they live (RFC 7662), or ends all. */
import { type Static, Type } from 'typebox';
import type { ApplyOutcome } from '../../model/action-log.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Intention, Subject, Verb } from '../../model/decision.ts';
import { duration, durationMs } from '../../model/duration.ts';
import { OperatingError } from '../../model/errors.ts';
import type { Http, HttpResponse } from '../../model/ports.ts';
import { CLIENT_AUTHS, type ClientAuth, clientAuth } from '../client-auth.ts';
import type { Driver, DriverDefinition, DriverPlan, ReadBack } from '../driver.ts';
import {
  objectOf,
  outcomeOfFailure,
  outcomeOfRefusal,
  parseTarget,
  RatePerMin,
  reachOf,
} from '../target.ts';
import { type HeldToken, listedTokens, type TokenBook, vaultTokens } from '../token-book.ts';

const strict = { additionalProperties: false };
const url = (description: string) => Type.String({ pattern: '^https?://', description });

const Options = Type.Object(
  {
    type: Type.Literal('oauth'),
    revocation: Type.Optional(url('Revocation endpoint (RFC 7009).')),
    introspection: Type.Optional(
      url('Introspection endpoint (RFC 7662): what is asked whether a token still lives.'),
    ),
    client: Type.Optional(
      Type.Object(
        {
          id: Type.String({ minLength: 1, maxLength: 500, description: '`client_id`.' }),
          auth: Type.Optional(
            Type.Enum(CLIENT_AUTHS, {
              default: 'private_key_jwt',
              description: 'How the client says who it is.',
            }),
          ),
          secret: Type.Optional(Secret),
          key: Type.Optional(Secret),
          audience: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 500,
              description: '`aud` of assertions. Absent: the revocation endpoint.',
            }),
          ),
        },
        { ...strict, description: 'Who we are to the authorization server.' },
      ),
    ),
    tokens: Type.Optional(
      Type.Object(
        {
          list: Type.Optional(Secret),
          vault: Type.Optional(
            Type.Object(
              {
                url: url('Asked by POST for the tokens of a subject.'),
                authorization: Type.Optional(Secret),
              },
              strict,
            ),
          ),
        },
        { ...strict, description: 'Where tokens come from: a list, or a vault; exactly one.' },
      ),
    ),
    global: Type.Optional(
      Type.Object(
        {
          url: url(
            'Global token revocation endpoint (draft-parecki-oauth-global-token-revocation).',
          ),
          authorization: Secret,
          subjectIssuer: Type.String({
            minLength: 1,
            maxLength: 500,
            description: '`iss` of agents: whoever issues their identities.',
          }),
          wholeAgent: Type.Optional(
            Type.Boolean({
              default: false,
              description: 'To revoke one session it may end every session of its agent.',
            }),
          ),
        },
        { ...strict, description: 'Ends everything an agent holds. The draft has expired.' },
      ),
    ),
    introspects: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'True where every resource server asks before it takes a token.',
      }),
    ),
    tokenLife: Type.Optional(
      duration('How long an access token may live: so long it is taken where nobody asks.', '1h'),
    ),
    timeout: Type.Optional(duration('For one request.', '5s')),
    ratePerMin: Type.Optional(RatePerMin),
  },
  strict,
);
/** Options of the driver as configured. */
export type OauthOptions = Static<typeof Options>;

/** What the driver works with, made of its options. */
interface Work {
  readonly http: Http;
  readonly nowMs: () => number;
  readonly options: OauthOptions;
  readonly prove: ClientAuth;
  readonly book: TokenBook | null;
  readonly globalAuthorization: string;
  readonly timeoutMs: number;
  /** Tokens of what was revoked lately by lease: a vault has let go of them when they are asked for. */
  readonly revoked: Map<string, readonly HeldToken[]>;
}

/** Leases whose tokens are remembered for the read-back; the oldest goes first. */
const REMEMBERED_MAX = 256;
/** Where resource servers ask, a revocation is in force as soon as they do so again, ms. */
const GRACE_INTROSPECTED_MS = 5_000;

/** An authorization server of several members may take this long to agree with itself, ms. */
const READ_BACK_AFTER_MS = 2_000;

/** The driver. */
export const oauth: DriverDefinition<OauthOptions> = {
  type: 'oauth',
  claim:
    'An authorization server: tokens of a session revoked, refresh token first; nothing to undo.',
  verbs: ['revoke_session', 'suspend_agent'],
  irreversible: ['revoke_session', 'suspend_agent'],
  options: Options,
  make({ http, clock, options, secret }) {
    const problem = problemOf(options);
    if (problem !== null) return { ok: false, problem };
    const auth = authOf(options, secret);
    if (!auth.ok) return auth;
    const timeoutMs = durationMs(options.timeout ?? '5s');
    const book = bookOf(options, http, timeoutMs, secret);
    if (!book.ok) return book;
    const work: Work = {
      ...{ http, nowMs: clock.nowMs, options, prove: auth.prove, book: book.book, timeoutMs },
      globalAuthorization: options.global === undefined ? '' : secret('global.authorization'),
      revoked: new Map(),
    };
    const verbs: readonly Verb[] =
      options.global === undefined ? ['revoke_session'] : ['revoke_session', 'suspend_agent'];
    const driver: Driver = {
      capabilities: () => ({
        verbs,
        irreversible: verbs,
        subjects: ['agent', 'session'],
        blast: 'subject',
        selfExpiring: false,
        readBack: options.introspection !== undefined,
        graceMs:
          options.introspects === true
            ? GRACE_INTROSPECTED_MS
            : durationMs(options.tokenLife ?? '1h'),
        // The server that was told answers for itself at once, however long resource servers take.
        ...(options.introspection === undefined ? {} : { readBackAfterMs: READ_BACK_AFTER_MS }),
        ratePerMin: options.ratePerMin ?? 10,
      }),
      plan: (intention) => planOf(intention, options),
      apply: async (intention) => await apply(work, intention),
      ...(options.introspection === undefined
        ? {}
        : { readBack: async (intention) => await readBack(work, intention) }),
    };
    return { ok: true, driver };
  },
};

function problemOf(options: OauthOptions): string | null {
  const { revocation, introspection, global, client, tokens } = options;
  if (revocation === undefined && global === undefined)
    return 'has neither revocation nor global: nothing could be revoked';
  const urls = {
    ...{ revocation, introspection, 'global.url': global?.url },
    'tokens.vault.url': tokens?.vault?.url,
  };
  for (const [name, given] of Object.entries(urls)) {
    const parsed = given === undefined ? null : parseTarget(given, name);
    if (parsed !== null && !parsed.ok) return parsed.problem;
  }
  if (revocation === undefined && introspection === undefined) return null;
  if (client === undefined)
    return 'client is missing: revocation and introspection want to know us';
  const wanted = (client.auth ?? 'private_key_jwt') === 'private_key_jwt' ? 'key' : 'secret';
  if (client[wanted] === undefined)
    return `client.${wanted} is missing: ${client.auth ?? 'private_key_jwt'} needs it`;
  const sources = [tokens?.list, tokens?.vault].filter((one) => one !== undefined);
  if (sources.length !== 1) return 'tokens needs exactly one of list and vault';
  return null;
}

function authOf(options: OauthOptions, secret: (path: string) => string) {
  const { client, revocation, introspection } = options;
  const none: ClientAuth = () => ({ headers: {}, form: {} });
  if (client === undefined) return { ok: true as const, prove: none };
  const method = client.auth ?? 'private_key_jwt';
  return clientAuth({
    ...{ id: client.id, method, audience: client.audience ?? revocation ?? introspection ?? '' },
    credential: secret(method === 'private_key_jwt' ? 'client.key' : 'client.secret'),
  });
}

type BookResult =
  | { readonly ok: true; readonly book: TokenBook | null }
  | { readonly ok: false; readonly problem: string };

function bookOf(
  { tokens }: OauthOptions,
  http: Http,
  timeoutMs: number,
  secret: (path: string) => string,
): BookResult {
  if (tokens?.list !== undefined) return listedTokens(secret('tokens.list'));
  if (tokens?.vault === undefined) return { ok: true, book: null };
  const { authorization, url: at } = tokens.vault;
  const header = authorization === undefined ? null : secret('tokens.vault.authorization');
  return { ok: true, book: vaultTokens({ http, url: at, authorization: header, timeoutMs }) };
}

/** What is done for an intention: its tokens one by one, everything of the agent, or nothing. */
function wayOf({ verb, subject }: Intention, options: OauthOptions): 'tokens' | 'global' | string {
  const { global } = options;
  if (verb !== 'revoke_session' && verb !== 'suspend_agent')
    return `tokens can be revoked, and nothing else: no ${verb}`;
  if (subject.agent === '') return 'an agent without a name has no tokens';
  const isWhole = verb === 'suspend_agent' || subject.session === null;
  if (isWhole && global !== undefined) return 'global';
  if (verb === 'suspend_agent') return 'suspending an agent needs global';
  if (options.revocation !== undefined) return 'tokens';
  if (global?.wholeAgent === true) return 'global';
  return 'one session cannot be ended by global without wholeAgent: it would end all of its agent';
}

async function apply(work: Work, intention: Intention): Promise<ApplyOutcome> {
  if (intention.step !== 'request')
    return { type: 'already', detail: 'revoked is revoked: the agent signs in again' };
  const way = wayOf(intention, work.options);
  if (way === 'global') return await revokeAll(work, intention.subject);
  if (way !== 'tokens' || work.book === null) return { type: 'refused', detail: way };
  const had = await work.book.tokensOf(intention.subject, work.nowMs());
  if (had.type !== 'tokens') return had;
  remember(work.revoked, intention.leaseId, had.tokens);
  let unsupported = 0;
  for (const { token, type } of had.tokens) {
    const outcome = await revoke(work, token, type);
    if (outcome === 'unsupported') unsupported += 1;
    else if (outcome.type !== 'accepted') return outcome;
  }
  const done = had.tokens.length - unsupported;
  if (done === 0) return { type: 'refused', detail: 'the server revokes no token of these types' };
  const rest = unsupported === 0 ? '' : `, ${unsupported} of a type it does not revoke`;
  return { type: 'accepted', detail: `${done} of ${had.tokens.length} tokens revoked${rest}` };
}

async function revoke(
  work: Work,
  token: string,
  type: HeldToken['type'],
): Promise<ApplyOutcome | 'unsupported'> {
  try {
    const form = { token, token_type_hint: type };
    const reply = await postForm(work, work.options.revocation ?? '', form);
    if (reply.status === 200) return { type: 'accepted', detail: 'HTTP 200' };
    const isError = reply.status === 400 || reply.status === 401;
    const code = isError ? objectOf(reply.body)?.['error'] : undefined;
    if (code === 'unsupported_token_type') return 'unsupported';
    if (code === 'invalid_client') return refusedClient(reply.status);
    return outcomeOfRefusal(reply, 'client and its credential', work.nowMs());
  } catch (cause) {
    return outcomeOfFailure(cause);
  }
}

function refusedClient(status: number): ApplyOutcome {
  const detail = `ControlAuth: HTTP ${status} invalid_client; check client and its credential`;
  return { type: 'refused', detail };
}

async function revokeAll(work: Work, subject: Subject): Promise<ApplyOutcome> {
  const { global } = work.options;
  if (global === undefined) return { type: 'refused', detail: 'global is not configured' };
  try {
    const reply = await work.http({
      method: 'POST',
      url: global.url,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: work.globalAuthorization,
      },
      body: globalBody(subject, global.subjectIssuer),
      timeoutMs: work.timeoutMs,
    });
    if (reply.status >= 200 && reply.status < 300)
      return { type: 'accepted', detail: `HTTP ${reply.status}` };
    return outcomeOfRefusal(reply, 'global.authorization', work.nowMs());
  } catch (cause) {
    return outcomeOfFailure(cause);
  }
}

function globalBody({ agent }: Subject, issuer: string): string {
  return JSON.stringify({ sub_id: { format: 'iss_sub', iss: issuer, sub: agent } });
}

/** Applied where no token lives; absent where one does; unknown where it was not said of all. */
async function readBack(work: Work, intention: Intention): Promise<ReadBack> {
  if (work.book === null) return 'unknown';
  const had = await work.book.tokensOf(intention.subject, work.nowMs());
  const found = had.type === 'tokens' ? had.tokens : work.revoked.get(intention.leaseId);
  if (found === undefined) return 'unknown';
  let says: ReadBack = 'applied';
  for (const { token, type } of found) {
    const active = await isActive(work, token, type);
    if (active === true) return 'absent';
    if (active === null) says = 'unknown';
  }
  return says;
}

async function isActive(
  work: Work,
  token: string,
  type: HeldToken['type'],
): Promise<boolean | null> {
  try {
    const form = { token, token_type_hint: type };
    const reply = await postForm(work, work.options.introspection ?? '', form);
    const active = reply.status === 200 ? objectOf(reply.body)?.['active'] : undefined;
    return typeof active === 'boolean' ? active : null;
  } catch (cause) {
    // Every failure of the world is the same answer: nothing is known.
    if (!(cause instanceof OperatingError)) throw cause;
    return null;
  }
}

async function postForm(
  work: Work,
  to: string,
  form: Readonly<Record<string, string>>,
): Promise<HttpResponse> {
  const proof = work.prove(work.nowMs());
  return await work.http({
    method: 'POST',
    url: to,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      ...proof.headers,
    },
    body: new URLSearchParams({ ...form, ...proof.form }).toString(),
    timeoutMs: work.timeoutMs,
  });
}

function remember(
  revoked: Map<string, readonly HeldToken[]>,
  leaseId: string,
  tokens: readonly HeldToken[],
): void {
  revoked.delete(leaseId);
  revoked.set(leaseId, tokens);
  const [oldest] = revoked.keys();
  if (revoked.size > REMEMBERED_MAX && oldest !== undefined) revoked.delete(oldest);
}

function planOf(intention: Intention, options: OauthOptions): DriverPlan {
  const isGlobal = wayOf(intention, options) === 'global';
  const { global, revocation } = options;
  const to = (isGlobal ? global?.url : revocation) ?? revocation ?? global?.url ?? '';
  const parsed = URL.parse(to);
  return {
    method: 'POST',
    url: `${parsed?.origin ?? ''}${parsed?.pathname ?? ''}`,
    headers: {
      'content-type': isGlobal ? 'application/json' : 'application/x-www-form-urlencoded',
      authorization: '<masked>',
    },
    body: isGlobal
      ? globalBody(intention.subject, global?.subjectIssuer ?? '')
      : 'token=<each of the session, masked>&token_type_hint=refresh_token, then access_token',
    undo: null,
    reach: isGlobal
      ? reachOf({ ...intention.subject, session: null, tools: [] })
      : reachOf({ ...intention.subject, tools: [] }),
  };
}
