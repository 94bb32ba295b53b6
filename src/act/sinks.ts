/** Sinks: every type of place where people are told, by the name configuration uses. */
import type { SinkType } from './sink.ts';
import { ALERTMANAGER } from './sinks/alertmanager.ts';
import { KAFKA } from './sinks/kafka.ts';
import { OTLP } from './sinks/otlp.ts';
import { PAGERDUTY } from './sinks/pagerduty.ts';
import { SLACK } from './sinks/slack.ts';
import { WEBHOOK_SINK } from './sinks/webhook.ts';

/** Every type of sink. A new one adds its line here, and is enrolled in its conformance suite. */
export const SINKS = {
  alertmanager: ALERTMANAGER,
  pagerduty: PAGERDUTY,
  slack: SLACK,
  webhook: WEBHOOK_SINK,
  otlp: OTLP,
  kafka: KAFKA,
} as const satisfies Readonly<Record<string, SinkType>>;
