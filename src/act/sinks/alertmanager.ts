/** Alertmanager v2: a case is an alert whose labels never change; what stands is told again. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import type { Alert, ToldCase } from '../../model/alert.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Level } from '../../model/detection.ts';
import { OperatingError } from '../../model/errors.ts';
import { cut } from '../plain.ts';
import { exchange } from '../reply.ts';
import type { Silence, Sink, SinkCapabilities, SinkPorts, SinkType } from '../sink.ts';
import { parseTarget } from '../target.ts';

const Options = Type.Object(
  {
    type: Type.Literal('alertmanager'),
    url: Type.String({
      pattern: '^https?://',
      description: 'Root of Alertmanager, for example http://alertmanager:9093.',
    }),
    token: Type.Optional(Secret),
    labels: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' }), Type.String(), {
        description: 'Labels of yours that every alert bears.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Alertmanager, API v2.' },
);
type Options = Static<typeof Options>;

/** As Alertmanager wants it: every value is a string. */
interface Postable {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

/** Handbook, outputs §5: error is critical too, for a page is a page. */
const SEVERITY: Readonly<Record<Level, string>> = {
  critical: 'critical',
  high: 'critical',
  medium: 'warning',
  low: 'info',
  informational: 'none',
};
const RESEND_MS = 60_000;
/** An alert not told again for so long is over by itself. */
const FIRES_MS = 300_000;
const REPLY_BYTES_MAX = 4 * 1024 * 1024;
const SILENCES_MAX = 5_000;

const CAPABILITIES: SinkCapabilities = {
  type: 'alertmanager',
  kinds: ['finding'],
  // It silences by itself, and shows what is silenced.
  notifies: false,
  resendMs: RESEND_MS,
  pauseMs: 0,
  bytesMax: 64 * 1024,
};

/** The type. */
export const ALERTMANAGER: SinkType = {
  options: Options,
  problems: (given) => {
    const address = parseTarget((given as Options).url, 'it');
    return address.ok ? [] : [{ key: 'url', message: address.problem }];
  },
  create: (ports, given, secrets) => ({
    ok: true,
    sink: createAlertmanager(ports, given as Options, secrets.get('token') ?? null),
  }),
};

/** Labels of a case: its identity at Alertmanager, so no score, time or count. */
function labelsOf(alert: Alert, own: Options['labels'] = {}): Record<string, string> {
  const labels = {
    ...own,
    alertname: 'PlumblineCase',
    severity: SEVERITY[alert.level],
    agent: alert.agent,
    role: alert.role ?? '',
    detector: alert.detector,
    case: alert.caseId,
    tenant: alert.tenant,
  };
  // An empty label is no label; Alertmanager refuses it in some versions.
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

function createAlertmanager(ports: SinkPorts, options: Options, token: string | null): Sink {
  const { http, clock, timeoutMs } = ports;
  const root = options.url.replace(/\/+$/, '');
  const url = `${root}/api/v2/alerts`;
  const headers = {
    'content-type': 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  const post = (list: readonly Postable[]) =>
    exchange(
      http,
      { method: 'POST', url, headers, body: JSON.stringify(list), timeoutMs },
      clock.nowMs,
    );
  return {
    capabilities: () => CAPABILITIES,
    render: (alert, told, nowMs) => [
      { to: url, body: JSON.stringify(postables(alert, told, nowMs, options.labels)) },
    ],
    send: (alert, told) => post(postables(alert, told, clock.nowMs(), options.labels)),
    resend: (alerts) => {
      const nowMs = clock.nowMs();
      return post(alerts.map((one) => firing(one, nowMs, options.labels)));
    },
    labels: (alert) => labelsOf(alert, options.labels),
    silences: async () => {
      const reply = await http({
        method: 'GET',
        url: `${root}/api/v2/silences?active=true&expired=false&pending=false`,
        headers,
        timeoutMs,
        replyBytesMax: REPLY_BYTES_MAX,
      });
      if (reply.status !== 200) throw unreadable(`HTTP ${reply.status}`);
      return parseSilences(reply.body);
    },
  };
}

/** One alert; and the end of the one before where the labels changed, for that is another alert. */
function postables(
  alert: Alert,
  told: ToldCase | null,
  nowMs: number,
  own: Options['labels'],
): Postable[] {
  const list = [alert.activity === 'close' ? over(alert, nowMs, own) : firing(alert, nowMs, own)];
  if (told === null || told.closed) return list;
  const same = JSON.stringify(labelsOf(told.alert, own)) === JSON.stringify(labelsOf(alert, own));
  return same ? list : [over(told.alert, nowMs, own), ...list];
}

function firing(alert: Alert, nowMs: number, own: Options['labels']): Postable {
  return postable(alert, nowMs, nowMs + FIRES_MS, own);
}

function over(alert: Alert, nowMs: number, own: Options['labels']): Postable {
  return postable(alert, nowMs, nowMs, own);
}

function postable(alert: Alert, nowMs: number, endsMs: number, own: Options['labels']): Postable {
  const evidence = alert.event['evidences'];
  return {
    labels: labelsOf(alert, own),
    annotations: {
      summary: alert.summary,
      description: cut(alert.description, 2000),
      risk: String(alert.event['risk_score'] ?? 0),
      evidence: `${Array.isArray(evidence) ? evidence.length : 0} records`,
      dedupe: alert.uid,
      ...(alert.link === null ? {} : { runbook_url: alert.link }),
    },
    // Alertmanager wants the start before the end; event time may run ahead of our clock.
    startsAt: isoTime(Math.min(alert.firstSeenMs, nowMs - 1)),
    endsAt: isoTime(endsMs),
    ...(alert.link === null ? {} : { generatorURL: alert.link }),
  };
}

function parseSilences(text: string): Silence[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) throw unreadable('the list is no JSON, or too long');
    throw cause;
  }
  if (!Array.isArray(parsed)) throw unreadable('the list is no array');
  return parsed.slice(0, SILENCES_MAX).flatMap((one: unknown) => {
    const silence = silenceOf(one);
    return silence === null ? [] : [silence];
  });
}

/** Null for what is not in force, or cannot be understood: then people are told. */
function silenceOf(given: unknown): Silence | null {
  if (typeof given !== 'object' || given === null) return null;
  const { id, status, endsAt, matchers } = given as Readonly<Record<string, unknown>>;
  const state = (status as { state?: unknown } | null | undefined)?.state;
  const endsMs = typeof endsAt === 'string' ? Date.parse(endsAt) : Number.NaN;
  if (typeof id !== 'string' || state !== 'active' || Number.isNaN(endsMs)) return null;
  if (!Array.isArray(matchers) || matchers.length === 0) return null;
  const read: Silence['matchers'][number][] = [];
  for (const one of matchers as readonly unknown[]) {
    const { name, value, isRegex, isEqual } = (one ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof name !== 'string' || typeof value !== 'string') return null;
    read.push({ name, value, isRegex: isRegex === true, isEqual: isEqual !== false });
  }
  return { id, endsMs, matchers: read };
}

function unreadable(why: string): OperatingError {
  const message = `silences of Alertmanager cannot be read: ${why}; nobody is taken for silenced`;
  return new OperatingError('CONTROL_REFUSED', message, { retryable: true });
}

function isoTime(ms: number): string {
  const bounded = Math.max(-8.64e15, Math.min(8.64e15, Number.isFinite(ms) ? ms : 0));
  return new Date(bounded).toISOString();
}
