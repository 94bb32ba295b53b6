/** Rehearsal: the contract of a score that is trained on a window of sessions (4.10). */
import type { UnitHead, UnitItem, UnitRecord } from '../model/unit.ts';
import type { Json } from './dimension.ts';

/** What was learnt, and the sorted held-out scores of genuine units by cell. */
export interface RehearsalLearnt {
  readonly document: Json;
  readonly calibration: Readonly<Record<string, readonly number[]>>;
}

/** A trained score at work. Its state is plain JSON and bounded. */
export interface RehearsedScorer {
  begin(head: UnitHead): object;
  /** Mutates the state; null where the item is not scored. Higher is stranger; `isMost`: than all before. */
  see(state: object, item: UnitItem): { readonly score: number; readonly isMost: boolean } | null;
  /** Calibration cell the unit is in by now, for example `L3/unseen`. */
  cellOf(state: object): string;
  /** Running maximum in that cell; null before the first scored call. */
  scoreOf(state: object): number | null;
  /** What made the strangest call so, most important first; names and figures only. */
  becauseOf(state: object): readonly string[];
}

/** A method of rehearsal: learns and scores. */
export interface Rehearsal {
  /** Name of its reading in profiles and findings. */
  readonly name: string;
  /** Score of a closed unit none of whose calls was scored. */
  readonly unjudged: number;
  /** Null: too little to learn from. */
  learn(
    units: readonly UnitRecord[],
    options: { readonly seed: number; readonly progress?: (what: string) => void },
  ): RehearsalLearnt | null;
  compile(document: Json): RehearsedScorer;
}

/** Score of a whole unit, and the calibration cell it falls into. */
export function rehearsedScore(
  scorer: RehearsedScorer,
  unit: UnitRecord,
  unjudged: number,
): { readonly cell: string; readonly score: number } {
  const state = scorer.begin(unit.head);
  for (const item of unit.items) scorer.see(state, item);
  return { cell: scorer.cellOf(state), score: scorer.scoreOf(state) ?? unjudged };
}
