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

/** Detectors correct themselves: a lease that rests on what they take back ends. */
export function amend(parts: TakenBackParts, amendment: Amendment, entity: Entity): void {
  parts.draft.effects.amendments.push(amendment);
  if (amendment.type !== 'retracted') return;
  takeBack(parts, amendment.detectionId, entity, {
    reason: 'the detection was retracted: its evidence came late',
    grantsImmunity: false,
  });
}

/**
 * A detection does not stand: its risk is gone, and the lease it led to is lifted, whatever its verb.
 * True where one stood.
 */
export function takeBack(
  { stages, early, draft, watermarks }: TakenBackParts,
  detectionId: string,
  entity: Entity,
  because: Because,
): boolean {
  stages.casework.forgive(detectionId, entity);
  for (const verb of VERBS) {
    const releases = stages.decide.retract(detectionId, verb, watermarks.effectiveMs, because);
    if (releases.length === 0) continue;
    draft.effects.intentions.push(...early.notSentYet(releases));
    return true;
  }
  return false;
}
