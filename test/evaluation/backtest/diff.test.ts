/** Diff: gained, lost, the same, moved; by label; how much later. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Alert } from '../../../src/evaluation/backtest/alert.ts';
import { diffOf, isDifferent } from '../../../src/evaluation/backtest/diff.ts';
import { type Labels, tallyOf } from '../../../src/evaluation/backtest/tally.ts';
import { alert, detector, run } from './alerts.ts';

const side = (alerts: readonly Alert[], version = 'v1') => ({
  alerts,
  tallies: tallyOf([detector('spiral', { version })], [run({ alerts })], new Map()),
});
const diff = (old: readonly Alert[], recent: readonly Alert[], labels: Labels = new Map()) => {
  const [one] = diffOf(side(old), side(recent, 'v2'), labels);
  assert.ok(one !== undefined);
  return one;
};

describe('diffOf', () => {
  it('knows an alert again by entity and evidence, though its version is another', () => {
    const old = [alert(), alert({ session: 's-2' })];
    const recent = [alert({ version: 'v2', decidedMs: alert().decidedMs + 5 })];
    const { same, gained, lost, moved, laterMs } = diff(old, recent);
    assert.deepEqual([same, gained.length, lost.length, moved.length], [1, 0, 1, 0]);
    assert.equal(lost[0]?.session, 's-2');
    assert.deepEqual(laterMs, { median: 5, least: 5, most: 5 });
  });

  it('pairs what is left of one entity in order of time', () => {
    const old = [alert({ evidence: ['e5'], decidedMs: 50, timeMs: 50 })];
    const recent = [
      alert({ evidence: ['e7'], decidedMs: 70, timeMs: 70 }),
      alert({ evidence: ['e3'], decidedMs: 30, timeMs: 30 }),
    ];
    const { moved, gained, laterMs } = diff(old, recent);
    assert.deepEqual(moved[0]?.new.evidence, ['e3']);
    assert.deepEqual(gained[0]?.evidence, ['e7']);
    assert.equal(laterMs?.median, -20);
  });

  it('keeps tenants, agents, sessions and corpora apart', () => {
    for (const other of [
      { tenant: 't' },
      { agent: 'agent-2' },
      { session: null },
      { corpus: 'b' },
    ]) {
      const { gained, lost } = diff([alert()], [alert(other)]);
      assert.deepEqual([gained.length, lost.length], [1, 1]);
    }
  });

  it('counts by label', () => {
    const labels = new Map([
      ['s-1', 'bad'],
      ['s-2', 'benign'],
    ]);
    const { byLabel } = diff([alert()], [alert(), alert({ session: 's-2' })], labels);
    assert.deepEqual(byLabel, [
      { label: 'bad', gained: 0, lost: 0, both: 1 },
      { label: 'benign', gained: 1, lost: 0, both: 0 },
    ]);
  });

  it('names detectors that are new or gone', () => {
    const old = { alerts: [], tallies: tallyOf([detector('a')], [run()], new Map()) };
    const recent = { alerts: [], tallies: tallyOf([detector('b')], [run()], new Map()) };
    const diffs = diffOf(old, recent, new Map());
    assert.deepEqual(
      diffs.map(({ oldVersion, newVersion }) => [oldVersion, newVersion]),
      [
        ['v1', null],
        [null, 'v1'],
      ],
    );
    assert.ok(diffs.every(isDifferent));
  });

  it('finds no difference between a run and itself in any order, and loses nothing', () => {
    const alerts = fc.array(
      fc.record({
        session: fc.constantFrom('s-1', 's-2', null),
        evidence: fc.constantFrom(['e1'], ['e2'], ['e1', 'e2']),
        timeMs: fc.integer({ min: 0, max: 3 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(alerts, alerts, (first, second) => {
        const [a, b] = [first.map(alert), second.map(alert)];
        assert.equal(isDifferent(diff(a, [...a].reverse())), false);
        const { same, moved, gained, lost } = diff(a, b);
        assert.equal(same + moved.length + lost.length, a.length);
        assert.equal(same + moved.length + gained.length, b.length);
        const back = diff(b, a);
        assert.deepEqual([back.gained.length, back.lost.length], [lost.length, gained.length]);
      }),
    );
  });
});
