/** Where to kill: points drawn from a seed, with a few that must be among them. */
import type { DaemonStep } from '../../../src/commands/daemon.ts';
import {
  chance,
  integer,
  pick,
  type Random,
  shuffled,
  stream,
} from '../../../src/simulation/random.ts';
import { type KillPoint, STEPS } from './spec.ts';

/** The steps of all kills in order, and between which of them the control plane loses replies. */
export interface KillPlan {
  readonly steps: readonly DaemonStep[];
  /** Lives `from` (counted from 0) up to but without `to`. */
  readonly lying: { readonly from: number; readonly to: number };
}

/** What must be among the kills, and how often at least. */
const MUST: readonly (readonly [DaemonStep, number])[] = [
  ['store-committed', 4],
  ['action-sent', 4],
];

/** Which steps happen once for each request rather than for each slice. */
const PER_ACTION: ReadonlySet<DaemonStep> = new Set([
  'action-sending',
  'action-sent',
  'outcome-recorded',
]);

/** Draws a plan of `kills` steps, every step at least once where there are enough. */
export function drawPlan(seed: string, kills: number): KillPlan {
  const random = stream(seed, 'kill plan');
  const lying = { from: Math.floor(kills / 6), to: Math.ceil((kills * 5) / 6) };
  const wanted: DaemonStep[] = MUST.flatMap(([step, times]) => Array<DaemonStep>(times).fill(step));
  wanted.push(...STEPS.filter((step) => !wanted.includes(step)));
  while (wanted.length < kills) wanted.push(pick(random, STEPS));
  const steps = shuffled(random, wanted.slice(0, kills));
  return { steps: movedIn(steps, 'action-sent', 3, lying), lying };
}

/** Moves steps from outside the window into it until `times` of them lie there. */
function movedIn(
  steps: readonly DaemonStep[],
  step: DaemonStep,
  times: number,
  window: KillPlan['lying'],
): DaemonStep[] {
  const moved = [...steps];
  const isIn = (at: number) => at >= window.from && at < window.to;
  const inside = () => moved.filter((one, at) => one === step && isIn(at)).length;
  for (let at = 0; at < moved.length && inside() < times; at += 1) {
    if (moved[at] !== step || isIn(at)) continue;
    const other = moved.findIndex((one, place) => one !== step && isIn(place));
    if (other < 0) break;
    moved[at] = moved[other] as DaemonStep;
    moved[other] = step;
  }
  return moved;
}

/** Share of the kills that fall while records from before the last one are read again. */
const WHILE_READING_AGAIN = 0.25;

/**
 * How often the step is let pass before the kill. `again` slices are read once more at first; then
 * each life goes on far enough that all of them together come through the logs, and not so far that
 * a planned kill finds nothing left to do.
 */
export function drawPoint(
  random: Random,
  step: DaemonStep,
  left: { readonly again: number; readonly slices: number; readonly kills: number },
): KillPoint {
  if (step === 'loaded') return { step, count: 1 };
  if (PER_ACTION.has(step)) return { step, count: integer(random, 1, 10) };
  const most = Math.max(4, Math.floor((1.5 * left.slices) / (left.kills + 1)));
  const isEarly = left.again > 0 && chance(random, WHILE_READING_AGAIN);
  const drawn = isEarly ? integer(random, 1, left.again) : left.again + integer(random, 1, most);
  // A batch and a commit hold several slices: their ends come by less often.
  if (step === 'broker-committed') return { step, count: Math.ceil(drawn / 4) };
  // The first commits of a life may be those of a passing second, before any slice.
  if (step === 'store-committed') return { step, count: Math.max(4, Math.ceil(drawn / 4)) };
  return { step, count: drawn };
}
