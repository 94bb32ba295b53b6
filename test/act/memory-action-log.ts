/** An action log in memory; it passes the same contract suite as the one in PostgreSQL. */
import { escalationOf } from '../../src/act/watch.ts';
import type {
  ActionLog,
  ApplyOutcome,
  ApprovalVerdict,
  DueIntention,
  Prior,
  VoteResult,
  WatchedLease,
} from '../../src/model/action-log.ts';
import type {
  Intention,
  LeaseState,
  OperatorRequest,
  Verification,
} from '../../src/model/decision.ts';
import { OperatingError } from '../../src/model/errors.ts';
import { idOf } from '../../src/model/ids.ts';
import { GIVE_UP_AFTER_MS } from '../../src/record/settle.ts';

interface Entry {
  readonly intention: Intention;
  attempts: number;
  dueMs: number;
  heldUntilMs: number;
  unsure: boolean;
  done: boolean;
  firstSentMs: number | null;
}

interface Approval {
  readonly quorum: number;
  readonly withinMs: number;
  readonly barred: readonly string[];
  expiresMs: number | null;
  state: string;
  readonly agreed: Set<string>;
}

interface Lease {
  readonly request: Intention;
  state: LeaseState;
  verification: Verification;
  acceptedMs: number | null;
  expiresMs: number | null;
  cause: string | null;
  prior: Prior | null;
  approval: Approval | null;
  activity: { timeMs: number; allowed: boolean; tool: string }[];
}

/** What was settled, for tests that look at the history. */
export interface Settled {
  readonly key: string;
  readonly outcome: ApplyOutcome;
  readonly nowMs: number;
}

/** The log and its other end: what lanes and readers of the record would do. */
export interface MemoryActionLog {
  readonly log: ActionLog;
  insert(intention: Intention): Promise<void>;
  lease(leaseId: string): Promise<{ state: LeaseState; verification: Verification } | null>;
  /** An approver's word, by the rules of record/approvals. */
  vote(leaseId: string, voter: string, said: ApprovalVerdict, nowMs: number): Promise<VoteResult>;
  /** What the lane was asked for, each once, oldest first. */
  readonly asked: readonly OperatorRequest[];
  /** The gateway showed a call of the lease's subject. */
  see(leaseId: string, call: { timeMs: number; allowed: boolean; tool: string }): void;
  /** Everything settled, oldest first. */
  readonly settled: readonly Settled[];
  /** Every verdict written, oldest first. */
  readonly verdicts: readonly { leaseId: string; verification: Verification; by: string }[];
  /** Keys of intentions that are not done yet. */
  open(): readonly string[];
  /** Names of the calls made, oldest first. */
  readonly calls: readonly string[];
  /** The next calls of this kind fail as a lost database does. */
  failNext(call: keyof ActionLog, times: number, retryable?: boolean): void;
}

/** An empty log. */
export function createMemoryActionLog(): MemoryActionLog {
  const outbox = new Map<string, Entry>();
  const leases = new Map<string, Lease>();
  const settled: Settled[] = [];
  const verdicts: { leaseId: string; verification: Verification; by: string }[] = [];
  const calls: string[] = [];
  const asked: OperatorRequest[] = [];
  const ask = (request: OperatorRequest) => {
    if (!asked.some(({ id }) => id === request.id)) asked.push(request);
  };
  const failures = new Map<string, { times: number; retryable: boolean }>();

  const called = (call: keyof ActionLog) => {
    calls.push(call);
    const failure = failures.get(call);
    if (failure === undefined || failure.times === 0) return;
    failure.times -= 1;
    const { retryable } = failure;
    throw new OperatingError('DATABASE_TRANSIENT', `${call}: connection lost`, { retryable });
  };

  const log: ActionLog = {
    async takeDue(nowMs, limit, holdMs) {
      called('takeDue');
      return takeDue(outbox, leases, nowMs, limit, holdMs);
    },
    async settle(key, outcome, nowMs) {
      called('settle');
      const entry = outbox.get(key);
      if (entry === undefined || entry.done) return;
      settled.push({ key, outcome, nowMs });
      const lease = leases.get(entry.intention.leaseId);
      settleEntry(entry, outcome, nowMs);
      if (lease === undefined || !entry.done) return;
      moveLease(lease, entry, outcome, nowMs);
      // It may have happened, and its time is over: what may stand is to be undone.
      if (lease.state === 'failed' && entry.intention.step === 'request') release(lease);
    },
    async expireOverdue(nowMs) {
      called('expireOverdue');
      let count = 0;
      for (const lease of leases.values()) {
        if (lease.expiresMs === null || lease.expiresMs > nowMs) continue;
        if (lease.state === 'awaiting') {
          lapse(outbox, lease, 'lapsed');
          ask(escalationOf(lease.request.leaseId, 'unsent', nowMs));
        }
        if (lease.state !== 'accepted') continue;
        release(lease);
        count += 1;
      }
      return count;
    },
    async expireApprovals(nowMs) {
      called('expireApprovals');
      let count = 0;
      for (const lease of leases.values()) {
        const { approval } = lease;
        if (approval === null || approval.state !== 'pending') continue;
        approval.expiresMs ??= nowMs + approval.withinMs;
        if (approval.expiresMs > nowMs) continue;
        lapse(outbox, lease, 'lapsed');
        ask(liftOf(lease, nowMs));
        count += 1;
      }
      return count;
    },
    async remember(leaseId, prior) {
      called('remember');
      const lease = leases.get(leaseId);
      if (lease !== undefined) lease.prior ??= structuredClone(prior);
    },
    async ask(request) {
      called('ask');
      ask(request);
    },
    async watched(nowMs) {
      called('watched');
      return [...leases.values()].flatMap((lease) => watchedLease(lease, nowMs));
    },
    async verify(leaseId, verification, by) {
      called('verify');
      verdicts.push({ leaseId, verification, by });
      const lease = leases.get(leaseId);
      if (lease !== undefined) lease.verification = verification;
    },
  };

  const add = (intention: Intention) => {
    if (outbox.has(intention.key)) return;
    const entry: Entry = {
      ...{ intention, attempts: 0, dueMs: 0, heldUntilMs: 0, unsure: false, done: false },
      firstSentMs: null,
    };
    outbox.set(intention.key, entry);
    applyToLease(outbox, leases, entry);
  };
  const release = (lease: Lease) => add(releaseOf(lease.request, 'expired'));

  return {
    log,
    settled,
    verdicts,
    calls,
    open: () => [...outbox.values()].filter(({ done }) => !done).map((one) => one.intention.key),
    asked,
    vote: async (leaseId, voter, said, nowMs) => {
      const lease = leases.get(leaseId);
      const result = voteOn(lease, voter, said, nowMs);
      if (result.type === 'declined' && lease !== undefined) {
        lapse(outbox, lease, 'declined');
        ask(liftOf(lease, nowMs));
      }
      return result;
    },
    insert: async (intention) => add(intention),
    lease: async (leaseId) => {
      const lease = leases.get(leaseId);
      return lease === undefined ? null : { state: lease.state, verification: lease.verification };
    },
    see: (leaseId, call) => leases.get(leaseId)?.activity.push(call),
    failNext: (call, times, retryable = true) => failures.set(call, { times, retryable }),
  };
}

/** The release of a lease, under a key of its own. */
export function releaseOf(request: Intention, cause: string): Intention {
  const key = idOf(request.caseId, request.decisionId, request.verb, request.leaseId, 'release');
  return { ...request, key, step: 'release', cause };
}

/** Nobody agreed: nothing is sent. */
function lapse(outbox: ReadonlyMap<string, Entry>, lease: Lease, state: string): void {
  lease.state = 'lapsed';
  if (lease.approval !== null) lease.approval.state = state;
  for (const entry of outbox.values())
    if (entry.intention.leaseId === lease.request.leaseId) entry.done = true;
}

function liftOf({ request: { leaseId } }: Lease, atMs: number): OperatorRequest {
  const reason = 'nobody agreed';
  return { type: 'lift', id: idOf('lift', leaseId), leaseId, by: 'plumbline', reason, atMs };
}

function voteOn(
  lease: Lease | undefined,
  voter: string,
  said: ApprovalVerdict,
  nowMs: number,
): VoteResult {
  const approval = lease?.approval ?? null;
  if (lease === undefined || approval === null) return { type: 'unknown' };
  if (approval.state !== 'pending') return { type: 'over', state: approval.state };
  if (approval.expiresMs !== null && nowMs >= approval.expiresMs)
    return { type: 'over', state: 'lapsed' };
  if (approval.barred.includes(voter)) return { type: 'barred' };
  if (approval.agreed.has(voter)) return { type: 'voted' };
  if (said === 'decline') return { type: 'declined' };
  approval.agreed.add(voter);
  const { quorum } = approval;
  if (approval.agreed.size < quorum)
    return { type: 'counted', agreed: approval.agreed.size, quorum };
  approval.state = 'granted';
  lease.state = 'requested';
  return { type: 'granted' };
}

function takeDue(
  outbox: ReadonlyMap<string, Entry>,
  leases: ReadonlyMap<string, Lease>,
  nowMs: number,
  limit: number,
  holdMs: number,
): readonly DueIntention[] {
  const seen = new Set<string>();
  const taken: DueIntention[] = [];
  for (const entry of outbox.values()) {
    if (taken.length >= limit) break;
    const { leaseId } = entry.intention;
    // Only the oldest open one of a lease may go, due or not: they go out in order.
    if (entry.done || seen.has(leaseId)) continue;
    seen.add(leaseId);
    if (entry.dueMs > nowMs || entry.heldUntilMs > nowMs) continue;
    const lease = leases.get(leaseId);
    if (lease?.state === 'awaiting') continue;
    entry.firstSentMs ??= nowMs;
    const { intention, attempts, firstSentMs } = entry;
    taken.push({ intention, attempts, firstSentMs, prior: lease?.prior ?? null });
    // Held before and never settled: whoever held it may have sent it.
    entry.unsure ||= entry.heldUntilMs > 0;
    entry.attempts += 1;
    entry.heldUntilMs = nowMs + holdMs;
  }
  return taken;
}

function settleEntry(entry: Entry, outcome: ApplyOutcome, nowMs: number): void {
  entry.heldUntilMs = 0;
  if (outcome.type === 'retry' || outcome.type === 'unknown') {
    entry.unsure ||= outcome.type === 'unknown';
    entry.dueMs = nowMs + outcome.afterMs;
  } else if (
    outcome.type === 'refused' &&
    entry.intention.step === 'release' &&
    nowMs < (entry.firstSentMs ?? nowMs) + GIVE_UP_AFTER_MS
  ) {
    entry.dueMs = nowMs + 60_000;
  } else {
    entry.done = true;
  }
}

function applyToLease(
  outbox: ReadonlyMap<string, Entry>,
  leases: Map<string, Lease>,
  entry: Entry,
): void {
  const { intention } = entry;
  const lease = leases.get(intention.leaseId);
  if (intention.step === 'request') {
    // Asked for again under another key: what is over stays over.
    if (lease !== undefined) {
      entry.done = lease.state !== 'requested' && lease.state !== 'awaiting';
      return;
    }
    const { approval } = intention;
    leases.set(intention.leaseId, {
      request: intention,
      state: approval === null ? 'requested' : 'awaiting',
      prior: null,
      approval:
        approval === null
          ? null
          : {
              ...{ quorum: approval.quorum, withinMs: approval.withinMs, expiresMs: null },
              barred: [intention.subject.agent, ...(approval.barred ?? [])],
              ...{ state: 'pending', agreed: new Set() },
            },
      verification: 'none',
      acceptedMs: null,
      expiresMs: intention.expiresMs,
      cause: null,
      activity: [],
    });
    return;
  }
  if (lease?.state === 'awaiting' && intention.step === 'release')
    lapse(outbox, lease, 'withdrawn');
  const over =
    lease === undefined || ['refused', 'lapsed', 'released', 'expired'].includes(lease.state);
  if (intention.step === 'release' && intention.verb === 'revoke_session') {
    entry.done = true;
    for (const other of outbox.values())
      if (other.intention.leaseId === intention.leaseId && isUnsent(other)) {
        other.done = true;
        if (lease !== undefined) lease.state = 'lapsed';
      }
  } else if (over || (intention.step === 'renew' && lease.state === 'failed')) {
    entry.done = true;
  } else if (intention.step === 'release') {
    lease.state = 'releasing';
    lease.cause = intention.cause;
  } else if (intention.expiresMs !== null && lease.expiresMs !== null) {
    lease.expiresMs = Math.max(lease.expiresMs, intention.expiresMs);
  }
}

/** Certainly not done, and not being sent. */
function isUnsent({ intention, done, unsure, heldUntilMs }: Entry): boolean {
  return intention.step === 'request' && !done && !unsure && heldUntilMs === 0;
}

function moveLease(lease: Lease, entry: Entry, outcome: ApplyOutcome, nowMs: number): void {
  const { step } = entry.intention;
  const done = ['accepted', 'already', 'pending_approval'].includes(outcome.type);
  if (step === 'request') {
    if (done) {
      if (lease.state === 'requested') lease.state = 'accepted';
      lease.acceptedMs = nowMs;
      lease.verification = outcome.type === 'pending_approval' ? 'unverified' : 'pending';
    } else if (lease.state === 'requested') {
      const sure = outcome.type === 'lapsed' ? 'lapsed' : 'refused';
      lease.state = entry.unsure ? 'failed' : sure;
    }
  } else if (step === 'release') {
    if (!done) lease.state = 'failed';
    else lease.state = lease.cause === 'expired' ? 'expired' : 'released';
  }
}

function watchedLease(lease: Lease, nowMs: number): WatchedLease[] {
  if (lease.expiresMs === null && (lease.acceptedMs ?? 0) <= nowMs - 86_400_000) return [];
  if (lease.acceptedMs === null || !['accepted', 'releasing'].includes(lease.state)) return [];
  const { leaseId, verb, subject } = lease.request;
  return [
    {
      leaseId,
      agent: subject.agent,
      verb,
      subject,
      state: lease.state,
      verification: lease.verification,
      acceptedMs: lease.acceptedMs,
      expiresMs: lease.expiresMs,
      request: lease.request,
      prior: lease.prior,
      activity: lease.activity.slice(-1_000),
    },
  ];
}
