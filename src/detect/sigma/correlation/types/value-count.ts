/** Type `value_count`: how many different values a field, or a tuple of them, has. */
import { aggregate } from '../aggregate.ts';
import type { TypeOfCorrelation } from '../machine.ts';
import { type Measure, tupleOf } from '../measure.ts';
import { distinct } from './distinct.ts';

const values: Measure<ReturnType<typeof distinct.create>> = {
  ...distinct,
  valueOf: tupleOf,
  text: (figure, { fields }) =>
    `${figure} ${figure === 1 ? 'value' : 'different values'} of ${fields.join(', ')}`,
};

/** The type. O(1) amortised an event. */
export const valueCount: TypeOfCorrelation = {
  name: 'value_count',
  claim: 'The number of different values within the timespan satisfies the condition.',
  bound: 'the newest `distinct` values with their newest event, and `group_events` events',
  compile: (rule, tools) => aggregate(rule, tools, values),
};
