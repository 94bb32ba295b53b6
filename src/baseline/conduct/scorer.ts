/** Scorer: a learnt conduct document judges the calls of open units, one after the other. */
import type { UnitHead, UnitItem } from '../../model/unit.ts';
import { type CompiledTrees, compileTrees, type Trees } from '../../stats/boosted-trees.ts';
import type { Json } from '../dimension.ts';
import type { Basis } from './basis.ts';
import { readBasis } from './basis-document.ts';
import { said, unsaid } from './because.ts';
import { FEATURES } from './columns.ts';
import { type ConductLevel, Measure } from './features.ts';
import { readCall } from './reading.ts';
import { type ConductState, hear, newState, remember } from './state.ts';

/** A judged call. */
export interface ConductScored {
  /** Log-odds of the rehearsed model; higher is stranger. */
  readonly score: number;
  /** Is it the highest of the unit so far, at its level of evidence? */
  readonly isMost: boolean;
}

/** A compiled document. */
export interface ConductScorer {
  /** State of a new unit: plain JSON. */
  begin(head: UnitHead): ConductState;
  /** Takes the next item, changing `state`; null where the item is not judged. */
  see(state: ConductState, item: UnitItem): ConductScored | null;
  /** Cell the unit's score is calibrated in: `L3/seen`, `L2/unseen`, … */
  cellOf(state: ConductState): string;
  /** The running maximum in the present cell; null before the first judged call. */
  scoreOf(state: ConductState): number | null;
  /** What made the strangest call so, most important first; names and figures only. */
  becauseOf(state: ConductState): readonly string[];
}

/** What is learnt for one evidence level. */
interface Compiled {
  readonly basis: Basis;
  readonly measure: Measure;
  readonly seen: CompiledTrees;
  readonly unseen: CompiledTrees;
}

/** Compiles what `learnConduct` made. */
export function compileConduct(document: Json): ConductScorer {
  const read = document as unknown as Readonly<
    Record<ConductLevel, { readonly basis: Json; readonly seen: Trees; readonly unseen: Trees }>
  >;
  const levels = { L3: compiled(read.L3), L2: compiled(read.L2) };
  const row = new Float64Array(FEATURES.length);
  const isSeen = (state: ConductState) =>
    levels[levelOf(state)].basis.byTemplate.has(state.template);
  return {
    begin: newState,
    see(state, item) {
      if (item.type !== 'call') {
        hear(state, item);
        return null;
      }
      if (item.ours) return null;
      const call = readCall(item);
      // Where texts are known from earlier calls or come with this one, the unit is judged at L3.
      if (item.result !== null && item.result !== '') state.texts = true;
      const level = levelOf(state);
      const { measure, seen, unseen } = levels[level];
      const known = isSeen(state);
      // Under mandates nobody learnt, nobody knows which reads are usual.
      if (!known && !call.changing) {
        remember(state, call, item);
        return null;
      }
      measure.fill(state, call, level, row);
      remember(state, call, item);
      const trees = known ? seen : unseen;
      const score = trees.predict(row);
      const best = state.best[level];
      if (best !== null && score <= best) return { score, isMost: false };
      state.best[level] = score;
      state.because = unsaid(state.because, trees, row, call.tool);
      return { score, isMost: true };
    },
    cellOf: (state) => `${levelOf(state)}/${isSeen(state) ? 'seen' : 'unseen'}`,
    scoreOf: (state) => state.best[levelOf(state)],
    becauseOf: (state) => said(state.because),
  };
}

/** Evidence level a unit is judged at so far. */
export function levelOf(state: ConductState): ConductLevel {
  return state.texts ? 'L3' : 'L2';
}

function compiled(read: {
  readonly basis: Json;
  readonly seen: Trees;
  readonly unseen: Trees;
}): Compiled {
  const basis = readBasis(read.basis);
  return {
    basis,
    measure: new Measure(basis),
    seen: compileTrees(read.seen),
    unseen: compileTrees(read.unseen),
  };
}
