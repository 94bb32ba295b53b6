/** Options of the Shared Signals driver: what may be written, and what it means. */
import { type Static, Type } from 'typebox';
import { Secret } from '../../model/config/secret.ts';
import { duration, durationMs } from '../../model/duration.ts';
import { idOf } from '../../model/ids.ts';
import {
  CAEP_EVENTS,
  type Delivery,
  POLL,
  PUSH,
  type ReceiverRule,
  type SignalStore,
  type SignalStream,
  SUBJECT_FORMATS,
} from '../../model/signals.ts';
import type { CaepOptions } from '../caep.ts';
import type { CourierOptions } from '../courier.ts';
import { parseTarget, RatePerMin } from '../target.ts';

const EVENT_NAMES = ['session-revoked', 'risk-level-change', 'token-claims-change'] as const;
const EVENT_URIS = {
  'session-revoked': CAEP_EVENTS.sessionRevoked,
  'risk-level-change': CAEP_EVENTS.riskLevelChange,
  'token-claims-change': CAEP_EVENTS.tokenClaimsChange,
} as const;
const strict = { additionalProperties: false };
const text = (description: string) => Type.String({ minLength: 1, maxLength: 500, description });

const Receiver = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z0-9][a-z0-9_-]{0,63}$',
      description: 'Who it is: the name of its token at the control listener.',
    }),
    audience: text('`aud` of the tokens it gets.'),
    subject: Type.Optional(
      Type.Enum(SUBJECT_FORMATS, {
        default: 'iss_sub',
        description: 'How agents are named to it. Only `complex` can name one session.',
      }),
    ),
    wholeAgent: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'What is about one session is told as if it were about every session of its agent.',
      }),
    ),
    tenants: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'Tenants whose agents it may hear of. Absent: all.',
      }),
    ),
    push: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description: 'Where signals may be pushed to: this address and below. Absent: it polls.',
      }),
    ),
    authorization: Type.Optional(Secret),
    standing: Type.Optional(
      Type.Array(Type.Enum(EVENT_NAMES), {
        minItems: 1,
        description: 'Events of a stream that stands without being asked for. Absent: it asks.',
      }),
    ),
  },
  strict,
);

/** The schema of `control.drivers.<name>` of type `ssf`. */
export const SsfOptions = Type.Object(
  {
    type: Type.Literal('ssf'),
    issuer: Type.String({
      pattern: '^https?://',
      description: 'Address of the control listener as receivers reach it; `iss` of every token.',
    }),
    subjectIssuer: text('`iss` of agents: whoever issues their identities.'),
    emailDomain: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9.-]{0,200}$',
        description: 'Agents are agent@domain to receivers with `subject: email`.',
      }),
    ),
    receivers: Type.Array(Receiver, {
      minItems: 1,
      maxItems: 100,
      description: 'Who may listen; nobody else gets a stream.',
    }),
    scopes: Type.Optional(
      Type.Object(
        {
          granted: Type.Array(Type.String({ pattern: '^\\S{1,200}$' }), {
            minItems: 1,
            maxItems: 200,
            description: 'Everything that tokens of agents carry.',
          }),
          tools: Type.Record(
            Type.String({ minLength: 1, maxLength: 200 }),
            Type.Array(Type.String({ pattern: '^\\S{1,200}$' }), { minItems: 1 }),
            { description: 'Scopes that a tool needs: freezing it takes them out.' },
          ),
        },
        { ...strict, description: 'Absent: freezing tools is refused.' },
      ),
    ),
    jwks: Type.Optional(Secret),
    rotateEvery: Type.Optional(
      duration('How long a key of our own signs; a `jwks` is rotated by its keeper.', '90d'),
    ),
    grace: Type.Optional(duration('How long receivers may take to act on a signal.', '10s')),
    timeout: Type.Optional(duration('For one push.', '5s')),
    pollSilence: Type.Optional(
      duration('A receiver that has not polled this long is taken for silent.', '60s'),
    ),
    inactivity: Type.Optional(
      duration('A receiver that has not polled this long is paused, and told so.', '7d'),
    ),
    ratePerMin: Type.Optional(RatePerMin),
  },
  strict,
);
/** Options of the driver as configured. */
export type SsfOptions = Static<typeof SsfOptions>;

/** What no schema can see, in one sentence; null where the options hold. */
export function ssfProblem(options: SsfOptions): string | null {
  const issuer = parseTarget(options.issuer, 'issuer');
  if (!issuer.ok) return issuer.problem;
  if (issuer.url.search !== '' || issuer.url.hash !== '')
    return 'issuer carries a query or a fragment; write for example https://plumbline.internal';
  const names = new Set<string>();
  for (const [at, receiver] of options.receivers.entries()) {
    const key = `receivers.${at}`;
    if (names.has(receiver.name)) return `${key}.name ${receiver.name} stands twice`;
    names.add(receiver.name);
    if (receiver.push !== undefined) {
      const target = parseTarget(receiver.push, `${key}.push`);
      if (!target.ok) return target.problem;
    } else if (receiver.authorization !== undefined)
      return `${key}.authorization is for pushes; give push, or leave it away`;
    if (receiver.subject === 'email' && options.emailDomain === undefined)
      return `${key}.subject is email and emailDomain is not given`;
  }
  const { granted, tools } = options.scopes ?? { granted: [], tools: {} };
  for (const [tool, scopes] of Object.entries(tools))
    for (const scope of scopes)
      if (!granted.includes(scope))
        return `scopes.tools.${tool.slice(0, 64)} names ${scope.slice(0, 64)}, which scopes.granted does not`;
  return null;
}

/** What configuration says of receivers, by name. */
export function receiverRules(options: SsfOptions): ReadonlyMap<string, ReceiverRule> {
  return new Map(
    options.receivers.map((one) => [
      one.name,
      {
        name: one.name,
        audience: one.audience,
        subject: one.subject ?? 'iss_sub',
        wholeAgent: one.wholeAgent ?? false,
        tenants: one.tenants ?? null,
        pushUrl: one.push ?? null,
        standing: one.standing?.map((event) => EVENT_URIS[event]) ?? null,
      },
    ]),
  );
}

/** How the courier pushes under these options. */
export function courierOptions(
  options: SsfOptions,
  secret: (path: string) => string,
): CourierOptions {
  const authorizations = new Map(
    options.receivers.flatMap(({ name, authorization }, at) =>
      authorization === undefined ? [] : [[name, secret(`receivers.${at}.authorization`)] as const],
    ),
  );
  return {
    receivers: receiverRules(options),
    authorizationOf: (name) => authorizations.get(name) ?? null,
    timeoutMs: durationMs(options.timeout ?? '5s'),
    issuer: options.issuer.replace(/\/+$/, ''),
    inactivityMs: durationMs(options.inactivity ?? '7d'),
  };
}

/**
 * Makes the streams that stand by configuration, and brings them up to date. Called once before the
 * first action; what a receiver changed of its own stream stays.
 */
export async function standingStreams(store: SignalStore, options: SsfOptions): Promise<void> {
  for (const { name, audience, pushUrl, standing } of receiverRules(options).values()) {
    if (standing === null) continue;
    const delivery: Delivery =
      pushUrl === null
        ? { method: POLL }
        : { method: PUSH, url: pushUrl, sealedAuthorization: null };
    const stream: SignalStream = {
      ...{ id: idOf('standing', name).slice(0, 32), receiver: name, audience, delivery },
      ...{ eventsRequested: standing, description: null, status: 'enabled', reason: null },
      ...{ excluded: [], heardMs: null, verifiedMs: null, lastError: null, dropped: 0 },
    };
    if (await store.addStream(stream)) continue;
    const own = (await store.streams()).find(({ receiver }) => receiver === name);
    if (own?.id === stream.id)
      await store.changeStream(own.id, { audience, delivery, eventsRequested: standing });
  }
}

/** How events are made under these options. */
export function caepOptions(options: SsfOptions): CaepOptions {
  const { scopes } = options;
  return {
    issuer: options.issuer.replace(/\/+$/, ''),
    subjectIssuer: options.subjectIssuer,
    emailDomain: options.emailDomain ?? null,
    scopes:
      scopes === undefined
        ? null
        : { granted: scopes.granted, tools: new Map(Object.entries(scopes.tools)) },
    receivers: receiverRules(options),
  };
}
