/** The contract of a deed: one way to do wrong within a session, complete in its own file. */
import { matterOf } from './matter.ts';
import { chance, pick, type Random } from './random.ts';
import {
  type Facts,
  type Flow,
  type Goal,
  isFree,
  type Matter,
  type RoleSpec,
  type SimulatedTool,
} from './role.ts';
import type { Running } from './running.ts';
import { type ActOptions, act } from './turn.ts';

/** One deed. It leaves one truth, on the record that completes it. */
export interface Deed {
  /** Has this role what it takes, whichever its flow? Default: every role. */
  readonly suits?: (role: RoleSpec) => boolean;
  /** Before the session opens; true where the opening itself completes the deed. */
  readonly prepare?: (run: Running) => boolean;
  /** May it begin now? Asked before each step and at the end. Default: early in the session. */
  readonly ready?: (run: Running) => boolean;
  /** After the session was closed rather than within it. */
  readonly late?: boolean;
  /** Does it. Yields delays in ms. */
  readonly play?: (run: Running) => Generator<number, void>;
}

/** The matter of a session of this flow. */
export function freshMatter(random: Random, flow: Flow): Matter {
  return flow.matter?.(random) ?? matterOf(random);
}

/** Tools of the role that may be used without asking. */
export function freeTools(role: RoleSpec): SimulatedTool[] {
  return role.tools.filter(isFree);
}

/** Free tools that only read. */
export function readTools(role: RoleSpec): SimulatedTool[] {
  return freeTools(role).filter((tool) => tool.class === 'read');
}

/** A goal of a stranger with the facts that belong to it. */
export interface Errand {
  readonly goal: Goal;
  readonly facts: Facts;
}

/**
 * An errand for this role, preferably one whose tool the flow does not use anyway. Throws
 * RangeError where the role has no goals: ask `hasGoals` first.
 */
export function errandFor(random: Random, run: Running): Errand {
  const goals = run.role.goals ?? [];
  const used = new Set(run.flow.steps.map((step) => step.tool));
  const other = goals.filter((goal) => !used.has(goal.tool));
  const goal = pick(random, other.length > 0 && chance(random, 0.65) ? other : goals);
  return { goal, facts: { ...run.matter.facts, ...goal.facts(random) } };
}

/** Can a stranger want anything of this role? */
export function hasGoals(role: RoleSpec): boolean {
  return (role.goals ?? []).length > 0;
}

/** The call an errand asks for. */
export function errandAct(run: Running, errand: Errand, options: ActOptions = {}) {
  const { goal, facts } = errand;
  const tool = run.role.tools.find((each) => each.name === goal.tool);
  if (tool === undefined) throw new RangeError(`role ${run.role.name} has no tool ${goal.tool}`);
  return act(tool, goal.args(run.random, facts), {
    matter: { ...run.matter, facts },
    ...options,
  });
}
