/** Detections: one detector's output, with the witnesses it rests on. */
import type { Kind, Position } from './event.ts';

/** Severity, Sigma's words, least first. */
export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const;
/** Severity of a detection or case. */
export type Level = (typeof LEVELS)[number];

/** The question a detector asks. */
export const FAMILIES = ['intent', 'scope', 'drift', 'volume', 'integrity'] as const;
/** One of FAMILIES. */
export type Family = (typeof FAMILIES)[number];

/** What a detection may cause: journal only, alerts, or also requested actions. */
export const MATURITIES = ['shadow', 'alert', 'enforce'] as const;
/** One of MATURITIES. */
export type Maturity = (typeof MATURITIES)[number];

/** hard = exact contract breach · statistical = calibrated score · content = looks at text. */
export const EVIDENCE_CLASSES = ['hard', 'statistical', 'content'] as const;
/** One of EVIDENCE_CLASSES. */
export type EvidenceClass = (typeof EVIDENCE_CLASSES)[number];

/** How surely two witnesses speak of the same act. Hard evidence needs exact or strong. */
export type JoinStrength = 'exact' | 'strong' | 'weak';

/** Whom a detection is about. */
export interface Entity {
  readonly tenant: string;
  readonly agent: string;
  readonly role: string | null;
  readonly session: string | null;
}

/** One witness, by identity and by place in the log. */
export interface Witness {
  readonly eventId: string;
  readonly kind: Kind;
  readonly position: Position;
  readonly timeMs: number;
  /** The producer's counter in the session, where there is one. */
  readonly seq: number | null;
  /** What this witness says, in a few words without payload text. */
  readonly says: string;
}

/** Output of one detector about one entity. */
export interface Detection {
  /** Hash of detector, version, entity and evidence: the same facts give the same id. */
  readonly id: string;
  /** File stem of the detector. */
  readonly detector: string;
  /** Hash of the detector's semantic part. */
  readonly version: string;
  readonly family: Family;
  readonly level: Level;
  readonly evidenceClass: EvidenceClass;
  readonly maturity: Maturity;
  readonly entity: Entity;
  /** Event time of the evidence, ms. */
  readonly timeMs: number;
  /** Event time at which it was decided (the watermark's deadline), ms. */
  readonly decidedMs: number;
  /** `seq` of the record that completed the evidence; null where the whole session is meant. */
  readonly seq: number | null;
  readonly tool: string | null;
  readonly witnesses: readonly Witness[];
  /** One sentence for a person. */
  readonly explanation: string;
  /** The smallest change that would have kept it silent. */
  readonly counterfactual: string;
  readonly strength: JoinStrength;
  /** Books of the session known to be blind when it was decided; empty = all four were open. */
  readonly blind: readonly Kind[];
  /** True when some of the evidence came later than the allowed lateness. */
  readonly late: boolean;
  /** ATLAS and OWASP tags as the detector file has them. */
  readonly tags: readonly string[];
  /** Id of the exception that excused it: recorded, and nothing else. Absent: none did. */
  readonly exception?: string;
  /** Found before its turn in event time; the final one of the same id takes its place. */
  readonly provisional?: true;
}

/** A correction of detections that were already given out. */
export type Amendment =
  | {
      /** A book of this session turned out to have been blind. */
      readonly type: 'blind';
      readonly tenant: string;
      readonly session: string;
      readonly source: Kind;
    }
  | {
      /** A late record contradicts the detection. */
      readonly type: 'retracted';
      readonly detectionId: string;
      readonly reason: string;
    };

/** An interval in which a source could not be heard, and nothing was inferred from its silence. */
export interface CoverageGap {
  /** Hash of source, kind, start and tenant: stable. */
  readonly id: string;
  /** Whose acts left no record there; absent: those of agents without a tenant. */
  readonly tenant?: string;
  /** Name of the configured source, or the kind where several sources carry it. */
  readonly source: string;
  readonly kind: Kind;
  readonly fromMs: number;
  /** Null while it lasts. */
  readonly toMs: number | null;
  readonly reason: string;
  /** Sessions that acted meanwhile and could not be reconciled. */
  readonly sessions: number;
}

/** Something the observer must say of itself: drops, evictions, lateness, skew, bounds. */
export interface Notice {
  readonly code: NoticeCode;
  /** Entity or source it is about. */
  readonly subject: string;
  readonly detail: string;
  readonly timeMs: number;
}

/** Closed list of notices. */
export const NOTICE_CODES = [
  'state.evicted',
  'session.overflow',
  'event.late',
  'event.too-late',
  'event.undecided',
  'event.clock-skew',
  'event.duplicate-id',
  'event.oversize',
  'evidence.dropped',
  'evidence.chain-gap',
  'source.blind',
  'source.back',
  'source.illegible',
  'agent.uninstrumented',
  'agent.grants-unknown',
  'history.truncated',
  'topic.recreated',
  'breaker.tripped',
  'lease.capped',
  'containment.failed',
  'enforcement.silent',
  'detectors.reloaded',
  'detectors.refused',
  'index.unsound',
  'alert.dead-letter',
] as const;
/** One of NOTICE_CODES. */
export type NoticeCode = (typeof NOTICE_CODES)[number];

/** Why a record could not be read. The list is closed (handbook, inputs §14). */
export const REJECT_REASONS = [
  'codec-unsupported',
  'too-large',
  'too-deep',
  'too-many-items',
  'not-utf8',
  'json-syntax',
  'duplicate-key',
  'protobuf-truncated',
  'protobuf-wire-type',
  'schema-unknown',
  'mapping-no-match',
  'field-missing',
  'field-type',
  'time-invalid',
  'time-future',
  'kind-not-allowed',
  'tenant-not-allowed',
  'id-missing',
  'partial',
  'tombstone',
] as const;
/** One of REJECT_REASONS. */
export type RejectReason = (typeof REJECT_REASONS)[number];

/** A record, or a part of one, that could not be read. */
export interface DeadLetter {
  readonly position: Position;
  readonly source: string;
  readonly format: string;
  readonly reason: RejectReason;
  /** What was wrong and where, at most 256 characters, no payload beyond field names. */
  readonly detail: string;
  /** Bytes of the whole record. */
  readonly size: number;
  /** First 64 KiB of the record. */
  readonly raw: Buffer;
  readonly receivedMs: number;
}
