/** Kind `evidence`: calibrated evidence of a unit or an agent crossed a declared threshold. */
import { type Static, Type } from 'typebox';
import { RUNGS } from '../../model/decision.ts';
import type { FiringFact } from '../../model/fact.ts';
import type { AnalyticKind, See } from '../kind.ts';

const Params = Type.Object(
  {
    lane: Type.Enum(['session', 'accumulator'], {
      description: 'session: strange within one session · accumulator: strange over many.',
    }),
    rung: Type.Enum(RUNGS, { description: 'Rung whose budget was spent.' }),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

const TEXT_MAX = 900;
const SAYS_MAX = 280;

/** The kind. One finding for each unit, rung and lane; what it rests on was said by the baseline. */
export const evidence: AnalyticKind = {
  name: 'evidence',
  claim: 'A unit, or an agent over its units, is stranger than its baseline and budget allow.',
  params: Params,
  facts: ['firing'],
  evidence: 'L0',
  bound: 'none of its own',
  compile(params): See {
    const { lane, rung } = params as Params;
    return (fact) => {
      if (fact.type !== 'firing' || fact.lane !== lane || fact.rung !== rung) return null;
      const { session, witness } = fact;
      return {
        tenant: session.tenant,
        agent: session.agent,
        role: session.role,
        session: session.id,
        said: [{ witness, says: saysOf(fact) }],
        seq: fact.seq,
        tool: fact.tool,
        timeMs: witness.ms,
        decidedMs: fact.decidedMs,
        strength: 'exact',
        late: fact.late,
        evidenceKey: `${fact.unit} ${lane} ${rung}`,
        explanation: explanationOf(fact).slice(0, TEXT_MAX),
        counterfactual: counterfactualOf(fact).slice(0, TEXT_MAX),
      };
    };
  },
};

function saysOf({ lane, because }: FiringFact): string {
  const [first] = because;
  const reason = first ?? (lane === 'session' ? 'completes a strange session' : 'closes the unit');
  return reason.slice(0, SAYS_MAX);
}

function explanationOf(fact: FiringFact): string {
  const { lane, value, threshold, budget, shares, because, baseline } = fact;
  const measured =
    lane === 'session'
      ? `p = ${figure(value)}, declared ${figure(threshold)}`
      : `R = ${figure(value)}, threshold ${figure(threshold)}, since unit ${fact.onset.tick} of the agent`;
  const parts = shares
    .slice(0, 3)
    .map(({ dimension, share }) => `${dimension} ${Math.round(100 * share)} %`);
  const whose = parts.length === 0 ? '' : ` Shares: ${parts.join(', ')}.`;
  const why = because.length === 0 ? '' : ` ${because.join('; ')}.`;
  return `Stranger than the baseline of ${baseline} allows (${measured}; budget ${budget}).${why}${whose}`;
}

function counterfactualOf({ counterfactual, lane }: FiringFact): string {
  if (counterfactual === null)
    return 'no single dimension would have kept it silent: several were strange at once';
  const { dimension, score, silentAt } = counterfactual;
  if (silentAt === null)
    return `${dimension} scored ${figure(score)}; it alone could not have kept the ${lane} lane silent`;
  return `silent had ${dimension} scored ${figure(silentAt)} or less; it scored ${figure(score)}`;
}

function figure(value: number): string {
  if (!Number.isFinite(value)) return 'none';
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6))
    return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}
