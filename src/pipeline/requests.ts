/** Requests: what operators and the executor ask for, about leases, verdicts and power. */
import { CONTAINMENT_LEAK, leakDetection } from '../decide/leak.ts';
import type { Operated } from '../decide/operate.ts';
import type { Judged, OperatorRequest } from '../model/decision.ts';
import { maturityInForce } from '../model/power.ts';
import type { EarlyPath } from './early.ts';
import { type FindingParts, followDetection } from './findings.ts';
import type { PipelineOptions } from './options.ts';
import type { Stages } from './stages.ts';
import { type TakenBackParts, takeBack } from './taken-back.ts';

/** What a request can reach. */
export interface RequestParts extends FindingParts, TakenBackParts {
  readonly options: Pick<PipelineOptions, 'owns' | 'maturity'>;
  readonly stages: Stages;
  readonly early: EarlyPath;
}

/** Does what is asked for, as of the watermark. */
export function takeRequest(parts: RequestParts, request: OperatorRequest): void {
  const { stages, early, draft, watermarks } = parts;
  draft.markDirty();
  const nowMs = Math.max(0, watermarks.effectiveMs);
  // Not taken up: whoever asks asks again, until its turn has come.
  if (early.defers(request, nowMs)) return;
  if (request.type === 'verdict') for (const one of request.detections) judged(parts, request, one);
  else if (request.type === 'reinstate') reinstated(parts, request);
  else operated(parts, stages.decide.operate(request, nowMs), nowMs);
  draft.effects.operatorRequests.push(request.id);
}

/** A verdict on one detection; a false positive takes back at once what came of it. */
function judged(
  parts: RequestParts,
  { verdict, by, reason: note, atMs }: OperatorRequest & { readonly type: 'verdict' },
  { id: detectionId, detector, version, entity, acted }: Judged,
): void {
  const { options, stages, draft } = parts;
  const { demotions } = stages.decide;
  const timeMs = parts.watermarks.effectiveMs;
  if (options.owns?.(entity.tenant) === false) {
    // Said and answered where it was found; that its version is demoted holds everywhere.
    if (verdict === 'false_positive' && acted !== null) demotions.demote(detector, version, timeMs);
    return;
  }
  draft.effects.verdicts.push({ detectionId, detector, version, verdict, by, note, atMs });
  if (verdict !== 'false_positive') return;
  const reason = `judged a false positive by ${by}: ${note}`;
  const wasLifted = takeBack(parts, detectionId, entity, { reason, grantsImmunity: true });
  if (!wasLifted && acted === null) return;
  // Every verb is degrade or above: one needless action is one too many for this version.
  if (!demotions.demote(detector, version, timeMs)) return;
  const demotion = { detector, version, stands: true, detectionId, by, reason: note, timeMs };
  draft.effects.demotions.push(demotion);
}

function reinstated(
  { stages, draft, watermarks }: RequestParts,
  { detector, version, by, reason }: OperatorRequest & { readonly type: 'reinstate' },
): void {
  if (!stages.decide.demotions.reinstate(detector, version)) return;
  const timeMs = watermarks.effectiveMs;
  const lifted = { detector, version, stands: false, detectionId: null, by, reason, timeMs };
  draft.effects.demotions.push(lifted);
}

/** What came of a request about leases. A containment that does not hold is a finding like any other. */
function operated(
  parts: RequestParts,
  { intentions, decisions, exhausted }: Operated,
  nowMs: number,
): void {
  const { options, stages, early, draft, notices } = parts;
  draft.effects.decisions.push(...decisions);
  draft.effects.intentions.push(...early.notSentYet(intentions));
  if (exhausted === null) return;
  const { subject, leaseId, verb } = exhausted.lease;
  const { agent, tenant } = subject;
  notices.say('containment.failed', agent, `lease ${leaseId}: ${exhausted.why}`, nowMs, tenant);
  const detector = stages.detect.detectors.get(CONTAINMENT_LEAK);
  if (detector === undefined) return;
  const maturity = maturityInForce(detector, options.maturity);
  followDetection(parts, leakDetection(detector, maturity, exhausted, nowMs), verb);
}
