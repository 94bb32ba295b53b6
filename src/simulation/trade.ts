/** Trades: roles written as data, with tools, tasks, facts and goals in templates. */
import { type FactSpecs, makeFacts } from './facts.ts';
import { chance, pick, type Random } from './random.ts';
import type { Args, Flow, Goal, Hours, Matter, RoleSpec, SimulatedTool, Step } from './role.ts';
import { compile, holdsNote, sentence, type Template } from './template.ts';

/** One tool of a trade. */
export interface TradeTool {
  readonly server: string;
  readonly class: SimulatedTool['class'];
  readonly args: { readonly [key: string]: Template };
  readonly result: Template;
  /** Default: autonomous. */
  readonly tier?: SimulatedTool['tier'];
  /** Default: gateway. */
  readonly route?: SimulatedTool['route'];
  readonly polling?: boolean;
  readonly latencyMs?: number;
  readonly errorRate?: number;
}

/** One kind of task of a trade. */
export interface TradeTask {
  readonly type: string;
  /** Ways to put it. */
  readonly mandates: readonly string[];
  /** What third parties write in what the agent reads; some of it asks for something, honestly. */
  readonly notes: readonly string[];
  readonly steps: readonly Step[];
}

/** What a stranger may want of an agent of this trade. */
export interface TradeGoal {
  readonly tool: string;
  readonly facts: FactSpecs;
  readonly args: { readonly [key: string]: Template };
  readonly words: readonly string[];
}

/** A role as data. */
export interface Trade {
  readonly name: string;
  readonly weight: number;
  readonly hours: Hours;
  readonly models: readonly string[];
  readonly tokens: RoleSpec['tokens'];
  readonly invented: readonly string[];
  readonly facts: FactSpecs;
  readonly tools: Readonly<Record<string, TradeTool>>;
  readonly tasks: readonly TradeTask[];
  readonly goals: readonly TradeGoal[];
}

/** Share of results that carry text of third parties at all. */
const NOTED = 0.7;

function toolOfTrade(name: string, tool: TradeTool): SimulatedTool {
  const args = compile(tool.args);
  const result = compile(tool.result);
  return {
    name,
    server: tool.server,
    class: tool.class,
    tier: tool.tier ?? 'autonomous',
    route: tool.route ?? 'gateway',
    polling: tool.polling ?? false,
    latencyMs: tool.latencyMs ?? 150,
    errorRate: tool.errorRate ?? 0.025,
    args: (random, matter) => args(random, { facts: matter.facts ?? {} }) as Args,
    result: (random, matter, given, note) =>
      result(random, { facts: matter.facts ?? {}, args: given, note }),
    carriesNote: holdsNote(tool.result),
  };
}

function matterMaker(trade: Trade): (random: Random) => Matter {
  return (random) => {
    const facts = makeFacts(random, trade.facts);
    const text = (name: string) => String(facts[name]);
    return {
      ref: text('ref'),
      party: text('party'),
      person: text('person'),
      email: text('email'),
      amount: Number(facts['amount']),
      thing: text('thing'),
      facts,
    };
  };
}

function flowOf(trade: Trade, task: TradeTask): Flow {
  const mandates = task.mandates.map(sentence);
  const notes = task.notes.map(sentence);
  return {
    taskType: task.type,
    // Chosen by the reference, not at random: asking twice gives the same words.
    mandate: ({ ref, facts = {} }) => {
      const at = Number(ref.replace(/\D/g, '')) % mandates.length;
      return mandates[at]?.({ a: 1, b: 2, c: 3, d: 4 }, { facts }) ?? '';
    },
    steps: task.steps,
    matter: matterMaker(trade),
    note: (random, { facts = {} }) =>
      chance(random, NOTED) ? pick(random, notes)(random, { facts }) : '',
  };
}

function goalOf(goal: TradeGoal): Goal {
  const args = compile(goal.args);
  const words = goal.words.map(sentence);
  return {
    tool: goal.tool,
    facts: (random) => makeFacts(random, goal.facts),
    args: (random, facts) => args(random, { facts }) as Args,
    words: (random, facts) => pick(random, words)(random, { facts }),
  };
}

/**
 * The role of a trade. Facts must hold `ref` (with digits), `party`, `person`, `email`, `amount`
 * and `thing`; goals may use facts of the session too.
 */
export function roleOfTrade(trade: Trade): RoleSpec {
  return {
    name: trade.name,
    weight: trade.weight,
    hours: trade.hours,
    models: trade.models,
    tokens: trade.tokens,
    invented: trade.invented,
    tools: Object.entries(trade.tools).map(([name, tool]) => toolOfTrade(name, tool)),
    flows: trade.tasks.map((task) => flowOf(trade, task)),
    goals: trade.goals.map(goalOf),
  };
}
