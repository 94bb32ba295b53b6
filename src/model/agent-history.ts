/** Agent history: what governance said of an agent, and how it stood afterwards. */

import type { Position, Trust } from './event.ts';
import type { GrantView } from './event-context.ts';
import type { Governance } from './event-governance.ts';

/** Where something was said. */
export interface SaidBy {
  /** Id of the event. */
  readonly eventId: string;
  readonly source: string;
  readonly trust: Trust;
  readonly position: Position;
  /** Who made the change, as governance names it. */
  readonly actor: string | null;
}

/** How an agent stood after a change. */
export interface AgentState {
  readonly role: string | null;
  readonly model: string | null;
  /** Null: governance was not heard from its beginning, so nobody can say. */
  readonly registered: boolean | null;
  readonly registeredMs: number | null;
  readonly reviewedMs: number | null;
  readonly systemDigest: string | null;
  readonly offeredToolsDigest: string | null;
  readonly maxDepth: number | null;
  readonly maxFanOut: number | null;
  /** Key of `tools`; null: governance never listed its tools. */
  readonly grants: string | null;
}

/** One thing governance said of an agent. Free text of mandates and reasons is left out. */
export interface AgentChange {
  /** Of this tenant's event; the event itself is `by.eventId`. */
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly session: string | null;
  /** Event time, ms. */
  readonly timeMs: number;
  readonly change: Governance['change'];
  /** It came later than the allowed lateness. */
  readonly late: boolean;
  readonly by: SaidBy;
  /** What was said: names and ids, at most 64 of a kind. */
  readonly said: Readonly<Record<string, unknown>>;
  readonly after: AgentState;
  /** The grants afterwards; null where nobody ever listed them. Kept once for each key. */
  readonly tools: Readonly<Record<string, GrantView>> | null;
}

/** A session that governance opened, or closed. */
export type AgentSession =
  | {
      readonly type: 'opened';
      readonly tenant: string;
      readonly session: string;
      readonly agent: string;
      /** Event time, ms. */
      readonly timeMs: number;
      readonly role: string | null;
      readonly parent: string | null;
      /** For whom it runs. */
      readonly principal: string | null;
      readonly root: string;
      readonly depth: number;
      readonly taskType: string | null;
      readonly mode: string | null;
      readonly mandated: boolean;
      readonly mandateDigest: string | null;
      readonly by: SaidBy;
    }
  | {
      readonly type: 'closed';
      readonly tenant: string;
      readonly session: string;
      readonly timeMs: number;
    };
