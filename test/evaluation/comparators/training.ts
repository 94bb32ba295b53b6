/** Training material for comparators: independent normals in four columns. */
import type { Training } from '../../../src/evaluation/comparators/comparator.ts';
import { normal, type Random, stream, uniform } from '../../../src/simulation/random.ts';

/** A unit of four scores, each with this mean. */
export function unit(random: Random, mean = 0): Float64Array {
  return Float64Array.from({ length: 4 }, () => normal(random, mean, 1));
}

/** n independent units to learn from. */
export function training(n: number, a: number, seed = 1): Training {
  const random = stream(seed, 'training');
  const rows = Array.from({ length: n }, () => unit(random));
  const columns = [0, 1, 2, 3].map((at) => Float64Array.from(rows, (row) => row[at] ?? 0).sort());
  return { rows, columns, a, uniform: () => uniform(random) };
}
