/** Kind `silence`: a source cannot be heard while others show activity. */
import { type Static, Type } from 'typebox';
import { KINDS } from '../../model/event.ts';
import type { AnalyticKind, See } from '../kind.ts';

const Params = Type.Object(
  { book: Type.Enum([...KINDS, 'any'], { description: 'Which book must not fall silent.' }) },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

/** The kind. One finding for each blind interval, when it becomes known. */
export const silence: AnalyticKind = {
  name: 'silence',
  claim:
    'A source is blind: it left no record where others prove that there was something to record.',
  params: Params,
  facts: ['blind'],
  evidence: 'L0',
  bound: 'none of its own',
  compile(params): See {
    const { book } = params as Params;
    return (fact) => {
      if (fact.type !== 'blind' || !fact.begins) return null;
      const { coverage } = fact;
      if (book !== 'any' && book !== coverage.kind) return null;
      return {
        tenant: coverage.tenant ?? '-',
        agent: `source:${coverage.source}`,
        role: null,
        session: null,
        said: [],
        seq: null,
        tool: null,
        timeMs: coverage.fromMs,
        decidedMs: fact.decidedMs,
        strength: 'exact',
        late: false,
        evidenceKey: coverage.id,
        explanation: `The source ${JSON.stringify(coverage.source)} is blind: ${coverage.reason}. Nothing is inferred from its silence.`,
        counterfactual: 'silent if the source had recorded anything in the interval',
      };
    };
  },
};
