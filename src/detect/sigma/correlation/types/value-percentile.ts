/** Type `value_percentile`: a percentile of a numeric field over the window. */
import { aggregate } from '../aggregate.ts';
import type { TypeOfCorrelation } from '../machine.ts';
import { figureText } from '../measure.ts';
import { percentiles } from './percentile.ts';

/** The type. An event moves at most `group_events` numbers. Events without the number are not counted. */
export const valuePercentile: TypeOfCorrelation = {
  name: 'value_percentile',
  claim: 'A percentile of a numeric field within the timespan satisfies the condition.',
  bound: 'the numbers of the newest `group_events` events',
  compile: (rule, tools) =>
    aggregate(rule, tools, {
      ...percentiles,
      text: (figure, { fields, percentile }) =>
        `a percentile ${percentile} of ${figureText(figure)} of ${fields.join()}`,
    }),
};
