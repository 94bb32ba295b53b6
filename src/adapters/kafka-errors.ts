/** What kafkajs throws, as operating errors that say what to do. */
import { OperatingError } from '../model/errors.ts';
import type { PartitionLag, TopicPartition } from '../model/ports.ts';
import type { UnreadableBatch } from './kafka-codecs.ts';

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
  return isOfType(cause, ['UNKNOWN_TOPIC_OR_PARTITION']);
}

/** Whether brokers do not take us for who we say we are, or do not let us. */
function isRefusal(cause: unknown): boolean {
  for (let at = cause; at instanceof Error; at = at.cause) {
    if (at.name === 'KafkaJSSASLAuthenticationError') return true;
    if ('type' in at && /AUTHORIZATION_FAILED$|^SASL_AUTHENTICATION_FAILED$/.test(String(at.type)))
      return true;
  }
  return false;
}

/** Is it, or was it caused by, one of these answers of the protocol? */
function isOfType(cause: unknown, types: readonly string[]): boolean {
  for (let at = cause; at instanceof Error; at = at.cause)
    if ('type' in at && types.some((type) => type === at.type)) return true;
  return false;
}

/**
 * BROKER_TOPIC_MISSING, BROKER_TOO_LARGE, BROKER_REFUSED or BROKER_UNREACHABLE, saying what was being done.
 * Ours pass unchanged.
 */
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
  if (isOfType(cause, ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])) {
    return new OperatingError(
      'BROKER_TOO_LARGE',
      `${doing}: larger than the topic takes (${reason}); raise its max.message.bytes, or send less at once`,
      { retryable: false, cause },
    );
  }
  if (isRefusal(cause))
    return new OperatingError(
      'BROKER_REFUSED',
      `${doing}: refused at ${brokers.join(', ')} (${reason}); check kafka.sasl, and what this user may do there (docs/kafka.md lists it)`,
      { retryable: false, cause },
    );
  return new OperatingError(
    'BROKER_UNREACHABLE',
    `${doing} failed at ${brokers.join(', ')}: ${reason}; check the addresses and that Kafka runs`,
    { retryable: true, cause },
  );
}

/** BROKER_LAYOUT for a position that the log does not reach: it is another log. */
export function beyondEnd(at: TopicPartition, position: number, end: number): OperatingError {
  return new OperatingError(
    'BROKER_LAYOUT',
    `topic ${at.topic}, partition ${at.partition}: our position ${position} lies beyond the end of ` +
      `the log (${end}): the topic was truncated or recreated. Reading on would take new records ` +
      'for old ones. Restore the topic, or start with a new group name to read it from its beginning',
    { retryable: false },
  );
}

/** LANE_FENCED where the handler says that it no longer owns the lane. */
export function fenced(at: TopicPartition): OperatingError {
  return new OperatingError(
    'LANE_FENCED',
    `topic ${at.topic}, partition ${at.partition}: another instance owns the lane now; this one ` +
      'stops without having written anything more',
    { retryable: false },
  );
}

/** The partitions whose next record lies in a batch that cannot be unpacked. */
export function standingBefore(
  { head }: UnreadableBatch,
  lag: readonly PartitionLag[],
): readonly PartitionLag[] {
  if (head === null) return [];
  const { firstOffset, lastOffset } = head;
  return lag.filter(({ next, end }) => next < end && next >= firstOffset && next <= lastOffset);
}

/** SOURCE_UNREADABLE for a batch that cannot be unpacked; `at` is where it may stand. */
export function unreadable(batch: UnreadableBatch, at: readonly TopicPartition[]): OperatingError {
  const { packing, head, reason } = batch;
  const [from, upTo] =
    head === null ? ['', 'it'] : [`, offset ${head.firstOffset}`, `offset ${head.lastOffset}`];
  const places = at.map(({ topic, partition }) => `topic ${topic}, partition ${partition}`);
  return new OperatingError(
    'SOURCE_UNREADABLE',
    `${places.join(' or ') || 'a partition'}${from}: a batch packed with ${packing} cannot be read ` +
      `(${reason}). Everything before it was. Find who wrote it, then run with --skip-undecodable, or ` +
      `delete the records up to and including ${upTo} (kafka-delete-records): the gap is recorded, ` +
      'and reading goes on',
    { retryable: false },
  );
}
