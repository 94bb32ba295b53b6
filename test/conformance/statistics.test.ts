/** Every file of src/stats: its examples run, and the laws it is enrolled under hold. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as boostedTrees from '../../src/stats/boosted-trees.ts';
import * as burnRate from '../../src/stats/burn-rate.ts';
import * as conformal from '../../src/stats/conformal.ts';
import * as dependence from '../../src/stats/dependence.ts';
import * as eMerge from '../../src/stats/e-merge.ts';
import * as eValue from '../../src/stats/e-value.ts';
import * as fleetEvidence from '../../src/stats/fleet-evidence.ts';
import * as gammaPoisson from '../../src/stats/gamma-poisson.ts';
import * as goodTuring from '../../src/stats/good-turing.ts';
import * as jensenShannon from '../../src/stats/jensen-shannon.ts';
import * as literals from '../../src/stats/literals.ts';
import * as mandateTemplate from '../../src/stats/mandate-template.ts';
import * as matchedQuantiles from '../../src/stats/matched-quantiles.ts';
import * as movingWindow from '../../src/stats/moving-window.ts';
import * as refractory from '../../src/stats/refractory.ts';
import * as robustLevel from '../../src/stats/robust-level.ts';
import * as seasonalCell from '../../src/stats/seasonal-cell.ts';
import * as sentences from '../../src/stats/sentences.ts';
import * as shiftRatio from '../../src/stats/shift-ratio.ts';
import * as shiryaevRoberts from '../../src/stats/shiryaev-roberts.ts';
import * as summary from '../../src/stats/summary.ts';
import * as tailRank from '../../src/stats/tail-rank.ts';
import * as wittenBell from '../../src/stats/witten-bell.ts';
import * as wordTape from '../../src/stats/word-tape.ts';
import {
  bounded,
  examplesOf,
  finite,
  golden,
  type Law,
  ordered,
  restores,
  runExample,
} from './laws.ts';

interface Enrolment {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly laws: readonly Law[];
}

const FOLDER = join(import.meta.dirname, '../../src/stats');
const figure = fc.double({ min: -1e12, max: 1e12, noNaN: true });
const figures = fc.array(figure, { minLength: 1, maxLength: 40 });
const logs = fc.double({ min: -700, max: 700, noNaN: true });
const count = fc.integer({ min: 0, max: 2_000 });
const exposure = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
const symbol = fc.constantFrom('a', 'b', 'c', '__proto__', 'toString');
const sequences = fc.array(fc.array(symbol, { maxLength: 12 }), { maxLength: 8 });
const tally = fc.array(fc.tuple(symbol, count), { maxLength: 8 }).map((pairs) => new Map(pairs));

const { tailProbability, tailDigits } = gammaPoisson;
const { jensenShannonBits, stabilityIndex } = jensenShannon;
const ADFA_LIKE = Array.from({ length: 40 }, (_, at) =>
  Array.from({ length: 30 }, (_, step) => `s${(at * 7 + step * step) % 11}`),
);
const LEVEL = { n: 40, median: 3, mad: 0.4 };
const SEASON = seasonalCell.seasonalLevel(
  Array.from({ length: 200 }, (_, at) => [at * 3_600_000, at % 7] as const),
);

const SHAPE = { bar: 0.7, fade: 0.995 };

function windowOf(values: readonly number[]): movingWindow.MovingWindow {
  const window = movingWindow.createMovingWindow(40);
  for (const value of values) movingWindow.pushValue(window, value);
  return window;
}

function sumOfProbabilities(seen: string[][], order: number, history: number[]): number {
  const counts = wittenBell.countContexts(seen, order);
  const role = wittenBell.countContexts([...seen, ['r', 'a']], order);
  const model = wittenBell.compileContexts([
    { counts, order },
    { counts: role, order },
    { counts: role, order: 0 },
  ]);
  let sum = wittenBell.probability(model, history, wittenBell.UNKNOWN);
  for (const id of model.ids.values()) sum += wittenBell.probability(model, history, id);
  return sum;
}

/** One line enrols a file: what it exports, and what is claimed of it. */
const ENROLLED: Readonly<Record<string, Enrolment>> = {
  dependence: {
    exports: dependence,
    laws: [
      ordered(
        'blockLength',
        'rises',
        dependence.blockLength,
        fc.double({ min: 0, max: 0.95, noNaN: true }),
      ),
    ],
  },
  'shift-ratio': {
    exports: shiftRatio,
    laws: [
      ordered(
        'normalScore',
        'falls',
        shiftRatio.normalScore,
        fc.double({ min: 1e-12, max: 1, noNaN: true }),
      ),
    ],
  },
  'boosted-trees': {
    exports: boostedTrees,
    laws: [
      finite(
        'predict',
        (x: number) =>
          boostedTrees.compileTrees({ base: 0, trees: [[0, 2, 1, -1, 1]] }).predict([x]),
        figure,
      ),
      ordered(
        'predict',
        'rises',
        (x) => boostedTrees.compileTrees({ base: 0, trees: [[0, 2, 1, -1, 1]] }).predict([x]),
        figure,
      ),
    ],
  },
  'burn-rate': {
    exports: burnRate,
    laws: [
      ordered('burnRate', 'rises', (bad) => burnRate.burnRate({ good: 100, bad }, 0.99), count),
      ordered('budgetLeft', 'falls', (bad) => burnRate.budgetLeft({ good: 100, bad }, 0.9), count),
      bounded('counts of a year', 8192, () => {
        const counts = burnRate.createBurnCounts();
        for (let ms = 0; ms < 365 * 86_400_000; ms += 1_000_000)
          burnRate.addBurn(counts, ms, 1, 0, ms, () => undefined);
        return counts;
      }),
    ],
  },
  'matched-quantiles': {
    exports: matchedQuantiles,
    laws: [
      finite(
        'matchedQuantiles',
        matchedQuantiles.matchedQuantiles([1, 2, 2, 5], [0, 3, 4, 9]),
        figure,
      ),
      ordered(
        'matchedQuantiles',
        'rises',
        matchedQuantiles.matchedQuantiles([1, 2, 2, 5], [0, 3, 4, 9]),
        figure,
      ),
    ],
  },
  literals: {
    exports: literals,
    laws: [finite('hash32', literals.hash32, fc.string())],
  },
  'mandate-template': {
    exports: mandateTemplate,
    laws: [
      [
        'bounded by the text',
        () =>
          fc.assert(
            fc.property(fc.string({ maxLength: 200 }), (text) => {
              assert.ok(mandateTemplate.mandateTemplate(text).length <= 8 * text.length + 8);
            }),
          ),
      ],
    ],
  },
  sentences: {
    exports: sentences,
    laws: [
      [
        'bounded',
        () =>
          fc.assert(
            fc.property(fc.string({ maxLength: 400 }), count, (text, most) => {
              assert.ok(sentences.sentencesOf(text, most).length <= Math.max(1, most));
            }),
          ),
      ],
    ],
  },
  'word-tape': {
    exports: wordTape,
    laws: [
      [
        'every part of a tape occurs in it',
        () =>
          fc.assert(
            fc.property(
              fc.array(count, { minLength: 1, maxLength: 30 }),
              count,
              count,
              (tape, a, b) => {
                const [from, to] = [a % tape.length, b % tape.length].sort((x, y) => x - y);
                assert.ok(wordTape.occurs(tape, tape.slice(from, (to ?? 0) + 1)));
              },
            ),
          ),
      ],
    ],
  },
  conformal: {
    exports: conformal,
    laws: [
      finite(
        'conformalP',
        (s: number[], x: number) => conformal.conformalP(summary.ascending(s), x),
        figures,
        figure,
      ),
      ordered('conformalP', 'falls', (x) => conformal.conformalP([1, 2, 3, 4], x), figure),
    ],
  },
  'e-merge': {
    exports: eMerge,
    laws: [
      finite('mix', eMerge.mix, exposure, exposure, fc.double({ min: 0, max: 1, noNaN: true })),
      ordered('freshness', 'falls', eMerge.freshness, exposure),
    ],
  },
  'e-value': {
    exports: eValue,
    laws: [
      finite('calibrator', eValue.calibrator, fc.double({ min: 1e-12, max: 1, noNaN: true })),
      ordered(
        'calibrator',
        'falls',
        eValue.calibrator,
        fc.double({ min: 1e-9, max: 1, noNaN: true }),
      ),
      golden('f(.001)', () => eValue.calibrator(0.001), 20.791134),
    ],
  },
  'fleet-evidence': {
    exports: fleetEvidence,
    laws: [
      [
        'suspects are no more than were asked about',
        () =>
          fc.assert(
            fc.property(fc.array(exposure), (e) => fleetEvidence.eBh(e).length <= e.length),
          ),
      ],
    ],
  },
  'gamma-poisson': {
    exports: gammaPoisson,
    laws: [
      finite(
        'tailDigits',
        (a: number, b: number, dt: number, x: number) => tailDigits({ a, b }, dt, x),
        exposure,
        exposure,
        exposure,
        count,
      ),
      ordered('tailDigits over events', 'rises', (x) => tailDigits({ a: 3, b: 2 }, 1, x), count),
      ordered(
        'tailDigits over exposure',
        'falls',
        (dt) => tailDigits({ a: 3, b: 2 }, dt, 9),
        exposure,
      ),
      golden('P(X ≥ 6)', () => tailProbability({ a: 20, b: 10 }, 1, 6), 0.0220039, 1e-5),
      golden('P(X ≥ 1)', () => tailProbability({ a: 0.5, b: 2 }, 1, 1), 1 - Math.sqrt(2 / 3)),
      restores('a rate', gammaPoisson.observedRate(gammaPoisson.ratePrior(2), 3, 4), (rate) =>
        tailDigits(rate, 1, 5),
      ),
      bounded('a rate', 200, () =>
        Array.from({ length: 1e4 }).reduce<gammaPoisson.GammaRate>(
          (rate) => gammaPoisson.observedRate(rate, 1, 0.1),
          gammaPoisson.ratePrior(1),
        ),
      ),
    ],
  },
  'good-turing': {
    exports: goodTuring,
    laws: [
      finite('unseenMass', (n: number[]) => goodTuring.unseenMass(n), fc.array(count)),
      [
        'unseen mass is a share',
        () =>
          fc.assert(
            fc.property(
              fc.array(count),
              (n) => goodTuring.unseenMass(n) >= 0 && goodTuring.unseenMass(n) <= 1,
            ),
          ),
      ],
    ],
  },
  'jensen-shannon': {
    exports: jensenShannon,
    laws: [
      finite(
        'jensenShannonBits',
        (p: Map<string, number>, q: Map<string, number>) => jensenShannonBits(p, q),
        tally,
        tally,
      ),
      finite(
        'stabilityIndex',
        (p: Map<string, number>, q: Map<string, number>) => stabilityIndex(p, q),
        tally,
        tally,
      ),
      [
        'both are symmetric, and 0 for a window against itself',
        () =>
          fc.assert(
            fc.property(
              tally,
              tally,
              (p, q) =>
                jensenShannonBits(p, p) === 0 &&
                stabilityIndex(q, q) === 0 &&
                Math.abs(jensenShannonBits(p, q) - jensenShannonBits(q, p)) < 1e-12,
            ),
          ),
      ],
      golden('PSI of no change', () => jensenShannon.expectedStability(10, 200, 200), 0.09),
    ],
  },
  'moving-window': {
    exports: movingWindow,
    laws: [
      finite('medianOf', (values: number[]) => movingWindow.medianOf(windowOf(values)), figures),
      bounded('a window', 4_000, () => windowOf(Array.from({ length: 9_000 }, (_, at) => at))),
    ],
  },
  refractory: {
    exports: refractory,
    laws: [
      finite(
        'news',
        (m: number, v: number) => refractory.news({ memory: m }, v, SHAPE),
        exposure,
        exposure,
      ),
      ordered('news', 'rises', (v) => refractory.news({ memory: 5 }, v, SHAPE), exposure),
      restores('a memory', { memory: 8 }, (state) => refractory.news(state, 9, SHAPE)),
    ],
  },
  'robust-level': {
    exports: robustLevel,
    laws: [
      finite(
        'robustZ',
        (y: number, m: number, mad: number) =>
          robustLevel.robustZ(y, { n: 1, median: m, mad: Math.abs(mad) }, 'both'),
        figure,
        figure,
        figure,
      ),
      ordered('robustZ', 'rises', (y) => robustLevel.robustZ(y, LEVEL, 'upper'), figure),
      finite(
        'nearestDistance',
        (s: number[], x: number) => robustLevel.nearestDistance(summary.ascending(s), x),
        figures,
        figure,
      ),
      bounded('fitted values', 2_048 * 24, () =>
        robustLevel.thinned(Array.from({ length: 1e5 }, (_, at) => Math.sqrt(at))),
      ),
    ],
  },
  'seasonal-cell': {
    exports: seasonalCell,
    laws: [
      [
        'a cell lies in 0..47',
        () =>
          fc.assert(
            fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), (ms) => {
              const cell = seasonalCell.hourCell(ms);
              return Number.isInteger(cell) && cell >= 0 && cell < seasonalCell.CELLS;
            }),
          ),
      ],
      restores('a seasonal level', SEASON, (level) => seasonalCell.levelAt([null, level], 30)),
      bounded('a seasonal level', 48 * 120, () =>
        seasonalCell.seasonalLevel(
          Array.from({ length: 5e4 }, (_, at) => [at * 1.7e6, Math.sin(at)] as const),
        ),
      ),
      finite(
        'cellFactor',
        (n: number, e: number) => seasonalCell.cellFactor(n, e),
        count,
        exposure,
      ),
    ],
  },
  'shiryaev-roberts': {
    exports: shiryaevRoberts,
    laws: [
      finite('softplus', shiryaevRoberts.softplus, figure),
      ordered('softplus', 'rises', shiryaevRoberts.softplus, figure),
      finite('accumulate', shiryaevRoberts.accumulate, logs, logs),
      ordered('accumulate', 'rises', (lnE) => shiryaevRoberts.accumulate(2, lnE), logs),
      golden('ln((1 + 1)·3)', () => shiryaevRoberts.accumulate(0, Math.log(3)), Math.log(6)),
    ],
  },
  summary: {
    exports: summary,
    laws: [
      finite(
        'quantileSorted',
        (s: number[], share: number) => summary.quantileSorted(summary.ascending(s), share),
        figures,
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
      finite(
        'rankCorrelation',
        (s: number[]) => summary.rankCorrelation(s, [...s].reverse()),
        figures,
      ),
      finite('lnGamma', summary.lnGamma, exposure),
      ordered(
        'quantileSorted',
        'rises',
        (share) => summary.quantileSorted([1, 2, 5, 9, 20], share),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
      golden('lnGamma(.5)', () => summary.lnGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-12),
    ],
  },
  'tail-rank': {
    exports: tailRank,
    laws: [
      finite(
        'twoSidedTailRank',
        (s: number[], x: number) => tailRank.twoSidedTailRank(windowOf(s), x),
        figures,
        figure,
      ),
      ordered(
        'upperTailRank',
        'falls',
        (x) => tailRank.upperTailRank(windowOf([1, 2, 3, 4, 5, 6, 9]), x),
        figure,
      ),
      ordered(
        'lowerTailRank',
        'rises',
        (x) => tailRank.lowerTailRank(windowOf([1, 2, 3, 4, 5, 6, 9]), x),
        figure,
      ),
    ],
  },
  'witten-bell': {
    exports: wittenBell,
    laws: [
      [
        'probabilities sum to one after every history',
        () =>
          fc.assert(
            fc.property(
              sequences,
              fc.integer({ min: 0, max: 5 }),
              fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 6 }),
              (seen, order, history) =>
                Math.abs(sumOfProbabilities(seen, order, history) - 1) < 1e-9,
            ),
          ),
      ],
      finite(
        'surprisalBits',
        (seen: string[][], id: number) =>
          wittenBell.surprisalBits(
            wittenBell.compileContexts([{ counts: wittenBell.countContexts(seen, 3), order: 3 }]),
            [0],
            id,
          ),
        sequences,
        count,
      ),
      restores('counts', wittenBell.countContexts(ADFA_LIKE, 5), (counts) =>
        wittenBell.surprisalBits(wittenBell.compileContexts([{ counts, order: 5 }]), [3, 4, 5], 6),
      ),
      [
        'contexts of two and more symbols that occurred once are pruned',
        () =>
          assert.ok(
            wittenBell
              .countContexts(ADFA_LIKE, 5)
              .rows.every(
                ([context, next]) => context.length < 2 || next.length > 2 || (next[1] ?? 0) > 1,
              ),
          ),
      ],
    ],
  },
};

describe('statistics', () => {
  // An example may build its input with another file; its own exports come first.
  const everything = Object.assign({}, ...Object.values(ENROLLED).map(({ exports }) => exports));

  it('every file of src/stats is enrolled, and nothing else', () => {
    const files = readdirSync(FOLDER).map((name) => name.replace(/\.ts$/, ''));
    assert.deepEqual(Object.keys(ENROLLED).sort(), files.sort());
  });

  for (const [file, { exports, laws }] of Object.entries(ENROLLED)) {
    describe(file, () => {
      const examples = examplesOf(join(FOLDER, `${file}.ts`));
      it('shows at least one example', () => assert.ok(examples.length > 0));
      for (const example of examples)
        it(`line ${example.line}: ${example.expression}`, () =>
          runExample(example, { ...everything, ...exports }));
      for (const [claim, check] of laws) it(claim, check);
    });
  }
});
