/** Shared Signals driver: tells every receiver that listens, by CAEP events (SSF 1.0). */
import type { ApplyOutcome } from '../../model/action-log.ts';
import { type Intention, VERBS } from '../../model/decision.ts';
import { durationMs } from '../../model/duration.ts';
import { OperatingError } from '../../model/errors.ts';
import {
  PUSH,
  type SignalStore,
  type SignalStream,
  type TrackedSignal,
  type WishContext,
  type WishStep,
} from '../../model/signals.ts';
import { agentKey, type CaepOptions, plannedStream, signalsOf } from '../caep.ts';
import { type Courier, createCourier, type Pushed } from '../courier.ts';
import type { Driver, DriverDefinition } from '../driver.ts';
import { reachOf } from '../target.ts';
import { caepOptions, courierOptions, SsfOptions, ssfProblem } from './ssf-options.ts';

/** The driver. */
export const ssf: DriverDefinition<SsfOptions> = {
  type: 'ssf',
  claim:
    'Receivers of Shared Signals (SSF 1.0, CAEP): identity providers and applications; a hint.',
  verbs: VERBS,
  options: SsfOptions,
  make({ http, clock, options, secret, signals }) {
    const problem = ssfProblem(options);
    if (problem !== null) return { ok: false, problem };
    const caep = caepOptions(options);
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
        if (signals === undefined)
          return { type: 'refused', detail: 'no transmitter of signals runs here' };
        const { store } = signals;
        const courier = createCourier({ ...signals, http, clock }, courierOptions(options, secret));
        try {
          const nowMs = clock.nowMs();
          const compose = (context: WishContext) => signalsOf(intention, context, caep, nowMs);
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
    } else if (state === 'refused' || state === 'dropped')
      says.push(`${detail ?? state} (${name})`);
    else if (stream === undefined) says.push(`removed (${name})`);
    else if (stream.status !== 'enabled') {
      silent += 1;
      says.push(`held, the stream is ${stream.status} (${name})`);
    } else if (stream.delivery.method !== PUSH) {
      const isLive = quiet.nowMs - (stream.heardMs ?? 0) <= quiet.pollSilenceMs;
      if (isLive) heard += 1;
      else silent += 1;
      says.push(`${isLive ? 'queued' : 'queued, and it has not polled lately'} (${name})`);
    } else {
      open = true;
      unsure ||= result?.type === 'unknown';
      if (result?.type === 'retry' || result?.type === 'unknown')
        afterMs = Math.max(afterMs, result.afterMs);
      says.push(
        `${result?.detail ?? 'being sent by another member, or behind an earlier signal'} (${name})`,
      );
    }
  }
  const all = `${heard} of ${signals.length} heard`;
  const detail = [all, ...says].join('; ').slice(0, 500);
  if (open)
    return { type: unsure || heard > 0 || silent > 0 ? 'unknown' : 'retry', detail, afterMs };
  if (heard > 0) return { type: fresh ? 'accepted' : 'already', detail };
  if (silent > 0) return { type: 'unknown', detail, afterMs };
  return { type: 'refused', detail: says.join('; ').slice(0, 500) };
}
