/** Takeover: a lane is claimed, and a core made of what it holds, while it is wanted. */
import type { LaneState, StoredParts } from '../model/effects.ts';
import { OperatingError } from '../model/errors.ts';
import type { Clock, TopicPartition } from '../model/ports.ts';
import type { Pipeline } from '../pipeline.ts';
import { inSteps, Stint } from './steps.ts';

/** What a lane holds when it is taken over. */
export interface Claimed {
  readonly state: LaneState;
  readonly watermarkMs: number | null;
  readonly counters: Readonly<Record<string, number>>;
}

/** Takes some of the stored state; resolves when the next part may come. */
export type TakeParts = (parts: StoredParts) => Promise<void>;

/** Where lanes are claimed. */
export interface Claims {
  /**
   * Takes the lane over and loads what it holds; earlier owners are fenced from then on. What is handed to
   * `take` as it is read is not in what this resolves to; where the claim fails, it was for nothing.
   */
  claim(partitions: readonly TopicPartition[], take?: TakeParts): Promise<Claimed>;
}

/** What a takeover needs. */
export interface TakeoverParts {
  readonly store: Claims;
  /** Makes the core with empty state. */
  readonly pipeline: () => Pipeline;
  readonly clock: Clock;
}

/** A claimed lane, and the core that holds what was handed over of it. */
export interface TakenOver {
  readonly claimed: Claimed;
  readonly pipeline: Pipeline;
}

/**
 * Claims the lane. What it holds is loaded into a new core while the rest of it is read. Rejects with
 * LANE_FENCED, and claims nothing, where it is not wanted any more before all was read.
 */
export async function takeOver(
  { store, pipeline: make, clock }: TakeoverParts,
  partitions: readonly TopicPartition[],
  isWanted: () => boolean,
): Promise<TakenOver> {
  // Others may have it by now, and a claim of a lane that holds nothing yet would fence them.
  if (!isWanted()) throw interrupted();
  const pipeline = make();
  // What is handed over one after the other is one piece of work: together it is to give way, too.
  const stint = new Stint(clock);
  const claimed = await store.claim(partitions, async (parts) => {
    await inSteps(pipeline.loading(parts), stint, isWanted);
    // Reading the rest would be for nothing, and would keep whoever has the lane next waiting.
    if (!isWanted()) throw interrupted();
  });
  return { claimed, pipeline };
}

/** Makes the core ready for `assign`. Rejects with LANE_FENCED where it is not wanted any more. */
export async function makeReady(
  { claimed, pipeline }: TakenOver,
  clock: Clock,
  isWanted: () => boolean,
): Promise<void> {
  const { state, watermarkMs, counters } = claimed;
  const steps = pipeline.restoring(state, watermarkMs, counters);
  await inSteps(steps, new Stint(clock), isWanted);
  if (!isWanted()) throw interrupted();
}

function interrupted(): OperatingError {
  return new OperatingError(
    'LANE_FENCED',
    'the partitions were taken away, or the observer was stopped, while the lane was loading',
    { retryable: true },
  );
}
