/** The action log: what the executor reads and writes of intentions and leases. */
import type {
  Intention,
  LeaseState,
  OperatorRequest,
  Subject,
  Verb,
  Verification,
} from './decision.ts';

/** What came of one request to a driver. */
export type ApplyOutcome =
  /** The target says it did it. */
  | { readonly type: 'accepted'; readonly detail: string }
  /** The target had done it before: the same key was sent twice, or the subject is gone. */
  | { readonly type: 'already'; readonly detail: string }
  /** A person must agree on the target's side. */
  | { readonly type: 'pending_approval'; readonly detail: string }
  /** The target will not do it. Final. */
  | { readonly type: 'refused'; readonly detail: string }
  /** It certainly did not happen; try again with the same key. */
  | { readonly type: 'retry'; readonly detail: string; readonly afterMs: number }
  /** The reply was lost: it may have happened. Try again with the same key. */
  | { readonly type: 'unknown'; readonly detail: string; readonly afterMs: number }
  /** Not sent: at the moment of acting it was no longer allowed. Final. */
  | { readonly type: 'withheld'; readonly detail: string }
  /** Not sent: its time was over before it could be. */
  | { readonly type: 'lapsed'; readonly detail: string };

/** What stood at the target before we acted, as its driver read it: JSON, at most 16 KiB, no secrets. */
export type Prior = Readonly<Record<string, unknown>>;

/** An intention waiting to be sent. */
export interface DueIntention {
  readonly intention: Intention;
  /** How often it was sent before. */
  readonly attempts: number;
  /** Recorded before the first request of its lease was sent; null where nothing was. */
  readonly prior: Prior | null;
  /** When it was first taken to be sent, ms; now, where it was not. */
  readonly firstSentMs: number;
}

/** What an approver says. */
export type ApprovalVerdict = 'approve' | 'decline';

/** What came of an approver's word. */
export type VoteResult =
  /** No such approval. */
  | { readonly type: 'unknown' }
  /** It was granted, declined or lapsed before. */
  | { readonly type: 'over'; readonly state: string }
  /** It is about this voter, or about somebody who works for them. */
  | { readonly type: 'barred' }
  /** This voter has spoken before. */
  | { readonly type: 'voted' }
  | { readonly type: 'counted'; readonly agreed: number; readonly quorum: number }
  | { readonly type: 'granted' }
  | { readonly type: 'declined' };

/** A lease whose effect is watched, with what the gateway showed since it was accepted. */
export interface WatchedLease {
  readonly leaseId: string;
  readonly agent: string;
  readonly verb: Verb;
  readonly subject: Subject;
  readonly state: LeaseState;
  readonly verification: Verification;
  /** When the driver said yes, ms on the executor's clock. */
  readonly acceptedMs: number;
  readonly expiresMs: number | null;
  /** The request it began with: its driver, and what to ask that for. */
  readonly request: Intention;
  readonly prior: Prior | null;
  /** Gateway activity of the subject, oldest first, at most 1,000. */
  readonly activity: readonly {
    readonly timeMs: number;
    readonly allowed: boolean;
    readonly tool: string;
  }[];
}

/** Durable queue of intentions and the leases they make. Implementation: record/actions. */
export interface ActionLog {
  /**
   * Marks up to `limit` due intentions as being sent until `nowMs + holdMs` and returns them, oldest
   * first, never two of one lease: a request, its renewals and its release go out in order.
   * An intention whose hold ran out (crash while sending) is due again.
   */
  takeDue(nowMs: number, limit: number, holdMs: number): Promise<readonly DueIntention[]>;
  /** Records what came of it, moves the lease, and writes the journal, in one transaction. */
  settle(key: string, outcome: ApplyOutcome, nowMs: number): Promise<void>;
  /** Writes a release for every standing lease past its time. Returns how many. */
  expireOverdue(nowMs: number): Promise<number>;
  /**
   * Starts the time of approvals that are new and lapses those that nobody answered in time: nothing
   * is sent for them. Returns how many lapsed.
   */
  expireApprovals(nowMs: number): Promise<number>;
  /** Records what stood before a lease's first request; the first word stands. */
  remember(leaseId: string, prior: Prior): Promise<void>;
  /** Asks the lane for something; the same id is asked once. */
  ask(request: OperatorRequest): Promise<void>;
  /** Leases accepted and not yet over; one without an end for a day after it was accepted. */
  watched(nowMs: number): Promise<readonly WatchedLease[]>;
  /** Records what the gateway stream shows of a lease, when it differs from what is recorded. */
  verify(
    leaseId: string,
    verification: Verification,
    by: string,
    leakedCalls: number,
    latencyCalls: number,
    nowMs: number,
  ): Promise<void>;
}
