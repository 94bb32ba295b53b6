/** Requests: what operators and the executor ask for, about leases, verdicts and power. */
import type { Watermarks } from '../correlate/watermark.ts';
import { CONTAINMENT_LEAK, leakDetection } from '../decide/leak.ts';
import type { Operated } from '../decide/operate.ts';
import type { Judged, OperatorRequest } from '../model/decision.ts';
import { maturityInForce } from '../model/power.ts';
import type { Draft } from './draft.ts';
import type { EarlyPath } from './early.ts';
import type { Findings } from './findings.ts';
import type { Notices } from './notices.ts';
import type { PipelineOptions } from './options.ts';
import type { Stages } from './stages.ts';
import type { TakenBack } from './taken-back.ts';

/** What a request can reach. */
export interface RequestParts {
  readonly stages: Pick<Stages, 'decide' | 'detect'>;
  readonly early: Pick<EarlyPath, 'notSentYet' | 'defers'>;
  readonly takenBack: TakenBack;
  readonly watermarks: Pick<Watermarks, 'effectiveMs'>;
  readonly draft: Draft;
  readonly notices: Notices;
  /** That a containment does not hold is a finding like any other. */
  readonly findings: Pick<Findings, 'take'>;
}

/** Does what is asked for, as of the watermark. */
export class Requests {
  readonly #options: Pick<PipelineOptions, 'owns' | 'maturity'>;
  readonly #parts: RequestParts;

  constructor(options: Pick<PipelineOptions, 'owns' | 'maturity'>, parts: RequestParts) {
    this.#options = options;
    this.#parts = parts;
  }

  take(request: OperatorRequest): void {
    const { stages, early, draft, watermarks } = this.#parts;
    draft.markDirty();
    const nowMs = Math.max(0, watermarks.effectiveMs);
    // Not taken up: whoever asks asks again, until its turn has come.
    if (early.defers(request, nowMs)) return;
    if (request.type === 'verdict')
      for (const judged of request.detections) this.#judged(request, judged);
    else if (request.type === 'reinstate') this.#reinstated(request);
    else this.#operated(stages.decide.operate(request, nowMs), nowMs);
    draft.effects.operatorRequests.push(request.id);
  }

  /** A verdict on one detection; a false positive takes back at once what came of it. */
  #judged(request: OperatorRequest & { readonly type: 'verdict' }, judged: Judged): void {
    const { stages, takenBack, draft, watermarks } = this.#parts;
    const { demotions } = stages.decide;
    const timeMs = watermarks.effectiveMs;
    const { verdict, by, reason: note, atMs } = request;
    const { id: detectionId, detector, version, entity, acted } = judged;
    if (this.#options.owns?.(entity.tenant) === false) {
      // Said and answered where it was found; that its version is demoted holds everywhere.
      if (verdict === 'false_positive' && acted !== null)
        demotions.demote(detector, version, timeMs);
      return;
    }
    draft.effects.verdicts.push({ detectionId, detector, version, verdict, by, note, atMs });
    if (verdict !== 'false_positive') return;
    const reason = `judged a false positive by ${by}: ${note}`;
    const wasLifted = takenBack.end(detectionId, entity, { reason, grantsImmunity: true });
    if (!wasLifted && acted === null) return;
    // Every verb is degrade or above: one needless action is one too many for this version.
    if (!demotions.demote(detector, version, timeMs)) return;
    const demotion = { detector, version, stands: true, detectionId, by, reason: note, timeMs };
    draft.effects.demotions.push(demotion);
  }

  #reinstated(request: OperatorRequest & { readonly type: 'reinstate' }): void {
    const { stages, draft, watermarks } = this.#parts;
    const { detector, version, by, reason } = request;
    if (!stages.decide.demotions.reinstate(detector, version)) return;
    const timeMs = watermarks.effectiveMs;
    const lifted = { detector, version, stands: false, detectionId: null, by, reason, timeMs };
    draft.effects.demotions.push(lifted);
  }

  /** What came of a request about leases. */
  #operated({ intentions, decisions, exhausted }: Operated, nowMs: number): void {
    const { stages, early, findings, draft, notices } = this.#parts;
    draft.effects.decisions.push(...decisions);
    draft.effects.intentions.push(...early.notSentYet(intentions));
    if (exhausted === null) return;
    const { subject, leaseId, verb } = exhausted.lease;
    const { agent, tenant } = subject;
    notices.say('containment.failed', agent, `lease ${leaseId}: ${exhausted.why}`, nowMs, tenant);
    const detector = stages.detect.detectors.get(CONTAINMENT_LEAK);
    if (detector === undefined) return;
    const maturity = maturityInForce(detector, this.#options.maturity);
    findings.take(leakDetection(detector, maturity, exhausted, nowMs), verb);
  }
}
