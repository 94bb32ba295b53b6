/** The early path: asked for when an event comes, settled when its turn comes. */
import type { Decide } from '../decide/decide.ts';
import type { Taken } from '../decide/early.ts';
import { createEarlyDetect, type EarlyDetect } from '../detect/early.ts';
import type { Intention, OperatorRequest } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Event } from '../model/event.ts';
import type { Inventory } from '../model/expectation.ts';
import { caseIdOf } from '../score/case.ts';
import { circumstancesOf } from './circumstances.ts';
import type { Draft } from './draft.ts';
import type { InForce } from './in-force.ts';
import { freshMsOf, type PipelineOptions } from './options.ts';
import type { Stages } from './stages.ts';

/** What of the options concerns it. */
type EarlyOptions = Pick<PipelineOptions, 'correlate' | 'timings' | 'freshMs'>;

/** What the early path asks of the stages. Nothing of it changes what they know. */
export interface EarlyParts {
  readonly stages: Pick<Stages, 'correlate' | 'behaviour' | 'detect' | 'decide'>;
  readonly inForce: Pick<InForce, 'asItCounts'>;
  readonly draft: Draft;
}

/**
 * The early path of a lane. It only sends: the fold knows nothing of it, so what is found, decided and
 * put into cases is the same with and without it. When the fold comes to an early action it either decides
 * the same, and then nothing is sent again, or the action is withdrawn.
 */
export interface EarlyPath {
  /** An event that now waits for the watermark. */
  see(event: Event, nowMs: number): void;
  /** The fold came to a detection. */
  hear(detectionId: string): void;
  /** The fold, at event time `timeMs`, begins what was asked for before. */
  confirmed(taken: Taken, timeMs: number): void;
  /** Everything up to `ms` was folded; `newestMs`: highest event time seen. */
  settle(ms: number, newestMs: number): void;
  /** True where a request is about something whose turn has not come: it is to be asked again. */
  defers(request: OperatorRequest, nowMs: number): boolean;
  /** Without releases that went out before their turn. */
  notSentYet(intentions: readonly Intention[]): readonly Intention[];
}

/** Makes the early path of a lane. */
export function createEarlyPath(options: EarlyOptions, parts: EarlyParts): EarlyPath {
  return new Path(options, parts);
}

class Path implements EarlyPath {
  readonly #inventory: Inventory;
  /** An event that is older than this when it comes has nothing early done about it, ms. */
  readonly #freshMs: number;
  readonly #parts: EarlyParts;
  readonly #decide: Decide;
  #detect: EarlyDetect | null = null;
  /** What it was compiled from. */
  #detectors: ReadonlyMap<string, Detector> | null = null;

  constructor({ correlate, timings, freshMs }: EarlyOptions, parts: EarlyParts) {
    this.#inventory = correlate.inventory;
    this.#freshMs = freshMsOf({ timings, freshMs });
    this.#parts = parts;
    this.#decide = parts.stages.decide;
  }

  see(event: Event, nowMs: number): void {
    const { correlate, detect } = this.#parts.stages;
    // Another map once they were exchanged.
    const { detectors } = detect;
    if (detectors !== this.#detectors) {
      this.#detect = createEarlyDetect(detectors, this.#inventory);
      this.#detectors = detectors;
    }
    if (this.#detect?.wants(event.kind) !== true) return;
    // What is old is caught up with soon, and what was refused did no harm.
    if (nowMs - event.time.eventMs > this.#freshMs) return;
    if (event.action?.decision === 'deny') return;
    const fact = correlate.foresee(event);
    if (fact !== null) this.#detect.see(fact, this.#found);
  }

  hear(detectionId: string): void {
    const { early } = this.#decide;
    if (!early.isEmpty) early.hear(detectionId);
  }

  confirmed({ leaseId, detectionId, isOwn, isSettled }: Taken, timeMs: number): void {
    if (isSettled) return;
    const { draft } = this.#parts;
    draft.count('early-confirmed');
    const reason = isOwn
      ? 'when its turn came in event time the decision was the same'
      : 'another detection asks for the same in its turn: the lease stands by that one';
    const outcome = 'confirmed';
    draft.effects.settled.push({ leaseId, detectionId, outcome, reason, timeMs });
  }

  settle(ms: number, newestMs: number): void {
    const { early } = this.#decide;
    if (early.isEmpty) return;
    const { draft } = this.#parts;
    for (const one of early.settle(ms, newestMs)) {
      const { leaseId, detectionId, isUnheard, isLease, reason, release } = one;
      const { settled, intentions, amendments } = draft.effects;
      const timeMs = Math.max(0, ms);
      if (isLease) {
        draft.count('early-withdrawn');
        settled.push({ leaseId, detectionId, outcome: 'withdrawn', reason, timeMs });
      }
      if (release !== null) intentions.push(release);
      if (isUnheard) amendments.push({ type: 'retracted', detectionId, reason });
    }
  }

  defers(request: OperatorRequest, nowMs: number): boolean {
    const { early } = this.#decide;
    const deferred = early.isEmpty ? null : early.defers(request, nowMs);
    if (deferred === null) return false;
    this.#parts.draft.effects.intentions.push(...deferred.releases);
    return true;
  }

  notSentYet(intentions: readonly Intention[]): readonly Intention[] {
    const { early } = this.#decide;
    if (early.isEmpty) return intentions;
    return intentions.filter(
      ({ step, leaseId }) => step !== 'release' || !early.wasLifted(leaseId),
    );
  }

  readonly #found = (fired: Detection, { response }: Detector): void => {
    const { stages, inForce, draft } = this.#parts;
    const detection = inForce.asItCounts(fired);
    if (detection.exception !== undefined || detection.maturity !== 'enforce') return;
    const around = circumstancesOf(stages, detection);
    const id = caseIdOf(detection);
    const size = stages.correlate.fleet(detection.entity.tenant);
    const decided = this.#decide.foresee(detection, id, response, around, size, this.#freshMs);
    if (decided === null) return;
    const { decision, inputs, intentions } = decided;
    const provisional = true;
    draft.effects.early.push({
      detection: { ...detection, provisional },
      decision: { ...decision, provisional },
      inputs,
    });
    draft.effects.intentions.push(...intentions);
    draft.count('early-actions');
  };
}
