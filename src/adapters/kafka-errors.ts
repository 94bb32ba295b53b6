/** What kafkajs throws, as operating errors that say what to do. */
import { OperatingError } from '../model/errors.ts';

/** BROKER_TOPIC_MISSING for a topic that we were told to read. */
export function missingTopic(topic: string, cause: unknown): OperatingError {
  return new OperatingError(
    'BROKER_TOPIC_MISSING',
    `topic ${topic} does not exist on this cluster: create it (the observer never does), or ` +
      'correct its name under `sources` in the configuration',
    { retryable: false, cause },
  );
}

/** Whether a broker's answer, or what caused it, was that a topic is unknown. */
export function isMissingTopic(cause: unknown): boolean {
  for (let at = cause; at instanceof Error; at = at.cause) {
    if ('type' in at && at.type === 'UNKNOWN_TOPIC_OR_PARTITION') return true;
  }
  return false;
}

/** BROKER_TOPIC_MISSING or BROKER_UNREACHABLE, saying what was being done. Ours pass unchanged. */
export function operatingError(
  cause: unknown,
  doing: string,
  brokers: readonly string[],
): OperatingError {
  if (cause instanceof OperatingError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (isMissingTopic(cause)) {
    return new OperatingError(
      'BROKER_TOPIC_MISSING',
      `${doing}: a topic does not exist on this cluster (${reason}); create it or correct its name`,
      { retryable: false, cause },
    );
  }
  return new OperatingError(
    'BROKER_UNREACHABLE',
    `${doing} failed at ${brokers.join(', ')}: ${reason}; check the addresses and that Kafka runs`,
    { retryable: true, cause },
  );
}
