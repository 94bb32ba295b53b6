/** Taken back: a detection does not stand any more, and neither does what came of it. */
import type { Watermarks } from '../correlate/watermark.ts';
import type { Because } from '../decide/decide.ts';
import { VERBS } from '../model/decision.ts';
import type { Amendment, Entity } from '../model/detection.ts';
import type { Draft } from './draft.ts';
import type { EarlyPath } from './early.ts';
import type { Stages } from './stages.ts';

/** Who made something of it. */
export interface TakenBackParts {
  readonly stages: Pick<Stages, 'casework' | 'decide'>;
  readonly early: Pick<EarlyPath, 'notSentYet'>;
  readonly draft: Draft;
  readonly watermarks: Pick<Watermarks, 'effectiveMs'>;
}

/** Ends what came of detections. */
export class TakenBack {
  readonly #parts: TakenBackParts;

  constructor(parts: TakenBackParts) {
    this.#parts = parts;
  }

  /** Detectors correct themselves: a lease that rests on what they take back ends. */
  amend(amendment: Amendment, entity: Entity): void {
    this.#parts.draft.effects.amendments.push(amendment);
    if (amendment.type !== 'retracted') return;
    this.end(amendment.detectionId, entity, {
      reason: 'the detection was retracted: its evidence came late',
      grantsImmunity: false,
    });
  }

  /** Its risk is gone, and the lease it led to is lifted, whatever its verb. True where one stood. */
  end(detectionId: string, entity: Entity, because: Because): boolean {
    const { stages, early, draft, watermarks } = this.#parts;
    stages.casework.forgive(detectionId, entity);
    for (const verb of VERBS) {
      const releases = stages.decide.retract(detectionId, verb, watermarks.effectiveMs, because);
      if (releases.length === 0) continue;
      draft.effects.intentions.push(...early.notSentYet(releases));
      return true;
    }
    return false;
  }
}
