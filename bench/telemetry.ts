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
    const events = wanted ?? (smoke ? 5000 : 60_000);
    const given: TelemetryInput = { events, pairs: counted };
    const { pairs } = await start<{ pairs: TelemetryPair[] }>('telemetry-child.ts', given, [
      '--expose-gc',
    ]).answer;
    for (const pair of pairs)
      if (pair.counted !== events || pair.samples === 0)
        throw new Error(`${pair.counted} of ${events} records were counted, ${pair.samples} timed`);
    const figures = {
      'µs CPU per event, alone': spread(pairs.map(({ bareUs }) => bareUs / events)),
      'µs CPU per event, observed': spread(pairs.map(({ observedUs }) => observedUs / events)),
      'added, % of each pair': spread(
        pairs.map(({ bareUs, observedUs }) => (observedUs / bareUs - 1) * 100),
      ),
      'scrapes a round': pairs[0]?.scrapes ?? 0,
      'facts timed a round': pairs[0]?.samples ?? 0,
    };
    say(JSON.stringify(figures));
    return end({
      workload: { events, pairs: pairs.length, slice: 500, sampleEvery: 509 },
      figures,
      rounds: pairs,
      notes: [
        'the two rounds of a pair take turns in going first; a scrape comes each 25,000 events, without the questions to the record',
        'what a pair differs by is mostly garbage collection and the neighbours of the machine: look at the median, and at whether the sign changes',
      ],
    });
  },
};
