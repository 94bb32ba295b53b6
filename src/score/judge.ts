/** Judging: the readings of one unit become e-values by source, evidence and p-values. */
import { KINDS, type Kind } from '../model/event.ts';
import type { JointReading, Reading, Readings } from '../model/reading.ts';
import { tickEvidence } from '../stats/e-merge.ts';
import type { Part } from './explain.ts';
import { type Place, place, type Tables } from './tables.ts';

export type { JointReading, Reading, Readings };

/** What one unit's readings come to. */
export interface Judged {
  /** E in the order of TABLES. */
  readonly evidence: readonly number[];
  /** Mean marginal e per source, in the order of KINDS. */
  readonly sources: readonly number[];
  /** Least p per source times its dimensions, at most 1: made where a session lane asks. */
  readonly sourceP: () => readonly number[];
  /** What each dimension holds of it: made where somebody asks, which only a firing does. */
  readonly parts: () => readonly Part[];
  readonly joint: Part | null;
}

const SOURCE_AT = Object.fromEntries(KINDS.map((kind, at) => [kind, at])) as Record<Kind, number>;
const QUARTER = KINDS.map(() => 1 / KINDS.length);
const SILENT = { p: 1, e: [1, 1, 1] } as const;
const JOINT_WEIGHT = 0.5;

/** Readings → e-values and p-values. While open, what is not said yet counts as the least it can be. */
export function judge(
  readings: Readings,
  tables: Tables,
  given: Readonly<Record<Kind, number>> | null,
  isOpen: boolean,
): Judged {
  const { dimensions } = readings;
  const weights = given === null ? QUARTER : KINDS.map((kind) => given[kind]);
  const counts = [0, 0, 0, 0];
  for (const { source } of dimensions) {
    const at = SOURCE_AT[source];
    counts[at] = (counts[at] as number) + 1;
  }
  const marginal: number[] = [0, 0, 0, 0];
  const certified = [0, 0, 0, 0];
  const wilson = [0, 0, 0, 0];
  for (let at = 0; at < counts.length; at += 1)
    if (counts[at] === 0) {
      marginal[at] = 1;
      certified[at] = 1;
      wilson[at] = 1;
    }
  for (let place = 0; place < dimensions.length; place += 1) {
    const reading = dimensions[place] as Reading;
    const at = SOURCE_AT[reading.source];
    const count = counts[at] as number;
    const { e } = readingPlace(reading, place, tables, isOpen);
    marginal[at] = (marginal[at] as number) + e[0] / count;
    certified[at] = (certified[at] as number) + e[1] / count;
    wilson[at] = (wilson[at] as number) + e[2] / count;
  }
  const joint =
    readings.joint === null
      ? SILENT
      : readingPlace(readings.joint, dimensions.length, tables, isOpen);
  const evidence = [
    tickEvidence(marginal, weights, joint.e[0], JOINT_WEIGHT),
    tickEvidence(certified, weights, joint.e[1], JOINT_WEIGHT),
    tickEvidence(wilson, weights, joint.e[2], JOINT_WEIGHT),
  ];
  const dimension = readings.joint?.dimension ?? null;
  return {
    evidence,
    sources: marginal,
    sourceP: () => sourcePOf(dimensions, tables, counts, isOpen),
    parts: () =>
      dimensions.map((reading, place): Part => {
        const at = SOURCE_AT[reading.source];
        const weight = ((1 - JOINT_WEIGHT) * (weights[at] as number)) / (counts[at] as number);
        const { e, p } = readingPlace(reading, place, tables, isOpen);
        return { dimension: reading.dimension, weight, e, p };
      }),
    joint: dimension === null ? null : { dimension, weight: JOINT_WEIGHT, e: joint.e, p: joint.p },
  };
}

function sourcePOf(
  dimensions: readonly Reading[],
  tables: Tables,
  counts: readonly number[],
  isOpen: boolean,
): readonly number[] {
  const sourceP = [1, 1, 1, 1];
  dimensions.forEach((reading, place) => {
    const at = SOURCE_AT[reading.source];
    const { p } = readingPlace(reading, place, tables, isOpen);
    sourceP[at] = Math.min(sourceP[at] as number, p * (counts[at] as number));
  });
  return sourceP;
}

/** Where a reading stands; `at`: its place among those of the unit. */
function readingPlace(
  { dimension, cell, score }: JointReading,
  at: number,
  tables: Tables,
  isOpen: boolean,
): Place {
  const found = tables.findAt(at, dimension, cell);
  if (found === null) return SILENT;
  if (score !== null) return place(found, score);
  return isOpen ? found.pending : SILENT;
}
