/** sequence: order counts, the mean is shrunk, long sessions do not lose, sentences count. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sequence } from '../../../src/baseline/dimensions/sequence.ts';
import type { UnitItem } from '../../../src/model/unit.ts';
import { callOf, unitOf } from '../../conformance/units.ts';
import { scoreOf, sessions } from './score.ts';

const CYCLE = ['look', 'read', 'note', 'send'];
const calls = (tools: readonly string[], ms = 0): UnitItem[] =>
  tools.map((tool, at) => callOf({ tool, ms: ms + at }));
const cycle = (length: number): string[] =>
  Array.from({ length }, (_, at) => CYCLE[at % CYCLE.length] ?? '');

// A tenth of the sessions runs backwards, so that the counts hold something unusual too.
const UNITS = sessions(60, (ms, n) =>
  calls(n % 10 === 9 ? cycle(8).reverse() : cycle(4 + (n % 5)), ms),
);
const COUNTS = sequence.learn(UNITS);
const score = (tools: readonly string[]) =>
  scoreOf(sequence, [COUNTS], unitOf(calls(tools))).score ?? Number.NaN;

describe('sequence', () => {
  it('finds known calls in an unknown order stranger than in the usual one', () => {
    assert.ok(score(['look', 'send', 'send', 'look', 'read', 'send']) > score(cycle(6)) + 0.1);
  });

  it('finds an unknown tool strangest', () => {
    assert.ok(score(['look', 'read', 'wipe']) > score(['look', 'read', 'send']));
  });

  it('does not rise with the mere length of a usual session', () => {
    assert.ok(score(cycle(200)) <= score(cycle(8)) + 1e-9);
  });

  it('alarms at the call that causes it, and does not forget', () => {
    const scorer = sequence.compile([COUNTS]);
    const unit = unitOf(calls([...cycle(4), 'wipe', ...cycle(40)]));
    let state = scorer.begin(unit.head);
    const scores = unit.items.map((item) => {
      const seen = scorer.see(state, item);
      state = seen.state;
      return seen.score ?? 0;
    });
    assert.ok((scores[4] ?? 0) > (scores[3] ?? 0));
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => a - b),
    );
    assert.match(
      scorer.say(state),
      /^wipe is the least expected call here, .* role 0 of \d+ calls/,
    );
  });

  it('remembers five symbols and sums, however long the session is', () => {
    const scorer = sequence.compile([COUNTS]);
    let state = scorer.begin(unitOf([]).head);
    for (const item of calls(cycle(5_000))) state = scorer.see(state, item).state;
    assert.ok(JSON.stringify(state).length < 300);
  });

  it('tells outcomes and classes of one tool apart', () => {
    const failing = CYCLE.map((tool) => callOf({ tool, outcome: 'error' }));
    const spending = CYCLE.map((tool) => callOf({ tool, toolClass: 'spend' }));
    for (const items of [failing, spending])
      assert.ok((scoreOf(sequence, [COUNTS], unitOf(items)).score ?? 0) > score(CYCLE));
  });

  it('does not let a single session teach it a habit', () => {
    const loud = unitOf(
      calls(
        Array.from({ length: 400 }, () => 'wipe'),
        20_003 * 86_400_000,
      ),
      777,
    );
    const symbols = sequence.symbols(sequence.learn([...UNITS, loud]));
    assert.ok(!symbols.has('wipe:read:ok'));
    assert.ok([...symbols.values()].reduce((sum, n) => sum + n, 0) < 600);
  });
});
