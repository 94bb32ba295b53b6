/** `findings`: what the store holds of each session, in the form evaluations read. */
import { writeAtomic } from '../adapters/files.ts';
import type { Decision } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import { exportDetections, listCoverage } from '../record/read.ts';
import { readStatus } from '../record/status.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { coverageLines, isTold, scoreLines } from './findings.ts';
import { count } from './output.ts';
import { withStore } from './reading.ts';

const GAPS_MAX = 100_000;

/** The command. */
export const findings: Command = {
  name: 'findings',
  synopsis: 'findings --out FILE [--coverage FILE]',
  summary: 'export what a running or finished daemon found, one line per session',
  options: { out: 'value', coverage: 'value' },
  run: async (given, { output, environment }) => {
    const out = given.value('out');
    if (out === undefined) throw usage('findings needs --out FILE');
    const { detections, gaps, lanes } = await withStore(given, environment, async (db) => {
      const { lanes } = await readStatus(db);
      const standing: Detection[] = [];
      for await (const { detection, retracted } of exportDetections(db))
        if (!retracted && isTold(detection)) standing.push(detection);
      return { detections: standing, gaps: await listCoverage(db, GAPS_MAX), lanes };
    });
    const sessions = new Map<string, string>();
    const decisions: readonly Decision[] = [];
    const lines = scoreLines({ sessions, detections, decisions, threshold: null });
    await writeAtomic(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const file = given.value('coverage');
    const reached = lanes.flatMap(({ watermarkMs }) => watermarkMs ?? []);
    const coverage = coverageLines(gaps, reached.length === 0 ? null : Math.max(...reached));
    if (file !== undefined)
      await writeAtomic(file, coverage.map((gap) => `${JSON.stringify(gap)}\n`).join(''));
    if (lanes.length === 0)
      output.line('No daemon has worked with this database yet: is it the one it uses?');
    output.line(
      `${count(lines.length, 'session')} with findings → ${out}; ${count(coverage.length, 'blind interval')}${file === undefined ? '' : ` → ${file}`}`,
    );
    output.json({ sessions: lines.length, coverage: coverage.length });
    return 0;
  },
};
