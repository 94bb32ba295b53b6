/** `backtest`: what detectors would have said of recorded history, and was it expected? */
import { readText, readYamlDocuments, writeAtomic } from '../adapters/files.ts';
import {
  type BacktestExpectation,
  judgeExpectations,
  readExpectations,
  unexpectedIn,
} from '../evaluation/backtest/expectations.ts';
import { junitText } from '../evaluation/backtest/junit.ts';
import { type CorpusRun, type Labels, tallyOf } from '../evaluation/backtest/tally.ts';
import { readLabels } from '../evaluation/recordings/labels.ts';
import { OperatingError } from '../model/errors.ts';
import { EVIDENCE_LEVELS, type EvidenceLevel } from '../model/event.ts';
import { type Given, usage } from './arguments.ts';
import { type Corpus, corporaIn } from './backtest-corpora.ts';
import { runCorpus } from './backtest-run.ts';
import { corpusLines, detailLines, expectationLines, tallyTable } from './backtest-text.ts';
import type { Command } from './command.ts';
import { problemLines } from './config.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import type { Library } from './library.ts';
import { safe } from './output.ts';

const UNEXPECTED = ['fail', 'warn', 'ignore'] as const;

/** The command. */
export const backtest: Command = {
  name: 'backtest',
  synopsis:
    'backtest --corpus PATH[,PATH…] [--detector STEM[,STEM…]] [--detectors DIR] [--labels FILE] [--expectations FILE] [--unexpected fail|warn|ignore] [--junit FILE] [--evidence L0..L3]',
  summary: 'run detectors over recorded history: alerts, rates, labels, expectations',
  options: {
    corpus: 'value',
    detector: 'value',
    detectors: 'value',
    labels: 'value',
    expectations: 'value',
    unexpected: 'value',
    junit: 'value',
    evidence: 'value',
  },
  run: async (given, { output, signal }) => {
    const unexpectedMode = choiceOf(given, 'unexpected', UNEXPECTED, 'warn');
    const evidence: EvidenceLevel = choiceOf(given, 'evidence', EVIDENCE_LEVELS, 'L3');
    const config = await configOrNull(given);
    const library = chosen(await libraryOf(given, config), listOf(given, 'detector'));
    const corpora = await corporaIn(placesOf(given), library, config);
    const expectations = await expectationsOf(given, library, corpora);
    const labels = await labelsOf(given, corpora);
    const runs: CorpusRun[] = [];
    for (const corpus of corpora) {
      output.progress(`run ${safe(corpus.name)}`);
      runs.push(
        await runCorpus(corpus, {
          ...{ library, config, evidence, baseline: null, signal },
          progress: output.progress,
        }),
      );
    }
    const { detectors } = library;
    const tallies = tallyOf(detectors, runs, labels);
    const judged = judgeExpectations(expectations, runs);
    const unexpected =
      unexpectedMode === 'ignore' || given.value('expectations') === undefined
        ? []
        : unexpectedIn(expectations, runs, detectors);
    const isFatal = unexpectedMode === 'fail';
    const junit = given.value('junit');
    if (junit !== undefined) await writeAtomic(junit, junitText(judged, isFatal ? unexpected : []));
    for (const line of corpusLines(runs)) output.line(line);
    output.line();
    for (const line of tallyTable(tallies, new Map())) output.line(line);
    output.line();
    for (const line of detailLines(tallies)) output.line(line);
    for (const line of expectationLines(judged, unexpected)) output.line(line);
    output.json({ detectors: tallies, expectations: judged, unexpected });
    const isMet = judged.every(({ isMet }) => isMet);
    return isMet && !(isFatal && unexpected.length > 0) ? 0 : 1;
  },
};

function placesOf(given: Given): readonly string[] {
  const places = listOf(given, 'corpus');
  if (places === null) throw usage('backtest needs --corpus: a folder or file of recorded streams');
  return places;
}

function listOf(given: Given, option: string): readonly string[] | null {
  const text = given.value(option);
  if (text === undefined) return null;
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) throw usage(`--${option} has an empty entry`);
  return parts;
}

function choiceOf<T extends string>(
  given: Given,
  option: string,
  choices: readonly T[],
  fallback: T,
): T {
  const value = given.value(option);
  const choice = value === undefined ? fallback : choices.find((one) => one === value);
  if (choice === undefined) throw usage(`--${option} is one of ${choices.join(', ')}`);
  return choice;
}

/** Only these detectors, by stem; null: all. */
function chosen(library: Library, stems: readonly string[] | null): Library {
  if (stems === null) return library;
  const known = library.detectors.map(({ stem }) => stem);
  for (const stem of stems)
    if (!known.includes(stem))
      throw usage(`no such detector: ${JSON.stringify(stem)}; there are: ${known.join(', ')}`);
  return { ...library, detectors: library.detectors.filter(({ stem }) => stems.includes(stem)) };
}

async function expectationsOf(
  given: Given,
  { detectors }: Library,
  corpora: readonly Corpus[],
): Promise<readonly BacktestExpectation[]> {
  const file = given.value('expectations');
  if (file === undefined) return [];
  const read = await readYamlDocuments(file);
  const [document, second] = read.file.documents;
  const problems = [...read.problems];
  if (problems.length === 0 && (document === undefined || second !== undefined))
    problems.push({ file, line: null, key: '', message: 'holds not exactly one document' });
  if (document === undefined || problems.length > 0) throw invalid(problems);
  const where = { file, lineOf: document.lineOf };
  const names = corpora.map(({ name }) => name);
  const { expectations, problems: wrong } = readExpectations(document.value, where, {
    ...{ detectors, corpora: names },
  });
  if (wrong.length > 0) throw invalid(wrong);
  return expectations;
}

function invalid(problems: Parameters<typeof problemLines>[0]): OperatingError {
  const lines = problemLines(problems).map((line) => safe(line, 1000));
  return new OperatingError('CONFIG_INVALID', lines.join('\n'), { retryable: false });
}

/** Labels from --labels, else those that lie beside the corpora. */
async function labelsOf(given: Given, corpora: readonly Corpus[]): Promise<Labels> {
  const named = listOf(given, 'labels');
  const files = named ?? corpora.flatMap(({ labels }) => (labels === null ? [] : [labels]));
  const labels = new Map<string, string>();
  for (const file of new Set(files))
    for (const { session, label } of readLabels(await readText(file), file))
      labels.set(session, label);
  return labels;
}
