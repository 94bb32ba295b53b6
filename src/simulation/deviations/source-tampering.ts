/** Single-source tampering: figures of one witness are moved, those of others are not. */
import type { Deed } from '../deed.ts';
import { shifted } from '../manner.ts';
import { chance, pick } from '../random.ts';

const FIGURES = ['tokens', 'latency', 'bytes', 'cost'] as const;
/** How far, in standard deviations of a day. */
const DEVIATIONS_AWAY = 4;

/** The deed: whole from the first record, so that the opening completes it. */
export const sourceTampering: Deed = {
  prepare: (run) => {
    const figure = pick(run.random, FIGURES);
    const away = chance(run.random, 0.75) ? DEVIATIONS_AWAY : -DEVIATIONS_AWAY;
    run.manner = { ...run.manner, [figure]: shifted(run.manner[figure], away) };
    return true;
  },
};
