/** Findings: detection → exception → risk and case → decision → intention. */
import type { Decided } from '../decide/decide.ts';
import type { Circumstances } from '../decide/falsify.ts';
import { callsForPeople } from '../decide/leak.ts';
import type { Intention, Verb } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import { assert } from '../model/errors.ts';
import type { Intervention } from '../score/causal/chain.ts';
import { circumstancesOf, lineageOf } from './circumstances.ts';
import type { Draft } from './draft.ts';
import type { EarlyPath } from './early.ts';
import type { InForce } from './in-force.ts';
import type { Notices } from './notices.ts';
import type { Stages } from './stages.ts';

/** Who is asked on the way, and where it is written. */
export interface FindingParts {
  readonly stages: Pick<Stages, 'correlate' | 'behaviour' | 'detect' | 'casework' | 'decide'>;
  readonly inForce: Pick<InForce, 'asItCounts'>;
  readonly early: Pick<EarlyPath, 'hear' | 'confirmed'>;
  readonly draft: Draft;
  readonly notices: Notices;
}

/**
 * Follows a detection to its end (handbook, detection §8.1). `above`: the rung that was asked for, and
 * that nobody carried out.
 */
export function followDetection(
  parts: FindingParts,
  fired: Detection,
  above: Verb | null = null,
): void {
  const { stages, inForce, early, draft } = parts;
  if (!stages.casework.hear(fired)) return;
  early.hear(fired.id);
  const detection = inForce.asItCounts(fired);
  draft.effects.detections.push(detection);
  if (detection.exception !== undefined) draft.count('excepted');
  else if (detection.maturity === 'shadow') {
    draft.count('shadow-detections');
    decide(parts, detection, '', { shared: null, above, principal: null });
  } else pursue(parts, detection, above);
}

/** Cases that were quiet for an hour at `ms`, event time. */
export function resolveQuiet({ stages, draft }: FindingParts, ms: number): void {
  if ((stages.casework.cases.nextMs() ?? Number.POSITIVE_INFINITY) > ms) return;
  const { cases, announcements } = stages.casework.cases.passTime(ms);
  draft.cases(cases);
  draft.effects.announcements.push(...announcements);
}

/** It counts: it adds to risk, case and chain, and something may be done about it. */
function pursue(parts: FindingParts, detection: Detection, above: Verb | null): void {
  const { stages, draft } = parts;
  const { correlate, casework } = stages;
  draft.count('detections');
  resolveQuiet(parts, detection.decidedMs - 1);
  const { tenant, agent, session } = detection.entity;
  correlate.suspect(tenant, agent, session);
  const lineage = lineageOf(stages, detection);
  const told = casework.take(detection, lineage, correlate.fleet(tenant));
  draft.cases(told.cases);
  draft.effects.members.push(...told.members);
  draft.effects.announcements.push(...told.announcements);
  const { caseId, shared } = told;
  const { principal, ancestors } = lineage;
  const [intention] = decide(parts, detection, caseId, { shared, above, principal });
  const calls = session === null ? [] : correlate.calls(tenant, session);
  const answer = interventionOf(intention);
  const chain = casework.grow(caseId, detection, { calls, ancestors }, answer);
  if (chain !== null) draft.effects.chains.push(chain);
}

/** What is done about it. A shadow is asked too, and nothing comes of it. */
function decide(
  parts: FindingParts,
  detection: Detection,
  caseId: string,
  known: Pick<Circumstances, 'shared' | 'above' | 'principal'>,
): readonly Intention[] {
  const { stages } = parts;
  const detector = stages.detect.detectors.get(detection.detector);
  assert(detector !== undefined, `a detection of unknown detector ${detection.detector}`);
  const decided = stages.decide.decide(
    detection,
    caseId,
    detector.response,
    { ...circumstancesOf(stages, detection), ...known },
    stages.correlate.fleet(detection.entity.tenant),
  );
  write(parts, decided, detection);
  return decided.intentions;
}

function write(
  { early, draft, notices }: FindingParts,
  decided: Decided,
  { decidedMs, entity: { tenant } }: Detection,
): void {
  const { decision, inputs } = decided;
  draft.effects.decisions.push(decision);
  draft.effects.decisionInputs.push({ decisionId: decision.id, inputs });
  if (decided.taken === undefined) draft.effects.intentions.push(...decided.intentions);
  else early.confirmed(decided.taken, decidedMs);
  draft.effects.announcements.push(...callsForPeople(decided));
  if (!decided.tripped) return;
  const detail = 'no further action until a person resumes';
  notices.say('breaker.tripped', 'fleet', detail, decidedMs, tenant);
}

/** What was asked for, as a chain shows it; null where nothing was. */
function interventionOf(intention: Intention | undefined): Intervention | null {
  if (intention?.step !== 'request') return null;
  return { leaseId: intention.leaseId, verb: intention.verb, ms: intention.issuedMs };
}
