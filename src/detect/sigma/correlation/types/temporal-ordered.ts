/** Type `temporal_ordered`: all rules within the timespan, in their order. */
import type { TypeOfCorrelation } from '../machine.ts';
import { pattern } from '../pattern.ts';

/** The type. An event searches at most the newest 32 hits of each rule. */
export const temporalOrdered: TypeOfCorrelation = {
  name: 'temporal_ordered',
  claim:
    'The rules occur in their order within the timespan, and those that are negated do not occur where they stand.',
  bound: 'the newest 32 hits of each rule, and 64 occurrences whose absences wait',
  compile: (rule, tools) => pattern(rule, tools, true),
};
