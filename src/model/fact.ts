/** Facts: what correlation hands to detection, as data; no sister knows another. */

import type { Rung } from './decision.ts';
import type { CoverageGap, JoinStrength, NoticeCode } from './detection.ts';
import type { Event, Kind, Position } from './event.ts';
import type { Action } from './event-action.ts';
import type { EventContext } from './event-context.ts';
import type { Pace } from './objective.ts';

/** One witness of an act as the ledger keeps it; serialisable, without payload content. */
export interface WitnessRecord {
  readonly kind: Kind;
  readonly topic: string;
  readonly nativeId: string;
  readonly at: Position;
  readonly ms: number;
  /** The producer's counter in the session; null where it gives none. */
  readonly seq: number | null;
  /** Identity this witness names. */
  readonly agent: string;
  /** Call id; null where the witness gives none. */
  readonly call: string | null;
  /** Canonical tool name. */
  readonly tool: string;
  /** Digest of the arguments; null below evidence level L1. */
  readonly digest: string | null;
  /**
   * JSON pointer → digest of each leaf, at most 64; null where neither arguments nor digests of them
   * came. Without arguments they are the producer's.
   */
  readonly leaves: Readonly<Record<string, string>> | null;
  /**
   * Digest of the arguments that the producer gave instead of them. Equal ones mean equal arguments;
   * different ones mean nothing, for producers digest differently.
   */
  readonly given?: string;
}

/** What the model announced or claims to have done. */
export interface Intent extends WitnessRecord {
  /** Place of the call among those its record announced, from 0. */
  readonly index: number;
  /** Sequence number of the record just before where the call should appear. */
  readonly afterSeq: number | null;
  /** Told afterwards (the agent's report) rather than announced before (the model's decision). */
  readonly claimed: boolean;
}

/** What a gateway saw, with what governance said of it at the time. */
export interface Attempt extends WitnessRecord {
  readonly decision: Action['decision'];
  readonly outcome: Action['outcome'];
  /** The gateway reports no decision, and by its status the call was forbidden. Absent: it was not. */
  readonly forbidden?: true;
  /** Policy that decided, where the gateway names one. */
  readonly policy: string | null;
  /** True where the refusal is the effect of a lease of ours. */
  readonly ours: boolean;
  readonly toolClass: string | null;
  readonly tier: string | null;
  /** Was the tool granted to the session's owner then? Null: governance never listed its tools. */
  readonly granted: boolean | null;
}

/** The session an act belongs to, as far as it is known when the fact is stated. */
export interface SessionView {
  readonly tenant: string;
  readonly id: string;
  /** Owner: as governance opened it, else the first agent seen in it. */
  readonly agent: string;
  readonly ownedBy: 'governance' | 'witness';
  readonly role: string | null;
  readonly openedMs: number | null;
  readonly closedMs: number | null;
  readonly parent: string | null;
  /** Books known to have been blind during the session. */
  readonly blind: readonly Kind[];
}

/** Common to all facts about a session. */
interface AboutSession {
  readonly session: SessionView;
  /** Event time at which the fact became decidable, ms. */
  readonly decidedMs: number;
  /** True where a record came later than the allowed lateness. */
  readonly late: boolean;
}

/** Intent and attempt of one act are both known. Stated once for each attempt. */
export interface JoinedFact extends AboutSession {
  readonly type: 'joined';
  readonly attempt: Attempt;
  readonly intents: readonly Intent[];
  readonly strength: JoinStrength;
}

/** An attempt with everything governance and the session say of it. Stated once for each attempt. */
export interface AttemptFact extends AboutSession {
  readonly type: 'attempt';
  readonly attempt: Attempt;
  /** The refusal this attempt gets around, if any. */
  readonly refused: Attempt | null;
  /** How it gets around: the same call again, or another way to the same effect. */
  readonly around: 'same-call' | 'other-way' | null;
  /** Is there a valid approval for it by somebody else? Null: its tier needs none. */
  readonly approved: boolean | null;
  /** After the close of its session, in ms; null where it was not. */
  readonly afterCloseMs: number | null;
}

/** A witness that should exist does not, and its source is provably alive. */
export interface AbsentFact extends AboutSession {
  readonly type: 'absent';
  /** The book with the hole. */
  readonly book: Kind;
  /** The witness that exists. */
  readonly witness: Intent | Attempt;
  /** Proof of life around the hole: last record before and first after, ms. */
  readonly aliveFromMs: number;
  readonly aliveToMs: number;
}

/** The missing witness came after all, too late. Takes an AbsentFact back. */
export interface RetractFact extends AboutSession {
  readonly type: 'retract';
  readonly book: Kind;
  readonly witness: Intent | Attempt;
}

/** Something about whose session it is. Stated once for each session and aspect. */
export interface IdentityFact extends AboutSession {
  readonly type: 'identity';
  readonly aspect: 'foreign-agent' | 'unregistered' | 'orphan-parent';
  readonly witness: WitnessRecord;
  /** The identity that does not fit. */
  readonly named: string;
}

/** Parts of an agent whose change somebody has to announce. */
export type Unannounced = 'model' | 'prompt' | 'tools';

/** A folded event, in canonical order, for counting kinds and rules. */
export interface EventFact {
  readonly type: 'event';
  readonly event: Event;
  readonly session: SessionView | null;
  readonly tenant: string;
  readonly agent: string;
  readonly role: string | null;
  /** Digest of the arguments of a gateway call, else null. */
  readonly argsDigest: string | null;
  /** Reach of the tool of a gateway call, as grant or inventory say; else null. */
  readonly toolClass: string | null;
  /** Was the tool of a gateway call granted then? Null: no call, or tools were never listed. */
  readonly granted: boolean | null;
  /** True for a gateway call that a lease of ours refused. */
  readonly ours: boolean;
  /** Model the session's owner was registered with. */
  readonly model: string | null;
  readonly late: boolean;
  /** What of the agent was never seen before and no governance event announced. */
  readonly unannounced: readonly Unannounced[];
  /** The rest of what correlation knows; costs nothing until a detector asks. */
  readonly context: () => EventContext;
  /** Keyed digest of a text, 128 bits in hex: low-entropy values cannot be guessed from it. */
  readonly keyed: (text: string) => string;
}

/** A book could not be heard, or can be heard again. */
export interface BlindFact {
  readonly type: 'blind';
  readonly coverage: CoverageGap;
  readonly decidedMs: number;
  /** True when it is said for the first time. */
  readonly begins: boolean;
}

/** A session acted while a book was blind: what was said of it before rested on three books. */
export interface BlindSessionFact extends AboutSession {
  readonly type: 'blind-session';
  readonly book: Kind;
}

/** A share of the evidence of a firing: nats of ln E and their part of the whole, 0 to 1. */
export interface FiringShare {
  readonly dimension: string;
  readonly nats: number;
  readonly share: number;
}

/** Evidence crossed a declared threshold. Stated once for each unit, rung and lane. */
export interface FiringFact extends AboutSession {
  readonly type: 'firing';
  readonly lane: 'session' | 'accumulator';
  readonly rung: Rung;
  /** p of the session, or R of the accumulator. */
  readonly value: number;
  /** The rate declared, or the A that R reached. */
  readonly threshold: number;
  /** Budget in the user's words. */
  readonly budget: string;
  /** Largest first. */
  readonly shares: readonly FiringShare[];
  /** When it began: number of the agent's unit, and event time, ms. */
  readonly onset: { readonly tick: number; readonly ms: number };
  /** Sentences with figures, no payload text; the strangest first. */
  readonly because: readonly string[];
  /** The dimension that would have kept it silent, and its score; null where none alone could. */
  readonly counterfactual: {
    readonly dimension: string;
    readonly score: number;
    readonly silentAt: number | null;
  } | null;
  /** Which unit: session and chunk, unique within the agent. */
  readonly unit: string;
  /** Subject of the baseline it was judged by, for example `role support-triage`. */
  readonly baseline: string;
  /** The call that completed it; at the close the unit's strangest or last event. */
  readonly witness: WitnessRecord;
  readonly seq: number | null;
  readonly tool: string | null;
}

/** Counts of a window of an objective. */
interface BurnWindow {
  readonly windowMs: number;
  readonly good: number;
  readonly bad: number;
  /** Times faster than the objective allows. */
  readonly rate: number;
}

/** The error budget of an objective began to burn too fast. Stated once an episode. */
export interface BurnFact {
  readonly type: 'burn';
  readonly tenant: string;
  readonly objective: string;
  readonly title: string;
  /** Role the objective is about; null where it is about more or less than one. */
  readonly role: string | null;
  readonly target: number;
  readonly windowMs: number;
  readonly pace: Pace;
  /** Rate at which both windows count as burning. */
  readonly factor: number;
  readonly long: BurnWindow;
  readonly short: BurnWindow;
  /** Share of the window's error budget that is left; below 0 it is overspent. */
  readonly budgetLeft: number;
  readonly witness: WitnessRecord;
  readonly decidedMs: number;
  readonly late: boolean;
}

/** What the observer had to say of itself while it worked; or a record it could not read. */
export interface NoticeFact {
  readonly type: 'notice';
  readonly code: NoticeCode | 'dead-letter';
  /** Source, agent or detector it is about. */
  readonly subject: string;
  /** Whose records led to it; `-` where they bear no tenant, or there are none. */
  readonly tenant: string;
  readonly timeMs: number;
}

/** Everything that the stages before detection can state. */
export type Fact =
  | JoinedFact
  | AttemptFact
  | AbsentFact
  | RetractFact
  | IdentityFact
  | EventFact
  | BlindFact
  | BlindSessionFact
  | FiringFact
  | BurnFact
  | NoticeFact;
