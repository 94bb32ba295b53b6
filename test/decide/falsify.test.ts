/** Falsification: each innocent explanation, and what it takes to hold. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Circumstances, falsify } from '../../src/decide/falsify.ts';
import type { Detection } from '../../src/model/detection.ts';
import { detectionOf, T0 } from './findings.ts';

const QUIET: Circumstances = { blindNow: [], changedMs: null, leases: 0, shared: null };

function verdicts(detection: Partial<Detection>, circumstances: Partial<Circumstances> = {}) {
  const found = falsify(detectionOf(detection), { ...QUIET, ...circumstances });
  return Object.fromEntries(found.map(({ explanation, verdict }) => [explanation, verdict]));
}

describe('falsify', () => {
  it('rules everything out where nothing explains the finding', () => {
    assert.deepEqual(verdicts({}), {
      'source-outage': 'ruled-out',
      'late-data': 'ruled-out',
      'declared-change': 'ruled-out',
      'peer-wide-shift': 'ruled-out',
      'our-own-action': 'ruled-out',
      'known-exception': 'ruled-out',
    });
  });

  it('takes a shift of the whole role for an explanation, but not of a breach of contract', () => {
    const shared = { agents: 4, of: 9 };
    const of = (evidenceClass: 'hard' | 'statistical') =>
      verdicts({ evidenceClass }, { shared })['peer-wide-shift'];
    assert.deepEqual([of('statistical'), of('hard')], ['holds', 'cannot-tell']);
  });

  it('takes a blind book for an explanation, then and now', () => {
    assert.equal(verdicts({ blind: ['metrics'] })['source-outage'], 'holds');
    assert.equal(verdicts({}, { blindNow: ['gateway'] })['source-outage'], 'holds');
  });

  it('takes a late record for an explanation', () => {
    assert.equal(verdicts({ late: true })['late-data'], 'holds');
  });

  it('cannot tell where governance changed something a minute before', () => {
    const at = (changedMs: number) => verdicts({}, { changedMs })['declared-change'];
    assert.equal(at(T0), 'cannot-tell');
    assert.equal(at(T0 - 59_999), 'cannot-tell');
    assert.equal(at(T0 - 60_000), 'ruled-out');
    assert.equal(at(T0 + 1), 'ruled-out');
  });

  it('names the figures it looked at', () => {
    const found = falsify(detectionOf({ blind: ['metrics'] }), {
      blindNow: ['metrics', 'gateway'],
      changedMs: T0 - 5000,
      leases: 2,
      shared: { agents: 4, of: 9 },
    });
    const data = found.map((each) => each.data).join('\n');
    assert.match(data, /blind: metrics, gateway/);
    assert.match(data, /5 s before/);
    assert.match(data, /2 of our leases/);
    assert.match(data, /4 of 9 agents/);
  });
});
