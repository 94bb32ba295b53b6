/** Leases in words: every state reads as what it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isStanding, stateOf } from '../../src/commands/leases.ts';
import { LEASE_STATES } from '../../src/model/decision.ts';
import type { StoredLease } from '../../src/record/read.ts';

const NOON = Date.UTC(2026, 0, 1, 12);
const LEASE: StoredLease = {
  id: 'a'.repeat(64),
  caseId: 'b'.repeat(64),
  decisionId: 'c'.repeat(64),
  driver: 'webhook',
  verb: 'freeze_tool',
  subject: { tenant: '', agent: 'agent-1', session: null, tools: ['export'] },
  level: 'high',
  reason: 'ungranted-action: …',
  issuedMs: NOON,
  acceptedMs: NOON,
  expiresMs: NOON + 60_000,
  endedMs: null,
  state: 'accepted',
  cause: null,
  verification: 'verified',
  verifiedBy: 'denial',
  verifiedMs: NOON,
  leakedCalls: 0,
  latencyCalls: 0,
  attempts: 1,
  lastDetail: null,
  endReason: null,
};
const ENDED = { endedMs: NOON + 30_000 };

describe('leases in words', () => {
  it('tells how each stands or ended', () => {
    const told = [
      stateOf({ ...LEASE, state: 'awaiting' }, NOON),
      stateOf({ ...LEASE, state: 'requested' }, NOON),
      stateOf(LEASE, NOON),
      stateOf(LEASE, NOON + 60_001),
      stateOf({ ...LEASE, expiresMs: null }, NOON),
      stateOf({ ...LEASE, ...ENDED, state: 'expired', cause: 'expired' }, NOON),
      stateOf(
        { ...LEASE, state: 'releasing', cause: 'undone', endReason: 'undone by anna: no' },
        NOON,
      ),
      stateOf({ ...LEASE, ...ENDED, state: 'released', endReason: 'undone by anna: no' }, NOON),
      stateOf({ ...LEASE, ...ENDED, state: 'released', cause: 'lifted' }, NOON),
      stateOf({ ...LEASE, ...ENDED, state: 'refused' }, NOON),
      stateOf({ ...LEASE, ...ENDED, state: 'lapsed' }, NOON),
      stateOf({ ...LEASE, state: 'failed' }, NOON),
    ];
    assert.deepEqual(told, [
      'waits for approval until 2026-01-01 12:01:00Z',
      'requested until 2026-01-01 12:01:00Z',
      'stands until 2026-01-01 12:01:00Z',
      'was to end 2026-01-01 12:01:00Z, not noted yet',
      'stands without end',
      'ran out at 2026-01-01 12:00:30Z',
      'is being released (undone): undone by anna: no',
      'ended at 2026-01-01 12:00:30Z: undone by anna: no',
      'lifted at 2026-01-01 12:00:30Z',
      'refused at 2026-01-01 12:00:30Z',
      'lapsed at 2026-01-01 12:00:30Z',
      'failed',
    ]);
  });

  it('offers an undo only for what may stand', () => {
    assert.deepEqual(
      LEASE_STATES.filter((state) => isStanding({ ...LEASE, state })),
      ['awaiting', 'requested', 'accepted'],
    );
  });
});
