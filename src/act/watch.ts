/** Watch: whether what stands holds, and what is asked for where it does not. */
import type { ActionLog, WatchedLease } from '../model/action-log.ts';
import type { Escalation, OperatorRequest } from '../model/decision.ts';
import { idOf } from '../model/ids.ts';
import type { Clock, Log } from '../model/ports.ts';
import { isUntouchable } from '../model/power.ts';
import type { Driver, ReadBack } from './driver.ts';
import { judge } from './verify.ts';

/** What is known of the gateway's stream. */
export type Gateway = (tenant: string) => { readonly watermarkMs: number; readonly alive: boolean };

/** What a watch is made of. */
export interface WatchParts {
  readonly actions: ActionLog;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly clock: Clock;
  readonly log: Log;
  readonly gateway: Gateway;
  /** Agents and roles that must never be touched, as of now. */
  readonly neverTouch: () => Promise<ReadonlySet<string>>;
}

/** Looks at what stands. */
export interface Watch {
  /** One look. Rejects with what the log rejects with; then it is looked again. */
  look(): Promise<void>;
}

interface Asked {
  readonly answer: ReadBack;
  readonly atMs: number;
}

/** How often a target is asked whether it still has a lease, ms. */
const READ_BACK_EVERY_MS = 15_000;
/** Targets asked in one look: a look must end, however many leases stand. */
const READ_BACKS_AT_ONCE = 16;

/** Makes the watch; what it remembers lives as long as the leases it has seen. */
export function createWatch(parts: WatchParts): Watch {
  /** What was last recorded of each lease, so that an unchanged verdict costs nothing. */
  let verdicts = new Map<string, string>();
  let asked = new Map<string, Asked>();
  return {
    async look() {
      const nowMs = parts.clock.nowMs();
      const leases = (await parts.actions.watched(nowMs))
        // On its way out: calls that go through again are what the release is for.
        .filter(({ state }) => state === 'accepted');
      await liftUntouchable(parts, leases, nowMs);
      asked = await readBack(parts, leases, asked, nowMs);
      const kept = new Map<string, string>();
      for (const lease of leases)
        kept.set(
          lease.leaseId,
          await judged(parts, lease, asked.get(lease.leaseId) ?? null, verdicts),
        );
      verdicts = kept;
    },
  };
}

async function judged(
  { actions, drivers, clock, log, gateway }: WatchParts,
  lease: WatchedLease,
  asked: Asked | null,
  verdicts: ReadonlyMap<string, string>,
): Promise<string> {
  const { leaseId } = lease;
  const nowMs = clock.nowMs();
  const { watermarkMs: gatewayWatermarkMs, alive: gatewayAlive } = gateway(
    lease.request.subject.tenant,
  );
  const graceMs = drivers.get(lease.request.driver)?.capabilities().graceMs ?? 0;
  const view = { nowMs, gatewayWatermarkMs, gatewayAlive, readBack: asked?.answer ?? null };
  const { verification, by, leakedCalls, latencyCalls } = judge(lease, view, { graceMs });
  const verdict = `${verification} ${by} ${leakedCalls} ${latencyCalls}`;
  if (verdicts.get(leaseId) === verdict) return verdict;
  const why = verification === 'leaking' ? 'leaking' : by === 'reverted' ? 'reverted' : null;
  // Asked before it is recorded: a crash in between asks once more, and once is what counts.
  if (why !== null) await actions.ask(escalationOf(leaseId, why, nowMs));
  await actions.verify(leaseId, verification, by, leakedCalls, latencyCalls, nowMs);
  if (why !== null) log.warn({ leaseId, leakedCalls, why }, 'lease does not hold: escalating');
  return verdict;
}

/** The request for the next driver of the chain, or the next rung; or the word that nothing of the lease stands. */
export function escalationOf(leaseId: string, why: Escalation, atMs: number): OperatorRequest {
  return {
    type: 'escalate',
    id: idOf('escalate', leaseId, why),
    ...{ leaseId, why, atMs },
    by: 'plumbline',
    reason: `the lease is ${why}`,
  };
}

/** The list also lifts what stands already: it may have been written because of it. */
async function liftUntouchable(
  { actions, neverTouch, log }: WatchParts,
  leases: readonly WatchedLease[],
  atMs: number,
): Promise<void> {
  if (leases.length === 0) return;
  const listed = await neverTouch();
  if (listed.size === 0) return;
  for (const { leaseId, agent, request } of leases) {
    if (!isUntouchable(listed, agent, request.grounds?.role ?? null)) continue;
    const reason = 'on the never-touch list';
    log.warn({ leaseId }, 'a lease stands against somebody on the never-touch list: lifting it');
    const id = idOf('lift', leaseId, reason);
    await actions.ask({ type: 'lift', id, leaseId, by: 'plumbline', reason, atMs });
  }
}

/** Asks targets that can be asked, the longest unasked first; answers of leases that are over go. */
async function readBack(
  { drivers, clock }: WatchParts,
  leases: readonly WatchedLease[],
  before: ReadonlyMap<string, Asked>,
  nowMs: number,
): Promise<Map<string, Asked>> {
  const kept = new Map<string, Asked>();
  const due: { readonly lease: WatchedLease; readonly driver: Driver; readonly atMs: number }[] =
    [];
  for (const lease of leases) {
    const known = before.get(lease.leaseId);
    if (known !== undefined) kept.set(lease.leaseId, known);
    const driver = drivers.get(lease.request.driver);
    if (driver?.readBack === undefined) continue;
    const { graceMs, readBackAfterMs = graceMs } = driver.capabilities();
    const settledMs = lease.acceptedMs + readBackAfterMs;
    const atMs = known?.atMs ?? Number.NEGATIVE_INFINITY;
    if (nowMs >= settledMs && nowMs - atMs >= READ_BACK_EVERY_MS) due.push({ lease, driver, atMs });
  }
  due.sort((one, two) => one.atMs - two.atMs);
  await Promise.all(
    due.slice(0, READ_BACKS_AT_ONCE).map(async ({ lease, driver }) => {
      const answer = (await driver.readBack?.(lease.request, lease.prior)) ?? 'unknown';
      kept.set(lease.leaseId, { answer, atMs: clock.nowMs() });
    }),
  );
  return kept;
}
