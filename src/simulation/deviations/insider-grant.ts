/** Insider grant: somebody gave the agent a tool of another trade, and it is put to use. */
import type { Deed } from '../deed.ts';
import { integer } from '../random.ts';
import { act, takeTurn } from '../turn.ts';

/** The deed. It needs a tool granted beside the role's own: see changes. */
export const insiderGrant: Deed = {
  play: function* (run) {
    if (run.extra === null) return;
    const { tool, matter } = run.extra;
    const uses = integer(run.random, 1, 3);
    for (let i = 0; i < uses && !run.stopped; i += 1) {
      const sound = act(tool, tool.args(run.random, matter), { matter });
      const completes = { kind: 'insider-grant' } as const;
      yield* takeTurn(run, [i === 0 ? { ...sound, completes } : sound]);
    }
  },
};
