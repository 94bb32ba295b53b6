/** Event context: what correlation knows of an event's session, agent and call, when asked. */

/** A tool as an agent is granted it. */
export interface GrantView {
  readonly class: string | null;
  readonly tier: string | null;
  /** The grant expires then, ms; absent: it does not. */
  readonly toMs?: number;
  /** Independent approvals that each use needs; absent where nothing is said. */
  readonly quorum?: number;
}

/** What is known of the session. */
export interface SessionContext {
  /** Root of the delegation tree; the session itself where nobody spawned it. */
  readonly root: string;
  /** Generations between root and session: 0 for the root. */
  readonly depth: number;
  /** Sessions that governance opened under it so far. */
  readonly children: number;
  readonly principal: string | null;
  readonly taskType: string | null;
  readonly mode: string | null;
  /** Did governance state what the session is to do? */
  readonly mandated: boolean;
  /** Is the parent it names held? Null where it names none. */
  readonly parentKnown: boolean | null;
  /** Plan that governance declared: canonical names of tools in their order; null without one. */
  readonly plan: { readonly binding: boolean; readonly steps: readonly string[] } | null;
}

/** What is known of the session's owner; of the agent of the event where there is no session. */
export interface AgentContext {
  /** Null: governance was not heard from its beginning, so nobody can say that it is not. */
  readonly registered: boolean | null;
  readonly registeredMs: number | null;
  /** Registration or last completed review, ms: what trust in it rests on. */
  readonly reviewedMs: number | null;
  readonly model: string | null;
  /** Digests that governance approved; null where it never named one. */
  readonly systemDigest: string | null;
  readonly offeredToolsDigest: string | null;
  /** Bounds of delegation that governance declared; null where it did not. */
  readonly maxDepth: number | null;
  readonly maxFanOut: number | null;
  /** Tools granted, own members by canonical name; null: nobody ever listed them. */
  readonly grants: Readonly<Record<string, GrantView>> | null;
}

/** What is known of a call at the gateway. */
export interface CallContext {
  /** Canonical name of the tool. */
  readonly tool: string;
  readonly tier: string | null;
  /** Was there a grant whose time is over? Null: never granted, or without an end. */
  readonly grantExpired: boolean | null;
  /** How long the grant still holds, ms; negative where it is over, null without an end. */
  readonly validForMs: number | null;
  /** Approvers, other than the agent, of approvals that cover the call now; each once, sorted. */
  readonly approvers: readonly string[];
  /** Does an approval cover the call that the agent gave itself? */
  readonly selfApproved: boolean;
  /** Is no approval in force that covers the call, though one that ran out did? */
  readonly approvalExpired: boolean;
  /** Was the last word on an approval for the tool a refusal? */
  readonly approvalDenied: boolean;
  /** Independent approvals that are needed; null where nothing is said. */
  readonly quorum: number | null;
  /** JSON pointer → digest of each leaf of the arguments; null below L1. */
  readonly leaves: Readonly<Record<string, string>> | null;
  /** Was the same call refused to a session above this one? Null without one above. */
  readonly deniedAbove: boolean | null;
  /** Does the owner of the session above hold the tool? Null without one, or where unlisted. */
  readonly grantedAbove: boolean | null;
}

/**
 * What correlation knows at the moment of the fold. Each part is worked out when first asked for and
 * then kept: ask while the fact is being handed over, for afterwards the ledger has moved on.
 */
export interface EventContext {
  readonly session: SessionContext | null;
  readonly agent: AgentContext;
  /** Null for anything but a call that a gateway saw within a session. */
  readonly call: CallContext | null;
  /** Is a change window open for the agent, its role or the fleet? */
  readonly windowOpen: boolean;
  /** Another known agent that the event names too; null where its claims agree, or are unknown. */
  readonly otherAgent: { readonly agent: string; readonly basis: string } | null;
}
