/** Kind `burn-rate`: the error budget of an objective is spent too fast. */
import { type Static, Type } from 'typebox';
import type { BurnFact } from '../../model/fact.ts';
import { PACES } from '../../model/objective.ts';
import type { AnalyticKind, See } from '../kind.ts';

const Params = Type.Object(
  {
    pace: Type.Enum(PACES, {
      description:
        'fast: 14.4 times what the window allows over an hour, or 6 times over six hours · slow: all of it over three days.',
    }),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

/** The kind. One finding an episode; the objectives are those of the reference library. */
export const burnRate: AnalyticKind = {
  name: 'burn-rate',
  claim: 'The error budget of a declared objective is spent faster than its window allows.',
  params: Params,
  facts: ['burn'],
  evidence: 'L0',
  bound: 'none of its own',
  compile(params): See {
    const { pace } = params as Params;
    return (fact) => {
      if (fact.type !== 'burn' || fact.pace !== pace) return null;
      const { witness, objective } = fact;
      return {
        tenant: fact.tenant,
        agent: `objective:${objective}`,
        role: fact.role,
        session: null,
        said: [{ witness, says: 'the bad event with which the budget began to burn' }],
        seq: witness.seq,
        tool: null,
        timeMs: witness.ms,
        decidedMs: fact.decidedMs,
        strength: 'exact',
        late: fact.late,
        evidenceKey: objective,
        explanation: explanationOf(fact),
        counterfactual: counterfactualOf(fact),
      };
    };
  },
};

function explanationOf(fact: BurnFact): string {
  const { objective, target, long, short, budgetLeft, windowMs } = fact;
  const part = ({ bad, good, windowMs: ms, rate }: BurnFact['long']): string =>
    `${bad} of ${bad + good} bad in ${words(ms)} (${rounded(rate)} times the allowed rate)`;
  return `Objective ${objective} (${rounded(100 * target)} % over ${words(windowMs)}): ${part(long)} and ${part(short)}; ${rounded(100 * budgetLeft)} % of the error budget is left.`;
}

function counterfactualOf({ long, factor, target }: BurnFact): string {
  const most = Math.max(0, Math.ceil(factor * (1 - target) * (long.good + long.bad)) - 1);
  return `silent with at most ${most} bad of ${long.good + long.bad} in ${words(long.windowMs)}`;
}

function words(ms: number): string {
  if (ms % 86_400_000 === 0) return `${ms / 86_400_000}d`;
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${ms / 60_000}m`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
