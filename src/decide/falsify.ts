/** Falsification: which innocent explanations were tested before acting, with what result. */
import type { Falsification, Verb } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Kind } from '../model/event.ts';

/** What the spine knows that could explain a detection away. */
export interface Circumstances {
  /** Books the detector needs that are blind at this moment. */
  readonly blindNow: readonly Kind[];
  /** Last change governance made to the agent's grants, policy or approvals, ms; null = never. */
  readonly changedMs: number | null;
  /** Standing leases against the agent. */
  readonly leases: number;
  /** Agents of the role that fired alike within the hour, where it is a fleet case. */
  readonly shared: { readonly agents: number; readonly of: number } | null;
  /** The rung that was asked for and that nobody carried out; absent: none was. */
  readonly above?: Verb | null;
}

const JUST_BEFORE_MS = 60_000;

/** Tests each explanation. One that `holds` caps the decision at alert. */
export function falsify(detection: Detection, circumstances: Circumstances): Falsification[] {
  return [
    sourceOutage(detection, circumstances),
    lateRecords(detection),
    declaredChange(detection, circumstances),
    peerShift(detection, circumstances),
    ownAction(circumstances),
    // What an exception excuses never comes this far; that it was looked for is written down.
    { explanation: 'known-exception', verdict: 'ruled-out', data: 'no exception in force matches' },
  ];
}

function sourceOutage(detection: Detection, { blindNow }: Circumstances): Falsification {
  const blind = [...new Set([...detection.blind, ...blindNow])];
  return {
    explanation: 'source-outage',
    verdict: blind.length > 0 ? 'holds' : 'ruled-out',
    data: blind.length > 0 ? `blind: ${blind.join(', ')}` : 'every needed source was heard',
  };
}

function lateRecords(detection: Detection): Falsification {
  return {
    explanation: 'late-data',
    verdict: detection.late ? 'holds' : 'ruled-out',
    data: detection.late ? 'a record came after its time' : 'decided behind the watermark',
  };
}

function declaredChange(detection: Detection, { changedMs }: Circumstances): Falsification {
  if (changedMs === null)
    return {
      explanation: 'declared-change',
      verdict: 'ruled-out',
      data: 'governance never changed it',
    };
  const beforeMs = detection.timeMs - changedMs;
  const near = beforeMs >= 0 && beforeMs < JUST_BEFORE_MS;
  return {
    explanation: 'declared-change',
    verdict: near ? 'cannot-tell' : 'ruled-out',
    data: `last change of grants, policy or approvals ${Math.round(beforeMs / 1000)} s before`,
  };
}

/** Many at once point to a roll-out; an exact breach of contract stays one all the same. */
function peerShift(detection: Detection, { shared }: Circumstances): Falsification {
  const explanation = 'peer-wide-shift';
  if (shared === null)
    return {
      explanation,
      verdict: 'ruled-out',
      data: 'no fleet case: its peers do not fire alike',
    };
  const data = `${shared.agents} of ${shared.of} agents of the role fired alike within an hour`;
  const isHard = detection.evidenceClass === 'hard';
  return { explanation, verdict: isHard ? 'cannot-tell' : 'holds', data };
}

function ownAction({ leases }: Circumstances): Falsification {
  return {
    explanation: 'our-own-action',
    verdict: 'ruled-out',
    data:
      leases === 0
        ? 'no lease of ours stands against the agent'
        : `${leases} of our leases stand; refusals that name them are not evidence`,
  };
}
