/** The comparators of the evaluation, in the order of the table. */
import type { Comparator } from './comparator.ts';
import { ewma } from './ewma.ts';
import { fisher } from './fisher.ts';
import { isolationForest } from './isolation-forest.ts';
import { productE } from './product-e.ts';
import { psi } from './psi.ts';
import { threeSigma } from './three-sigma.ts';

/** All of them. */
export const COMPARATORS: readonly Comparator[] = [
  threeSigma,
  fisher,
  productE,
  ewma,
  isolationForest,
  psi,
];
