/** Rules: what detectors in Sigma cost an event, alone and within the core, by their number. */

import { isHere } from '../test/recordings/sigma-corpus.ts';
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import { begin, type Spread, spread } from './measure.ts';
import type { RulesInput, RulesOutcome, RulesRow } from './rules-child.ts';
import type { SigmahqInput, SigmahqOutcome } from './sigmahq-child.ts';

const FLAGS = ['--expose-gc', '--max-old-space-size=8192'];

/** The benchmark. */
export const rules: Bench = {
  name: 'rules',
  claim: 'Sigma rules on 1 KB events, 0 to 3,000 of them: µs and events/s per core',
  run: async ({ smoke, events: wanted, pairs, command, say }) => {
    const end = begin('rules', command);
    const given: RulesInput = {
      events: wanted ?? (smoke ? 12_000 : 40_000),
      rounds: smoke ? 1 : pairs,
      bytes: 1024,
      counts: smoke ? [0, 60] : [0, 60, 500, 3000],
    };
    const outcome = await start<RulesOutcome>('rules-child.ts', given, FLAGS).answer;
    for (const { rules: count, outcomes } of outcome.rows)
      if (outcomes !== 1) throw new Error(`${outcomes} outcomes of equal rounds at ${count} rules`);
    const figures = { ...loadFigures(outcome, given.events), ...(await sigmahq(smoke, pairs)) };
    say(JSON.stringify(figures));
    return end({
      workload: {
        ...{ events: given.events, rounds: given.rounds },
        'bytes per event': Math.round(outcome.bytesPerEvent),
      },
      figures,
      rounds: outcome.rows,
      notes: [
        'CPU is user and system time of one process, garbage collection included; one process uses little more than one core, so events/s per core is its inverse',
        '`rules` is matching over events already correlated, a finding is its explanation and headers; `core` is decode, correlate, baselines, detect, decide and state as bytes, with the library of the package and that many rules more; four slices share a commit, as 100 ms of the loop bring them at 20,000 events/s',
        'the rules are drawn by seed from eight shapes of detectors for agents; nine in ten of their names occur in no event, as is so of any library',
        "SigmaHQ: all its rules on its own Windows records, JSON parse included; `routed` asks the record's log source, `unrouted` puts every rule to every record, `full scan` is the same without the index. Match sets were equal",
      ],
    });
  },
};

function loadFigures(outcome: RulesOutcome, events: number): Record<string, Spread | number> {
  const figures: Record<string, Spread | number> = {};
  const per = (values: readonly number[]) => spread(values.map((us) => us / events));
  const rate = (values: readonly number[]) => spread(values.map((us) => (1e6 * events) / us));
  for (const row of outcome.rows) {
    const name = `${row.rules} rules`;
    if (row.rules > 0) {
      figures[`rules alone, µs CPU per event, ${name}`] = per(row.ruleUs);
      figures[`rules alone, events/s per core, ${name}`] = rate(row.ruleUs);
      figures[`matches per 1,000 events, ${name}`] = (1000 * row.matches) / events;
      if (row.findingUs !== null) figures[`µs CPU per finding, ${name}`] = row.findingUs;
    }
    figures[`core, µs CPU per event, ${row.rules === 0 ? 'library only' : `library and ${name}`}`] =
      per(row.coreUs);
    figures[
      `core, events/s per core, ${row.rules === 0 ? 'library only' : `library and ${name}`}`
    ] = rate(row.coreUs);
  }
  figures[`rules of the library (${outcome.libraryRules}) alone, µs CPU per event`] = per(
    outcome.libraryUs,
  );
  const [low, high] = outcome.rows.slice(-2) as [RulesRow, RulesRow];
  const more = (high.rules - low.rules) * events;
  figures[`one more rule, ns CPU per event, from ${low.rules} to ${high.rules}`] =
    (1000 * (middle(high.ruleUs) - middle(low.ruleUs))) / more;
  figures[`compiling ${high.rules} rules, ms CPU`] = high.compileMs;
  figures[`held for ${high.rules} rules, MiB`] = high.heapMiB;
  return figures;
}

function middle(values: readonly number[]): number {
  return spread(values).median;
}

async function sigmahq(smoke: boolean, pairs: number): Promise<Record<string, Spread | number>> {
  if (!isHere()) return {};
  const given: SigmahqInput = { rounds: smoke ? 1 : pairs, passes: smoke ? 1 : 20 };
  const { rules: count, ...measured } = await start<SigmahqOutcome>(
    'sigmahq-child.ts',
    given,
    FLAGS,
  ).answer;
  const rate = (values: readonly number[]) => spread(values.map((us) => 1e6 / us));
  return {
    [`SigmaHQ, ${count} rules, routed, µs CPU per event`]: spread(measured.routedUs),
    [`SigmaHQ, ${count} rules, routed, events/s per core`]: rate(measured.routedUs),
    [`SigmaHQ, ${count} rules, unrouted, µs CPU per event`]: spread(measured.allUs),
    [`SigmaHQ, ${count} rules, unrouted, events/s per core`]: rate(measured.allUs),
    [`SigmaHQ, ${count} rules, full scan, µs CPU per event`]: spread(measured.scanUs),
    'SigmaHQ, bytes per record': measured.bytes,
  };
}
