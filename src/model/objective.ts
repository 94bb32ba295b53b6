/** Objectives: what a role or workflow promises, and how fast its error budget burns. */

/** Whose work an objective is about; a key that is absent does not narrow. Empty: the fleet. */
export interface ObjectiveScope {
  readonly role?: string;
  /** Declared class of the task, as `session.opened` names it. */
  readonly workflow?: string;
  readonly agent?: string;
}

/** What is counted, and when it counts as good. */
export type Indicator =
  /** Calls that went through the gateway and were allowed: good where the outcome is ok. */
  | { readonly of: 'calls' }
  /** Allowed calls with a duration: good where it is at most so many ms. */
  | { readonly of: 'latency'; readonly atMostMs: number }
  /** Turns of the model: good where it did not refuse. */
  | { readonly of: 'turns' }
  /** Sessions by the total of a meter: good while it is at most so much. */
  | { readonly of: 'tokens' | 'cost'; readonly atMost: number };

/** One promise. */
export interface Objective {
  /** Kebab-case, unique. */
  readonly name: string;
  readonly title: string;
  readonly scope: ObjectiveScope;
  readonly indicator: Indicator;
  /** Share of good events promised, between 0 and 1, both excluded. */
  readonly target: number;
  /** Length of the window the error budget is for, ms; whole days. */
  readonly windowMs: number;
  /** Bad events in the long window below which nothing is said: low traffic is not a trend. */
  readonly leastBad: number;
}

/** Which metrics carry tokens and cost, best first: a session's total is of the best it has. */
export interface Meters {
  readonly tokens: readonly string[];
  readonly cost: readonly string[];
}

/** What the observer knows of the promises of a fleet. */
export interface ServiceLevels {
  readonly objectives: readonly Objective[];
  readonly meters: Meters;
}

/** Metric names that tokens and cost are read from unless a file says otherwise. */
export const METERS: Meters = {
  tokens: ['tokens', 'tokens_total', 'agent.session.tokens', 'gen_ai.client.token.usage'],
  cost: ['cost', 'cost_usd', 'agent.session.cost'],
};

/** Good and bad events of one objective in one hour; added to what is there. */
export interface ObjectiveCount {
  readonly objective: string;
  readonly tenant: string;
  /** Beginning of the hour, ms since 1970. */
  readonly hourMs: number;
  readonly good: number;
  readonly bad: number;
}

/** What one agent used on one day in one workflow with one model; added to what is there. */
export interface UsageCount {
  /** Beginning of the UTC day, ms since 1970. */
  readonly dayMs: number;
  readonly tenant: string;
  readonly agent: string;
  readonly role: string;
  readonly workflow: string;
  readonly model: string;
  readonly sessions: number;
  readonly turns: number;
  readonly refusals: number;
  readonly calls: number;
  readonly failures: number;
  readonly denials: number;
  readonly tokens: number;
  readonly cost: number;
}

/** Pace of a burn: fast pages somebody, slow is a ticket. */
export const PACES = ['fast', 'slow'] as const;
/** One of PACES. */
export type Pace = (typeof PACES)[number];
