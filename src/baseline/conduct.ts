/** Conduct: the rehearsed score of this product, as learning and scoring use it. */
import { UNJUDGED } from './conduct/fit.ts';
import { learnConduct } from './conduct/learn.ts';
import { compileConduct } from './conduct/scorer.ts';
import type { Rehearsal } from './rehearsal.ts';

/** The one method of rehearsal there is. */
export const CONDUCT: Rehearsal = {
  name: 'conduct',
  unjudged: UNJUDGED,
  learn: learnConduct,
  compile: compileConduct,
};
