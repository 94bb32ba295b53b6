/** Scores: bounded, growing with distinct evidence, carried by no single noisy detector. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LEVELS } from '../../src/model/detection.ts';
import { sessionScore } from '../../src/score/score.ts';

const finding = fc.record({
  detector: fc.constantFrom('a', 'b', 'c', 'd'),
  level: fc.constantFrom(...LEVELS),
});

describe('session score', () => {
  it('is 0 for nothing, below 100 for anything, and the same in any order', () => {
    assert.equal(sessionScore([]), 0);
    const byDetector = fc.array(finding).map((list) => {
      const level = new Map(list.map((one) => [one.detector, one.level]));
      return list.map(({ detector }) => ({ detector, level: level.get(detector) ?? 'low' }));
    });
    fc.assert(
      fc.property(byDetector, (list) => {
        const score = sessionScore(list);
        assert.ok(score >= 0 && score < 100);
        assert.equal(Number.isNaN(score), false);
        assert.ok(Math.abs(sessionScore(list.toReversed()) - score) < 1e-9);
      }),
    );
  });

  it('never falls when something is added', () => {
    fc.assert(
      fc.property(fc.array(finding), finding, (list, more) => {
        assert.ok(sessionScore([...list, more]) >= sessionScore(list));
      }),
    );
  });

  it('counts the repetitions of one detector for half as much again at most', () => {
    const noisy = Array.from({ length: 1000 }, () => ({ detector: 'a', level: 'medium' as const }));
    const [one] = noisy;
    assert.ok(one !== undefined);
    assert.ok(sessionScore(noisy) < sessionScore([one, { detector: 'b', level: 'medium' }]));
  });

  it('puts a critical finding above two medium ones', () => {
    const two = ['a', 'b'].map((detector) => ({ detector, level: 'medium' as const }));
    assert.ok(sessionScore([{ detector: 'c', level: 'critical' }]) > sessionScore(two));
  });
});
