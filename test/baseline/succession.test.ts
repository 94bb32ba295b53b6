/** Succession: what the window does not name stays as it was, and the drift is stated in full. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ledgerAfter, understated } from '../../src/baseline/ledger.ts';
import { profileHash } from '../../src/baseline/profile.ts';
import { changedOutside, ledgerSteps } from '../../src/baseline/review.ts';
import { succeed } from '../../src/baseline/succession.ts';
import { profile, REGISTRY, units } from './profiles.ts';

const first = profile();
const learnt = profile({ units: units(400, 0.4), calibrated: 300 });
const inForce = { profile: first, anchor: first, ledger: { mix: 0.01 } };

it('follows what is in force in the named dimensions and nowhere else', () => {
  const permission = { dimensions: ['mix'], change: 'gov-1' };
  const next = succeed(REGISTRY, learnt, inForce, permission);
  assert.deepEqual([next.meta.parent, next.meta.change], [profileHash(first), 'gov-1']);
  assert.deepEqual(changedOutside(['mix'], first, next), []);
  assert.deepEqual(next.dimensions['mix'], learnt.dimensions['mix']);
  assert.deepEqual(next.dimensions['sequence'], first.dimensions['sequence']);
  assert.equal(next.calibration['sequence']?.['L3/seen']?.length, 250);
  const rows = ledgerAfter(inForce.ledger, ledgerSteps(REGISTRY, next, first, first));
  assert.deepEqual(understated(next.meta.ledger, rows), []);
  assert.ok((next.meta.ledger['mix'] ?? 0) > 0.02 && next.meta.ledger['sequence'] === 0);
});

it('takes everything where the window names everything, and starts at nothing without a parent', () => {
  const all = { dimensions: ['*'], change: null };
  const next = succeed(REGISTRY, learnt, inForce, all);
  assert.deepEqual(next.dimensions, learnt.dimensions);
  const genesis = succeed(REGISTRY, { ...learnt, meta: next.meta }, null, all);
  assert.deepEqual([genesis.meta.parent, genesis.meta.ledger], [null, {}]);
});
