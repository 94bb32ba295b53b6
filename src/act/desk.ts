/** A desk per driver: who waits, who is being sent, and one attempt with its outcome. */
import type { ApplyOutcome, DueIntention, Prior } from '../model/action-log.ts';
import type { Intention } from '../model/decision.ts';
import { OperatingError } from '../model/errors.ts';
import type { Clock, Log } from '../model/ports.ts';
import { BACKOFF_CAP_MS, backoffMs } from './backoff.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import type { Driver, Snapshot } from './driver.ts';

/** Points at which a crash must be survivable; the crash tests kill the process there. */
export type ActorStep = 'action-sending' | 'action-sent' | 'outcome-recorded';

/** An intention taken from the log, and until when the log holds it for us. */
export interface Taken {
  readonly due: DueIntention;
  readonly heldUntilMs: number;
}

/** What stands between the queue and one driver. */
export interface Desk {
  readonly name: string;
  /** Null where an intention names a driver that is not configured. */
  readonly driver: Driver | null;
  readonly breaker: Breaker;
  readonly waiting: Taken[];
  /** When requests of the last minute were sent, oldest first, ms. */
  readonly sentMs: number[];
  active: number;
}

/** What an attempt needs of its surroundings. */
export interface AttemptPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly onStep: (step: ActorStep) => void;
  /** Records what stood before; rejects where that cannot be recorded, and then nothing is sent. */
  readonly remember: (leaseId: string, prior: Prior) => Promise<void>;
  /** True: everything but the sending. */
  readonly dryRun: boolean;
  /** Why an intention may not be sent now, or null; rejects where that cannot be found out. */
  readonly withheld: (intention: Intention) => Promise<string | null>;
}

/** A driver that has not answered after this long is taken for a lost reply, ms. */
export const SEND_LIMIT_MS = 20_000;
/** Characters of JSON that a driver may have us remember. */
const PRIOR_MAX = 16 * 1024;

/** An empty desk with a closed breaker. */
export function createDesk(name: string, driver: Driver | null): Desk {
  return { name, driver, breaker: createBreaker(), waiting: [], sentMs: [], active: 0 };
}

/** True where sending would restrain someone past the time that was decided; never for a release. */
export function isOver(intention: Intention, nowMs: number): boolean {
  return (
    intention.step !== 'release' && intention.expiresMs !== null && nowMs >= intention.expiresMs
  );
}

/** Sends one intention unless its time is over or the breaker is open, and says what came of it. */
export async function attempt(
  desk: Desk,
  due: DueIntention,
  ports: AttemptPorts,
): Promise<ApplyOutcome> {
  const { intention } = due;
  const nowMs = ports.clock.nowMs();
  if (isOver(intention, nowMs)) {
    return { type: 'lapsed', detail: 'its time was over before it could be sent' };
  }
  if (desk.driver === null) return withoutDriver(intention, desk.name);
  const withheld = await askedAgain(due, ports);
  if (withheld !== null) return withheld;
  if (ports.dryRun && intention.step !== 'release') {
    const { method, url } = desk.driver.plan(intention, due.prior);
    return { type: 'withheld', detail: `dry run: would have sent ${method} ${url}` };
  }
  const waitMs = overRate(desk, desk.driver, intention, nowMs);
  if (waitMs > 0) {
    const detail = 'not sent yet: the driver has had its requests of this minute';
    return { type: 'retry', detail, afterMs: untilOver(intention, nowMs, waitMs) };
  }
  const admission = desk.breaker.admit(nowMs);
  if (admission.type === 'wait') {
    // Spread over half a second, or everything held back would arrive in the same millisecond.
    const afterMs = admission.waitMs + Math.floor(ports.random() * 500);
    const detail = 'not sent: circuit open after repeated failures';
    return { type: 'retry', detail, afterMs: untilOver(intention, nowMs, afterMs) };
  }
  const known = await before(desk.driver, due, ports);
  if (known.type !== 'prior') {
    desk.breaker.record(ports.clock.nowMs(), known.type === 'retry', admission.probe);
    return known;
  }
  desk.sentMs.push(nowMs);
  ports.onStep('action-sending');
  const outcome = await send(desk.driver, intention, known.prior, ports);
  const repliedMs = ports.clock.nowMs();
  const failed = outcome.type === 'retry' || outcome.type === 'unknown';
  desk.breaker.record(repliedMs, failed, admission.probe);
  ports.onStep('action-sent');
  if (outcome.type !== 'retry' && outcome.type !== 'unknown') return outcome;
  const pauseMs = backoffMs(due.attempts, outcome.afterMs, ports.random);
  return { ...outcome, afterMs: untilOver(intention, repliedMs, pauseMs) };
}

const MINUTE_MS = 60_000;

/** How long the driver's rate makes it wait, ms; 0 = not at all. What frees somebody never waits. */
function overRate(desk: Desk, driver: Driver, intention: Intention, nowMs: number): number {
  while ((desk.sentMs[0] ?? nowMs) <= nowMs - MINUTE_MS) desk.sentMs.shift();
  if (intention.step === 'release') return 0;
  const { ratePerMin } = driver.capabilities();
  if (desk.sentMs.length < ratePerMin) return 0;
  return Math.max(1, (desk.sentMs[desk.sentMs.length - ratePerMin] ?? nowMs) + MINUTE_MS - nowMs);
}

/** What stood before we act, recorded before we act: without it an undo would have to guess. */
async function before(
  driver: Driver,
  { intention, prior }: DueIntention,
  ports: AttemptPorts,
): Promise<
  | { readonly type: 'prior'; readonly prior: Prior | null }
  | Extract<Snapshot, { type: 'refused' | 'retry' }>
> {
  if (prior !== null || driver.snapshot === undefined || intention.step !== 'request')
    return { type: 'prior', prior };
  const snapshot = await driver.snapshot(intention);
  if (snapshot.type !== 'prior') return snapshot;
  if (JSON.stringify(snapshot.prior).length > PRIOR_MAX)
    return { type: 'refused', detail: `what stands there is larger than ${PRIOR_MAX} characters` };
  try {
    await ports.remember(intention.leaseId, snapshot.prior);
  } catch (cause) {
    if (!(cause instanceof OperatingError && cause.retryable)) throw cause;
    return {
      type: 'retry',
      detail: 'not sent: what stood before could not be recorded',
      afterMs: 0,
    };
  }
  return snapshot;
}

/** The last word before sending: what the decision allowed may not be allowed any more. */
async function askedAgain(due: DueIntention, ports: AttemptPorts): Promise<ApplyOutcome | null> {
  const { intention } = due;
  try {
    const why = await ports.withheld(intention);
    if (why === null) return null;
    return { type: 'withheld', detail: `withheld at the moment of acting: ${why}` };
  } catch (cause) {
    if (!(cause instanceof OperatingError && cause.retryable)) throw cause;
    const afterMs = backoffMs(due.attempts, 0, ports.random);
    const detail = 'not sent: what is in force could not be looked up';
    return { type: 'retry', detail, afterMs: untilOver(intention, ports.clock.nowMs(), afterMs) };
  }
}

/** Never later than the moment it lapses: the lapse itself is to be recorded in time. */
function untilOver(intention: Intention, nowMs: number, afterMs: number): number {
  if (intention.step === 'release' || intention.expiresMs === null) return afterMs;
  return Math.min(afterMs, Math.max(0, intention.expiresMs - nowMs));
}

/** A release waits for its driver to be configured again; anything else is refused for good. */
function withoutDriver(intention: Intention, name: string): ApplyOutcome {
  const detail = `no driver named ${name.slice(0, 64)} is configured`;
  if (intention.step === 'release') return { type: 'retry', detail, afterMs: BACKOFF_CAP_MS };
  return { type: 'refused', detail };
}

async function send(
  driver: Driver,
  intention: Intention,
  prior: Prior | null,
  ports: AttemptPorts,
): Promise<ApplyOutcome> {
  const done = new AbortController();
  const limit = ports.clock.sleep(SEND_LIMIT_MS, done.signal).then(
    (): ApplyOutcome => ({
      type: 'unknown',
      detail: `no answer in ${SEND_LIMIT_MS} ms`,
      afterMs: 0,
    }),
  );
  try {
    return await Promise.race([driver.apply(intention, prior), limit]);
  } catch (cause) {
    // A driver promises outcomes; a rejection is its fault, and may come after the sending.
    const fault = cause instanceof Error ? cause.name : 'unnamed';
    ports.log.error({ key: intention.key, fault }, 'driver failed instead of answering');
    return { type: 'unknown', detail: `driver fault: ${fault}`, afterMs: 0 };
  } finally {
    done.abort();
  }
}
