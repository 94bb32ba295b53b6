/** Pull driver: an executor of yours fetches its work, where nothing may connect inward. */
import { type Static, Type } from 'typebox';
import type { ApplyOutcome } from '../../model/action-log.ts';
import { type Intention, VERBS } from '../../model/decision.ts';
import { duration, durationMs } from '../../model/duration.ts';
import { OperatingError } from '../../model/errors.ts';
import type { OfferState } from '../../model/posture.ts';
import type { Driver, DriverDefinition } from '../driver.ts';
import { objectOf, RatePerMin, reachOf } from '../target.ts';
import { webhookBody } from './webhook.ts';

const Options = Type.Object(
  {
    type: Type.Literal('pull'),
    consumer: Type.String({
      pattern: '^[a-z0-9][a-z0-9_-]{0,63}$',
      description: 'Who fetches: a consumer of control.listener with the scope control.poll.',
    }),
    answerWithin: Type.Optional(
      duration('How long an acknowledgement is waited for before it is asked again.', '15s'),
    ),
    grace: Type.Optional(duration('How long an acknowledged action may take to work.', '5s')),
    ratePerMin: Type.Optional(RatePerMin),
  },
  { additionalProperties: false },
);
type Options = Static<typeof Options>;

/** The executor gives up on an answer after 20 s; an acknowledgement is asked for again before. */
const ANSWER_MS_MAX = 18_000;

/** The driver. */
export const pull: DriverDefinition<Options> = {
  type: 'pull',
  claim: 'An executor of yours that fetches its work from the listener and says what came of it.',
  verbs: VERBS,
  options: Options,
  make({ name, source, options, polled }) {
    if (polled === undefined)
      return { ok: false, problem: 'work waits in the record, and there is none here' };
    const offers = polled.offersOf(name);
    const withinMs = durationMs(options.answerWithin ?? '15s');
    if (withinMs > ANSWER_MS_MAX)
      return { ok: false, problem: 'answerWithin is above 18s; write less, it is asked again' };
    const driver: Driver = {
      capabilities: () => ({
        verbs: VERBS,
        irreversible: ['revoke_session'],
        subjects: ['agent', 'session', 'tool'],
        blast: 'subject',
        selfExpiring: true,
        readBack: false,
        graceMs: durationMs(options.grace ?? '5s'),
        ratePerMin: options.ratePerMin ?? 10,
      }),
      plan: (intention) => ({
        method: 'POST',
        url: 'https://listener.invalid/v1/control/poll',
        headers: {},
        body: JSON.stringify({ items: { [intention.key]: itemOf(intention, source) } }),
        undo: intention.expiresMs === null ? null : 'plumbline.control.released.v1 to be fetched',
        reach: reachOf(intention.subject),
      }),
      async apply(intention) {
        try {
          await offers.offer(intention, itemOf(intention, source));
          return outcomeOf(await offers.outcome(intention.key, withinMs), intention);
        } catch (cause) {
          if (!(cause instanceof OperatingError)) throw cause;
          // It may have been put up before the record went away.
          const detail = `the record does not answer: ${cause.code}`;
          return { type: 'unknown', detail, afterMs: 0 };
        }
      },
    };
    return { ok: true, driver };
  },
};

/** As the webhook's event says it, without the envelope. */
function itemOf(intention: Intention, source: string): Readonly<Record<string, unknown>> {
  const { type, data } = objectOf(webhookBody(intention, source)) ?? {};
  return { type, ...(data as object) };
}

/** An acknowledgement is a claim like any other reply; the gateway's stream says whether it holds. */
function outcomeOf(state: OfferState, { step, verb }: Intention): ApplyOutcome {
  switch (state.type) {
    case 'acked':
      return { type: 'accepted', detail: 'acknowledged' };
    case 'superseded':
      return { type: 'already', detail: 'released before it was fetched' };
    case 'open':
      return { type: 'unknown', detail: 'not acknowledged yet', afterMs: 0 };
    case 'failed': {
      const [code = ''] = state.detail.split(':');
      if (code === 'forbidden')
        return {
          type: 'refused',
          detail: 'ControlAuth: the executor may not do it; give it the right',
        };
      if (code === 'approval_required') return { type: 'pending_approval', detail: state.detail };
      const isDone = code === 'gone' && (step === 'release' || verb === 'revoke_session');
      return { type: isDone ? 'already' : 'refused', detail: `the executor says ${state.detail}` };
    }
  }
}
