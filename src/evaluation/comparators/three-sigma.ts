/** Comparator: any source above its mean plus three standard deviations. */
import type { Comparator } from './comparator.ts';
import { momentsOf } from './moments.ts';

/** The rule most dashboards have. It has no rate of its own to be set. */
export const threeSigma: Comparator = {
  name: '3 sigma on any source',
  setting: 'mean + 3 sd',
  train({ columns }) {
    const limits = columns.map((column) => {
      const { mean, sd } = momentsOf(column);
      return mean + 3 * sd;
    });
    return () => (scores) => limits.some((limit, at) => (scores[at] as number) > limit);
  },
};
