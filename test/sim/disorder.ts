/** Disorder: small fleets that do everything wrong, and logs of them read in any way there is. */
import assert from 'node:assert/strict';
import type { Detector } from '../../src/model/detector.ts';
import type { TopicPartition } from '../../src/model/ports.ts';
import { MISBEHAVIOURS } from '../../src/simulation/emission.ts';
import type { FleetOptions } from '../../src/simulation/fleet-options.ts';
import { chance, integer, pick, type Random, stream } from '../../src/simulation/random.ts';
import type { Lane } from './lane.ts';
import type { MemoryLog } from './memory-log.ts';

/** When the fleets begin, ms. */
export const START_MS = 1_800_000_000_000;

/** One fleet in so many is a large one: agents that meet, pages that fill, buffers that overflow. */
export const LARGE_EVERY = 4;

/** A small fleet that does everything wrong that there is, in turn. */
export function fleetOf(seed: number): FleetOptions {
  const random = stream(seed, 'fleet');
  const isLarge = seed % LARGE_EVERY === 0;
  return {
    seed,
    agents: isLarge ? integer(random, 3, 9) : integer(random, 2, 3),
    startMs: START_MS,
    sessionsPerHour: pick(random, [60, 400, 4000]),
    badShare: pick(random, [0.3, 0.7, 1]),
    sessions: isLarge ? integer(random, 2, 5) : integer(random, 1, 2),
    misbehaviours: MISBEHAVIOURS,
  };
}

/** Of `of` partitions at random the one that lags most: with many, event time goes on evenly. */
function nextOf(log: MemoryLog, lane: Lane, of: number, random: Random): TopicPartition {
  const waiting = lane.waiting();
  let chosen = pick(random, waiting);
  for (let tried = 1; tried < of; tried += 1) {
    const other = pick(random, waiting);
    const msOf = (at: TopicPartition) => log.read(at, lane.offset(at), 1)[0]?.timestampMs ?? 0;
    if (msOf(other) < msOf(chosen)) chosen = other;
  }
  return chosen;
}

/**
 * Reads in slices of any size from any partition, commits, reloads and dies now and then. True
 * where something was released before the end, so that order was at stake.
 */
export function readWildly(
  log: MemoryLog,
  lane: Lane,
  random: Random,
  edited: readonly Detector[],
): boolean {
  const evenness = pick(random, [1, 4, 8]);
  const slice = pick(random, [1, 7, 20]);
  const patience = pick(random, [1, 3, 10]);
  let crashes = integer(random, 0, 4);
  while (lane.waiting().length > 0) {
    lane.read(nextOf(log, lane, evenness, random), integer(random, 1, slice));
    if (integer(random, 1, patience) === 1) lane.commit();
    // Prose was edited: everything is compiled anew over the state that is there.
    if (chance(random, 0.03)) {
      assert.deepEqual(lane.pipeline.reload({ detectors: edited, exceptions: [] }, 'a test'), []);
    }
    if (crashes > 0 && chance(random, 0.03)) {
      lane.crash();
      crashes -= 1;
    }
  }
  const released = lane.pipeline.watermarkMs > START_MS;
  if (chance(random, 0.3)) lane.crash();
  for (const at of lane.waiting()) lane.read(at, Number.MAX_SAFE_INTEGER);
  lane.drain();
  return released;
}
