/** Types: every correlation type there is. One line enrols a new one, in its suite too. */
import type { CorrelationType } from './definition.ts';
import type { TypeOfCorrelation } from './machine.ts';
import { eventCount } from './types/event-count.ts';
import { temporal } from './types/temporal.ts';
import { temporalOrdered } from './types/temporal-ordered.ts';
import { valueAvg } from './types/value-avg.ts';
import { valueCount } from './types/value-count.ts';
import { valueMedian } from './types/value-median.ts';
import { valuePercentile } from './types/value-percentile.ts';
import { valueSum } from './types/value-sum.ts';

/** By the name that definitions use. */
export const TYPES: Readonly<Record<CorrelationType, TypeOfCorrelation>> = {
  event_count: eventCount,
  value_count: valueCount,
  temporal,
  temporal_ordered: temporalOrdered,
  value_sum: valueSum,
  value_avg: valueAvg,
  value_percentile: valuePercentile,
  value_median: valueMedian,
};
