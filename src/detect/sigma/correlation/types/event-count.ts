/** Type `event_count`: how many events lie within the window. */
import { aggregate } from '../aggregate.ts';
import type { TypeOfCorrelation } from '../machine.ts';
import type { Measure } from '../measure.ts';
import { emptyRing, goneMs, insert, oldestMs, type Ring, shift, sizeOf, takeOut } from '../ring.ts';

/**
 * Where a window holds more than `group_events`, the oldest are let go. The newest remain, so the
 * count is exact below the bound and saturates at it; conditions beyond it are refused at load.
 */
const count: Measure<Ring<0>> = {
  isDistinct: false,
  valueOf: () => 0,
  create: () => emptyRing(),
  add(ring, ms, _value, { limits }) {
    insert(ring, ms, 0);
    if (sizeOf(ring) > limits.groupEvents) shift(ring);
    return false;
  },
  expire(ring, untilMs) {
    while ((oldestMs(ring) ?? Number.POSITIVE_INFINITY) <= untilMs) shift(ring);
  },
  goneMs,
  remove(ring, ms) {
    takeOut(ring, ms, 0);
  },
  count: sizeOf,
  figure: (ring) => sizeOf(ring) || null,
  text: (figure) => (figure === 1 ? '1 event' : `${figure} events`),
};

/** The type. O(1) amortised an event. */
export const eventCount: TypeOfCorrelation = {
  name: 'event_count',
  claim: 'The number of events within the timespan satisfies the condition.',
  bound: 'the times of the newest `group_events`',
  compile: (rule, tools) => aggregate(rule, tools, count),
};
