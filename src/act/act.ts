/** The executor: sends what was recorded, records what came of it, watches whether it held. */
import type { ActionLog, ApplyOutcome, DueIntention } from '../model/action-log.ts';
import type { Escalation, Intention } from '../model/decision.ts';
import { assert, OperatingError } from '../model/errors.ts';
import type { Clock, Log } from '../model/ports.ts';
import { type StandingOrders, withheldBecause } from './authority.ts';
import { backoffMs } from './backoff.ts';
import {
  type ActorStep,
  attempt,
  createDesk,
  type Desk,
  isOver,
  SEND_LIMIT_MS,
  type Taken,
} from './desk.ts';
import type { Driver } from './driver.ts';
import { contextforge } from './drivers/contextforge.ts';
import { kubernetes } from './drivers/kubernetes.ts';
import { litellm } from './drivers/litellm.ts';
import { oauth } from './drivers/oauth.ts';
import { opa } from './drivers/opa.ts';
import { posture } from './drivers/posture.ts';
import { pull } from './drivers/pull.ts';
import { ssf } from './drivers/ssf.ts';
import { webhook } from './drivers/webhook.ts';
import { createWatch, escalationOf, type Watch } from './watch.ts';

/** Every kind of driver by its type. A new driver adds its line here, and is tested by that. */
export const DRIVERS = {
  contextforge,
  kubernetes,
  litellm,
  oauth,
  opa,
  posture,
  pull,
  ssf,
  webhook,
} as const;

/** How the executor is set up. */
export interface ActorOptions {
  /** Yields [0, 1); the jitter of retries. */
  readonly random: () => number;
  /** Called synchronously at the points a crash must survive. */
  readonly onStep?: (step: ActorStep) => void;
  /** What is known of the gateway's stream of a tenant; absent: nothing is verified. */
  readonly gateway?: (tenant: string) => { readonly watermarkMs: number; readonly alive: boolean };
  /**
   * What is in force now, looked up before each request and renewal. Absent: what was decided is
   * sent; only tests do without.
   */
  readonly orders?: (role: string | null) => Promise<StandingOrders>;
  /** Everything but the sending of what restrains. Default false. */
  readonly dryRun?: boolean;
  /** A request that is not answered this long is asked of the next driver too, ms. Default 60,000. */
  readonly verifyWithinMs?: number;
  /** Requests at once for one driver. Default 8. */
  readonly concurrency?: number;
  /** How long the log reserves what it hands out, ms; above 20,000, the longest request. Default 30,000. */
  readonly holdMs?: number;
}

/** The running executor. */
export interface Actor {
  /**
   * Works until the signal aborts; then waits for what is being sent and resolves. Rejects only on
   * a failure that trying again cannot heal. May be called once.
   */
  run(signal: AbortSignal): Promise<void>;
  /** New intentions were recorded: look now rather than within a second. */
  wake(): void;
}

const BEAT_MS = 1_000;
const VERIFY_WITHIN_MS = 60_000;
const SETTLE_PAUSE_MS_MAX = 5_000;

/** Everything an executor remembers; it lives as long as one run. */
interface Work {
  readonly actions: ActionLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: ActorOptions;
  readonly concurrency: number;
  readonly holdMs: number;
  readonly watch: Watch | null;
  readonly desks: ReadonlyMap<string, Desk>;
  /** Leases with a request waiting or out: the second one of a lease waits in the log. */
  readonly busy: Set<string>;
  readonly sending: Set<Promise<void>>;
  sweptMs: number;
  watchedMs: number;
  /** A look at what stands, beside the sending: with many leases it takes its time. */
  looking: Promise<void> | null;
  /** When the next known retry is due. */
  nextDueMs: number;
  woken: boolean;
  sleeper: AbortController | null;
  /** A failure that trying again cannot heal; ends the run. */
  fatal: { readonly cause: unknown } | null;
  signal: AbortSignal | null;
}

/** Makes an executor over the log; `drivers` by the name intentions use. */
export function createActor(
  actions: ActionLog,
  drivers: ReadonlyMap<string, Driver>,
  clock: Clock,
  log: Log,
  options: ActorOptions,
): Actor {
  const holdMs = options.holdMs ?? 30_000;
  assert(holdMs > SEND_LIMIT_MS, `holdMs ${holdMs} is not above ${SEND_LIMIT_MS}`);
  const work: Work = {
    actions,
    clock,
    log,
    options,
    holdMs,
    concurrency: options.concurrency ?? 8,
    watch: watchOf(actions, drivers, clock, log, options),
    desks: new Map([...drivers].map(([name, driver]) => [name, createDesk(name, driver)])),
    busy: new Set(),
    sending: new Set(),
    sweptMs: Number.NEGATIVE_INFINITY,
    watchedMs: Number.NEGATIVE_INFINITY,
    looking: null,
    nextDueMs: Number.POSITIVE_INFINITY,
    woken: false,
    sleeper: null,
    fatal: null,
    signal: null,
  };
  return { run: (signal) => run(work, signal), wake: () => wake(work) };
}

function wake(work: Work): void {
  work.woken = true;
  work.sleeper?.abort();
}

function stopped(work: Work): boolean {
  return work.fatal !== null || work.signal?.aborted === true;
}

async function run(work: Work, signal: AbortSignal): Promise<void> {
  assert(work.signal === null, 'the executor was started twice');
  work.signal = signal;
  const stop = () => wake(work);
  signal.addEventListener('abort', stop);
  let failures = 0;
  while (!stopped(work)) {
    work.woken = false;
    const healthy = await guardedCycle(work);
    failures = healthy ? 0 : failures + 1;
    if (stopped(work)) break;
    // After a failure a wake is no reason to hurry: the log is what failed.
    if (!healthy) await work.clock.sleep(BEAT_MS * Math.min(failures, 5), signal);
    else if (!work.woken) await rest(work);
  }
  signal.removeEventListener('abort', stop);
  while (work.sending.size > 0) await Promise.all([...work.sending]);
  await work.looking;
  if (work.fatal !== null) throw work.fatal.cause;
}

/** False where the cycle failed in a way that may pass; a failure that stays ends the run. */
async function guardedCycle(work: Work): Promise<boolean> {
  try {
    await cycle(work);
    return true;
  } catch (cause) {
    if (isRetryable(cause)) work.log.warn({ code: codeOf(cause) }, 'action log unreachable');
    else work.fatal ??= { cause };
    return false;
  }
}

/** Overdue leases first, then what is due, then whether what stands holds. */
async function cycle(work: Work): Promise<void> {
  const nowMs = work.clock.nowMs();
  if (nowMs - work.sweptMs >= BEAT_MS) {
    const overdue = await work.actions.expireOverdue(nowMs);
    const lapsed = await work.actions.expireApprovals(nowMs);
    work.sweptMs = nowMs;
    if (lapsed > 0) work.log.warn({ approvals: lapsed }, 'nobody agreed in time: nothing is sent');
    if (overdue > 0) work.log.info({ leases: overdue }, 'leases past their time are released');
  }
  await take(work, nowMs);
  if (work.watch === null || work.looking !== null || nowMs - work.watchedMs < BEAT_MS) return;
  work.watchedMs = nowMs;
  work.looking = look(work, work.watch).finally(() => {
    work.looking = null;
  });
}

/** Never rejects: what may pass is looked at again, what stays ends the run. */
async function look(work: Work, watch: Watch): Promise<void> {
  try {
    await watch.look();
  } catch (cause) {
    if (isRetryable(cause)) work.log.warn({ code: codeOf(cause) }, 'action log unreachable');
    else work.fatal ??= { cause };
    if (work.fatal !== null) wake(work);
  }
}

async function rest(work: Work): Promise<void> {
  const sleeper = new AbortController();
  work.sleeper = sleeper;
  const untilDueMs = Math.max(1, work.nextDueMs - work.clock.nowMs());
  await work.clock.sleep(Math.min(BEAT_MS, untilDueMs), sleeper.signal);
  work.sleeper = null;
}

async function take(work: Work, nowMs: number): Promise<void> {
  const room = work.concurrency * Math.max(1, work.desks.size) - work.busy.size;
  if (room <= 0) return;
  if (work.nextDueMs <= nowMs) work.nextDueMs = Number.POSITIVE_INFINITY;
  const due = await work.actions.takeDue(nowMs, room, work.holdMs);
  for (const one of due) enqueue(work, { due: one, heldUntilMs: nowMs + work.holdMs });
}

function enqueue(work: Work, taken: Taken): void {
  const { leaseId, driver } = taken.due.intention;
  // The hold of a slow request ran out and the log offers it again: ours is still on its way.
  if (work.busy.has(leaseId)) return;
  work.busy.add(leaseId);
  const desk = work.desks.get(driver) ?? createDesk(driver, null);
  desk.waiting.push(taken);
  serve(work, desk);
}

function serve(work: Work, desk: Desk): void {
  while (desk.active < work.concurrency) {
    const taken = desk.waiting.shift();
    if (taken === undefined) return;
    // Too little of the hold is left to send within it: leave it alone, it is due again by itself.
    const late = work.clock.nowMs() > taken.heldUntilMs - SEND_LIMIT_MS;
    if (late || stopped(work)) {
      work.busy.delete(taken.due.intention.leaseId);
      continue;
    }
    desk.active += 1;
    const sending = perform(work, desk, taken.due).finally(() => {
      desk.active -= 1;
      work.busy.delete(taken.due.intention.leaseId);
      work.sending.delete(sending);
      serve(work, desk);
      wake(work);
    });
    work.sending.add(sending);
  }
}

/** Never rejects: what cannot be healed is kept for `run` to throw. */
async function perform(work: Work, desk: Desk, due: DueIntention): Promise<void> {
  const { clock, log, options } = work;
  const onStep = (step: ActorStep) => options.onStep?.(step);
  try {
    const withheld = async (intention: Intention) =>
      options.orders === undefined || intention.step === 'release'
        ? null
        : withheldBecause(intention, await options.orders(intention.grounds?.role ?? null));
    const outcome = await attempt(desk, due, {
      ...{ clock, log, random: options.random, onStep, withheld },
      remember: (leaseId, prior) => work.actions.remember(leaseId, prior),
      dryRun: options.dryRun === true,
    });
    if (await settled(work, due, outcome)) onStep('outcome-recorded');
  } catch (cause) {
    work.fatal ??= { cause };
  }
}

/**
 * Records the outcome, again and again while the log cannot be reached. At the end of the program
 * it gives up: the hold runs out, the same key is sent again, and the target says `already`.
 */
async function settled(work: Work, due: DueIntention, outcome: ApplyOutcome): Promise<boolean> {
  const { key, leaseId } = due.intention;
  // The time of the answer, not of its recording: the grace counts from acceptance.
  const atMs = work.clock.nowMs();
  const why = unmet(due, outcome, atMs, work.options);
  for (let tries = 0; ; tries += 1) {
    try {
      if (why !== null) await work.actions.ask(escalationOf(leaseId, why, atMs));
      await work.actions.settle(key, outcome, atMs);
      if ('afterMs' in outcome) {
        work.nextDueMs = Math.min(work.nextDueMs, atMs + outcome.afterMs);
      }
      const fields = { key, outcome: outcome.type, detail: outcome.detail };
      if (outcome.type === 'refused') work.log.error(fields, 'action refused');
      else if (outcome.type === 'withheld') work.log.warn(fields, 'action withheld');
      else work.log.info(fields, 'action settled');
      return true;
    } catch (cause) {
      if (!isRetryable(cause)) throw cause;
      work.log.warn({ key, code: codeOf(cause) }, 'outcome not recorded yet');
      if (stopped(work) || work.signal === null) return false;
      const pauseMs = backoffMs(tries, 100, work.options.random);
      await work.clock.sleep(Math.min(pauseMs, SETTLE_PAUSE_MS_MAX), work.signal);
    }
  }
}

/** What the lane is to know of a request: that somebody else is to be asked, or that nothing stands; null: all is well. */
function unmet(
  { intention, firstSentMs }: DueIntention,
  outcome: ApplyOutcome,
  nowMs: number,
  { verifyWithinMs = VERIFY_WITHIN_MS, dryRun = false }: ActorOptions,
): Escalation | null {
  if (intention.step !== 'request') return null;
  // A dry run shows what would be done, and that would stand.
  if (outcome.type === 'withheld' && dryRun) return null;
  // The lane would count on it for as long as it decided, and on each renewal.
  if (outcome.type === 'withheld' || outcome.type === 'lapsed') return 'unsent';
  // Nobody is asked for what would be over before it stood.
  if (isOver(intention, nowMs)) return null;
  if (outcome.type === 'refused') return 'refused';
  const isOpen = outcome.type === 'retry' || outcome.type === 'unknown';
  return isOpen && nowMs - firstSentMs >= verifyWithinMs ? 'unreached' : null;
}

function watchOf(
  actions: ActionLog,
  drivers: ReadonlyMap<string, Driver>,
  clock: Clock,
  log: Log,
  { gateway, orders }: ActorOptions,
): Watch | null {
  if (gateway === undefined) return null;
  const neverTouch = async () => (await orders?.(null))?.neverTouch ?? new Set<string>();
  return createWatch({ actions, drivers, clock, log, gateway, neverTouch });
}

function isRetryable(cause: unknown): boolean {
  return cause instanceof OperatingError && cause.retryable;
}

function codeOf(cause: unknown): string {
  return cause instanceof OperatingError ? cause.code : 'unnamed';
}
