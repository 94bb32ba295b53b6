/** `replay`: recorded history through the same core; one line per session, for evaluation. */

import { writeAtomic } from '../adapters/files.ts';
import { createLog } from '../adapters/log.ts';
import { EVIDENCE_LEVELS, type EvidenceLevel } from '../model/event.ts';
import { type Given, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { coverageLines, scoreLines } from './findings.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import { count, safe, table } from './output.ts';
import { rehearse } from './rehearse.ts';
import { judgedBy, learnFolder } from './replay-learn.ts';

/** The command. */
export const replay: Command = {
  name: 'replay',
  synopsis: 'replay [--learn DIR] --score DIR --out FILE [--coverage FILE] [--evidence L0..L3]',
  summary: 'run recorded history through the core and write one line per session',
  options: {
    learn: 'value',
    score: 'value',
    out: 'value',
    coverage: 'value',
    evidence: 'value',
    detectors: 'value',
  },
  run: async (given, { output, environment }) => {
    const dir = given.value('score');
    const out = given.value('out');
    if (dir === undefined || out === undefined)
      throw usage('replay needs --score DIR and --out FILE');
    const evidence = evidenceOf(given);
    const config = await configOrNull(given);
    const library = await libraryOf(given, config);
    const log = createLog(environment['PLUMBLINE_LOG'] === 'debug' ? 'debug' : 'error', 'replay');
    const progress = (what: string) => (records: number) =>
      output.progress(`${what}: ${records.toLocaleString('en')} records`);
    const common = { library, config, evidence, log };
    const learnt = given.value('learn');
    const judged =
      learnt === undefined
        ? null
        : judgedBy(
            await learnFolder(
              { ...common, dir: learnt, progress: progress(`learn ${learnt}`) },
              output.progress,
            ),
          );
    const baseline = judged === null ? {} : { baseline: judged.baseline };
    const result = await rehearse({
      ...{ ...common, ...baseline },
      ...{ dir, progress: progress(`score ${dir}`) },
    });
    const margins = judged === null ? {} : { margins: judged.margins };
    const lines = scoreLines({ ...result, ...margins, threshold: null });
    await writeAtomic(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const coverage = given.value('coverage');
    const gaps = coverageLines(result.coverage, result.untilMs);
    if (coverage !== undefined)
      await writeAtomic(coverage, gaps.map((gap) => `${JSON.stringify(gap)}\n`).join(''));
    const perDetector = new Map<string, number>();
    for (const { detector } of result.detections)
      perDetector.set(detector, (perDetector.get(detector) ?? 0) + 1);
    const dead = result.counters['dead-letters'] ?? 0;
    const named = lines.filter(({ findings }) => findings.length > 0).length;
    output.line(
      `${count(lines.length, 'session')} from ${count(result.counters['records'] ?? 0, 'record')}, ${named} with findings → ${out}`,
    );
    const rows = [...perDetector].sort().map(([name, n]) => [`  ${name}`, String(n)]);
    for (const row of table(rows)) output.line(row);
    for (const { source, from, to, reason } of gaps)
      output.line(`  blind: ${source} ${from} – ${to}: ${reason}`);
    if (dead > 0) output.line(`${count(dead, 'record')} could not be read, the first of them:`);
    for (const letter of result.deadLetters) output.line(`  ${safe(letter)}`);
    output.json({
      sessions: lines.length,
      detections: Object.fromEntries(perDetector),
      coverage: gaps,
      counters: result.counters,
    });
    return dead > 0 && lines.length === 0 ? 1 : 0;
  },
};

function evidenceOf(given: Given): EvidenceLevel {
  const value = given.value('evidence') ?? 'L3';
  const level = EVIDENCE_LEVELS.find((one) => one === value);
  if (level === undefined) throw usage(`--evidence is one of ${EVIDENCE_LEVELS.join(', ')}`);
  return level;
}
