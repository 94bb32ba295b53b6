/** Judging: the readings of one unit become e-values by source, evidence and p-values. */
import { KINDS, type Kind } from '../model/event.ts';
import { tickEvidence } from '../stats/e-merge.ts';
import { TABLES } from '../stats/e-value.ts';
import type { Part } from './explain.ts';
import { leastOf, place, type Tables } from './tables.ts';

/** One dimension's score of a unit. Give one for each dimension in force, also where it abstains. */
export interface Reading {
  readonly dimension: string;
  /** The source that measures the action. */
  readonly source: Kind;
  /** Calibration cell, for example `L3/seen/work`. */
  readonly cell: string;
  /** Higher is stranger; null: nothing said yet (running) or it abstains (closed). */
  readonly score: number | null;
}

/** The score of the unit as a whole, `joint` or rehearsed. */
export type JointReading = Omit<Reading, 'source'>;

/** All that is known of a unit at one moment, dimensions in fixed order. */
export interface Readings {
  /** Event time, ms. */
  readonly ms: number;
  readonly dimensions: readonly Reading[];
  readonly joint: JointReading | null;
}

/** What one unit's readings come to. */
export interface Judged {
  /** E in the order of TABLES. */
  readonly evidence: readonly number[];
  /** Mean marginal e per source, in the order of KINDS. */
  readonly sources: readonly number[];
  /** Least p per source times its dimensions, at most 1. */
  readonly sourceP: readonly number[];
  readonly parts: readonly Part[];
  readonly joint: Part | null;
}

const QUARTER = KINDS.map(() => 1 / KINDS.length);

/** Readings → e-values and p-values. While open, what is not said yet counts as the least it can be. */
export function judge(
  readings: Readings,
  tables: Tables,
  given: Readonly<Record<Kind, number>> | null,
  isOpen: boolean,
): Judged {
  const { dimensions } = readings;
  const counts = [0, 0, 0, 0];
  for (const { source } of dimensions) {
    const at = KINDS.indexOf(source);
    counts[at] = (counts[at] as number) + 1;
  }
  const weights = given === null ? QUARTER : KINDS.map((kind) => given[kind]);
  const means = TABLES.map(() => counts.map((count) => (count === 0 ? 1 : 0)));
  const sourceP = [1, 1, 1, 1];
  const parts: Part[] = [];
  for (const reading of dimensions) {
    const at = KINDS.indexOf(reading.source);
    const count = counts[at] as number;
    const { p, e } = readingPlace(reading, tables, isOpen);
    for (let table = 0; table < TABLES.length; table += 1) {
      const row = means[table] as number[];
      row[at] = (row[at] as number) + (e[table] as number) / count;
    }
    sourceP[at] = Math.min(sourceP[at] as number, p * count);
    parts.push({
      dimension: reading.dimension,
      weight: (0.5 * (weights[at] as number)) / count,
      e,
      p,
    });
  }
  const joint = readings.joint === null ? null : readingPlace(readings.joint, tables, isOpen);
  return {
    evidence: TABLES.map((_, table) =>
      tickEvidence(means[table] as number[], weights, joint?.e[table] ?? 1),
    ),
    sources: means[0] as number[],
    sourceP,
    parts,
    joint:
      joint === null
        ? null
        : { dimension: readings.joint?.dimension ?? '', weight: 0.5, e: joint.e, p: joint.p },
  };
}

const SILENT = { p: 1, e: [1, 1, 1] } as const;

function readingPlace(
  { dimension, cell, score }: JointReading,
  tables: Tables,
  isOpen: boolean,
): { readonly p: number; readonly e: readonly [number, number, number] } {
  const found = tables.find(dimension, cell);
  if (found === null) return SILENT;
  if (score !== null) return place(found, score);
  return isOpen ? { p: 1, e: leastOf(found) } : SILENT;
}
