/** Retry loop: the same failing call again and again, too slowly for a limit per minute. */
import { type Deed, freeTools } from '../deed.ts';
import { between, integer, pick } from '../random.ts';
import type { Verdict } from '../running.ts';
import { act, takeTurn } from '../turn.ts';

/** So many failures complete it. Sound sessions give up after three. */
const ENOUGH = 5;

/** The deed. */
export const retryLoop: Deed = {
  play: function* (run) {
    const tool = pick(run.random, freeTools(run.role));
    const args = tool.args(run.random, run.matter);
    const verdict: Verdict = {
      decision: 'allow',
      outcome: 'error',
      status: 504,
      reason: 'upstream timed out',
    };
    const failures = integer(run.random, 7, 12);
    const fromSeq = run.seq + 1;
    run.begunSeq ??= fromSeq;
    for (let i = 1; i <= failures && !run.stopped; i += 1) {
      const failing = act(tool, args, { verdict });
      const completes = { kind: 'retry-loop', fromSeq } as const;
      yield* takeTurn(run, [i === ENOUGH ? { ...failing, completes } : failing]);
      yield between(run.random, 62_000, 110_000);
    }
  },
};
