/** OTLP logs over HTTP, JSON: a case is a log record with the event name security.finding. */
import { type Static, Type } from 'typebox';
import type { Alert } from '../../model/alert.ts';
import type { SendOutcome } from '../../model/alert-log.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Level } from '../../model/detection.ts';
import type { HttpResponse } from '../../model/ports.ts';
import { exchange } from '../reply.ts';
import type { SinkCapabilities, SinkType } from '../sink.ts';
import { objectOf, parseTarget } from '../target.ts';

const Options = Type.Object(
  {
    type: Type.Literal('otlp'),
    url: Type.String({
      pattern: '^https?://',
      description: 'Root of the collector, for example http://collector:4318; /v1/logs is added.',
    }),
    token: Type.Optional(Secret),
  },
  { additionalProperties: false, description: 'OpenTelemetry logs, OTLP/HTTP with JSON.' },
);
type Options = Static<typeof Options>;

const SEVERITY: Readonly<Record<Level, readonly [number: number, text: string]>> = {
  informational: [9, 'INFO'],
  low: [9, 'INFO'],
  medium: [13, 'WARN'],
  high: [17, 'ERROR'],
  critical: [21, 'FATAL'],
};
const EVENT = { finding: 'security.finding', action: 'security.remediation' } as const;
const NANOS_PER_MS = '000000';

const CAPABILITIES: SinkCapabilities = {
  type: 'otlp',
  kinds: ['finding', 'action'],
  notifies: false,
  resendMs: null,
  pauseMs: 0,
  bytesMax: 512 * 1024,
};

/** The type. */
export const OTLP: SinkType = {
  options: Options,
  problems: (given) => {
    const address = parseTarget((given as Options).url, 'it');
    return address.ok ? [] : [{ key: 'url', message: address.problem }];
  },
  create: ({ http, clock, instance, timeoutMs }, given, secrets) => {
    const root = (given as Options).url.replace(/\/+$/, '');
    const url = root.endsWith('/v1/logs') ? root : `${root}/v1/logs`;
    const token = secrets.get('token');
    const headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const bodyOf = (alert: Alert, nowMs: number) =>
      JSON.stringify(requestOf(alert, instance, nowMs));
    return {
      ok: true,
      sink: {
        capabilities: () => CAPABILITIES,
        render: (alert, _told, nowMs) => [{ to: url, body: bodyOf(alert, nowMs) }],
        send: (alert) => {
          const nowMs = clock.nowMs();
          const body = bodyOf(alert, nowMs);
          const request = { method: 'POST', url, headers, body, timeoutMs } as const;
          return exchange(http, request, clock.nowMs, outcomeOf);
        },
      },
    };
  },
};

type Value =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly arrayValue: { readonly values: readonly Value[] } };

function requestOf(alert: Alert, instance: string, nowMs: number): object {
  const [severityNumber, severityText] = SEVERITY[alert.level];
  const { event } = alert;
  const at = typeof event['time'] === 'number' ? event['time'] : alert.lastSeenMs;
  const analytic = analyticOf(event);
  return {
    resourceLogs: [
      {
        resource: {
          attributes: [
            attribute('service.name', 'plumbline'),
            attribute('service.instance.id', instance),
          ],
        },
        scopeLogs: [
          {
            scope: { name: 'plumbline.alerts', version: '1' },
            logRecords: [
              {
                timeUnixNano: nanos(at),
                observedTimeUnixNano: nanos(nowMs),
                severityNumber,
                severityText,
                eventName: EVENT[alert.kind],
                body: { stringValue: alert.kind === 'action' ? alert.summary : alert.description },
                attributes: attributesOf(alert, analytic),
              },
            ],
          },
        ],
      },
    ],
  };
}

function attributesOf(
  alert: Alert,
  analytic: { readonly version: string; readonly category: string },
): object[] {
  const texts: readonly (readonly [string, string | null])[] = [
    // A receiver that sees it twice sees the same here: one alert, sent again.
    ['log.record.uid', alert.uid],
    ['security_rule.name', alert.detector],
    ['security_rule.uuid', alert.detector],
    ['security_rule.version', analytic.version],
    ['security_rule.category', analytic.category],
    ['security_rule.ruleset.name', 'plumbline'],
    ['plumbline.case.id', alert.caseId],
    ['plumbline.activity', alert.activity],
    ['plumbline.level', alert.level],
    ['plumbline.title', alert.title],
    ['plumbline.tenant', alert.tenant],
    ['gen_ai.agent.id', alert.agent],
    ['plumbline.role', alert.role],
    ['session.id', alert.session],
    ['url.full', alert.link],
    // The whole event, for whoever keeps OCSF.
    ['plumbline.ocsf', JSON.stringify(alert.event)],
  ];
  return [
    ...texts.flatMap(([key, value]) =>
      value === null || value === '' ? [] : [attribute(key, value)],
    ),
    { key: 'plumbline.sequence', value: { intValue: String(alert.sequence) } satisfies Value },
    {
      key: 'plumbline.why',
      value: {
        arrayValue: { values: alert.why.map((one) => ({ stringValue: one })) },
      } satisfies Value,
    },
  ];
}

function attribute(key: string, value: string): { key: string; value: Value } {
  return { key, value: { stringValue: value } };
}

function analyticOf(event: Alert['event']): { version: string; category: string } {
  const info = event['finding_info'] as { analytic?: unknown } | undefined;
  const analytic = (info?.analytic ?? {}) as Readonly<Record<string, unknown>>;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return { version: text(analytic['version']), category: text(analytic['category']) };
}

/** Nanoseconds as text: they do not fit a number. Times before 1970 do not exist in OTLP. */
function nanos(ms: number): string {
  const whole = Math.max(0, Math.trunc(ms));
  return whole === 0 ? '0' : `${whole}${NANOS_PER_MS}`;
}

/** A collector may take the request and refuse what is in it. */
function outcomeOf(reply: HttpResponse): SendOutcome {
  const partial = objectOf(reply.body)?.['partialSuccess'];
  const rejected = Number(
    (partial as { rejectedLogRecords?: unknown } | undefined)?.rejectedLogRecords ?? 0,
  );
  if (rejected > 0) return { type: 'refused', detail: 'the collector rejected the record' };
  return { type: 'sent', detail: `HTTP ${reply.status}` };
}
