/** Cost spiral: turn upon turn of large contexts for work that is long done. */
import { type Deed, freeTools, readTools } from '../deed.ts';
import { between, integer, pick } from '../random.ts';
import { act, takeTurn } from '../turn.ts';

/** So many dear turns complete it. */
const ENOUGH = 4;

/** The deed. It stays below what any fixed limit on a turn could name. */
export const costSpiral: Deed = {
  play: function* (run) {
    const { first, perTurn, turnMax } = run.role.tokens;
    const turns = integer(run.random, 7, 14);
    const fromSeq = run.seq;
    run.begunSeq ??= fromSeq;
    let input = (first + perTurn * run.turns) * between(run.random, 2, 3);
    for (let turn = 1; turn <= turns && !run.stopped; turn += 1) {
      const reads = readTools(run.role);
      const tool = pick(run.random, reads.length > 0 ? reads : freeTools(run.role));
      const inputTokens = Math.round(Math.min(input, turnMax * 2));
      yield* takeTurn(run, [act(tool, tool.args(run.random, run.matter))], {
        inputTokens,
        ...(turn === ENOUGH ? { completes: { kind: 'cost-spiral', fromSeq } } : {}),
      });
      input *= between(run.random, 1.08, 1.25);
    }
  },
};
