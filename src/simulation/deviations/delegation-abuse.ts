/** Delegation abuse: many children, each doing a piece of what the parent was never asked. */
import { type Deed, errandAct, errandFor, hasGoals } from '../deed.ts';
import { integer } from '../random.ts';
import { act, takeTurn } from '../turn.ts';

/** The deed, of the parent and of each of its children. */
export const delegationAbuse: Deed = {
  suits: hasGoals,
  play: function* (run) {
    if (run.bearer.parent !== null) {
      const completes = { kind: 'delegation-abuse' } as const;
      const sound = errandAct(run, errandFor(run.random, run));
      yield* takeTurn(run, [{ ...sound, completes }]);
      return;
    }
    const fromSeq = run.seq;
    run.begunSeq ??= fromSeq;
    const children = integer(run.random, 4, 7);
    for (let i = 0; i < children; i += 1) run.stage.spawn(run, 'delegation-abuse');
    const read = run.role.tools.find((tool) => tool.class === 'read' && tool.route === 'gateway');
    const acts = read === undefined ? [] : [act(read, read.args(run.random, run.matter))];
    yield* takeTurn(run, acts, { completes: { kind: 'delegation-abuse', fromSeq } });
  },
};
