/** `backtest`: what detectors would have said of recorded history, and was it expected? */
import { writeAtomic } from '../adapters/files.ts';
import { diffOf } from '../evaluation/backtest/diff.ts';
import {
  type BacktestExpectation,
  judgeExpectations,
  unexpectedIn,
} from '../evaluation/backtest/expectations.ts';
import { junitText } from '../evaluation/backtest/junit.ts';
import { reportText } from '../evaluation/backtest/markdown.ts';
import {
  type BacktestReport,
  type Comparison,
  type Cost,
  isPassed,
  summaryOf,
} from '../evaluation/backtest/report.ts';
import {
  type CorpusRun,
  type DetectorTally,
  type Labels,
  tallyOf,
} from '../evaluation/backtest/tally.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import { EVIDENCE_LEVELS, type EvidenceLevel } from '../model/event.ts';
import { type Given, usage } from './arguments.ts';
import { otherVersion } from './backtest-against.ts';
import { type Corpus, continuous, corporaIn } from './backtest-corpora.ts';
import { costOf, createFactKeeper } from './backtest-cost.ts';
import { KAFKA_OPTIONS, kafkaCorpus } from './backtest-kafka.ts';
import {
  abstainersOf,
  choiceOf,
  chosen,
  expectationsOf,
  type JudgedBy,
  judgedByOf,
  labelsOf,
  listOf,
} from './backtest-options.ts';
import { runCorpus } from './backtest-run.ts';
import { backtestLines } from './backtest-text.ts';
import type { Command, CommandContext } from './command.ts';
import { configOrNull, detectorsDir, libraryOf, libraryOptions } from './inputs.ts';
import type { Library } from './library.ts';
import { type Output, safe } from './output.ts';

const UNEXPECTED = ['fail', 'warn', 'ignore'] as const;

/** The command. */
export const backtest: Command = {
  name: 'backtest',
  synopsis:
    'backtest --corpus PATH[,PATH…] | --from TOPIC:PARTITION:FROM-TO[,…] | --topics T[,T…] [--since TIME] [--until TIME] [--brokers H:P] [--detector STEM[,STEM…]] [--detectors DIR] [--against DIR|GITREF] [--baselines DIR | --learn DIR] [--labels FILE] [--expectations FILE] [--unexpected fail|warn|ignore] [--junit FILE] [--report FILE] [--evidence L0..L3] [--continuous] [--no-cost]',
  summary: 'run detectors over recorded history: alerts, rates, labels, expectations, two versions',
  options: {
    corpus: 'value',
    detector: 'value',
    detectors: 'value',
    against: 'value',
    baselines: 'value',
    learn: 'value',
    labels: 'value',
    expectations: 'value',
    unexpected: 'value',
    junit: 'value',
    report: 'value',
    evidence: 'value',
    continuous: 'flag',
    'no-cost': 'flag',
    ...KAFKA_OPTIONS,
  },
  run: async (given, context) => {
    const { output } = context;
    const mode = choiceOf(given, 'unexpected', UNEXPECTED, 'warn');
    const report = given.value('report');
    if (report !== undefined && !/\.(md|json)$/.test(report))
      throw usage('--report FILE ends in .md or .json: that says which it is to be');
    const result = await orRefused(async () => {
      const bench = await benchOf(given, context);
      const side = await runSide(bench.library, bench);
      const against = await compared(given, side, bench);
      return reportOf(side, against, bench, {
        unexpected: given.value('expectations') === undefined ? 'ignore' : mode,
      });
    });
    await writeFiles(given.value('junit'), report, result);
    for (const line of backtestLines(result)) output.line(line);
    output.json(result);
    return isPassed(result) ? 0 : 1;
  },
};

/**
 * Exit 1 says that expectations were not met. A run that could not be finished must not look like
 * that to whoever reads exit codes: whatever stopped it is a refusal (exit 2).
 */
async function orRefused<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof OperatingError) || cause.code === 'CONFIG_INVALID') throw cause;
    // A file that is not there needs no second code; a broker that does not answer has its own advice.
    const { code } = cause;
    const message = code === 'NOT_FOUND' ? cause.message : `${code}: ${cause.message}`;
    throw new OperatingError('CONFIG_INVALID', message, { retryable: false, cause });
  }
}

/** Everything both versions are run with. */
interface Workbench {
  readonly library: Library;
  /** Folder of the detectors: what a git revision is a revision of. */
  readonly dir: string;
  readonly only: readonly string[] | null;
  readonly config: Config | null;
  readonly evidence: EvidenceLevel;
  readonly corpora: readonly Corpus[];
  readonly expectations: readonly BacktestExpectation[];
  readonly labels: Labels;
  readonly judgedBy: JudgedBy;
  /** Is the cost of detection to be measured? */
  readonly isCosted: boolean;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** One version of the detectors and what came of it. */
interface Side {
  readonly library: Library;
  readonly runs: readonly CorpusRun[];
  readonly tallies: readonly DetectorTally[];
  readonly cost: Cost | null;
}

/** Reads everything that can be wrong before anything long is begun. */
async function benchOf(
  given: Given,
  { output, environment, signal }: CommandContext,
): Promise<Workbench> {
  const evidence: EvidenceLevel = choiceOf(given, 'evidence', EVIDENCE_LEVELS, 'L3');
  const config = await configOrNull(given);
  const only = listOf(given, 'detector');
  const library = chosen(await libraryOf(given, config), only);
  const found = await corporaIn(listOf(given, 'corpus') ?? [], library, config);
  const { labels, files } = await labelsOf(given, found);
  const range = await kafkaCorpus(given, library, config, environment);
  const folders =
    given.has('continuous') && found.length > 0
      ? [await continuous(found, library, config)]
      : found;
  const corpora = range === null ? folders : [...folders, range];
  if (corpora.length === 0)
    throw usage(
      'backtest over what? --corpus PATH, --topics T --brokers H:P, or --from topic:partition:from-to',
    );
  const names = corpora.map(({ name }) => name);
  const expectations = await expectationsOf(given, library, names);
  if (files.length > 0)
    output.progress(`labels from ${files.map((file) => safe(file)).join(', ')}`);
  const judgedBy = await judgedByOf(given, { library, config, evidence, output });
  return {
    ...{ library, only, config, evidence, corpora, expectations, labels, judgedBy, output, signal },
    dir: detectorsDir(given, config),
    isCosted: !given.has('no-cost'),
  };
}

async function runSide(library: Library, bench: Workbench): Promise<Side> {
  const { corpora, config, evidence, judgedBy, labels, output, signal } = bench;
  const keeper = createFactKeeper();
  const runs: CorpusRun[] = [];
  for (const [at, corpus] of corpora.entries()) {
    output.progress(`${at + 1} of ${corpora.length}: ${safe(corpus.name)}`);
    const run = await runCorpus(corpus, {
      ...{ library, config, evidence, signal, baseline: judgedBy.baseline },
      progress: output.progress,
      ...(bench.isCosted ? { onFact: keeper.see } : {}),
    });
    runs.push(run);
  }
  if (bench.isCosted) output.progress('measuring what each detector costs');
  const cost = bench.isCosted ? costOf(library.detectors, keeper.facts, library.inventory) : null;
  const abstainers = abstainersOf(library, judgedBy);
  return { library, runs, cost, tallies: tallyOf(library.detectors, runs, labels, abstainers) };
}

/** The version of --against over the same corpora; null where none is named. */
async function compared(given: Given, side: Side, bench: Workbench): Promise<Comparison | null> {
  const against = given.value('against');
  if (against === undefined) return null;
  const { output, only, labels } = bench;
  const other = await otherVersion(against, bench.dir, libraryOptions(bench.config));
  output.progress(`the other version: ${safe(other.name)}`);
  const detectors = other.library.detectors.filter(
    ({ stem }) => only === null || only.includes(stem),
  );
  const old = await runSide({ ...other.library, detectors }, bench);
  const listed = ({ runs, tallies }: Side) => ({
    tallies,
    alerts: runs.flatMap(({ alerts }) => alerts),
  });
  return {
    name: other.name,
    problems: other.problems,
    diffs: diffOf(listed(old), listed(side), labels),
    cost: old.cost,
  };
}

function reportOf(
  { library, runs, tallies, cost }: Side,
  against: Comparison | null,
  { evidence, judgedBy, expectations }: Workbench,
  { unexpected }: { readonly unexpected: (typeof UNEXPECTED)[number] },
): BacktestReport {
  return {
    corpora: runs.map(summaryOf),
    evidence,
    baselines: judgedBy.words,
    detectors: tallies,
    cost,
    expectations: judgeExpectations(expectations, runs),
    unexpected: unexpected === 'ignore' ? [] : unexpectedIn(expectations, runs, library.detectors),
    isUnexpectedFatal: unexpected === 'fail',
    against,
  };
}

async function writeFiles(
  junit: string | undefined,
  report: string | undefined,
  result: BacktestReport,
): Promise<void> {
  const { expectations, unexpected, isUnexpectedFatal } = result;
  if (junit !== undefined)
    await writeAtomic(junit, junitText(expectations, isUnexpectedFatal ? unexpected : []));
  if (report === undefined) return;
  const isJson = report.endsWith('.json');
  await writeAtomic(report, isJson ? `${JSON.stringify(result, null, 2)}\n` : reportText(result));
}
