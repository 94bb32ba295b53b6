/** The product's score code as the budget simulator asks for it; nothing is written twice. */
import type { CellCalibration, CellRung, ScoreCode, UnitJudge } from '../evaluation/cells.ts';
import { KINDS } from '../model/event.ts';
import { createEvidence } from '../score/evidence.ts';
import type { Standard } from '../score/firing.ts';
import { compileTables } from '../score/tables.ts';
import { Slots } from '../state/slots.ts';
import { type Guard, guardOf } from '../stats/dependence.ts';

const CELL = 'L3/seen';
const JOINT = 'joint';

/** Evidence, tables and accumulators as the daemon runs them, one source per kind of record. */
export const budgetCode: ScoreCode = { open, guard: guardOf };

function open(calibration: CellCalibration, rungs: readonly CellRung[], guard: Guard): UnitJudge {
  const standard: Standard = { ...standardOf(calibration, rungs), guard };
  const evidence = createEvidence(new Slots());
  const dimensions = KINDS.map((source) => ({
    dimension: source as string,
    source,
    cell: CELL,
    score: null as number | null,
  }));
  const joint = { dimension: JOINT, cell: CELL, score: null as number | null };
  const readings = { ms: 0, dimensions, joint };
  let unit = 0;
  return {
    close(agent, scores, whole) {
      unit += 1;
      readings.ms = unit * 60_000;
      dimensions.forEach((reading, at) => {
        reading.score = present(scores[at]);
      });
      joint.score = present(whole);
      const key = { agent: `agent-${agent}`, unit: `${unit}` };
      return evidence.close(key, readings, standard).firings.map(({ name }) => name);
    },
  };
}

function standardOf(calibration: CellCalibration, rungs: readonly CellRung[]): Standard {
  const scores = Object.fromEntries(
    KINDS.map((source, at) => [source as string, { [CELL]: calibration.sources[at] ?? [] }]),
  );
  const tables = compileTables([
    {
      level: 'role',
      calibration: { ...scores, [JOINT]: { [CELL]: calibration.joint } },
      ageDays: 0,
    },
  ]);
  const thresholds = rungs.map(({ name, table, a }) => ({
    name,
    rung: 'alert' as const,
    table,
    sources: 1 as const,
    a,
    alpha: null,
    perUnit: 1 / a,
    words: `1 per ${a} units`,
  }));
  return { tables, thresholds, weights: null, guard: guardOf(0) };
}

function present(score: number | undefined): number | null {
  return score === undefined || Number.isNaN(score) ? null : score;
}
