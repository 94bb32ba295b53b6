/** The whole NAB evaluation: the corpus as text in, figures beside the published ones out. */
import { OperatingError } from '../../model/errors.ts';
import { relativeEntropy, windowedGaussian } from './comparators.ts';
import { type NabConstants, PROTOTYPE, scoreSeries, TUNED, WIDENED } from './detector.ts';
import { type NabSeries, readCorpus } from './reader.ts';
import {
  NAB_PROFILES,
  type NabProfile,
  type NabRun,
  type NabScore,
  scoreAt,
  scoreAtBest,
} from './scorer.ts';

/** Three scores, in the order of `NAB_PROFILES`. */
export type NabScores = readonly NabScore[];

/** One set of constants on all series. */
export interface NabEntry {
  readonly name: string;
  /** Threshold chosen on the very labels it is judged by, per profile, as published scores are. */
  readonly best: NabScores;
  /** Threshold of the constants, which knows no label. */
  readonly fixed: NabScores;
  /** Each series at the threshold that is best on all *others* by the standard profile. */
  readonly left: NabScores;
}

/** A published figure; the counts are what it was reached with. */
export interface NabReference {
  readonly detector: string;
  readonly scores: readonly NabFigure[];
}

/** Score to two decimals, windows found and false rows. */
export interface NabFigure {
  readonly score: number;
  readonly windowsFound: number;
  readonly falseRows: number;
}

/** A published detector written anew: its figures here and as published. */
export interface NabCheck {
  readonly detector: string;
  readonly here: NabScores;
  readonly published: readonly NabFigure[];
  readonly agrees: boolean;
}

/** Everything that the evaluation says. */
export interface NabReport {
  readonly series: number;
  readonly rows: number;
  readonly windows: number;
  readonly entries: readonly NabEntry[];
  readonly references: readonly NabReference[];
  readonly checks: readonly NabCheck[];
}

/** In the order in which they came about; only the first was fixed beforehand. */
const CONSTANTS: readonly (readonly [string, NabConstants])[] = [
  ['Plumbline, fixed beforehand', PROTOTYPE],
  ['Plumbline, structure chosen here', WIDENED],
  ['Plumbline, structure and bar chosen here', TUNED],
];

const COMPARATORS = [
  ['windowedGaussian', windowedGaussian],
  ['relativeEntropy', relativeEntropy],
] as const;

const atBest = (runs: readonly NabRun[]): NabScores =>
  NAB_PROFILES.map((profile) => scoreAtBest(runs, profile));

const STANDARD = NAB_PROFILES[0] as NabProfile;

/** Leaves each series out in turn, so that no label helps to judge its own series. */
function leftOut(runs: readonly NabRun[]): NabScores {
  const fired = runs.map((run) => {
    const { threshold } = scoreAtBest(
      runs.filter((other) => other !== run),
      STANDARD,
    );
    return { labels: run.labels, scores: run.scores.map((score) => (score >= threshold ? 1 : 0)) };
  });
  return NAB_PROFILES.map((profile) => scoreAt(fired, profile, 1));
}

const runsOf = (series: readonly NabSeries[], constants: NabConstants): readonly NabRun[] =>
  series.map((labels) => ({ labels, scores: scoreSeries(labels, constants) }));

function entryOf(name: string, series: readonly NabSeries[], constants: NabConstants): NabEntry {
  const runs = runsOf(series, constants);
  return {
    name,
    best: atBest(runs),
    fixed: NAB_PROFILES.map((profile) => scoreAt(runs, profile, constants.threshold)),
    left: leftOut(runs),
  };
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

function figureOf(value: unknown, where: string): NabFigure {
  const fields = fieldsOf(value);
  const [score, windowsFound, falseRows] = ['score', 'windows_detected', 'false_rows'].map(
    (name) => fields[name],
  );
  const numbers = [score, windowsFound, falseRows];
  if (!numbers.every((number) => typeof number === 'number')) {
    throw new OperatingError(
      'SOURCE_UNREADABLE',
      `NAB reference scores: ${where} lacks score, windows_detected or false_rows; take the file as it was delivered`,
      { retryable: false },
    );
  }
  const [a = 0, b = 0, c = 0] = numbers as number[];
  return { score: a, windowsFound: b, falseRows: c };
}

/**
 * The published detectors' figures on this very set of series, highest standard score first.
 * Throws SOURCE_UNREADABLE on text that is not the delivered form.
 */
export function readReferences(text: string): readonly NabReference[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new OperatingError('SOURCE_UNREADABLE', 'NAB reference scores are not JSON', {
      retryable: false,
      cause,
    });
  }
  return Object.entries(fieldsOf(fieldsOf(parsed)['detectors']))
    .map(([detector, value]) => {
      const scores = NAB_PROFILES.map(({ name }) =>
        figureOf(fieldsOf(value)[name], `${detector}.${name}`),
      );
      return { detector, scores };
    })
    .sort((a, b) => (b.scores[0]?.score ?? 0) - (a.scores[0]?.score ?? 0));
}

const equal = (here: NabScore, published: NabFigure | undefined): boolean =>
  published !== undefined &&
  here.score.toFixed(2) === published.score.toFixed(2) &&
  here.windowsFound === published.windowsFound &&
  here.falseRows === published.falseRows;

function checksOf(
  series: readonly NabSeries[],
  references: readonly NabReference[],
): readonly NabCheck[] {
  return COMPARATORS.flatMap(([detector, scored]) => {
    const published = references.find((reference) => reference.detector === detector)?.scores;
    if (published === undefined) return [];
    const here = atBest(series.map((labels) => ({ labels, scores: scored(labels.values) })));
    return [{ detector, here, published, agrees: here.every((s, i) => equal(s, published[i])) }];
  });
}

/**
 * Runs the detector over every series in one pass, scores it by three profiles, and checks reader
 * and scorer by two published detectors written anew.
 * Parameters: files - text of the corpus by path, as `readCorpus` takes it; references - text of
 * `reference_scores.json` for this very set of series, or null, which leaves out both the
 * references and the checks.
 * Throws SOURCE_UNREADABLE as `readCorpus` and `readReferences` do. Takes some 20 s for 29 series.
 */
export function evaluateNab(
  files: ReadonlyMap<string, string>,
  references: string | null,
): NabReport {
  const series = readCorpus(files);
  const published = references === null ? [] : readReferences(references);
  return {
    series: series.length,
    rows: series.reduce((sum, { rows }) => sum + rows, 0),
    windows: series.reduce((sum, { windows }) => sum + windows.length, 0),
    entries: CONSTANTS.map(([name, constants]) => entryOf(name, series, constants)),
    references: published,
    checks: checksOf(series, published),
  };
}

/** One number changed, the others as in `PROTOTYPE`. */
export const VARIATIONS: readonly (readonly [string, Partial<NabConstants>])[] = [
  ['as fixed beforehand', {}],
  ['bar .5 (of .7)', { bar: 0.5 }],
  ['bar .6', { bar: 0.6 }],
  ['bar .8', { bar: 0.8 }],
  ['fade .99 (of .995)', { fade: 0.99 }],
  ['fade .9975', { fade: 0.9975 }],
  ['values 3,000 (of 6,000)', { valuesMax: 3000 }],
  ['values 12,000', { valuesMax: 12_000 }],
  ['scores 2,000 (of 4,000)', { scoresMax: 2000 }],
  ['scores 8,000', { scoresMax: 8000 }],
  ['cell values 30 (of 60)', { cellValuesMax: 30 }],
  ['cell values 120', { cellValuesMax: 120 }],
  ['cell needs 6 (of 12)', { cellValuesMin: 6 }],
  ['cell needs 24', { cellValuesMin: 24 }],
  ['weekends of their own', { weekends: true }],
  ['change over 15, 30, 60 (of 30)', { changeRows: [15, 30, 60] }],
  ['level over 6, 12, 24 (of 12)', { levelRows: [6, 12, 24] }],
];

/** How much each number matters: best-threshold scores with it halved, doubled or taken away. */
export function varyNab(
  files: ReadonlyMap<string, string>,
): readonly { readonly name: string; readonly best: NabScores }[] {
  const series = readCorpus(files);
  return VARIATIONS.map(([name, changed]) => ({
    name,
    best: atBest(runsOf(series, { ...PROTOTYPE, ...changed })),
  }));
}
