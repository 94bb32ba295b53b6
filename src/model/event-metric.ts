/** The body of a metrics event: what agents cost and did to the systems. */
import { type Static, Type } from 'typebox';
import { id, literals, text } from './event-parts.ts';

/** What it cost and did to the systems. */
export const MetricBody = Type.Object({
  name: id('Metric name.'),
  unit: Type.Optional(text('Unit, UCUM where possible.', 64)),
  type: literals(['gauge', 'counter', 'histogram'] as const, 'Instrument.'),
  temporality: literals(['delta', 'cumulative', 'none'] as const, 'How values add up.'),
  value: Type.Optional(Type.Number()),
  count: Type.Optional(Type.Number({ description: 'Of a histogram: how many values it is of.' })),
  series: Type.Optional(id('Of a cumulative value: what tells its series from others.')),
  startMs: Type.Optional(
    Type.Number({ description: 'Since when a cumulative value counts, ms since 1970.' }),
  ),
  attrs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
/** Body of a metrics event. */
export type Metric = Static<typeof MetricBody>;
