/** Cost of detection: CPU of each detector alone over facts that a run has put by. */
import { performance } from 'node:perf_hooks';
import { createDetect, type DetectSink } from '../detect/detect.ts';
import type { Cost } from '../evaluation/backtest/report.ts';
import type { Detector } from '../model/detector.ts';
import type { Inventory } from '../model/expectation.ts';
import type { Fact } from '../model/fact.ts';
import { Slots } from '../state/slots.ts';

/** Facts put by for measuring: enough that a round takes milliseconds, few enough to be held. */
const FACTS_MAX = 30_000;
/** The least of so many rounds counts: what else the machine does only ever adds. */
const ROUNDS = 15;
/** With very many detectors, or hardly an event, fewer rounds must do, at least so many. */
const ROUNDS_MIN = 5;
const FACTS_FEW = 1000;
const PATIENCE_MS = 10_000;

const NOWHERE: DetectSink = { detection: () => undefined, amendment: () => undefined };

/** Keeps the first facts of a run. */
export interface FactKeeper {
  see(fact: Fact): void;
  readonly facts: readonly Fact[];
}

/** Starts keeping. */
export function createFactKeeper(): FactKeeper {
  const facts: Fact[] = [];
  return {
    facts,
    see(fact) {
      if (facts.length < FACTS_MAX) facts.push(fact);
    },
  };
}

/**
 * Runs detection alone over the facts, with fresh state: no detector, each by itself, and all
 * together, in turn. A pass takes milliseconds, less than the turn the system gives a thread, so the
 * least of them by the clock is CPU time; the system's own count of that moves in steps as long as a
 * whole pass. What is measured is `see`; writing its state is not. Null where there are no facts.
 */
export function costOf(
  detectors: readonly Detector[],
  facts: readonly Fact[],
  inventory: Inventory,
): Cost | null {
  const events = facts.reduce((sum, { type }) => sum + (type === 'event' ? 1 : 0), 0);
  if (events === 0) return null;
  const alone = detectors.map((detector) => [detector]);
  const sets = [[], ...alone, [...detectors]];
  const times = sets.map((): number[] => []);
  const beganMs = performance.now();
  let rounds = 0;
  const most = facts.length < FACTS_FEW ? ROUNDS_MIN : ROUNDS;
  while (rounds < most && (rounds < ROUNDS_MIN || performance.now() - beganMs < PATIENCE_MS)) {
    sets.forEach((set, at) => {
      times[at]?.push(runOnce(set, facts, inventory));
    });
    rounds += 1;
  }
  for (const list of times) list.sort((one, other) => one - other);
  const least = times.map(([first = 0]) => first);
  const [none = 0] = least;
  const perEvent = (us: number) => Math.max(0, us - none) / events;
  const byDetector = detectors.map(({ stem }, at): [string, number] => [
    stem,
    perEvent(least[at + 1] ?? none),
  ]);
  return {
    ...{ facts: facts.length, events, rounds },
    byDetector: Object.fromEntries(byDetector),
    together: perEvent(least.at(-1) ?? none),
    noise: medianOf(times.map((list) => (list[2] ?? 0) - (list[0] ?? 0))) / events,
  };
}

/** µs of one pass. */
function runOnce(set: readonly Detector[], facts: readonly Fact[], inventory: Inventory): number {
  const detect = createDetect(set, {
    ...{ slots: new Slots(), inventory, maturity: {} },
    evicted: () => undefined,
    notice: () => undefined,
    blind: () => false,
  });
  const beforeMs = performance.now();
  for (const fact of facts) {
    // As in the spine: what is due before an event is decided before it.
    const ms = fact.type === 'event' ? fact.event.time.eventMs - 1 : Number.NEGATIVE_INFINITY;
    for (let at = detect.nextMs(); at !== undefined && at <= ms; at = detect.nextMs())
      detect.passTime(at, NOWHERE);
    detect.see(fact, NOWHERE);
  }
  return (performance.now() - beforeMs) * 1000;
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
