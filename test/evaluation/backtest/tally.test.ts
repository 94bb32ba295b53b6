/** Tally: counts, rates, labels, and where a detector could not see. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tallyOf } from '../../../src/evaluation/backtest/tally.ts';
import { alert, detector, run } from './alerts.ts';

describe('tallyOf', () => {
  it('counts alerts, sessions and agents, per day and per agent and day', () => {
    const alerts = [
      alert(),
      alert({ evidence: ['e2'] }),
      alert({ session: 's-2', agent: 'agent-2' }),
      alert({ session: null, agent: 'agent-2' }),
    ];
    const [tally] = tallyOf([detector('spiral')], [run({ alerts })], new Map());
    assert.deepEqual([tally?.alerts, tally?.sessions, tally?.agents], [4, 2, 2]);
    assert.deepEqual([tally?.perDay, tally?.perAgentDay], [0.4, 0.2]);
    assert.deepEqual(tally?.byCorpus, { a: 4 });
    assert.deepEqual(tally?.byLabel, []);
  });

  it('lists every detector by stem, the silent ones too', () => {
    const tallies = tallyOf([detector('b'), detector('a')], [run()], new Map());
    assert.deepEqual(
      tallies.map((tally) => [tally.detector, tally.alerts]),
      [
        ['a', 0],
        ['b', 0],
      ],
    );
  });

  it('counts by label: alerts, sessions, and of how many', () => {
    const labels = new Map([
      ['s-1', 'bad'],
      ['s-2', 'benign'],
    ]);
    const alerts = [alert(), alert({ evidence: ['e2'] }), alert({ session: null })];
    const [tally] = tallyOf([detector('spiral')], [run({ alerts })], labels);
    assert.deepEqual(tally?.byLabel, [
      { label: 'bad', alerts: 2, sessions: 1, of: 1 },
      { label: 'benign', alerts: 0, sessions: 0, of: 1 },
      { label: 'no session', alerts: 1, sessions: 0, of: 0 },
      { label: 'unlabelled', alerts: 0, sessions: 0, of: 1 },
    ]);
  });

  it('takes sessions of two corpora for two, whatever they are called', () => {
    const runs = [run({ alerts: [alert()] }), run({ name: 'b', alerts: [alert({ corpus: 'b' })] })];
    const [tally] = tallyOf([detector('spiral')], runs, new Map());
    assert.deepEqual([tally?.sessions, tally?.agents, tally?.perDay], [2, 1, 0.1]);
  });

  it('shows the first three, in order of time', () => {
    const alerts = [5, 3, 4, 1].map((n) => alert({ timeMs: n, evidence: [`e${n}`] }));
    const [tally] = tallyOf([detector('spiral')], [run({ alerts })], new Map());
    assert.deepEqual(
      tally?.examples.map(({ timeMs }) => timeMs),
      [1, 3, 4],
    );
  });

  it('counts alerts that were not kept', () => {
    const runs = [run({ alerts: [alert()], unkept: { spiral: 9, other: 5 } })];
    const [tally] = tallyOf([detector('spiral')], runs, new Map());
    assert.deepEqual([tally?.alerts, tally?.unkept, tally?.perDay], [10, 9, 1]);
  });

  it('has no rate where there is no time', () => {
    const { traffic } = run();
    const still = run({ traffic: { ...traffic, toMs: traffic.fromMs, agentDays: 0 } });
    const [tally] = tallyOf([detector('spiral')], [still], new Map());
    assert.deepEqual([tally?.perDay, tally?.perAgentDay], [null, null]);
  });

  it('says where a detector could not see', () => {
    const { traffic } = run();
    const levels = { ...traffic.levels, gateway: [25, 0, 75, 0], metrics: [0, 0, 0, 0] };
    const gap = {
      ...{ id: 'g', source: 'gateway', reason: 'silent', sessions: 4 },
      ...{ kind: 'gateway' as const, fromMs: 0, toMs: 7_200_000 },
    };
    const gaps = [gap, { ...gap, id: 'h', kind: 'reasoning' as const }];
    const alerts = [alert({ blind: ['gateway'] }), alert({ blind: ['reasoning'] })];
    const needs = { sources: ['gateway', 'metrics'] as const, evidence: 'L2' as const };
    const [tally] = tallyOf(
      [detector('spiral', { needs })],
      [run({ traffic: { ...traffic, levels }, gaps, alerts })],
      new Map(),
      new Map([['spiral', 'no baseline']]),
    );
    assert.deepEqual(tally?.blindness, {
      ...{ abstained: 'no baseline', unheard: ['metrics'], belowEvidence: 0.25 },
      ...{ gaps: 1, gapHours: 2, sessions: 4, alerts: 1 },
    });
  });
});
