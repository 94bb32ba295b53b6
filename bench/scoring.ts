/** Scoring: what an event costs in conduct, dimensions and evidence, and what is held for it. */
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import { begin, spread } from './measure.ts';
import type { ScoringInput, ScoringOutcome, ScoringRound } from './scoring-child.ts';

/** The benchmark. */
export const scoring: Bench = {
  name: 'scoring',
  claim: 'baselines and evidence alone, units from memory: µs by part, bytes held',
  run: async ({ smoke, events: wanted, pairs, command, say }) => {
    const end = begin('scoring', command);
    // Learning takes most of the time; the first rounds warm the code up and are not counted.
    const given: ScoringInput = {
      learn: smoke ? 80 : 400,
      events: wanted ?? (smoke ? 2000 : 20_000),
      rounds: (smoke ? 1 : 2 * pairs) + WARM,
      warm: WARM,
    };
    const outcome = await start<ScoringOutcome>('scoring-child.ts', given, [
      '--expose-gc',
      '--max-old-space-size=8192',
    ]).answer;
    if (outcome.outcomes !== 1) throw new Error(`${outcome.outcomes} outcomes of equal rounds`);
    const { rounds, events, calls, bytes, units } = outcome;
    const per = (n: number, of: (round: ScoringRound) => number) =>
      spread(rounds.map((round) => of(round) / n));
    const conduct = ({ conductUs, readUs }: ScoringRound) => conductUs - readUs;
    const scored = (round: ScoringRound) => conduct(round) + round.dimensionsUs + round.evidenceUs;
    const figures = {
      'µs CPU per event, tokenising excluded': per(events, scored),
      'of these, conduct': per(events, conduct),
      'of these, dimensions': per(events, ({ dimensionsUs }) => dimensionsUs),
      'of these, evidence, running and closing': per(events, ({ evidenceUs }) => evidenceUs),
      'µs CPU per call, conduct': per(calls, conduct),
      'tokenising, ns per byte of text': per(bytes, ({ readUs }) => readUs * 1000),
      'tokenising, µs per event': per(events, ({ readUs }) => readUs),
      'bytes per open unit, after its last call': outcome.unitBytes,
      'bytes per open unit, as stored': spread(outcome.storedBytes),
      'bytes per agent, evidence': outcome.agentBytes,
      'events scored': events,
      'calls among them': calls,
      'units among them': units,
    };
    say(JSON.stringify(figures));
    return end({
      workload: { learn: given.learn, events, rounds: rounds.length },
      figures,
      rounds,
      notes: [
        'events of all four kinds count; only calls are judged. Units come from the story fleet of the simulator, with mandates and result texts',
        'tokenising: mandate, arguments and result of every call become words and sentences; conduct is a pass with it, less a pass of it alone',
        'CPU is user and system time of the process, garbage collection and compilation included',
        'bytes: heap after forced collections, less before, the model shared by all left out; a unit holds the state of every dimension, conduct and what conduct derived of it; stored, it is without what is derived',
      ],
    });
  },
};

const WARM = 3;
