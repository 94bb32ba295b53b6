/** Comparator: EWMA chart on any source (lambda .2, 3 sigma), begun anew at each alarm. */
import { SOURCES } from '../units.ts';
import type { Comparator } from './comparator.ts';
import { momentsOf } from './moments.ts';

const LAMBDA = 0.2;

/** Roberts 1959; its limits suppose normal scores and have no rate to be set. */
export const ewma: Comparator = {
  name: 'EWMA chart on any source',
  setting: 'lambda .2, 3 sigma',
  train({ columns }) {
    const moments = columns.map(momentsOf);
    const width = 3 * Math.sqrt(LAMBDA / (2 - LAMBDA));
    return () => {
      const level = moments.map(({ mean }) => mean);
      return (scores) => {
        let isOut = false;
        for (let at = 0; at < SOURCES; at += 1) {
          const { mean, sd } = moments[at] as (typeof moments)[0];
          const next = LAMBDA * (scores[at] as number) + (1 - LAMBDA) * (level[at] as number);
          level[at] = next;
          if (Math.abs(next - mean) > width * sd) isOut = true;
        }
        if (isOut) for (let at = 0; at < SOURCES; at += 1) level[at] = moments[at]?.mean ?? 0;
        return isOut;
      };
    };
  },
};
