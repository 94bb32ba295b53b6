/** Rules of settling: what an outcome does to an intention and to its lease. Pure. */
import type { ApplyOutcome } from '../model/action-log.ts';
import type { Intention, LeaseState, Verification } from '../model/decision.ts';

/** An intention that was sent, and its lease as it stands. */
export interface Sent {
  readonly intention: Intention;
  readonly firstSentMs: number;
  /** True where an earlier reply was lost: it may have happened. */
  readonly unsure: boolean;
  readonly leaseState: LeaseState;
  readonly verification: Verification;
  readonly expiresMs: number | null;
}

/** What becomes of both. */
export interface Settlement {
  /** False: it is sent again at `dueMs`. */
  readonly done: boolean;
  readonly dueMs: number | null;
  readonly unsure: boolean;
  readonly leaseState: LeaseState;
  readonly verification: Verification;
  /** True where the target said yes just now. */
  readonly accepted: boolean;
  /** True where the lease has ended: nothing more is sent for it. */
  readonly over: boolean;
  /** True where the lease may stand although nobody said so: a release must be written. */
  readonly release: boolean;
}

/** A release, and a request without an end, is tried this long after it was first sent. */
export const GIVE_UP_AFTER_MS = 24 * 3_600_000;
/** How often a target that said no to a release, or that a person has yet to agree, is asked again. */
const ASK_AGAIN_MS = 60_000;

const finished = (sent: Sent): Settlement => ({
  done: true,
  dueMs: null,
  unsure: sent.unsure,
  leaseState: sent.leaseState,
  verification: sent.verification,
  accepted: false,
  over: false,
  release: false,
});

const again = (sent: Sent, dueMs: number, unsure: boolean): Settlement => ({
  ...finished(sent),
  done: false,
  dueMs,
  unsure,
});

const ended = (sent: Sent, leaseState: LeaseState): Settlement => ({
  ...finished(sent),
  leaseState,
  over: true,
});

/** A request that will not be sent again without the target having said yes. */
const unanswered = (sent: Sent): Settlement => {
  if (!sent.unsure) return ended(sent, 'lapsed');
  // It may have happened. A release that is on its way settles that; else one is written; and what
  // cannot be undone stays a failure for a person to look at.
  if (sent.leaseState === 'releasing') return finished(sent);
  if (sent.expiresMs === null) return ended(sent, 'failed');
  return { ...finished(sent), release: true };
};

const settledRequest = (sent: Sent, outcome: ApplyOutcome, nowMs: number): Settlement => {
  // A release queued meanwhile keeps the lease `releasing`: it goes out next.
  const leaseState = sent.leaseState === 'requested' ? 'accepted' : sent.leaseState;
  switch (outcome.type) {
    case 'accepted':
    case 'already':
      return { ...finished(sent), leaseState, verification: 'pending', accepted: true };
    case 'pending_approval':
      return { ...finished(sent), leaseState, verification: 'unverified', accepted: true };
    case 'refused':
    case 'withheld':
      // It may have happened when it was sent before: then only a release can take it back.
      return sent.unsure ? unanswered(sent) : ended(sent, 'refused');
    case 'lapsed':
      return unanswered(sent);
    case 'retry':
    case 'unknown': {
      const unsure = sent.unsure || outcome.type === 'unknown';
      const endMs = sent.expiresMs ?? sent.firstSentMs + GIVE_UP_AFTER_MS;
      // Undone before the target was reached: trying again would impose what was taken back.
      if (nowMs >= endMs || sent.leaseState === 'releasing') return unanswered({ ...sent, unsure });
      return again(sent, nowMs + outcome.afterMs, unsure);
    }
    default:
      return outcome satisfies never;
  }
};

const settledRenewal = (sent: Sent, outcome: ApplyOutcome, nowMs: number): Settlement => {
  if (outcome.type !== 'retry' && outcome.type !== 'unknown') return finished(sent);
  if (sent.expiresMs === null || nowMs >= sent.expiresMs) return finished(sent);
  return again(sent, nowMs + outcome.afterMs, sent.unsure || outcome.type === 'unknown');
};

const settledRelease = (sent: Sent, outcome: ApplyOutcome, nowMs: number): Settlement => {
  const tooLate = nowMs >= sent.firstSentMs + GIVE_UP_AFTER_MS;
  switch (outcome.type) {
    case 'accepted':
    case 'already':
    case 'lapsed':
      return ended(sent, sent.intention.cause === 'expired' ? 'expired' : 'released');
    case 'withheld':
      return ended(sent, 'failed');
    // A credential that was changed is mended, and until then somebody stays restrained.
    case 'refused':
    case 'pending_approval':
      return tooLate ? ended(sent, 'failed') : again(sent, nowMs + ASK_AGAIN_MS, sent.unsure);
    case 'retry':
    case 'unknown': {
      const unsure = sent.unsure || outcome.type === 'unknown';
      return tooLate ? ended(sent, 'failed') : again(sent, nowMs + outcome.afterMs, unsure);
    }
    default:
      return outcome satisfies never;
  }
};

/** What an outcome does. The lease's end is judged by `nowMs`, the executor's clock. */
export function settled(sent: Sent, outcome: ApplyOutcome, nowMs: number): Settlement {
  switch (sent.intention.step) {
    case 'request':
      return settledRequest(sent, outcome, nowMs);
    case 'renew':
      return settledRenewal(sent, outcome, nowMs);
    case 'release':
      return settledRelease(sent, outcome, nowMs);
    default:
      return sent.intention.step satisfies never;
  }
}
