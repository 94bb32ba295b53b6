/** Comparator: the accumulator fed with the product of the sources' e-values. */
import { conformalP } from '../../stats/conformal.ts';
import { calibrator, gridConstant } from '../../stats/e-value.ts';
import { accumulate, EMPTY } from '../../stats/shiryaev-roberts.ts';
import { SOURCES } from '../units.ts';
import type { Comparator } from './comparator.ts';

/** What multiplying across sources does: right where they are independent, and only there. */
export const productE: Comparator = {
  name: 'product of e, accumulated',
  setting: 'R >= A',
  train({ columns, a }) {
    const constants = columns.map((column) => gridConstant(column.length));
    return () => {
      let lnR = EMPTY;
      return (scores) => {
        let lnE = 0;
        for (let at = 0; at < SOURCES; at += 1) {
          const p = conformalP(columns[at] as Float64Array, scores[at] as number);
          lnE += Math.log((constants[at] as number) * calibrator(p));
        }
        lnR = accumulate(lnR, lnE);
        if (lnR < Math.log(a)) return false;
        lnR = EMPTY;
        return true;
      };
    };
  },
};
