/** Words: figures with two digits that mean something, and sentences that fit what they say. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diffOf } from '../../../src/evaluation/backtest/diff.ts';
import { tallyOf } from '../../../src/evaluation/backtest/tally.ts';
import {
  blindWords,
  changeWords,
  costCell,
  counted,
  figure,
  laterWords,
  whoOf,
} from '../../../src/evaluation/backtest/words.ts';
import { alert, detector, run } from './alerts.ts';

describe('figures', () => {
  it('have two digits that mean something', () => {
    const shown = [null, 0, 0.00123, 0.0567, 0.5, 1.234, 12.34, 123.4, -0.02, -5].map(figure);
    assert.deepEqual(shown, [
      ...['-', '0', '0.0012', '0.057', '0.50', '1.23', '12.3', '123', '-0.020', '-5.00'],
    ]);
    assert.deepEqual([counted(1, 'alert'), counted(2, 'alert')], ['1 alert', '2 alerts']);
  });

  it('give no cost that is lost in noise', () => {
    const cost = {
      ...{ facts: 1, events: 1, rounds: 5, together: 1, noise: 0.1 },
      byDetector: { a: 0.05, b: 0.2 },
    };
    assert.deepEqual(
      ['a', 'b', 'c'].map((stem) => costCell(cost, stem)),
      ['<0.10', '0.20', '-'],
    );
    assert.equal(costCell(null, 'a'), '-');
  });
});

describe('sentences', () => {
  it('say where a detector could not see, and nothing where it could', () => {
    const [sound] = tallyOf([detector('spiral')], [run()], new Map());
    assert.ok(sound !== undefined);
    assert.deepEqual(blindWords(sound), []);
    const blindness = {
      ...{ abstained: 'no baseline', unheard: ['metrics' as const], belowEvidence: 0.5 },
      ...{ gaps: 1, gapHours: 2, sessions: 3, alerts: 4 },
    };
    const said = blindWords({ ...sound, blindness, unkept: 5, late: 6, excused: { known: 7 } });
    assert.deepEqual(said, [
      'abstained: no baseline',
      'abstained: it needs metrics, of which there is no record',
      '50.0 % of the events it looks at hold less content than it needs',
      'blind in 1 interval, 2.00 h, in which 3 sessions acted',
      '4 alerts in sessions with a blind book',
      '5 alerts beyond the bound: counted, not looked at',
      '7 alerts more excused by known',
      '6 alerts on records that came late',
    ]);
  });

  it('name whom an alert is about', () => {
    assert.equal(whoOf(alert()), 'session s-1, seq 1');
    assert.equal(whoOf(alert({ session: null, seq: null })), 'agent agent-1');
  });

  it('tell what became of a detector, and how much later it decides', () => {
    const side = (version: string, decidedMs: number) => ({
      alerts: [alert({ decidedMs })],
      tallies: tallyOf([detector('spiral', { version })], [run()], new Map()),
    });
    const [same] = diffOf(side('v1', 0), side('v1', 0), new Map());
    const [edited] = diffOf(side('v1', 0), side('v2', 1500), new Map());
    const [gone] = diffOf(side('v1', 0), { alerts: [], tallies: [] }, new Map());
    assert.ok(same !== undefined && edited !== undefined && gone !== undefined);
    assert.deepEqual([same, edited, gone].map(changeWords), ['unchanged', 'edited', 'gone']);
    assert.deepEqual([same, edited, gone].map(laterWords), ['0', '+1.50 s (+1.50 to +1.50)', '-']);
  });
});
