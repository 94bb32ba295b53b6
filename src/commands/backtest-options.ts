/** Options of a backtest: which detectors, corpora, labels, expectations and baselines. */
import path from 'node:path';
import { exists, listFolder, readText, readYamlDocuments } from '../adapters/files.ts';
import { createLog } from '../adapters/log.ts';
import { REGISTRY } from '../baseline/dimensions.ts';
import { type BacktestExpectation, readExpectations } from '../evaluation/backtest/expectations.ts';
import type { Labels } from '../evaluation/backtest/tally.ts';
import { readLabels } from '../evaluation/recordings/labels.ts';
import type { Config } from '../model/config.ts';
import type { EvidenceLevel } from '../model/event.ts';
import type { BaselineOptions } from '../pipeline/options.ts';
import { type Given, usage } from './arguments.ts';
import type { Corpus } from './backtest-corpora.ts';
import { invalid, readBaseline } from './baseline-files.ts';
import { forceOf } from './baseline-force.ts';
import { plansOf } from './baseline-load.ts';
import type { Library } from './library.ts';
import { DETECTORS_LISTED, notKnown } from './meant.ts';
import type { Output } from './output.ts';
import { learnFolder, REPLAY_PLAN } from './replay-learn.ts';

/** Parts of a list that an option takes; null where it is not given. */
export function listOf(given: Given, option: string): readonly string[] | null {
  const text = given.value(option);
  if (text === undefined) return null;
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) throw usage(`--${option} has an empty entry`);
  return parts;
}

/** One of a few words. */
export function choiceOf<T extends string>(
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
export function chosen(library: Library, stems: readonly string[] | null): Library {
  if (stems === null) return library;
  const known = library.detectors.map(({ stem }) => stem);
  for (const stem of stems)
    if (!known.includes(stem)) throw usage(notKnown('detector', stem, known, DETECTORS_LISTED));
  return { ...library, detectors: library.detectors.filter(({ stem }) => stems.includes(stem)) };
}

/** The expectations of --expectations; none without. Every mistake at once (CONFIG_INVALID). */
export async function expectationsOf(
  given: Given,
  { detectors }: Library,
  corpora: readonly string[],
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
  const known = { detectors, corpora };
  const { expectations, problems: wrong } = readExpectations(document.value, where, known);
  if (wrong.length > 0) throw invalid(wrong);
  return expectations;
}

/** Labels from --labels, else those that lie beside the corpora; with the files they are from. */
export async function labelsOf(
  given: Given,
  corpora: readonly Corpus[],
): Promise<{ readonly labels: Labels; readonly files: readonly string[] }> {
  const named = listOf(given, 'labels');
  const near = corpora.flatMap(({ labels }) => (labels === null ? [] : [labels]));
  const files = [...new Set(named ?? near)];
  const labels = new Map<string, string>();
  for (const file of files)
    for (const { session, label } of readLabels(await readText(file), file))
      labels.set(session, label);
  return { labels, files };
}

/** What behaviour is judged by; `words` for people. */
export interface JudgedBy {
  readonly baseline: BaselineOptions | null;
  readonly words: string;
}

/**
 * Baselines from reviewed files (--baselines DIR, as `baseline export` writes them) or learnt from a
 * folder as `replay --learn` does (--learn DIR); without either, behaviour is not judged.
 */
export async function judgedByOf(
  given: Given,
  from: {
    readonly library: Library;
    readonly config: Config | null;
    readonly evidence: EvidenceLevel;
    readonly output: Output;
  },
): Promise<JudgedBy> {
  const [dir, learn] = [given.value('baselines'), given.value('learn')];
  if (dir !== undefined && learn !== undefined)
    throw usage('one of --baselines and --learn, not both');
  if (dir !== undefined) return await fromFiles(dir, from.config);
  if (learn === undefined) return { baseline: null, words: 'none: behaviour was not judged' };
  const { library, config, evidence, output } = from;
  const profiles = await learnFolder(
    {
      ...{ dir: learn, library, config, evidence, log: createLog('error', 'backtest') },
      progress: (records) =>
        output.progress(`learn ${learn}: ${records.toLocaleString('en')} records`),
    },
    output.progress,
  );
  const plans = config?.budgets === undefined ? REPLAY_PLAN : plansOf(config);
  const words = `${profiles.length} learnt from ${learn}, at ${plans.map(({ rung, budget }) => `${rung} ${budget.words}`).join(', ')}`;
  return { baseline: forceOf(profiles, { plans }), words };
}

async function fromFiles(dir: string, config: Config | null): Promise<JudgedBy> {
  const below = path.join(dir, 'profiles');
  const folder = (await exists(below)) ? below : dir;
  const names = (await listFolder(folder)).filter((name) => /\.ya?ml$/.test(name));
  if (names.length === 0)
    throw usage(`${folder} holds no baseline: \`baseline export\` writes them as profiles/*.yaml`);
  const read = [];
  for (const name of names) read.push(await readBaseline(path.join(folder, name), REGISTRY));
  const profiles = read.map(({ profile }) => profile);
  const settings = config === null ? {} : { plans: plansOf(config) };
  return { baseline: forceOf(profiles, settings), words: `${names.length} from ${folder}` };
}

/** Detectors that cannot say anything in this run, whatever the records hold, and why. */
export function abstainersOf(
  { detectors }: Library,
  { baseline }: JudgedBy,
): ReadonlyMap<string, string> {
  if (baseline !== null) return new Map();
  const why = 'it judges behaviour, and no baseline is in force: give --baselines or --learn';
  return new Map(
    detectors.flatMap(({ stem, kind }): [string, string][] =>
      kind === 'evidence' ? [[stem, why]] : [],
    ),
  );
}
