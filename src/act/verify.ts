/** Judges a lease by the gateway's stream: an action worked when a witness says so. */
import type { WatchedLease } from '../model/action-log.ts';
import type { Verification } from '../model/decision.ts';
import type { ReadBack } from './driver.ts';

/** What the verdict rests on. `denial` is the strongest evidence, `quiet` the weakest. */
export type VerifiedBy =
  | 'denial'
  | 'readback+quiet'
  | 'quiet'
  | 'leak'
  | 'reverted'
  | 'waiting'
  | 'blind'
  | 'no-evidence';

/** What the gateway's stream shows of one lease. */
export interface Judgement {
  readonly verification: Verification;
  readonly by: VerifiedBy;
  /** Calls that went through after the grace. */
  readonly leakedCalls: number;
  /** Calls that went through while the action was still spreading. */
  readonly latencyCalls: number;
}

/** How far the gateway's stream can be trusted at this moment. */
export interface GatewayView {
  readonly nowMs: number;
  /** Everything before this event time has been read, ms. */
  readonly gatewayWatermarkMs: number;
  /** False when the source is blind or idle: its silence proves nothing. */
  readonly gatewayAlive: boolean;
  /** What the target said when it was asked after the grace; null: it was not, or cannot be. */
  readonly readBack?: ReadBack | null;
}

/** How long effects may take. */
export interface JudgeOptions {
  /** After acceptance: calls that go through are counted, not yet leaks. */
  readonly graceMs: number;
  /** Calls already on their way at acceptance count for nothing. Default 2,000 ms. */
  readonly inFlightMs?: number;
  /** After the grace: how long evidence is waited for. Default 60,000 ms. */
  readonly allowanceMs?: number;
}

/**
 * Verdict on an accepted lease (handbook, outputs §3). Pure: same input, same verdict, except that
 * a lease once found leaking stays leaking: one enforcement point that denies does not prove that
 * another one stopped allowing. Calls at or after the lease's own end are nobody's fault.
 * With tools named only calls of those tools count; without, every call of the subject does.
 */
export function judge(lease: WatchedLease, now: GatewayView, options: JudgeOptions): Judgement {
  const inFlightUntil = lease.acceptedMs + (options.inFlightMs ?? 2_000);
  const graceUntil = lease.acceptedMs + options.graceMs;
  const leakAfter = Math.max(inFlightUntil, graceUntil);
  const tools = toolsThatCount(lease);
  let leakedCalls = 0;
  let latencyCalls = 0;
  let denied = false;
  for (const call of lease.activity) {
    if (tools !== null && !tools.has(call.tool)) continue;
    if (lease.expiresMs !== null && call.timeMs >= lease.expiresMs) continue;
    if (!call.allowed) denied ||= call.timeMs > lease.acceptedMs;
    else if (call.timeMs > leakAfter) leakedCalls += 1;
    else if (call.timeMs > inFlightUntil) latencyCalls += 1;
  }
  const counts = { leakedCalls, latencyCalls };
  if (leakedCalls > 0 || lease.verification === 'leaking') {
    return { verification: 'leaking', by: 'leak', ...counts };
  }
  // Somebody else took it back: what was denied before says nothing of what comes.
  if (now.readBack === 'absent') return { verification: 'unverified', by: 'reverted', ...counts };
  if (denied) return { verification: 'verified', by: 'denial', ...counts };
  if (now.gatewayAlive && now.nowMs > leakAfter && now.gatewayWatermarkMs > leakAfter) {
    const by = now.readBack === 'applied' ? 'readback+quiet' : 'quiet';
    return { verification: 'verified', by, ...counts };
  }
  if (now.nowMs >= leakAfter + (options.allowanceMs ?? 60_000)) {
    const by = now.gatewayAlive ? 'no-evidence' : 'blind';
    return { verification: 'unverified', by, ...counts };
  }
  return { verification: 'pending', by: 'waiting', ...counts };
}

/** The tools whose calls speak of this lease; null = all of them. */
function toolsThatCount(lease: WatchedLease): ReadonlySet<string> | null {
  const aboutTools = lease.verb === 'posture' || lease.verb === 'freeze_tool';
  return aboutTools && lease.subject.tools.length > 0 ? new Set(lease.subject.tools) : null;
}
