/** Mandate mismatch: does, step by step and unasked, another task of its own role. */
import { type Deed, freshMatter } from '../deed.ts';
import { integer, pick } from '../random.ts';
import { type Flow, isFree, type RoleSpec, toolOf } from '../role.ts';
import { act, takeTurn } from '../turn.ts';

function changes(role: RoleSpec, flow: Flow, used: ReadonlySet<string>): boolean {
  return flow.steps.some((step) => {
    const tool = toolOf(role, step.tool);
    return tool.class !== 'read' && isFree(tool) && !used.has(tool.name);
  });
}

function othersOf(role: RoleSpec, flow: Flow): Flow[] {
  const used = new Set(flow.steps.map((step) => step.tool));
  return role.flows.filter((each) => each !== flow && changes(role, each, used));
}

/** The deed. What it reads for the other task is really there, so each value has an origin. */
export const mandateMismatch: Deed = {
  suits: (role) => role.flows.every((flow) => othersOf(role, flow).length > 0),
  play: function* (run) {
    const used = new Set(run.flow.steps.map((step) => step.tool));
    const flow = pick(run.random, othersOf(run.role, run.flow));
    const matter = freshMatter(run.random, flow);
    const fromSeq = run.seq + 1;
    run.begunSeq ??= fromSeq;
    let done: boolean = false;
    for (const step of flow.steps) {
      const tool = toolOf(run.role, step.tool);
      if (!isFree(tool)) continue;
      const count = Math.min(2, Math.max(1, integer(run.random, ...(step.times ?? [1, 1]))));
      for (let i = 0; i < count && !run.stopped; i += 1) {
        if (matter.facts !== undefined) matter.facts['#'] = i;
        const sound = act(tool, tool.args(run.random, matter), { matter });
        const completes: boolean = !done && tool.class !== 'read' && !used.has(tool.name);
        done ||= completes;
        const how = { kind: 'mandate-mismatch', fromSeq } as const;
        yield* takeTurn(run, [completes ? { ...sound, completes: how } : sound]);
      }
      if (run.stopped) return;
    }
  },
};
