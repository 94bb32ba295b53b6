/** Leak: the finding that a containment does not hold and no driver of its chain is left. */
import type { Announcement } from '../model/decision.ts';
import type { Detection, Maturity } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import { idOf } from '../model/ids.ts';
import type { Decided } from './decide.ts';
import type { Exhausted } from './operate.ts';

/** File stem of the detector that such findings are given under. */
export const CONTAINMENT_LEAK = 'containment-leak';

const SAYS = {
  leaking: 'calls went through after it was accepted and had had its time to take effect',
  reverted: 'the target no longer has it, and nobody here took it back',
  refused: 'every control target that could do it refused',
  unreached: 'no control target that could do it can be reached',
} as const;

/**
 * The finding about a lease, dated `nowMs` of event time. Its witnesses are the executor's: the lease's
 * own record names the calls. The same lease and reason give the same id.
 */
export function leakDetection(
  detector: Detector,
  maturity: Maturity,
  { lease, role, why }: Exhausted,
  nowMs: number,
): Detection {
  const { stem, version, family, level, evidenceClass, tags } = detector;
  const { tenant, agent, session, tools } = lease.subject;
  const [tool] = tools;
  return {
    id: idOf('detection', stem, version, lease.leaseId, why),
    detector: stem,
    ...{ version, family, level, evidenceClass, maturity, tags },
    entity: { tenant, agent, role, session },
    timeMs: nowMs,
    decidedMs: nowMs,
    seq: null,
    tool: tool ?? null,
    witnesses: [],
    explanation: `Lease ${lease.leaseId.slice(0, 12)} (${lease.verb} by ${lease.driver}) does not hold: ${SAYS[why]}.`,
    counterfactual: 'silent if the gateway had refused the calls of the subject under lease',
    strength: 'exact',
    blind: [],
    late: false,
  };
}

/** What people are told of a decision beyond its case: that they are asked, or that all has stopped. */
export function callsForPeople({ decision, intentions, tripped }: Decided): Announcement[] {
  const { caseId, timeMs } = decision;
  const told = (why: Announcement['why'], of: string, title: string): Announcement => ({
    id: idOf('announcement', caseId, why, of),
    ...{ caseId, why, title, timeMs },
    level: 'critical',
    detector: null,
  });
  const calls = intentions.flatMap(({ approval, verb, leaseId, driver }) => {
    if (approval === null) return [];
    const minutes = Math.ceil(approval.withinMs / 60_000);
    const title = `Approval wanted within ${minutes} min: ${verb} by ${driver}, lease ${leaseId.slice(0, 12)}`;
    return [told('approval', leaseId, title)];
  });
  if (tripped)
    calls.push(
      told('breaker', decision.id, 'Fleet breaker open: nothing is done until a person resumes'),
    );
  return calls;
}
