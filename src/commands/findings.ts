/** Findings: what a replay or a store says of each session, in the form evaluations read. */
import type { Decision } from '../model/decision.ts';
import type { CoverageGap, Detection } from '../model/detection.ts';
import { sessionScore } from '../score/score.ts';

/** One line of a scores file (corpus README, "How to score"). */
export interface ScoreLine {
  readonly session_id: string;
  readonly agent_id: string;
  readonly score: number;
  readonly alerted: boolean;
  readonly first_alert_seq: number | null;
  readonly first_intervention_seq: number | null;
  readonly findings: readonly {
    readonly class: string;
    readonly detector: string;
    readonly seq: number | null;
    readonly explanation: string;
  }[];
}

/** Class of a finding in a session one of whose books was blind (ADR 0008). */
export const PARTIAL = 'partial-reconciliation';

/** What is known of the sessions, from wherever it was kept. */
export interface SessionFindings {
  /** Session → agent, every session that was seen. */
  readonly sessions: ReadonlyMap<string, string>;
  /** Detections that stand, with the books that proved blind in `blind`. */
  readonly detections: readonly Detection[];
  readonly decisions: readonly Decision[];
  /** A session is alerted above this score; null: on any detection. */
  readonly threshold: number | null;
  /** How far behaviour lay above what the declared budget lets pass, by session. Default: none. */
  readonly margins?: ReadonlyMap<string, number>;
}

/** Score of a session of which behaviour says nothing, where behaviour is scored at all. */
const UNSCORED = -40;
/** What a finding of another kind adds at least: it says more than any rank does. */
const FOUND = 10;

/** Did it reach anybody? What is in shadow, or excused by an exception, did not. */
export function isTold({
  maturity,
  exception,
}: Pick<Detection, 'maturity' | 'exception'>): boolean {
  return maturity !== 'shadow' && exception === undefined;
}

/** One line per session, by session id. */
export function scoreLines(found: SessionFindings): ScoreLine[] {
  const bySession = new Map<string, Detection[]>();
  for (const detection of found.detections) {
    const { session } = detection.entity;
    if (session === null) continue;
    const list = bySession.get(session);
    if (list === undefined) bySession.set(session, [detection]);
    else list.push(detection);
  }
  const acted = new Set(
    found.decisions.filter(({ wouldAct }) => wouldAct).map((d) => d.detectionId),
  );
  const ids = [...new Set([...found.sessions.keys(), ...bySession.keys()])].sort();
  return ids.map((id) => {
    const detections = (bySession.get(id) ?? []).sort(byOrder);
    const score = scoreOf(id, detections, found.margins);
    const isAlerted = found.threshold === null ? detections.length > 0 : score > found.threshold;
    const intervention = detections.find((detection) => acted.has(detection.id));
    return {
      session_id: id,
      agent_id: found.sessions.get(id) ?? detections[0]?.entity.agent ?? '',
      score,
      alerted: isAlerted,
      first_alert_seq: isAlerted ? (detections[0]?.seq ?? null) : null,
      first_intervention_seq: intervention?.seq ?? null,
      findings: detections.map((detection) => ({
        class: detection.blind.length > 0 ? PARTIAL : detection.detector,
        detector: detection.detector,
        seq: detection.seq,
        explanation: detection.explanation,
      })),
    };
  });
}

/** Above zero exactly where the session is alerted; without behaviour 0 is the least there is. */
function scoreOf(
  id: string,
  detections: readonly Detection[],
  margins: ReadonlyMap<string, number> | undefined,
): number {
  if (margins === undefined) return sessionScore(detections);
  const others = detections.filter(({ family }) => family !== 'drift');
  const margin = margins.get(id) ?? UNSCORED;
  return others.length === 0 ? margin : Math.max(0, margin) + FOUND + sessionScore(others) / 10;
}

/**
 * Lines of a coverage file: intervals in which nothing was inferred from a source's silence. One that
 * still lasts ends where observation has got to (`untilMs`, null: nothing was observed yet).
 */
export function coverageLines(
  gaps: readonly CoverageGap[],
  untilMs: number | null,
): { source: string; from: string; to: string; reason: string }[] {
  return [...gaps]
    .sort((a, b) => a.fromMs - b.fromMs)
    .map(({ source, fromMs, toMs, reason }) => ({
      source,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs ?? Math.max(fromMs, untilMs ?? fromMs)).toISOString(),
      reason: toMs === null ? `${reason}; it still lasts` : reason,
    }));
}

/** In the order their evidence was completed: the producer's counter where there is one. */
function byOrder(a: Detection, b: Detection): number {
  if (a.seq !== null && b.seq !== null && a.seq !== b.seq) return a.seq - b.seq;
  return a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1);
}
