/** Window: a bounded permission to learn, as people sign it and the record keeps it. */

/** States of a learning window, in the order of its life (statistics §8). */
export const WINDOW_STATES = [
  'LEARNING',
  'CALIBRATING',
  'REVIEW',
  'PROMOTED',
  'SUPERSEDED',
  'EXPIRED',
  'REJECTED',
  'ABORTED',
] as const;
/** One of WINDOW_STATES. */
export type WindowState = (typeof WINDOW_STATES)[number];

/** States in which a window still permits to learn. */
export const OPEN_STATES = ['LEARNING', 'CALIBRATING', 'REVIEW'] as const;

/** Whose behaviour is to be learnt: an agent, a role, or `*` for the fleet. */
export interface WindowScope {
  readonly level: 'agent' | 'role' | 'fleet';
  readonly subject: string;
}

/** One exit criterion with what was measured. */
export interface Criterion {
  readonly name: string;
  /** Null: it could not be measured, which never counts as met. */
  readonly value: number | null;
  readonly needed: number;
  readonly bound: 'at least' | 'at most' | 'more than';
  /** Measured and within its bound. */
  readonly met: boolean;
  /** Who let it pass unmet, and why; null where nobody did. */
  readonly waived: string | null;
}

/** One person's yes. */
export interface Approval {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  /** Given as a full re-approval: the reviewer looked at the whole profile, not at the step. */
  readonly full: boolean;
}

/** A learning window. Times are event times, ms since 1970. */
export interface LearningWindow {
  /** Hash of scope and change: the same governance event opens the same window. */
  readonly id: string;
  /** Governance event (or ticket) that permits it; null for a declared rule. */
  readonly change: string | null;
  /** Declared rule that permits it, such as `genesis`; null for a change. */
  readonly rule: string | null;
  readonly scope: WindowScope;
  /** Names of dimensions; `level.*` names a family, `*` all of them. */
  readonly dimensions: readonly string[];
  /** Only symbols of these tools; null: all symbols of the dimensions. */
  readonly tools: readonly string[] | null;
  readonly opensMs: number;
  readonly expiresMs: number;
  /** Who signed for it. */
  readonly openedBy: string;
  /** Whose behaviour it would excuse; never an approver. */
  readonly beneficiary: string | null;
  readonly reason: string;
  readonly state: WindowState;
  /** Extended once already. */
  readonly extended: boolean;
  /** Last event time of the fit; calibration units begin after it. Null while learning. */
  readonly fitUntilMs: number | null;
  /** Hash of the profile under review; null before. */
  readonly proposal: string | null;
  readonly proposedBy: string | null;
  readonly criteria: readonly Criterion[];
  /** Distinct people needed besides the proposer. */
  readonly approvalsNeeded: number;
  /** The drift ledger is at its cap: only full re-approvals count. */
  readonly fullNeeded: boolean;
  readonly approvals: readonly Approval[];
  /** Why it ended, in words of ours or of the person who ended it; null while open. */
  readonly ended: { readonly atMs: number; readonly by: string; readonly why: string } | null;
}
