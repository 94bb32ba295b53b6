/** Alerts of a backtest: what one detector said of recorded history, cut to what is compared. */
import type { Detection, Level, Maturity } from '../../model/detection.ts';
import type { Kind } from '../../model/event.ts';

/** One detection in one corpus. Texts are those of the detection and may be hostile. */
export interface Alert {
  /** Name of the corpus it was found in. */
  readonly corpus: string;
  /** File stem of the detector. */
  readonly detector: string;
  /** Hash of the detector's semantic part. */
  readonly version: string;
  readonly maturity: Maturity;
  readonly level: Level;
  readonly tenant: string;
  readonly agent: string;
  readonly session: string | null;
  /** Event time of the evidence, ms. */
  readonly timeMs: number;
  /** Event time at which it was decided, ms. */
  readonly decidedMs: number;
  readonly seq: number | null;
  readonly tool: string | null;
  /** Ids of the witness events, sorted: the same in every version of the detector. */
  readonly evidence: readonly string[];
  readonly explanation: string;
  /** Books of the session that were blind. */
  readonly blind: readonly Kind[];
  readonly late: boolean;
}

/** The alert of a detection. */
export function alertOf(corpus: string, detection: Detection): Alert {
  const { detector, version, maturity, level, entity, timeMs, decidedMs } = detection;
  const { seq, tool, witnesses, explanation, blind, late } = detection;
  return {
    ...{ corpus, detector, version, maturity, level },
    ...{ tenant: entity.tenant, agent: entity.agent, session: entity.session },
    ...{ timeMs, decidedMs, seq, tool },
    evidence: witnesses.map(({ eventId }) => eventId).sort(),
    ...{ explanation, blind, late },
  };
}

/** Order of alerts wherever they are listed: by corpus, event time, then whom they are about. */
export function compareAlerts(one: Alert, other: Alert): number {
  return (
    compareText(one.corpus, other.corpus) ||
    one.timeMs - other.timeMs ||
    compareText(one.session ?? '', other.session ?? '') ||
    compareText(one.agent, other.agent) ||
    compareText(one.detector, other.detector) ||
    compareText(one.evidence.join(' '), other.evidence.join(' '))
  );
}

/** Order of texts by code unit: the same on every machine. */
export function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
