/** Telemetry: what counting, timing and scraping add to the cost of an event. */
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import { begin, spread } from './measure.ts';
import type { TelemetryInput, TelemetryPair } from './telemetry-child.ts';

/** The benchmark. */
export const telemetry: Bench = {
  name: 'telemetry',
  claim: 'the core alone and the core observed, in pairs of rounds',
  run: async ({ smoke, events: wanted, pairs: counted, command, say }) => {
    const end = begin('telemetry', command);
    const events = wanted ?? (smoke ? 15_000 : 60_000);
    const given: TelemetryInput = { events, pairs: counted };
    const { pairs } = await start<{ pairs: TelemetryPair[] }>('telemetry-child.ts', given, [
      '--expose-gc',
    ]).answer;
    for (const pair of pairs)
      if (pair.counted !== events || pair.samples === 0)
        throw new Error(`${pair.counted} of ${events} records were counted, ${pair.samples} timed`);
    const each = (value: (pair: TelemetryPair) => number) => spread(pairs.map(value));
    const figures = {
      'µs CPU per event, the core alone': each(({ bareUs }) => bareUs / events),
      'µs CPU per event, observed': each(({ observedUs }) => observedUs / events),
      'difference, % of each pair': each(
        ({ bareUs, observedUs }) => (observedUs / bareUs - 1) * 100,
      ),
      'observing by itself, ns CPU per event': each(
        ({ emptyUs, observingUs }) => ((observingUs - emptyUs) / events) * 1000,
      ),
      'that, % of the core': each(
        ({ bareUs, emptyUs, observingUs }) => ((observingUs - emptyUs) / bareUs) * 100,
      ),
      'facts timed a round': pairs[0]?.samples ?? 0,
    };
    say(JSON.stringify(figures));
    return end({
      workload: { events, pairs: pairs.length, slice: 500, sampleEvery: 509 },
      figures,
      rounds: pairs,
      notes: [
        'the two rounds of a pair take turns in going first; a scrape comes each 25,000 events, without the questions to the record (one each 10 s at most)',
        'what the rounds of a pair differ by is mostly garbage collection and the neighbours of the machine; observing by itself plays the same slices, facts and commits through the same ports without a core behind them, forty times a figure',
      ],
    });
  },
};
