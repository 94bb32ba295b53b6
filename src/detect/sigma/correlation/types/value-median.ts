/** Type `value_median`: the median of a numeric field over the window. */
import { aggregate } from '../aggregate.ts';
import type { TypeOfCorrelation } from '../machine.ts';
import { figureText } from '../measure.ts';
import { percentiles } from './percentile.ts';

/** The type: percentile 50. Outside Sigma 2.1, inside pySigma. */
export const valueMedian: TypeOfCorrelation = {
  name: 'value_median',
  claim: 'The median of a numeric field within the timespan satisfies the condition.',
  bound: 'the numbers of the newest `group_events` events',
  compile: (rule, tools) =>
    aggregate(rule, tools, {
      ...percentiles,
      text: (figure, { fields }) => `a median of ${figureText(figure)} of ${fields.join()}`,
    }),
};
