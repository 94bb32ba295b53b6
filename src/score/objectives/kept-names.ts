/** Kept names: under how many workflows and models the usage of one agent is told apart. */
import { naming } from '../../state/names.ts';
import type { Entity } from '../../state/slot.ts';
import type { Slots } from '../../state/slots.ts';

interface NamesEntity extends Entity {
  /** Workflow and model, as one text each, of the newest day. */
  names: string[];
  dayMs: number;
}

/** Stands for workflows and models beyond those that are told apart. */
export const OTHERS = '(others)';
const SPACE = 'usage';
const NAMES_MAX = 32;
const AGENTS_MAX = 100_000;

/** Agent, workflow and model as usage is told by them. */
export type KeepNames = (
  who: { readonly tenant: string; readonly agent: string },
  dayMs: number,
  names: readonly [workflow: string, model: string],
) => readonly [agent: string, workflow: string, model: string];

/**
 * The first 32 pairs an agent names on a day are told apart, all others are one: records name models,
 * and a new name with each would be a row of the store with each. Of 100,000 agents one that was not heard
 * of on the day is forgotten; where all were, agents beyond them are one as well.
 */
export function createKeepNames(slots: Slots, agentsMax = AGENTS_MAX): KeepNames {
  slots.rests(SPACE);
  return ({ tenant, agent }, dayMs, names) => {
    const key = keyOf(tenant, agent);
    const name = nameOf(names[0], names[1]);
    let own = slots.get<NamesEntity>(SPACE, key);
    if (own === undefined) {
      if (slots.count(SPACE) >= agentsMax && !forgetStalest(slots, dayMs))
        return [OTHERS, OTHERS, OTHERS];
      own = { names: [], dayMs };
      slots.put(SPACE, key, own);
    }
    if (dayMs > own.dayMs) {
      own.names = [];
      own.dayMs = dayMs;
    }
    if (own.names.includes(name)) return [agent, ...names];
    if (own.names.length >= NAMES_MAX) return [agent, OTHERS, OTHERS];
    own.names.push(name);
    slots.touch(SPACE, key);
    return [agent, ...names];
  };
}

const keyOf = naming((tenant, agent) => `${tenant.length}:${tenant}:${agent}`);
const nameOf = naming((workflow, model) => `${workflow.length}:${workflow}:${model}`);

/** False where none of those that were looked at is of an earlier day. */
function forgetStalest(slots: Slots, dayMs: number): boolean {
  let stalest: [string, NamesEntity] | undefined;
  for (const each of slots.sample<NamesEntity>(SPACE, 16))
    if (stalest === undefined || each[1].dayMs < stalest[1].dayMs) stalest = each;
  if (stalest === undefined || stalest[1].dayMs >= dayMs) return false;
  slots.remove(SPACE, stalest[0]);
  return true;
}
