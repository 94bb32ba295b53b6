/** The comparators of the recordings, in the order of the table. */
import type { RecordingMethod } from './contest.ts';
import { fisherOfDimensions } from './fisher-method.ts';
import {
  ewmaOnMetrics,
  forestOnSessions,
  psiOnMetrics,
  threeSigmaOnMetrics,
} from './metric-methods.ts';
import { naiveRule } from './naive-rule.ts';

/** All of them. */
export const RECORDING_METHODS: readonly RecordingMethod[] = [
  threeSigmaOnMetrics,
  fisherOfDimensions,
  ewmaOnMetrics,
  forestOnSessions,
  psiOnMetrics,
  naiveRule,
];
