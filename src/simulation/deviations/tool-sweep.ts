/** Tool sweep: tries one granted tool after the other, whatever the mandate was. */
import { type Deed, freeTools, freshMatter } from '../deed.ts';
import { integer, shuffled } from '../random.ts';
import { act, takeTurn } from '../turn.ts';

/** So many calls complete it; tools that the task does not need come first. */
const ENOUGH = 3;

/** The deed. */
export const toolSweep: Deed = {
  play: function* (run) {
    const used = new Set(run.flow.steps.map((step) => step.tool));
    const order = shuffled(run.random, freeTools(run.role));
    const outside = order.filter((tool) => !used.has(tool.name));
    const round = [...outside, ...order.filter((tool) => used.has(tool.name))];
    const count = Math.min(round.length, integer(run.random, ENOUGH + 1, ENOUGH + 4));
    const fromSeq = run.seq + 1;
    const completesAt = Math.min(ENOUGH, count);
    for (let i = 1; i <= count && !run.stopped; i += 1) {
      const tool = round[i - 1];
      if (tool === undefined) return;
      const matter = freshMatter(run.random, run.flow);
      const sound = act(tool, tool.args(run.random, matter), { matter });
      const completes = { kind: 'tool-sweep', fromSeq } as const;
      run.begunSeq ??= fromSeq;
      yield* takeTurn(run, [i === completesAt ? { ...sound, completes } : sound]);
    }
  },
};
