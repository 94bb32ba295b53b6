/** Types: every correlation type there is. One line enrols a new one, in its suite too. */
import type { CorrelationType } from './definition.ts';
import type { TypeOfCorrelation } from './machine.ts';
import { eventCount } from './types/event-count.ts';
import { temporalOrdered } from './types/temporal-ordered.ts';

/** By the name that definitions use. */
export const TYPES: Readonly<Partial<Record<CorrelationType, TypeOfCorrelation>>> = {
  event_count: eventCount,
  temporal_ordered: temporalOrdered,
};
