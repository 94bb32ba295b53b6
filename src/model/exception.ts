/** Exceptions: findings that people declared to be in order, for a time, with an owner. */

/** Fields of a detection that an exception may match; all that are given must hold. */
export const MATCH_FIELDS = ['tenant', 'agent', 'role', 'session', 'tool'] as const;
/** One of MATCH_FIELDS. */
export type MatchField = (typeof MATCH_FIELDS)[number];

/** One exception in force until it lapses. */
export interface Exception {
  /** Unique name; detections it excuses bear it. */
  readonly id: string;
  /** Values of which the detection must have one, by field; at least one field is named. */
  readonly match: Readonly<Partial<Record<MatchField, readonly string[]>>>;
  /** Stems of the detectors it excuses; never one of the family integrity. */
  readonly detectors: readonly string[];
  /** Event time, ms, from which it excuses nothing: the end of the day written. */
  readonly expiresMs: number;
  readonly owner: string;
  readonly reason: string;
  /** Detections that led to it. */
  readonly evidence: readonly string[];
  /** Where it is written. */
  readonly file: string;
}
