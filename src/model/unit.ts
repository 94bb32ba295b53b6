/** Unit: one session as baselines see it: who, what was asked, what was said and done. */

/** What is known of a session before it acts. All of it comes from governance, never the agent. */
export interface UnitHead {
  readonly tenant: string;
  readonly session: string;
  readonly agent: string;
  readonly role: string | null;
  /** Model the agent was registered with. */
  readonly model: string | null;
  /** What the session is to do, as governance recorded it. */
  readonly mandate: string | null;
  /** Declared class of the task. */
  readonly taskType: string | null;
  readonly openedMs: number | null;
}

/** A call a gateway saw, with its result where the evidence level has it. */
export interface CallItem {
  readonly type: 'call';
  /** The producer's counter in the session; null where it gives none. */
  readonly seq: number | null;
  readonly ms: number;
  readonly eventId: string;
  /** Canonical tool name. */
  readonly tool: string;
  /** Reach: read, write, execute, communicate, spend; null where nobody says. */
  readonly toolClass: string | null;
  /** Null: governance never listed the agent's tools. */
  readonly granted: boolean | null;
  /** Null below L2. */
  readonly args: Readonly<Record<string, unknown>> | null;
  readonly decision: string;
  readonly outcome: 'ok' | 'error' | 'unknown';
  /** Result or error body; null below L3 and where there is none. */
  readonly result: unknown;
  readonly bytes: number | null;
  /** True where a lease of ours refused it: such calls are never scored or learnt. */
  readonly ours: boolean;
}

/** A turn of the model. */
export interface SayItem {
  readonly type: 'say';
  readonly seq: number | null;
  readonly ms: number;
  /** Reasoning text; null below L3. */
  readonly text: string | null;
  /** Canonical names of the tools it announced, in order. */
  readonly tools: readonly string[];
}

/** A figure measured by somebody else than the agent. */
export interface MetricItem {
  readonly type: 'metric';
  readonly ms: number;
  readonly name: string;
  readonly value: number;
}

/** A governance record within the session or about its agent while it ran. */
export interface ChangeItem {
  readonly type: 'change';
  readonly ms: number;
  readonly change: string;
  /** Tools it names: granted, declared as a plan, approved. */
  readonly tools: readonly string[];
}

/** Everything a unit consists of, in canonical order. */
export type UnitItem = CallItem | SayItem | MetricItem | ChangeItem;

/** A finished unit, kept whole for learning. */
export interface UnitRecord {
  readonly head: UnitHead;
  readonly items: readonly UnitItem[];
  /** Tools granted to the agent when the unit closed, name → class; null: never listed. */
  readonly grants: Readonly<Record<string, string | null>> | null;
  /** Event time of the last item, ms. */
  readonly lastMs: number;
}

/** Classes of tools whose calls change something outside the agent. */
export const CHANGING_CLASSES: ReadonlySet<string> = new Set([
  'write',
  'execute',
  'communicate',
  'spend',
]);

/** Does a call of this class change state? An unknown class counts as changing. */
export function isChanging(toolClass: string | null): boolean {
  return toolClass === null || CHANGING_CLASSES.has(toolClass);
}
