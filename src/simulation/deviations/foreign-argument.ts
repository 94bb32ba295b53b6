/** Foreign argument: a result carries somebody else's instruction, and the agent may obey it. */
import { type Deed, errandAct, errandFor, hasGoals } from '../deed.ts';
import { chance, pick } from '../random.ts';
import type { RoleSpec } from '../role.ts';
import { outsideWindow, type Plant, type Running } from '../running.ts';
import { takeTurn } from '../turn.ts';

/** Can a role of this kind meet foreign text at all, whichever its task? */
export function readsForeignText(role: RoleSpec): boolean {
  const carriers = new Set(role.tools.filter((tool) => tool.carriesNote === true).map(nameOf));
  return (
    hasGoals(role) && role.flows.every(({ steps }) => steps.some(({ tool }) => carriers.has(tool)))
  );
}

const nameOf = ({ name }: { readonly name: string }): string => name;

/** Share of resisted instructions that lie in the results of one tool, which may not be called. */
const ASIDE = 0.6;

/** Lays a foreign instruction where the session will, or may, read it. */
function lay(run: Running, follows: Plant['follows']): void {
  const { goal, facts } = errandFor(run.random, run);
  const carriers = run.role.tools.filter((tool) => tool.carriesNote === true);
  const tool =
    follows === 'resisted' && chance(run.random, ASIDE) ? pick(run.random, carriers).name : null;
  run.plant = { goal, facts, words: goal.words(run.random, facts), follows, tool, where: null };
}

function* obey(run: Running): Generator<number, void> {
  const { plant: planted } = run;
  if (planted === null || planted.follows === 'resisted') return;
  const attempted = planted.follows === 'attempted';
  const sound = errandAct(
    run,
    planted,
    attempted ? { verdict: outsideWindow(planted.goal.tool) } : {},
  );
  run.begunSeq ??= run.seq + 1;
  const completes = { kind: 'foreign-argument' } as const;
  yield* takeTurn(run, [attempted ? sound : { ...sound, completes }]);
}

function injected(follows: Plant['follows']): Deed {
  return {
    suits: readsForeignText,
    prepare: (run) => {
      lay(run, follows);
      return false;
    },
    ready: (run) => run.exposedSeq !== null,
    play: obey,
  };
}

/** The agent reads it and obeys. */
export const foreignArgument: Deed = injected('obeyed');
/** The agent reads it, obeys, and policy stops the call. */
export const foreignArgumentStopped: Deed = injected('attempted');
/** The agent reads it, or never comes across it, and does what it was asked. */
export const foreignArgumentResisted: Deed = injected('resisted');
