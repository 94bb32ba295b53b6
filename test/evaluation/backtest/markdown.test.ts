/** The page: every part is there, and no text of an agent is markup. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diffOf } from '../../../src/evaluation/backtest/diff.ts';
import { plain, reportText } from '../../../src/evaluation/backtest/markdown.ts';
import {
  type BacktestReport,
  isPassed,
  summaryOf,
} from '../../../src/evaluation/backtest/report.ts';
import { tallyOf } from '../../../src/evaluation/backtest/tally.ts';
import { alert, detector, HOSTILE, run } from './alerts.ts';

function report(explanation: string): BacktestReport {
  const detectors = [detector('spiral', { maturity: 'shadow' }), detector('quiet')];
  const runs = [
    run({ alerts: [alert({ explanation, maturity: 'shadow' })], deadLetters: 2, late: 3 }),
  ];
  const labels = new Map([['s-1', 'benign']]);
  const tallies = tallyOf(detectors, runs, labels);
  const cost = {
    ...{ facts: 500, events: 400, rounds: 15, together: 1.5, noise: 0.05 },
    byDetector: { spiral: 1.25, quiet: 0.001 },
  };
  const edited = tallies.map((tally) => ({ ...tally, version: 'v0' }));
  const diffs = diffOf(
    { tallies: edited, alerts: [] },
    { tallies, alerts: runs[0]?.alerts ?? [] },
    labels,
  );
  return {
    corpora: runs.map(summaryOf),
    ...{ evidence: 'L3', baselines: 'none', detectors: tallies, cost },
    expectations: [{ detector: 'spiral', corpus: null, least: 0, most: 0, found: 1, isMet: false }],
    unexpected: [{ detector: 'spiral', corpus: 'a', found: 1 }],
    isUnexpectedFatal: true,
    against: { name: 'v0', problems: ['old.yaml: broken'], diffs, cost },
  };
}

describe('reportText', () => {
  it('holds corpora, expectations, detectors, examples and the comparison', () => {
    const text = reportText(report('It happened.'));
    assert.match(text, /^# Backtest\n\n2 detectors, 1 alert;/);
    assert.match(text, /\| a \| 400 \| 3 \| 2 \| 10\.0 \| 20 \| 2 \| 3 \|/);
    assert.match(text, /\| \*\*unmet\*\* \| spiral \| all \| exactly 0 alerts \| 1 \|/);
    assert.match(
      text,
      /\| corpus \| reasoning \| gateway .*\n.*\n\| a \| 100 \| 100 \| 100 \| 100 \|/,
    );
    assert.match(text, /## Unexpected \(fails\)/);
    assert.match(
      text,
      /\| spiral \| shadow \| high \| 1 \| 1 \| 1 \| 0\.10 \| 0\.050 \| 1\/1 \| 0\/2 \| 1\.25 \|/,
    );
    assert.match(text, /- spiral \(shadow\)\n {2}- a, session s-1, seq 1: It happened\./);
    assert.match(text, /## Against v0/);
    assert.match(
      text,
      /\| spiral \| edited \| 1 \| 0 \| 0 \| 0 \| - → 0\.10|\| spiral \| edited \| 1 \| 0 \|/,
    );
    // What is lost in noise is not a figure.
    assert.match(text, /\| quiet \| alert .* \| <0\.050 \|/);
  });

  it('lets no text out of its place', () => {
    const lines = reportText(report('x')).split('\n').length;
    for (const hostile of [
      ...HOSTILE,
      '| a | b |',
      '# title\n\n- item',
      '`code` **bold** [x](y)',
    ]) {
      const text = reportText(report(hostile));
      assert.equal(text.split('\n').length, lines, JSON.stringify(hostile));
      assert.ok(
        !/(?<!\\)[\]<]/.test(text.split('\n').find((line) => line.includes('- gained')) ?? ']'),
      );
    }
  });
});

describe('plain', () => {
  it('shows controls and escapes markup', () => {
    assert.equal(plain('a\u001bb'), String.raw`a\\u\{1b\}b`);
    assert.equal(plain('<b>|'), String.raw`\<b\>\|`);
    assert.equal(plain('x'.repeat(1000)).length, 300);
  });
});

describe('isPassed', () => {
  it('fails for unmet expectations, and for the unexpected where that is fatal', () => {
    const whole = report('x');
    assert.equal(isPassed(whole), false);
    const met = { ...whole, expectations: [] };
    assert.equal(isPassed(met), false);
    assert.equal(isPassed({ ...met, isUnexpectedFatal: false }), true);
    assert.equal(isPassed({ ...met, unexpected: [] }), true);
  });
});
