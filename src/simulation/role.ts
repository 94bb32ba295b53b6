/** What a simulated role is: tools, flows of work, cost, and the names it invents. */
import type { TOOL_CLASSES, TOOL_TIERS } from '../model/event-governance.ts';
import type { Random } from './random.ts';

/** Arguments of a call. */
export type Args = Record<string, unknown>;

/** What one session is about; argument generators draw on it, so that calls hang together. */
export interface Matter {
  /** Reference of the thing worked on, for example an invoice number. */
  readonly ref: string;
  /** Company. */
  readonly party: string;
  /** Person. */
  readonly person: string;
  readonly email: string;
  readonly amount: number;
  /** Service, dataset or product. */
  readonly thing: string;
  /** What templates of a trade are filled from; absent in roles without templates. */
  readonly facts?: Facts;
}

/** Named values of a session. `#` counts repetitions of a step: `{name#}` is the n-th of a list. */
export type Facts = Record<string, string | number>;

/** What somebody else wants an agent of this role to do, and how they would put it. */
export interface Goal {
  /** A tool of the role that the agent may use without asking. */
  readonly tool: string;
  /** Facts of the stranger, of the same making as those of the session. */
  readonly facts: (random: Random) => Facts;
  readonly args: (random: Random, facts: Facts) => Args;
  /** The instruction as it stands in a result. */
  readonly words: (random: Random, facts: Facts) => string;
}

/** When a role's sessions open: hours of the day and days of the week in UTC. */
export type Hours = 'office' | 'evening' | 'night' | 'steady';

/** One tool as the simulation knows it. */
export interface SimulatedTool {
  readonly name: string;
  readonly class: (typeof TOOL_CLASSES)[number];
  readonly tier: (typeof TOOL_TIERS)[number];
  /** `local` and `provider` calls pass no gateway. */
  readonly route: 'gateway' | 'local' | 'provider';
  readonly server: string;
  /** True where the same call again and again is normal. */
  readonly polling: boolean;
  /** Median latency, ms. */
  readonly latencyMs: number;
  /** Share of calls that fail by no fault of the agent. */
  readonly errorRate: number;
  /** Arguments. Repeated draws differ, but for tools that are polled. */
  readonly args: (random: Random, matter: Matter) => Args;
  /** Result body; absent in roles whose results are not simulated. */
  readonly result?: (random: Random, matter: Matter, args: Args, note: string) => unknown;
  /** True where the result carries text of third parties. */
  readonly carriesNote?: boolean;
}

/** One step of a flow. */
export interface Step {
  readonly tool: string;
  /** How often, least and most. Default once. */
  readonly times?: readonly [number, number];
  /** All in one turn, as parallel calls. */
  readonly parallel?: boolean;
  /** Share of sessions that take this step. Default 1. */
  readonly share?: number;
  /** Pause before each repetition, ms. Default: the model's own think time. */
  readonly everyMs?: number;
}

/** A typical run of work. */
export interface Flow {
  readonly taskType: string;
  readonly mandate: (matter: Matter) => string;
  readonly steps: readonly Step[];
  /** Makes the matter of such a session. Default: matterOf. */
  readonly matter?: (random: Random) => Matter;
  /** Text of third parties as it stands in results. */
  readonly note?: (random: Random, matter: Matter) => string;
}

/** Tokens of one turn of a role. */
export interface TokenUse {
  /** Input of the first turn, median. */
  readonly first: number;
  /** Growth of the input with each turn. */
  readonly perTurn: number;
  /** Output, median. */
  readonly out: number;
  /** A sound turn never uses more, input and output together. */
  readonly turnMax: number;
}

/**
 * A role. Needs at least two gateway tools that may be used freely (not polled) and one with a
 * human in the loop, so that every misbehaviour has something to misuse.
 */
export interface RoleSpec {
  readonly name: string;
  /** Share of the fleet relative to the other roles, a whole number ≥ 1. */
  readonly weight: number;
  readonly models: readonly string[];
  readonly tools: readonly SimulatedTool[];
  readonly flows: readonly Flow[];
  readonly tokens: TokenUse;
  /** Tool names its model makes up; they exist nowhere. */
  readonly invented: readonly string[];
  /** Default: steady. */
  readonly hours?: Hours;
  /** What foreign instructions ask for. Default: nothing. */
  readonly goals?: readonly Goal[];
}

/** May the agent use it without asking, and does the gateway see it? */
export function isFree(tool: SimulatedTool): boolean {
  return (
    tool.route === 'gateway' &&
    !tool.polling &&
    (tool.tier === 'autonomous' || tool.tier === 'pre-approved')
  );
}

/** The tool of this name. Throws RangeError where the role has none. */
export function toolOf(role: RoleSpec, name: string): SimulatedTool {
  const tool = role.tools.find((each) => each.name === name);
  if (tool === undefined) throw new RangeError(`role ${role.name} has no tool ${name}`);
  return tool;
}
