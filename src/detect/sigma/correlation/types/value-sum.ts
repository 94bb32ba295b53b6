/** Type `value_sum`: the sum of a numeric field over the window. */
import { aggregate } from '../aggregate.ts';
import type { TypeOfCorrelation } from '../machine.ts';
import { figureText, type Measure } from '../measure.ts';
import { sizeOf } from '../ring.ts';
import { type Sum, sums, totalOf } from './sum.ts';

const sum: Measure<Sum> = {
  ...sums,
  figure: (state) => (sizeOf(state.ring) === 0 ? null : totalOf(state)),
  text: (figure, { fields }) => `a sum of ${figureText(figure)} of ${fields.join()}`,
};

/** The type. O(1) amortised an event. Events without the number are not counted. */
export const valueSum: TypeOfCorrelation = {
  name: 'value_sum',
  claim: 'The sum of a numeric field within the timespan satisfies the condition.',
  bound: 'the numbers of the newest `group_events` events',
  compile: (rule, tools) => aggregate(rule, tools, sum),
};
