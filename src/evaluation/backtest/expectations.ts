/** Expectations of a backtest: how many alerts a detector should give, and whether it does. */
import type { Detector } from '../../model/detector.ts';
import type { Problem } from '../../model/errors.ts';
import { type Located, problemAt, type Schema, schemaProblems } from '../../model/schema.ts';
import type { CorpusRun } from './tally.ts';

/** One expectation. `least` and `most` are inclusive; null: no bound. */
export interface BacktestExpectation {
  /** Stem of the detector. */
  readonly detector: string;
  /** Name of the corpus; null: all that were run, taken together. */
  readonly corpus: string | null;
  readonly least: number | null;
  readonly most: number | null;
}

/** An expectation beside what was found. */
export interface JudgedExpectation extends BacktestExpectation {
  readonly found: number;
  readonly isMet: boolean;
}

/** A detector that fired where no expectation speaks of it. */
export interface Unexpected {
  readonly detector: string;
  readonly corpus: string;
  readonly found: number;
}

const EXPECTATIONS_MAX = 10_000;
const count = { type: 'integer', minimum: 0 } as const;

/** Form of an expectations file: a list. */
const EXPECTATIONS: Schema = {
  type: 'array',
  maxItems: EXPECTATIONS_MAX,
  items: {
    type: 'object',
    additionalProperties: false,
    properties: {
      detector: { type: 'string', minLength: 1, maxLength: 256 },
      rule: { type: 'string', minLength: 1, maxLength: 256 },
      corpus: { type: 'string', minLength: 1, maxLength: 4096 },
      exactly: count,
      at_least: count,
      at_most: count,
    },
  },
};

interface Written {
  readonly detector?: string;
  readonly rule?: string;
  readonly corpus?: string;
  readonly exactly?: number;
  readonly at_least?: number;
  readonly at_most?: number;
}

/**
 * Reads expectations. `rule` (or `detector`, the same) is a stem, a Sigma name or an id. One that
 * names an unknown detector or corpus is a mistake, for it would never be looked at.
 */
export function readExpectations(
  value: unknown,
  where: Located,
  known: { readonly detectors: readonly Detector[]; readonly corpora: readonly string[] },
): { readonly expectations: readonly BacktestExpectation[]; readonly problems: Problem[] } {
  const problems = schemaProblems(EXPECTATIONS, value, where);
  if (problems.length > 0) return { expectations: [], problems };
  const stems = namesOf(known.detectors);
  const expectations: BacktestExpectation[] = [];
  (value as readonly Written[]).forEach((written, at) => {
    const say = (key: string, message: string) => {
      problems.push(problemAt(where, key === '' ? [at] : [at, key], message));
    };
    const { detector: named = written.rule, corpus = null } = written;
    if (named === undefined) {
      say('', 'names no detector: give `detector:` (or `rule:`)');
      return;
    }
    if (written.detector !== undefined && written.rule !== undefined)
      say('rule', '`detector` and `rule` mean the same: give one of them');
    const detector = stems.get(named);
    const key = written.detector === undefined ? 'rule' : 'detector';
    if (detector === undefined)
      say(
        key,
        `no such detector among those run: ${JSON.stringify(named)}; there are: ${listed(known.detectors.map(({ stem }) => stem))}`,
      );
    if (corpus !== null && !known.corpora.includes(corpus))
      say('corpus', `no such corpus was run; there are: ${listed(known.corpora)}`);
    const bounds = boundsOf(written);
    if (typeof bounds === 'string') say('', bounds);
    else if (detector !== undefined) expectations.push({ detector, corpus, ...bounds });
  });
  return { expectations, problems };
}

function boundsOf({
  exactly,
  at_least: least,
  at_most: most,
}: Written): { readonly least: number | null; readonly most: number | null } | string {
  if (exactly !== undefined)
    return least === undefined && most === undefined
      ? { least: exactly, most: exactly }
      : '`exactly` stands alone: leave out `at_least` and `at_most`';
  if (least === undefined && most === undefined)
    return 'expects nothing: give `exactly`, or `at_least` and `at_most`';
  if (least !== undefined && most !== undefined && least > most)
    return `at_least ${least} and at_most ${most} can never both hold`;
  return { least: least ?? null, most: most ?? null };
}

/** Stem by stem, Sigma name and id. */
function namesOf(detectors: readonly Detector[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { stem, uuid } of detectors) {
    names.set(uuid, stem);
    names.set(stem.replaceAll('-', '_'), stem);
  }
  for (const { stem } of detectors) names.set(stem, stem);
  return names;
}

function listed(names: readonly string[]): string {
  const most = 40;
  const rest = names.length > most ? ` and ${names.length - most} more` : '';
  return names.slice(0, most).join(', ') + rest;
}

/** Each expectation with what was found, in the order of the file. */
export function judgeExpectations(
  expectations: readonly BacktestExpectation[],
  runs: readonly CorpusRun[],
): JudgedExpectation[] {
  return expectations.map((expectation) => {
    const { detector, corpus, least, most } = expectation;
    const found = runs
      .filter(({ name }) => corpus === null || name === corpus)
      .reduce((sum, run) => sum + countIn(run, detector), 0);
    const isMet = (least === null || found >= least) && (most === null || found <= most);
    return { ...expectation, found, isMet };
  });
}

/** Detectors that fired in a corpus without an expectation for it. */
export function unexpectedIn(
  expectations: readonly BacktestExpectation[],
  runs: readonly CorpusRun[],
  detectors: readonly Detector[],
): Unexpected[] {
  const found: Unexpected[] = [];
  for (const run of runs)
    for (const { stem } of detectors) {
      const count = countIn(run, stem);
      const isCovered = expectations.some(
        ({ detector, corpus }) => detector === stem && (corpus === null || corpus === run.name),
      );
      if (count > 0 && !isCovered) found.push({ detector: stem, corpus: run.name, found: count });
    }
  return found;
}

function countIn({ alerts, unkept }: CorpusRun, stem: string): number {
  return alerts.filter(({ detector }) => detector === stem).length + (unkept[stem] ?? 0);
}

/** An expectation in words: `at least 1 alert`. */
export function wordsOf({ least, most }: BacktestExpectation): string {
  const alerts = (n: number) => `${n} ${n === 1 ? 'alert' : 'alerts'}`;
  if (least !== null && least === most) return `exactly ${alerts(least)}`;
  if (least === null) return `at most ${alerts(most ?? 0)}`;
  return most === null ? `at least ${alerts(least)}` : `${least} to ${alerts(most)}`;
}
