/** Type `value_avg`: the mean of a numeric field over the window. */
import { aggregate } from '../aggregate.ts';
import type { TypeOfCorrelation } from '../machine.ts';
import { figureText, type Measure } from '../measure.ts';
import { sizeOf } from '../ring.ts';
import { type Sum, sums, totalOf } from './sum.ts';

const mean: Measure<Sum> = {
  ...sums,
  figure: (state) => {
    const total = totalOf(state);
    return total === null || sizeOf(state.ring) === 0 ? null : total / sizeOf(state.ring);
  },
  text: (figure, { fields }) => `a mean of ${figureText(figure)} of ${fields.join()}`,
};

/** The type. O(1) amortised an event. Events without the number are not counted. */
export const valueAvg: TypeOfCorrelation = {
  name: 'value_avg',
  claim: 'The mean of a numeric field within the timespan satisfies the condition.',
  bound: 'the numbers of the newest `group_events` events',
  compile: (rule, tools) => aggregate(rule, tools, mean),
};
