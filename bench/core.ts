/** Core: one lane from memory, without broker and database: what an event costs, and where. */
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import type { CoreInput, CoreRound } from './core-child.ts';
import { begin, spread } from './measure.ts';

/** The benchmark. */
export const core: Bench = {
  name: 'core',
  claim: 'the pipeline alone, records from memory, in slices of 500',
  run: async ({ smoke, events: wanted, pairs, command, say }) => {
    const end = begin('core', command);
    const events = wanted ?? (smoke ? 5000 : 200_000);
    // The first round warms the code up and is not counted.
    const given: CoreInput = { events, rounds: (smoke ? 1 : pairs) + 1 };
    const { rounds } = await start<{ rounds: CoreRound[] }>('core-child.ts', given, ['--expose-gc'])
      .answer;
    const counted = rounds.slice(1);
    const outcomes = new Set(rounds.map(({ outcome }) => outcome));
    if (outcomes.size !== 1) throw new Error(`${outcomes.size} outcomes of equal rounds`);
    const each = (value: (round: CoreRound) => number) =>
      spread(counted.map((round) => value(round) / events));
    const figures = {
      'µs CPU per event': each(({ decodeUs, foldUs, commitUs }) => decodeUs + foldUs + commitUs),
      'of these, decode': each(({ decodeUs }) => decodeUs),
      'of these, sort, correlate, detect, decide': each(({ foldUs }) => foldUs),
      'of these, state as bytes (commit without a database)': each(({ commitUs }) => commitUs),
      'delta bytes per event': each(({ deltaBytes }) => deltaBytes),
      'page bytes per event': each(({ pageBytes }) => pageBytes),
      commits: counted[0]?.commits ?? 0,
      detections: counted[0]?.detections ?? 0,
    };
    say(JSON.stringify(figures));
    return end({
      workload: { events, rounds: counted.length, slice: 500 },
      figures,
      rounds,
      notes: [
        'CPU is user and system time of the process, garbage collection included; detections, decisions, notices and counters are equal in every round',
        'four slices share a commit, as 100 ms of the loop bring them at 20,000 events/s',
      ],
    });
  },
};
