/** Signed webhook driver: Standard Webhooks headers around a CloudEvents body. */
import type { ApplyOutcome } from '../../model/action-log.ts';
import type { Intention } from '../../model/decision.ts';
import { VERBS } from '../../model/decision.ts';
import { OperatingError } from '../../model/errors.ts';
import type { Clock, Http, HttpResponse } from '../../model/ports.ts';
import type { Driver } from '../driver.ts';
import { parseWebhookSecret, signWebhook } from '../signature.ts';
import { parseTarget, retryAfterMs } from '../target.ts';

/** What a webhook driver is made of. */
export interface WebhookOptions {
  /** Where intentions are posted; http or https, no credentials inside. */
  readonly url: string;
  /** `whsec_<base64>` of 24 to 64 bytes. */
  readonly secret: string;
  /** How long the target may take to make an accepted action work, ms. Default 5,000. */
  readonly graceMs?: number;
  /** CloudEvents `source`: who sends. Default `plumbline`. */
  readonly source?: string;
  /** Whole request, ms. Default 5,000. */
  readonly timeoutMs?: number;
}

/** A driver, or what is wrong with its options; the sentence never contains the secret. */
export type WebhookResult =
  | { readonly ok: true; readonly driver: Driver }
  | { readonly ok: false; readonly problem: string };

/** Name under which intentions ask for this driver. */
export const WEBHOOK = 'webhook';

const PAST_STEP = { request: 'requested', renew: 'renewed', release: 'released' } as const;

/** Makes the driver, or says which option is wrong and what to write instead. */
export function createWebhookDriver(
  http: Http,
  clock: Clock,
  options: WebhookOptions,
): WebhookResult {
  const secret = parseWebhookSecret(options.secret);
  if (!secret.ok) return secret;
  const address = parseTarget(options.url);
  if (!address.ok) return { ok: false, problem: `webhook url ${address.problem}` };
  const source = options.source ?? 'plumbline';
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
      name: WEBHOOK,
      verbs: VERBS,
      irreversible: ['revoke_session'],
      subjects: ['agent', 'session', 'tool'],
      selfExpiring: true,
      readBack: false,
      graceMs: options.graceMs ?? 5_000,
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
      reach: reachOf(intention),
    }),
    async apply(intention) {
      const body = webhookBody(intention, source);
      try {
        const reply = await http({
          method: 'POST',
          url: options.url,
          headers: headersOf(intention, body),
          body,
          timeoutMs: options.timeoutMs ?? 5_000,
        });
        return outcomeOf(reply, intention, clock.nowMs());
      } catch (cause) {
        return outcomeOfFailure(cause);
      }
    },
  };
  return { ok: true, driver };
}

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

function reachOf(intention: Intention): string {
  const { subject } = intention;
  const who = subject.session === null ? 'every session of one agent' : 'one session of one agent';
  const count = subject.tools.length;
  return count === 0 ? who : `${count} ${count === 1 ? 'tool' : 'tools'} of ${who}`;
}

/** Reply → outcome. The reply is the target's claim; only verify.ts says whether it holds. */
function outcomeOf(reply: HttpResponse, intention: Intention, nowMs: number): ApplyOutcome {
  const { status } = reply;
  if (status === 202) return { type: 'pending_approval', detail: 'HTTP 202' };
  if (status >= 200 && status < 300) return outcomeOfState(stateOf(reply.body), status);
  if (status === 401 || status === 403) {
    const detail = `ControlAuth: HTTP ${status}, the target does not accept our signature; check the webhook secret on both sides`;
    return { type: 'refused', detail };
  }
  if (status === 410) {
    // Where the subject is gone there is nothing left to revoke, and nothing left to undo.
    const done = intention.verb === 'revoke_session' || intention.step === 'release';
    return { type: done ? 'already' : 'refused', detail: 'HTTP 410, the subject is gone' };
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const afterMs = retryAfterMs(reply.headers['retry-after'], nowMs);
    return { type: 'retry', detail: `HTTP ${status}`, afterMs };
  }
  if (status === 409) return { type: 'refused', detail: 'HTTP 409, the owner declined' };
  if (status >= 300 && status < 400) {
    const detail = `HTTP ${status}, redirects are not followed; configure the final URL`;
    return { type: 'refused', detail };
  }
  return { type: 'refused', detail: `HTTP ${status}` };
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
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null || !('state' in parsed)) return null;
    return typeof parsed.state === 'string' ? parsed.state : null;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

/** Only a failure known to precede sending is a plain retry; anything else may have acted. */
function outcomeOfFailure(cause: unknown): ApplyOutcome {
  const failure = cause instanceof OperatingError ? cause.cause : null;
  if (typeof failure === 'object' && failure !== null && 'sent' in failure) {
    const code = 'code' in failure ? String(failure.code).slice(0, 64) : 'unnamed';
    if (failure.sent === false) return { type: 'retry', detail: `not sent: ${code}`, afterMs: 0 };
    return { type: 'unknown', detail: `reply lost: ${code}`, afterMs: 0 };
  }
  return { type: 'unknown', detail: 'reply lost: unnamed failure', afterMs: 0 };
}
