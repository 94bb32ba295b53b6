/** Stream: what a stream that lasts costs the core, how much of it lives, and how far the core falls behind. */
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import { begin } from './measure.ts';
import type { StreamInput, StreamOutcome } from './stream-child.ts';

const EVENTS = 1_000_000;
/** Half of what the daemon drained on the machine of the table when this was written. */
const RATE = 4391;

/** The benchmark. */
export const stream: Bench = {
  name: 'stream',
  claim: 'a stream that lasts, from memory: CPU an event, what lives, how far the core is behind',
  run: async ({ smoke, events, rate, command, say }) => {
    const end = begin('stream', command);
    const given: StreamInput = {
      events: events ?? (smoke ? 6_000 : EVENTS),
      rate: rate ?? (smoke ? 1000 : RATE),
    };
    const one = await start<StreamOutcome>('stream-child.ts', given, ['--expose-gc']).answer;
    const { counters } = one;
    const folded = (counters['events'] ?? 0) + (counters['repeats'] ?? 0);
    if (one.behindMs.length === 0 || folded === 0)
      throw new Error(`${folded} events of ${given.events} were folded`);
    const behind = (share: number) =>
      one.behindMs[Math.min(one.behindMs.length - 1, Math.floor(share * one.behindMs.length))] ??
      Number.NaN;
    const megabytes = (bytes: number) => bytes / 1e6;
    say(JSON.stringify({ ...one, behindMs: one.behindMs.length }));
    return end({
      workload: { ...given },
      figures: {
        'CPU an event, collector included, µs': one.cpuUs / one.events,
        'of the main thread, µs': one.wallUs / one.events,
        'events/s the main thread would take': (1e6 * one.events) / one.wallUs,
        'behind, p50, ms': behind(0.5),
        'behind, p99, ms': behind(0.99),
        'behind, most, ms': behind(1),
        'major collections': one.major,
        'what lives at the end, on the heap, MB': megabytes(one.heap),
        '… and outside it, MB': megabytes(one.external),
      },
      rounds: [{ ...one, behindMs: [0.1, 0.5, 0.9, 0.99, 0.999, 1].map(behind) }],
      notes: [
        'figures of the second half; what comes in 250 ms is read and committed together, nothing is stored; no broker, no database, no early path',
        'behind: how long after it came a commit’s worth of events was done, had it come at that rate on a core of its own',
        'one run: what is behind in it is what its few major collections took',
      ],
    });
  },
};
