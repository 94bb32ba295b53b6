/** Shared Signals driver: tells every receiver that listens, by CAEP events (SSF 1.0). */
import { type Static, Type } from 'typebox';
import type { ApplyOutcome } from '../../model/action-log.ts';
import { duration, durationMs, Secret } from '../../model/config.ts';
import { type Intention, VERBS } from '../../model/decision.ts';
import { OperatingError } from '../../model/errors.ts';
import {
  CAEP_EVENTS,
  PUSH,
  type ReceiverRule,
  type SignalStore,
  type SignalStream,
  SUBJECT_FORMATS,
  type TrackedSignal,
  type WishStep,
} from '../../model/signals.ts';
import { agentKey, type CaepOptions, plannedStream, signalsOf } from '../caep.ts';
import { type Courier, createCourier, type Pushed } from '../courier.ts';
import type { Driver, DriverDefinition } from '../driver.ts';
import { parseTarget, RatePerMin, reachOf } from '../target.ts';

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
      pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
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

const Options = Type.Object(
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
export type SsfOptions = Static<typeof Options>;

/** The driver. */
export const ssf: DriverDefinition<SsfOptions> = {
  type: 'ssf',
  claim:
    'Receivers of Shared Signals (SSF 1.0, CAEP): identity providers and applications; a hint.',
  verbs: VERBS,
  options: Options,
  make({ http, clock, options, secret, signals }) {
    const problem = problemOf(options);
    if (problem !== null) return { ok: false, problem };
    if (signals === undefined)
      return { ok: false, problem: 'needs the store and the keys of a running daemon' };
    const { store, keys } = signals;
    const caep = caepOptions(options);
    const courier = createCourier({ store, keys, http, clock }, courierOptions(options, secret));
    const pollSilenceMs = durationMs(options.pollSilence ?? '60s');
    const verbs = caep.scopes === null ? VERBS.filter((one) => one !== 'freeze_tool') : VERBS;
    const driver: Driver = {
      capabilities: () => ({
        verbs,
        irreversible: ['revoke_session'],
        subjects: ['agent', 'session', ...(caep.scopes === null ? [] : (['tool'] as const))],
        blast: 'subject',
        selfExpiring: false,
        // A receiver's word is that it has heard, never that it has acted.
        readBack: false,
        graceMs: durationMs(options.grace ?? '10s'),
        ratePerMin: options.ratePerMin ?? 10,
      }),
      plan: (intention) => planOf(intention, caep, clock.nowMs()),
      async apply(intention) {
        try {
          const nowMs = clock.nowMs();
          const compose = (context: Parameters<typeof signalsOf>[1]) =>
            signalsOf(intention, context, caep, nowMs);
          const wished = await store.wish(stepOf(intention), compose, nowMs);
          if (wished.type !== 'queued') return withoutSignals(intention, wished.type);
          if (intention.step === 'renew')
            return { type: 'already', detail: 'a signal stands until another one is sent' };
          if (wished.signals.length === 0) return unheard(intention);
          const streams = await streamsById(store);
          const pushed = await deliverAll(courier, streams, wished.signals);
          const after = await store.ofKey(intention.key);
          const quiet = { nowMs: clock.nowMs(), pollSilenceMs };
          return outcomeOf(after, pushed, streams, quiet, wished.isNew);
        } catch (cause) {
          if (!(cause instanceof OperatingError && cause.retryable)) throw cause;
          // Some of it may have been sent: the same key says which when it is tried again.
          return { type: 'unknown', detail: `the store failed: ${cause.code}`, afterMs: 0 };
        }
      },
    };
    return { ok: true, driver };
  },
};

function problemOf(options: SsfOptions): string | null {
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
): Parameters<typeof createCourier>[1] {
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

function caepOptions(options: SsfOptions): CaepOptions {
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

function stepOf(intention: Intention): WishStep {
  const { step, key, leaseId, verb, subject, expiresMs } = intention;
  const { session, tools } = subject;
  return { step, key, leaseId, verb, subjectKey: agentKey(subject), session, tools, expiresMs };
}

function planOf(
  intention: Intention,
  caep: CaepOptions,
  nowMs: number,
): ReturnType<Driver['plan']> {
  const streams = [...caep.receivers.values()].map(plannedStream);
  const told = new Set(streams.map(({ id }) => id));
  const signals = signalsOf(intention, { others: [], streams, told }, caep, nowMs);
  const isReversible = intention.verb !== 'revoke_session';
  return {
    method: 'POST',
    url: caep.issuer,
    headers: { 'content-type': 'application/secevent+jwt', authorization: '<masked>' },
    // What would be signed: a token itself is made when it is sent.
    body: JSON.stringify(signals.map(({ claims }) => claims)),
    undo: isReversible ? 'risk-level-change LOW, or the claims as they were' : null,
    reach: `${reachOf(intention.subject)}, at ${signals.length} of ${streams.length} receivers`,
  };
}

function withoutSignals(intention: Intention, why: 'over' | 'nothing'): ApplyOutcome {
  if (intention.step === 'renew')
    return { type: 'refused', detail: why === 'over' ? 'the lease is over' : 'nothing stands' };
  return { type: 'already', detail: why === 'over' ? 'the lease is over' : 'nothing was sent' };
}

function unheard({ step, verb, subject }: Intention): ApplyOutcome {
  if (step === 'release')
    return { type: 'already', detail: 'nobody was told, or another lease still asks for it' };
  if (verb === 'freeze_tool')
    return { type: 'refused', detail: 'no receiver takes token-claims-change for these tools' };
  const why =
    subject.session === null
      ? 'no stream asked for this event'
      : 'no stream asked for this event and can name a session (subject: complex, or wholeAgent)';
  return { type: 'refused', detail: `nobody listens: ${why}` };
}

async function streamsById(store: SignalStore): Promise<ReadonlyMap<string, SignalStream>> {
  return new Map((await store.streams()).map((stream) => [stream.id, stream]));
}

async function deliverAll(
  courier: Courier,
  streams: ReadonlyMap<string, SignalStream>,
  signals: readonly TrackedSignal[],
): Promise<ReadonlyMap<string, Pushed>> {
  const waiting = signals.filter(({ state }) => state === 'waiting');
  const wanted = new Map(waiting.map(({ streamId, subjectKey }) => [streamId, subjectKey]));
  const results = await Promise.all(
    [...wanted].map(async ([id, subject]) => {
      const stream = streams.get(id);
      if (stream?.delivery.method !== PUSH) return new Map<string, Pushed>();
      return await courier.deliver(stream, subject);
    }),
  );
  return new Map(results.flatMap((result) => [...result]));
}

/**
 * Accepted: at least one receiver has heard, and none is still to be reached. Heard is 202 to a push,
 * an acknowledgement of a poll, or a place in the queue of a receiver that is polling. A receiver
 * that refused for good is named; when all did, the action is refused.
 */
function outcomeOf(
  signals: readonly TrackedSignal[],
  pushed: ReadonlyMap<string, Pushed>,
  streams: ReadonlyMap<string, SignalStream>,
  quiet: { readonly nowMs: number; readonly pollSilenceMs: number },
  isNew: boolean,
): ApplyOutcome {
  const says: string[] = [];
  let [heard, silent, fresh, unsure, open] = [0, 0, isNew, false, false];
  let afterMs = 0;
  for (const { jti, streamId, state, detail } of signals) {
    const stream = streams.get(streamId);
    const result = pushed.get(jti);
    const name = stream?.receiver ?? 'a stream that is gone';
    if (state === 'delivered') {
      heard += 1;
      fresh ||= result !== undefined;
    } else if (state === 'refused' || state === 'dropped') says.push(`${name}: ${detail ?? state}`);
    else if (stream === undefined) says.push(`${name}: removed`);
    else if (stream.status !== 'enabled') {
      silent += 1;
      says.push(`${name}: held, the stream is ${stream.status}`);
    } else if (stream.delivery.method !== PUSH) {
      const isLive = quiet.nowMs - (stream.heardMs ?? 0) <= quiet.pollSilenceMs;
      if (isLive) heard += 1;
      else silent += 1;
      says.push(`${name}: ${isLive ? 'queued' : 'queued, and it has not polled lately'}`);
    } else {
      open = true;
      unsure ||= result?.type === 'unknown';
      if (result?.type === 'retry' || result?.type === 'unknown')
        afterMs = Math.max(afterMs, result.afterMs);
      says.push(`${name}: ${result?.detail ?? 'behind an earlier signal'}`);
    }
  }
  const all = `${heard} of ${signals.length} heard`;
  const detail = [all, ...says].join('; ').slice(0, 500);
  if (open)
    return { type: unsure || heard > 0 || silent > 0 ? 'unknown' : 'retry', detail, afterMs };
  if (heard > 0) return { type: fresh ? 'accepted' : 'already', detail };
  if (silent > 0) return { type: 'unknown', detail, afterMs };
  return { type: 'refused', detail };
}
