/** The review: figures of the handbook, what came and went, and what the window does not name. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ledgerAfter } from '../../src/baseline/ledger.ts';
import type { Profile } from '../../src/baseline/profile.ts';
import { profileHash } from '../../src/baseline/profile.ts';
import type { ProposalEvidence } from '../../src/baseline/proposal.ts';
import {
  changedOutside,
  ledgerSteps,
  maskedE,
  type ReviewReport,
  removedDimensions,
  review,
} from '../../src/baseline/review.ts';
import { marginalE } from '../../src/stats/e-value.ts';
import { DAY_MS, follower, profile, REGISTRY, START_MS, unit, units } from './profiles.ts';

const report = (
  proposed: Profile,
  previous: Profile | null,
  evidence: ProposalEvidence = {},
): ReviewReport =>
  review({
    proposed,
    proposedHash: profileHash(proposed),
    previous,
    previousHash: previous === null ? null : profileHash(previous),
    registry: REGISTRY,
    criteria: [],
    ledger: ledgerAfter({}, ledgerSteps(REGISTRY, proposed, previous, previous)),
    evidence,
  });
const of = ({ dimensions }: ReviewReport, name: string) =>
  dimensions.find(({ dimension }) => dimension === name) ?? assert.fail(name);

describe('masking band', () => {
  it('is that of the handbook: 39.3 falls to 7.4, 4.9 and 3.3', () => {
    assert.equal(marginalE(2000, 1).toFixed(1), '39.3');
    assert.deepEqual(
      [0.005, 0.01, 0.02].map((planted) => maskedE(2000, 1, planted).toFixed(1)),
      ['7.4', '4.9', '3.3'],
    );
    const { masking } = report(profile(), null);
    assert.equal(masking.length, 3);
    for (const { n, bestE, maskedE: low } of masking) assert.ok(n === 250 && low < bestE);
  });
});

describe('what changes', () => {
  it('is nothing but chance for another sample of the same behaviour', () => {
    const first = profile();
    const { dimensions, ledger } = report(follower(first, { units: units(400) }), first);
    for (const one of dimensions) {
      assert.deepEqual([one.status, one.appearedCount, one.vanishedCount], ['kept', 0, 0]);
      assert.ok((one.jsBits ?? 1) <= (one.expectedBits ?? 0) && (one.psi ?? 1) < 0.01);
    }
    assert.ok(ledger.every(({ afterBits, isOver }) => afterBits === 0 && !isOver));
  });

  it('names symbols that came and went, by their share', () => {
    const first = profile();
    const second = follower(first, { units: units(400, 0.3, 'wire_money') });
    const found = report(second, first, { permutation: { mix: 0.001 } });
    const mix = of(found, 'mix');
    assert.deepEqual(
      mix.appeared.map(({ symbol }) => symbol),
      ['wire_money:write'],
    );
    assert.deepEqual(
      mix.vanished.map(({ symbol }) => symbol),
      ['send_reply:write'],
    );
    assert.ok((mix.jsBits ?? 0) > 5 * (mix.expectedBits ?? 1));
    assert.deepEqual([mix.p, of(found, 'sequence').p], [0.001, null]);
    assert.deepEqual(report(first, null).dimensions[0]?.status, 'added');
  });

  it('compares scores cell by cell', () => {
    const first = profile();
    const second = { ...follower(first), calibration: { mix: { 'L3/seen': [1, 2, 3] } } };
    const { quantiles } = report(second, first);
    assert.deepEqual(
      quantiles.map(({ dimension, old, new: fresh }) => [dimension, old?.n, fresh?.p50]),
      [
        ['first-seen', 250, undefined],
        ['mix', 250, 2],
        ['sequence', 250, undefined],
      ],
    );
  });

  it('loses sight where a dimension goes, and gains it where one comes, without drift', () => {
    const first = profile();
    const fewer = follower(first, { dimensions: ['mix'] });
    assert.deepEqual(removedDimensions(first, fewer), ['first-seen', 'sequence']);
    assert.equal(of(report(fewer, first), 'sequence').status, 'removed');
    const more = follower(fewer, { dimensions: ['mix', 'hours'] });
    assert.equal(of(report(more, fewer), 'hours').status, 'added');
    const steps = ledgerSteps(REGISTRY, more, fewer, fewer);
    assert.deepEqual(
      steps.map(({ dimension, stepBits, anchorBits }) => [dimension, stepBits, anchorBits]),
      [
        ['hours', 0, 0],
        ['mix', 0, 0],
      ],
    );
  });

  it('is refused where the window does not name it', () => {
    const first = profile();
    const second = follower(first, { units: units(400, 0.3) });
    assert.deepEqual(changedOutside(['mix', 'sequence'], first, second), ['first-seen']);
    assert.deepEqual(changedOutside(['*'], first, second), []);
    const scores = { ...first.calibration, hours: { 'L3/seen': [1] }, joint: { 'L3/seen': [2] } };
    assert.deepEqual(changedOutside(['mix'], first, { ...first, calibration: scores }), ['hours']);
  });
});

describe('the rest of the report', () => {
  it('groups what was kept out, counts the backtest by day, and says what is missing', () => {
    const excluded = [1, 2, 3].map((n) => ({
      session: `s${n}`,
      reason: n === 2 ? 'hard-evidence' : 'improbable',
    }));
    const row = (session: string, old: boolean, fresh: boolean) => {
      return { session, agent: 'a', atMs: START_MS + DAY_MS, rung: 'alert', old, new: fresh };
    };
    const evidence: ProposalEvidence = {
      backtest: { days: 4, units: 90, rows: [row('x', true, true), row('y', true, false)] },
      budgets: { alert: 0.5, posture: 0.1 },
    };
    const found = report(profile({ meta: { excluded } }), null, evidence);
    assert.deepEqual(
      found.excluded.map(({ reason, count }) => [reason, count]),
      [
        ['improbable', 2],
        ['hard-evidence', 1],
      ],
    );
    assert.deepEqual(found.predicted, [
      { rung: 'alert', oldPerDay: 0.5, newPerDay: 0.25, declaredPerDay: 0.5 },
      { rung: 'posture', oldPerDay: 0, newPerDay: 0, declaredPerDay: 0.1 },
    ]);
    assert.deepEqual(found.missing, ['influence of sessions and days']);
    assert.equal(report(profile(), profile({ units: [unit(1, ['get'])] })).missing.length, 4);
  });
});
