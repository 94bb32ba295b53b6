/** Kafka: findings and containment steps as OCSF JSON, CloudEvents headers, keyed by agent. */
import { type Static, Type } from 'typebox';
import type { Alert } from '../../model/alert.ts';
import type { SendOutcome } from '../../model/alert-log.ts';
import { OperatingError } from '../../model/errors.ts';
import type { OutRecord } from '../../model/ports.ts';
import { MENDING_MS } from '../reply.ts';
import type { SinkCapabilities, SinkType } from '../sink.ts';

const topic = (fallback: string, description: string) =>
  Type.Optional(
    Type.String({ pattern: '^[A-Za-z0-9._-]{1,249}$', default: fallback, description }),
  );
const Options = Type.Object(
  {
    type: Type.Literal('kafka'),
    topic: topic('plumbline.findings', 'Topic of findings.'),
    actionsTopic: topic('plumbline.actions', 'Topic of containment steps.'),
    brokers: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^:]+:[0-9]+$' }), {
        minItems: 1,
        description: 'host:port; absent: those of `kafka`.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Kafka topics.' },
);
type Options = Static<typeof Options>;

const CAPABILITIES: SinkCapabilities = {
  type: 'kafka',
  kinds: ['finding', 'action'],
  notifies: false,
  resendMs: null,
  pauseMs: 0,
  bytesMax: 256 * 1024,
};
const PAST = { create: 'created', update: 'updated', close: 'closed' } as const;

/** The type. */
export const KAFKA: SinkType = {
  options: Options,
  problems: (given, { hasKafka }) =>
    hasKafka || (given as Options).brokers !== undefined
      ? []
      : [{ key: 'brokers', message: 'no Kafka is configured: give `brokers: [host:port]` here' }],
  create: ({ publisher, instance }, given) => {
    const { topic: findings, actionsTopic, brokers } = given as Options;
    const writes = publisher(brokers ?? null);
    if (writes === null) {
      const message = 'no Kafka is configured: give `brokers: [host:port]` here';
      return { ok: false, problem: { key: 'brokers', message } };
    }
    const topics = {
      finding: findings ?? 'plumbline.findings',
      action: actionsTopic ?? 'plumbline.actions',
    };
    const recordOf = (alert: Alert) => toRecord(alert, topics[alert.kind], instance);
    return {
      ok: true,
      sink: {
        capabilities: () => CAPABILITIES,
        render: (alert) => {
          const { topic: to, value } = recordOf(alert);
          return [{ to, body: String(value) }];
        },
        send: async (alert) => {
          try {
            await writes.publish([recordOf(alert)]);
            return { type: 'sent', detail: 'written by all replicas' };
          } catch (cause) {
            return outcomeOf(cause);
          }
        },
      },
    };
  },
};

function toRecord(alert: Alert, to: string, instance: string): OutRecord {
  const type =
    alert.kind === 'action'
      ? 'plumbline.action.recorded.v1'
      : `plumbline.finding.${PAST[alert.activity]}.v1`;
  return {
    topic: to,
    key: alert.agent,
    value: JSON.stringify(alert.event),
    headers: {
      ce_specversion: '1.0',
      ce_id: alert.uid,
      ce_type: type,
      ce_source: `/plumbline/${encodeURIComponent(instance)}`,
      ce_subject: alert.caseId,
      ce_time: new Date(timeOf(alert)).toISOString(),
      'content-type': 'application/json',
    },
  };
}

function timeOf({ event, lastSeenMs }: Alert): number {
  const time = event['time'];
  const ms = typeof time === 'number' ? time : lastSeenMs;
  return Math.max(-8.64e15, Math.min(8.64e15, ms));
}

/** A batch that failed may have been written; its `ce_id` is the same the next time. */
function outcomeOf(cause: unknown): SendOutcome {
  if (!(cause instanceof OperatingError)) throw cause;
  if (cause.code === 'BROKER_TOPIC_MISSING')
    return { type: 'retry', detail: 'the topic does not exist: create it', afterMs: MENDING_MS };
  return { type: 'unknown', detail: cause.code, afterMs: 0 };
}
