/** Steps: long work that lets the event loop turn. */
import type { Clock } from '../model/ports.ts';

/** How long the work keeps the event loop for itself, but for the step that it is in, ms. */
const WORK_MS = 25;

/**
 * Takes all steps, or as many as are wanted. Between them the event loop turns, or the client of the broker
 * could not say that it is alive, would be put out of its group, and would begin anew for ever.
 */
export async function inSteps(
  steps: Iterable<undefined>,
  clock: Clock,
  isWanted: () => boolean,
): Promise<void> {
  let sinceMs = clock.nowMs();
  for (const _step of steps) {
    if (clock.nowMs() - sinceMs < WORK_MS) continue;
    await clock.sleep(0);
    if (!isWanted()) break;
    sinceMs = clock.nowMs();
  }
}
