/** Evaluation on recordings: ours at two evidence levels and other methods, same folders. */
import path from 'node:path';
import { exists, listFolder, readText } from '../adapters/files.ts';
import type { Contest } from '../evaluation/recordings/contest.ts';
import { type Goal, recordingGoals } from '../evaluation/recordings/goals.ts';
import { type LabelledSession, readLabels } from '../evaluation/recordings/labels.ts';
import { RECORDING_METHODS } from '../evaluation/recordings/methods.ts';
import { type Outcome, qualityOf } from '../evaluation/recordings/quality.ts';
import { type MethodRow, methodTable } from '../evaluation/recordings/table.ts';
import { stream, uniform } from '../simulation/random.ts';
import { usage } from './arguments.ts';
import { learnFrom } from './evaluate-replay.ts';
import type { Bench, Section } from './evaluate-section.ts';
import { stepsOf, unitsIn } from './evaluate-units.ts';

/** The two sets of recordings. */
export const SETS = ['known', 'fresh'] as const;
type SetName = (typeof SETS)[number];

const OURS = 'Plumbline';
const LESSER = 'Plumbline without result bodies (L2)';
const SETTING = '1 % of sessions, from learning alone';

/** One folder to learn from and one to score. */
interface Fold {
  readonly name: string;
  readonly learn: string;
  readonly score: string;
}

interface RecordingSet {
  readonly name: SetName;
  readonly labels: string;
  readonly folds: readonly Fold[];
}

/**
 * The recordings in a folder: `known`, and the numbered folds of `fresh`. What is missing is said
 * with how to go on (CONFIG_INVALID), before anything long is begun.
 */
export async function recordingsIn(dir: string): Promise<readonly RecordingSet[]> {
  const sets: RecordingSet[] = [];
  for (const name of SETS) {
    const numbered = (await listFolder(path.join(dir, name))).filter((one) => /^\d+$/.test(one));
    const names = numbered.length > 0 ? numbered.map((one) => path.join(name, one)) : [name];
    const folds = names.map((one) => ({
      name: one,
      learn: path.join(dir, one, 'learn'),
      score: path.join(dir, one, 'score'),
    }));
    const labels = path.join(dir, name, 'labels.jsonl');
    for (const needed of [labels, ...folds.flatMap(({ learn, score }) => [learn, score])])
      if (!(await exists(needed)))
        throw usage(
          `no labelled recordings: ${needed} is not there. Name their folder with --corpus DIR, or leave them out with --only`,
        );
    sets.push({ name, labels, folds });
  }
  return sets;
}

/** Learns, replays and compares every fold of every set. */
export async function evaluateCorpus(dir: string, bench: Bench): Promise<Section> {
  const goals: Goal[] = [];
  const texts: Record<string, string> = {};
  const figures: Record<string, unknown> = {};
  for (const set of await recordingsIn(dir)) {
    const labels = readLabels(await readText(set.labels), set.labels);
    const found = await outcomesOf(set, bench);
    const rows = rowsOf(labels, found);
    const of = (name: string) => rows.find((row) => row.name === name)?.quality;
    const [full, lesser] = [of(OURS), of(LESSER)];
    if (full !== undefined && lesser !== undefined)
      goals.push(...recordingGoals(set.name, full, lesser));
    texts[set.name] = methodTable(rows, new Set([OURS, LESSER]));
    texts[`${set.name}Sessions`] = sessionsText(rows, set, labels);
    figures[set.name] = Object.fromEntries(rows.map(({ name, quality }) => [name, quality]));
  }
  return { goals, texts, figures };
}

interface Found {
  readonly name: string;
  readonly setting: string;
  readonly outcomes: Outcome[];
}

/** Outcomes of every method over all folds of a set: the folds are judged together. */
async function outcomesOf({ folds }: RecordingSet, bench: Bench): Promise<Found[]> {
  const ours: Found = { name: OURS, setting: SETTING, outcomes: [] };
  const lesser: Found = { name: LESSER, setting: SETTING, outcomes: [] };
  const others = RECORDING_METHODS.map((method) => ({
    ...{ name: method.name, setting: method.setting, outcomes: [] as Outcome[], method },
  }));
  for (const fold of folds) {
    for (const [evidence, { outcomes }] of [
      ['L3', ours],
      ['L2', lesser],
    ] as const) {
      const learnt = await learnFrom(fold.learn, evidence, bench);
      outcomes.push(...(await learnt.replay(fold.score)));
    }
    bench.output.progress(`${fold.name}: other methods`);
    const contest = await contestOf(fold, bench);
    for (const { method, outcomes } of others) outcomes.push(...method.judge(contest));
  }
  return [ours, lesser, ...others];
}

async function contestOf(fold: Fold, { library, seed }: Bench): Promise<Contest> {
  const learn = await unitsIn(fold.learn, library);
  const score = await unitsIn(fold.score, library);
  const random = stream(seed, `recordings/${fold.name}`);
  return { learn, score, steps: stepsOf(learn, score), uniform: () => uniform(random) };
}

function rowsOf(labels: readonly LabelledSession[], found: readonly Found[]): MethodRow[] {
  return found.map(({ name, setting, outcomes }) => ({
    name,
    setting,
    quality: qualityOf(labels, outcomes),
  }));
}

function sessionsText(
  [first]: readonly MethodRow[],
  { folds }: RecordingSet,
  labels: readonly LabelledSession[],
): string {
  if (first === undefined) return '';
  const { benign, succeeded, hardNegatives, attempted, unscored } = first.quality.sessions;
  const tasks = new Set(labels.map(({ task }) => task)).size;
  const parts = [
    `${benign} sound sessions`,
    `${succeeded} succeeded attacks`,
    `${hardNegatives} that read an attack and resisted`,
    `${attempted} attempted`,
  ];
  const left = unscored === 0 ? '' : `; **${unscored} without a score**`;
  return `${parts.join(', ')}; ${tasks} tasks, ${folds.length === 1 ? 'one fold' : `${folds.length} folds judged together`}${left}.`;
}
