/** Evaluation on NAB: the half that lies beside the checkout, scored as the benchmark does. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { exists, readText } from '../adapters/files.ts';
import { readTarGz } from '../adapters/tar.ts';
import { evaluateNab } from '../evaluation/nab/evaluate.ts';
import { checkRows, rankingRows } from '../evaluation/nab/table.ts';
import { usage } from './arguments.ts';
import type { Section } from './evaluate-section.ts';

/** Standard score asked of constants that were fixed beforehand. */
const SCORE_MIN = 65;
const [SERIES, REFERENCES] = ['series.tar.gz', 'reference_scores.json'] as const;

/** Says what is missing of NAB and how to go on (CONFIG_INVALID). */
export async function checkNab(dir: string): Promise<void> {
  for (const name of [SERIES, REFERENCES])
    if (!(await exists(path.join(dir, name))))
      throw usage(
        `no NAB series: ${path.join(dir, name)} is not there. Name their folder with --nab DIR, or leave them out with --only`,
      );
}

/** Runs the detector over the series; some 20 s. */
export async function evaluateSeries(dir: string): Promise<Section> {
  await checkNab(dir);
  const files = readTarGz(await readFile(path.join(dir, SERIES)), SERIES);
  const report = evaluateNab(files, await readText(path.join(dir, REFERENCES)));
  // The first entry is the one set that was fixed before anything was scored.
  const score = report.entries[0]?.best[0]?.score ?? Number.NaN;
  const agreeing = report.checks.filter(({ agrees }) => agrees).length;
  return {
    goals: [
      {
        what: 'NAB standard score, constants fixed beforehand',
        where: `${report.series} series`,
        wanted: `≥ ${SCORE_MIN}`,
        measured: score.toFixed(2),
        isMet: score >= SCORE_MIN,
      },
      {
        what: 'scorer against published per-detector scores',
        where: 'detectors written anew',
        wanted: 'equal to two decimals',
        measured: `${agreeing} of ${report.checks.length} equal`,
        isMet: report.checks.length > 0 && agreeing === report.checks.length,
      },
    ],
    texts: { ranking: rankingRows(report).join('\n'), checks: checkRows(report).join('\n') },
    figures: { score, entries: report.entries, checks: report.checks },
  };
}
