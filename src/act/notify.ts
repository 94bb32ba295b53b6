/** The notifier: makes alerts of announcements, sends them in order, tells again what stands. */
import type { Alert } from '../model/alert.ts';
import type { AlertLog, DueAlert, Routing, SendOutcome } from '../model/alert-log.ts';
import { assert, OperatingError } from '../model/errors.ts';
import type { Clock, Log } from '../model/ports.ts';
import { backoffMs } from './backoff.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { type FindingOptions, renderAlert } from './finding/finding.ts';
import type { Silences } from './silences.ts';
import type { Sink } from './sink.ts';
import { outcomeOfFailure } from './target.ts';

/** Points at which a crash must be survivable; the crash tests kill the process there. */
export type NotifierStep = 'alerts-routed' | 'alert-sending' | 'alert-sent' | 'alert-settled';

/** How the notifier is set up. */
export interface NotifierOptions {
  readonly routing: Routing;
  readonly finding: FindingOptions;
  readonly silences: Silences;
  /** Yields [0, 1); the jitter of retries. */
  readonly random: () => number;
  /** Called synchronously at the points a crash must survive. */
  readonly onStep?: (step: NotifierStep) => void;
  /** How long the log reserves what it hands out, ms; above SEND_LIMIT_MS. Default 30,000. */
  readonly holdMs?: number;
}

/** The running notifier. */
export interface Notifier {
  /**
   * Works until the signal aborts, then waits for what is being sent and resolves. Never rejects for
   * what the world does: who cannot be told must not stop who watches. May be called once.
   */
  run(signal: AbortSignal): Promise<void>;
  /**
   * After `run`: routes and sends what is due, for at most so long. With `whole` also what waits to be
   * grouped: there is nothing more to come.
   */
  drain(deadlineMs: number, whole: boolean): Promise<void>;
}

/** A sink that has not answered after this long is taken for a lost reply, ms. */
export const SEND_LIMIT_MS = 20_000;
const BEAT_MS = 1_000;
const TIDY_EVERY_MS = 30_000;
const BATCH = 8;
const RESEND_BATCH = 100;
const SETTLE_TRIES = 5;

interface Counter {
  readonly name: string;
  readonly sink: Sink;
  readonly breaker: Breaker;
  /** Serving now: at most one for each sink, so that its order is ours. */
  serving: Promise<void> | null;
  /** When the last request went out. */
  sentMs: number;
}

interface Work {
  readonly alerts: AlertLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: NotifierOptions;
  readonly holdMs: number;
  readonly counters: readonly Counter[];
  tidiedMs: number;
  signal: AbortSignal | null;
}

/** Makes a notifier over the log; `sinks` by the name routes use. */
export function createNotifier(
  alerts: AlertLog,
  sinks: ReadonlyMap<string, Sink>,
  clock: Clock,
  log: Log,
  options: NotifierOptions,
): Notifier {
  const holdMs = options.holdMs ?? 30_000;
  assert(holdMs > SEND_LIMIT_MS, `holdMs ${holdMs} is not above ${SEND_LIMIT_MS}`);
  const work: Work = {
    ...{ alerts, clock, log, options, holdMs },
    counters: [...sinks].map(([name, sink]) => ({
      ...{ name, sink, breaker: createBreaker(), serving: null },
      sentMs: Number.NEGATIVE_INFINITY,
    })),
    tidiedMs: Number.NEGATIVE_INFINITY,
    signal: null,
  };
  return { run: (signal) => run(work, signal), drain: (ms, whole) => drain(work, ms, whole) };
}

async function run(work: Work, signal: AbortSignal): Promise<void> {
  assert(work.signal === null, 'the notifier was started twice');
  work.signal = signal;
  let failures = 0;
  while (!signal.aborted) {
    const healthy = await guarded(work, 'alerts could not be looked after', () => beat(work));
    failures = healthy ? 0 : failures + 1;
    await work.clock.sleep(BEAT_MS * Math.min(1 + failures, 5), signal);
  }
  await Promise.all(work.counters.map(({ serving }) => serving));
  work.signal = null;
}

async function drain(work: Work, deadlineMs: number, whole: boolean): Promise<void> {
  const endMs = work.clock.nowMs() + deadlineMs;
  while (work.clock.nowMs() < endMs) {
    let sent = 0;
    const healthy = await guarded(work, 'alerts could not be sent before the end', async () => {
      await routeAll(work);
      if (whole) await work.alerts.hasten(work.clock.nowMs());
      for (const counter of work.counters) sent += await serveOnce(work, counter);
    });
    if (!healthy || sent === 0) return;
  }
}

/** What is new first, then what is due: each sink by itself, so that a slow one holds up nobody. */
async function beat(work: Work): Promise<void> {
  await routeAll(work);
  for (const counter of work.counters) {
    if (counter.serving !== null) continue;
    counter.serving = serve(work, counter).finally(() => {
      counter.serving = null;
    });
  }
  await tidy(work);
}

/** By itself, and last: one case that cannot be closed keeps nobody from being told of another. */
async function tidy(work: Work): Promise<void> {
  const nowMs = work.clock.nowMs();
  if (nowMs - work.tidiedMs < TIDY_EVERY_MS) return;
  work.tidiedMs = nowMs;
  await guarded(work, 'alerts of ended cases could not be closed', async () => {
    const names = work.counters.map(({ name }) => name);
    const closed = await work.alerts.tidy(names, nowMs);
    if (closed > 0) work.log.info({ closed }, 'alerts of cases that are no longer open');
  });
}

async function routeAll(work: Work): Promise<void> {
  for (;;) {
    const { written, more } = await work.alerts.route(work.options.routing, work.clock.nowMs());
    if (written > 0) work.options.onStep?.('alerts-routed');
    if (!more || stopped(work)) return;
  }
}

/** Never rejects. */
async function serve(work: Work, counter: Counter): Promise<void> {
  await guarded(work, 'a sink could not be served', async () => {
    while (!stopped(work)) if ((await serveOnce(work, counter)) === 0) break;
    if (!stopped(work)) await tellAgain(work, counter);
  });
}

/** Sends one batch; how many were sent, 0 where nothing is due or the sink is left alone for now. */
async function serveOnce(work: Work, counter: Counter): Promise<number> {
  const nowMs = work.clock.nowMs();
  const admission = counter.breaker.admit(nowMs);
  if (admission.type === 'wait') return 0;
  // A sink that failed is asked with one alert whether it is back.
  const limit = admission.probe ? 1 : BATCH;
  let due: readonly DueAlert[] = [];
  let failed = false;
  let sent = 0;
  const heldUntilMs = nowMs + work.holdMs;
  try {
    due = await work.alerts.takeDue(counter.name, nowMs, limit, work.holdMs);
    for (const one of due) {
      // Too little of the hold is left to send within it, or the end is near: leave it for later.
      if (stopped(work) || work.clock.nowMs() > heldUntilMs - SEND_LIMIT_MS) break;
      const outcome = await tell(work, counter, one);
      sent += 1;
      failed = outcome.type === 'retry' || outcome.type === 'unknown';
      counter.breaker.record(work.clock.nowMs(), failed, admission.probe);
      if (failed) break;
    }
  } finally {
    // A probe is answered whatever happens, or the breaker would stay half open for ever.
    if (sent === 0 && admission.probe) counter.breaker.record(work.clock.nowMs(), false, true);
    const left = due.slice(sent).map(({ ord }) => ord);
    if (left.length > 0) await work.alerts.release(left);
  }
  return failed ? 0 : sent;
}

/** Renders, keeps, sends and records one alert. Rejects only where the log fails. */
async function tell(work: Work, counter: Counter, due: DueAlert): Promise<SendOutcome> {
  const alert = await rendered(work, due);
  const outcome = alert === null ? NOT_RENDERED : await outcomeOf(work, counter, due, alert);
  await settle(work, counter, due, outcome);
  return outcome;
}

const NOT_RENDERED: SendOutcome = {
  type: 'refused',
  detail: 'it could not be rendered: see the log of the daemon',
};

async function rendered(work: Work, due: DueAlert): Promise<Alert | null> {
  if (due.alert !== null) return due.alert;
  let alert: Alert | null = null;
  try {
    alert = renderAlert(due, work.options.finding);
  } catch (cause) {
    // One case that trips us must not hold up all others. Programmer errors are no reason to be mute.
    const fault = cause instanceof Error ? cause.name : 'unnamed';
    work.log.error({ case: due.caseId, uid: due.uid, fault }, 'alert could not be rendered');
  }
  return alert === null ? null : await work.alerts.freeze(due.ord, alert);
}

async function outcomeOf(
  work: Work,
  counter: Counter,
  due: DueAlert,
  alert: Alert,
): Promise<SendOutcome> {
  const { clock, options } = work;
  const { sink } = counter;
  const { notifies, pauseMs, bytesMax } = sink.capabilities();
  if (notifies) {
    const why = await unheard(work, due, alert);
    if (why !== null) return { type: 'silenced', detail: why };
  }
  const size = sink
    .render(alert, due.told, clock.nowMs())
    .reduce((most, { body }) => Math.max(most, Buffer.byteLength(body)), 0);
  if (size > bytesMax)
    return { type: 'refused', detail: `${size} bytes, more than ${bytesMax} that the sink takes` };
  const waitMs = counter.sentMs + pauseMs - clock.nowMs();
  if (waitMs > 0) await clock.sleep(waitMs, work.signal ?? undefined);
  counter.sentMs = clock.nowMs();
  options.onStep?.('alert-sending');
  const outcome = await sendWithin(work, counter, () => sink.send(alert, due.told));
  options.onStep?.('alert-sent');
  if (outcome.type !== 'retry' && outcome.type !== 'unknown') return outcome;
  return { ...outcome, afterMs: backoffMs(due.attempts, outcome.afterMs, options.random) };
}

/** Why nobody is to be rung at; null where somebody is. */
async function unheard(work: Work, due: DueAlert, alert: Alert): Promise<string | null> {
  // An end is told whatever is silenced: nobody is to look after what is over.
  if (alert.activity === 'close') return due.told === null ? 'it was never told of the case' : null;
  const into = due.matter?.case.foldedInto ?? null;
  if (into !== null && due.told === null) return `fleet case ${into.slice(0, 12)} tells it`;
  const silence = await work.options.silences.matching(alert);
  return silence === null ? null : `silence ${silence.slice(0, 64)}`;
}

async function sendWithin(
  work: Work,
  counter: Counter,
  send: () => Promise<SendOutcome>,
): Promise<SendOutcome> {
  const done = new AbortController();
  const limit = work.clock.sleep(SEND_LIMIT_MS, done.signal).then(
    (): SendOutcome => ({
      ...{ type: 'unknown', afterMs: 0 },
      detail: `no answer in ${SEND_LIMIT_MS} ms`,
    }),
  );
  try {
    return await Promise.race([send(), limit]);
  } catch (cause) {
    // A sink promises outcomes; a rejection is its fault, and may come after the sending.
    const fault = cause instanceof Error ? cause.name : 'unnamed';
    work.log.error({ sink: counter.name, fault }, 'sink failed instead of answering');
    return outcomeOfFailure(cause);
  } finally {
    done.abort();
  }
}

/** Records the outcome; where the log is away for longer, the hold runs out and it is sent again. */
async function settle(
  work: Work,
  { name }: Counter,
  due: DueAlert,
  outcome: SendOutcome,
): Promise<void> {
  const { alerts, clock, log, options } = work;
  const atMs = clock.nowMs();
  for (let tries = 1; ; tries += 1) {
    try {
      await alerts.settle(due.ord, outcome, atMs);
      break;
    } catch (cause) {
      if (!(cause instanceof OperatingError && cause.retryable) || tries >= SETTLE_TRIES)
        throw cause;
      await clock.sleep(backoffMs(tries, 100, options.random), work.signal ?? undefined);
    }
  }
  const fields = { sink: name, uid: due.uid, case: due.caseId, outcome: outcome.type };
  if (outcome.type === 'sent' || outcome.type === 'silenced')
    log.info({ ...fields, detail: outcome.detail }, 'alert settled');
  else log.warn({ ...fields, detail: outcome.detail }, 'alert not taken');
  options.onStep?.('alert-settled');
}

/** Tells again what stands, where the sink would take silence for an end. */
async function tellAgain(work: Work, counter: Counter): Promise<void> {
  const { alerts, clock } = work;
  const { sink, name } = counter;
  const { resendMs } = sink.capabilities();
  if (resendMs === null || sink.resend === undefined) return;
  for (;;) {
    const nowMs = clock.nowMs();
    const standing = await alerts.standing(name, nowMs - resendMs, RESEND_BATCH);
    if (standing.length === 0 || stopped(work)) return;
    const admission = counter.breaker.admit(nowMs);
    if (admission.type === 'wait') return;
    const list = standing.map(({ alert }) => alert);
    const outcome = await sendWithin(
      work,
      counter,
      async () => (await sink.resend?.(list)) ?? NOT_RENDERED,
    );
    const failed = outcome.type !== 'sent';
    counter.breaker.record(clock.nowMs(), failed, admission.probe);
    if (failed) {
      work.log.warn({ sink: name, detail: outcome.detail }, 'what stands could not be told again');
      return;
    }
    const told = list.map(({ caseId }) => caseId);
    await alerts.refreshed(name, told, nowMs);
    if (standing.length < RESEND_BATCH) return;
  }
}

function stopped(work: Work): boolean {
  return work.signal?.aborted === true;
}

/** False where it failed. The daemon goes on: status says since when nothing arrives. */
async function guarded(work: Work, what: string, act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (cause) {
    const code = cause instanceof OperatingError ? cause.code : 'unnamed';
    const fault = cause instanceof Error ? cause.name : 'unnamed';
    const isPassing = cause instanceof OperatingError && cause.retryable;
    if (isPassing) work.log.warn({ code }, what);
    else work.log.error({ code, fault, message: foundBy(cause) }, what);
    return false;
  }
}

/** Our own messages hold no payload; others may. */
function foundBy(cause: unknown): string {
  return cause instanceof OperatingError ? cause.message.slice(0, 300) : '';
}
