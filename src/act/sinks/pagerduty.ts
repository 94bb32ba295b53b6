/** PagerDuty Events v2: a case is an incident with the case's id as its key. */
import { type Static, Type } from 'typebox';
import type { Alert } from '../../model/alert.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Level } from '../../model/detection.ts';
import { cut, cutBytes } from '../plain.ts';
import { exchange } from '../reply.ts';
import type { SinkCapabilities, SinkType } from '../sink.ts';
import { parseTarget } from '../target.ts';

const Options = Type.Object(
  {
    type: Type.Literal('pagerduty'),
    routingKey: Secret,
    url: Type.Optional(
      Type.String({
        pattern: '^https?://',
        default: 'https://events.pagerduty.com/v2/enqueue',
        description: 'Where events go; another only for the EU region or a proxy.',
      }),
    ),
  },
  { additionalProperties: false, description: 'PagerDuty, Events API v2.' },
);
type Options = Static<typeof Options>;

const ENDPOINT = 'https://events.pagerduty.com/v2/enqueue';
const SEVERITY: Readonly<Record<Level, 'critical' | 'error' | 'warning' | 'info'>> = {
  critical: 'critical',
  high: 'error',
  medium: 'warning',
  low: 'info',
  informational: 'info',
};
const KEY_MAX = 255;
const SUMMARY_MAX = 1024;
const DETAILS_BYTES_MAX = 32 * 1024;

const CAPABILITIES: SinkCapabilities = {
  type: 'pagerduty',
  kinds: ['finding'],
  notifies: true,
  resendMs: null,
  pauseMs: 0,
  bytesMax: 64 * 1024,
};

/** The type. */
export const PAGERDUTY: SinkType = {
  options: Options,
  problems: (given) => {
    const address = parseTarget((given as Options).url ?? ENDPOINT, 'it');
    return address.ok ? [] : [{ key: 'url', message: address.problem }];
  },
  create: ({ http, clock, instance, timeoutMs }, given, secrets) => {
    const key = secrets.get('routingKey') ?? '';
    // 32 characters is what PagerDuty gives out; anything else is another kind of key.
    if (!/^[A-Za-z0-9]{32}$/.test(key)) {
      const message = 'is not an integration key of Events API v2: 32 letters and digits';
      return { ok: false, problem: { key: 'routingKey', message } };
    }
    const url = (given as Options).url ?? ENDPOINT;
    const bodyOf = (alert: Alert, routingKey: string) =>
      JSON.stringify(eventOf(alert, routingKey, instance));
    return {
      ok: true,
      sink: {
        capabilities: () => CAPABILITIES,
        render: (alert) => [{ to: url, body: bodyOf(alert, '<masked>') }],
        send: (alert) =>
          exchange(
            http,
            {
              method: 'POST',
              url,
              headers: { 'content-type': 'application/json' },
              body: bodyOf(alert, key),
              timeoutMs,
            },
            clock.nowMs,
          ),
      },
    };
  },
};

function eventOf(alert: Alert, routingKey: string, instance: string): object {
  const dedup_key = alert.caseId.slice(0, KEY_MAX);
  if (alert.activity === 'close')
    return { routing_key: routingKey, event_action: 'resolve', dedup_key };
  return {
    routing_key: routingKey,
    event_action: 'trigger',
    dedup_key,
    client: cut(instance, 255),
    ...(alert.link === null ? {} : { client_url: alert.link }),
    payload: {
      summary: cut(alert.summary, SUMMARY_MAX),
      source: cut(`plumbline/${alert.tenant}/${alert.agent}`, 255),
      severity: SEVERITY[alert.level],
      timestamp: isoTime(alert.lastSeenMs),
      component: alert.agent,
      group: alert.role ?? alert.tenant,
      class: alert.detector,
      custom_details: {
        description: cutBytes(alert.description, DETAILS_BYTES_MAX),
        ...{ case: alert.caseId, tenant: alert.tenant, session: alert.session },
        ...{ sequence: alert.sequence, dedupe: alert.uid, risk: alert.event['risk_score'] ?? 0 },
      },
    },
    ...(alert.link === null ? {} : { links: [{ href: alert.link, text: 'The case' }] }),
  };
}

function isoTime(ms: number): string {
  return new Date(Math.max(-8.64e15, Math.min(8.64e15, ms))).toISOString();
}
