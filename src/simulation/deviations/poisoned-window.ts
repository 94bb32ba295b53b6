/** Poisoned window: while learning is open, the same wrong call is made again and again. */
import { type Deed, errandAct, errandFor, hasGoals } from '../deed.ts';
import { takeTurn } from '../turn.ts';

/** The deed. The stranger's facts recur in every session, so that they would become usual. */
export const poisonedWindow: Deed = {
  suits: hasGoals,
  play: function* (run) {
    const source = run.accomplice === null ? run.random : { ...run.accomplice };
    const errand = errandFor(source, run);
    const completes = { kind: 'poisoned-window' } as const;
    yield* takeTurn(run, [{ ...errandAct(run, errand), completes }]);
  },
};
