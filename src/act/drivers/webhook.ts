/** Signed webhook driver: Standard Webhooks headers around a CloudEvents body. */
import { type Static, Type } from 'typebox';
import type { ApplyOutcome } from '../../model/action-log.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Intention } from '../../model/decision.ts';
import { VERBS } from '../../model/decision.ts';
import { duration, durationMs } from '../../model/duration.ts';
import type { HttpResponse } from '../../model/ports.ts';
import type { Driver, DriverDefinition } from '../driver.ts';
import { parseWebhookSecret, signWebhook } from '../signature.ts';
import {
  objectOf,
  outcomeOfFailure,
  outcomeOfRefusal,
  parseTarget,
  RatePerMin,
  reachOf,
} from '../target.ts';

const Options = Type.Object(
  {
    type: Type.Literal('webhook'),
    url: Type.String({ pattern: '^https?://', description: 'Where intentions are posted.' }),
    secret: Secret,
    grace: Type.Optional(duration('How long an accepted action may take to work.', '5s')),
    timeout: Type.Optional(duration('For the whole request.', '5s')),
    ratePerMin: Type.Optional(RatePerMin),
  },
  { additionalProperties: false },
);
type Options = Static<typeof Options>;

const PAST_STEP = { request: 'requested', renew: 'renewed', release: 'released' } as const;

/** The driver. */
export const webhook: DriverDefinition<Options> = {
  type: 'webhook',
  claim:
    'Any HTTP endpoint of yours: a signed CloudEvent for each step; the path without an adapter.',
  verbs: VERBS,
  options: Options,
  make({ http, clock, source, options, secret: secretAt }) {
    const secret = parseWebhookSecret(secretAt('secret'));
    if (!secret.ok) return secret;
    const address = parseTarget(options.url);
    if (!address.ok) return address;
    const headersOf = (intention: Intention, body: string) => {
      const seconds = Math.floor(clock.nowMs() / 1000);
      return {
        'content-type': 'application/cloudevents+json',
        'webhook-id': intention.key,
        'webhook-timestamp': String(seconds),
        'webhook-signature': signWebhook(secret.bytes, intention.key, seconds, body),
      };
    };
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
        url: `${address.url.origin}${address.url.pathname}`,
        headers: {
          'content-type': 'application/cloudevents+json',
          'webhook-id': intention.key,
          'webhook-timestamp': '<when sent>',
          'webhook-signature': '<masked>',
        },
        body: webhookBody(intention, source),
        undo: intention.expiresMs === null ? null : 'plumbline.control.released.v1 to the same URL',
        reach: reachOf(intention.subject),
      }),
      async apply(intention) {
        const body = webhookBody(intention, source);
        try {
          const reply = await http({
            method: 'POST',
            url: options.url,
            headers: headersOf(intention, body),
            body,
            timeoutMs: durationMs(options.timeout ?? '5s'),
          });
          return outcomeOf(reply, intention, clock.nowMs());
        } catch (cause) {
          return outcomeOfFailure(cause);
        }
      },
    };
    return { ok: true, driver };
  },
};

/**
 * The CloudEvent of an intention. Made of the intention alone, so that every try under one key
 * carries the same bytes and the target may compare them.
 */
export function webhookBody(intention: Intention, source: string): string {
  const { subject, expiresMs } = intention;
  return JSON.stringify({
    specversion: '1.0',
    type: `plumbline.control.${PAST_STEP[intention.step]}.v1`,
    source,
    id: intention.key,
    subject: subject.agent,
    time: isoTime(intention.issuedMs),
    datacontenttype: 'application/json',
    data: {
      leaseId: intention.leaseId,
      caseId: intention.caseId,
      decisionId: intention.decisionId,
      verb: intention.verb,
      subject: {
        tenant: subject.tenant,
        agent: subject.agent,
        ...(subject.session === null ? {} : { session: subject.session }),
        ...(subject.tools.length === 0 ? {} : { tools: subject.tools }),
      },
      ...(intention.verb === 'posture' ? { posture: 'conservative' } : {}),
      reason: intention.reason,
      severity: intention.level,
      mode: intention.mode,
      issuedAt: isoTime(intention.issuedMs),
      expiresAt: expiresMs === null ? null : isoTime(expiresMs),
      ...(intention.cause === null ? {} : { cause: intention.cause }),
      undo: expiresMs === null ? null : { verb: 'release' },
    },
  });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Reply → outcome. The reply is the target's claim; only verify.ts says whether it holds. */
function outcomeOf(reply: HttpResponse, intention: Intention, nowMs: number): ApplyOutcome {
  const { status } = reply;
  if (status === 202) return { type: 'pending_approval', detail: 'HTTP 202' };
  if (status >= 200 && status < 300) return outcomeOfState(stateOf(reply.body), status);
  if (status === 410) {
    // Where the subject is gone there is nothing left to revoke, and nothing left to undo.
    const done = intention.verb === 'revoke_session' || intention.step === 'release';
    return { type: done ? 'already' : 'refused', detail: 'HTTP 410, the subject is gone' };
  }
  if (status === 409) return { type: 'refused', detail: 'HTTP 409, the owner declined' };
  return outcomeOfRefusal(reply, 'the webhook secret on both sides', nowMs);
}

/**
 * A success whose body we cannot read counts as accepted: a lease that may stand must be watched
 * and undone, and the gateway's stream tells whether it does.
 */
function outcomeOfState(state: string | null, status: number): ApplyOutcome {
  if (state === 'already') return { type: 'already', detail: `HTTP ${status}` };
  if (state === 'pending' || state === 'approval_required') {
    return { type: 'pending_approval', detail: `HTTP ${status}` };
  }
  if (state === 'applied') return { type: 'accepted', detail: `HTTP ${status}` };
  return { type: 'accepted', detail: `HTTP ${status} without a state` };
}

function stateOf(body: string): string | null {
  const state = objectOf(body)?.['state'];
  return typeof state === 'string' ? state : null;
}
