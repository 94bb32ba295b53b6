/** Verdicts on leases: a table of what the gateway showed and what follows from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judge, type VerifiedBy } from '../../src/act/verify.ts';
import { wentThrough } from '../../src/decide/own-effects.ts';
import type { WatchedLease } from '../../src/model/action-log.ts';
import type { Verification } from '../../src/model/decision.ts';
import { intentionOf } from './intentions.ts';

const T0 = 1_000_000;
const GRACE = { graceMs: 5_000 };

const leaseOf = (change: Partial<WatchedLease> = {}): WatchedLease => ({
  leaseId: 'L1',
  agent: 'agent-7',
  verb: 'revoke_session',
  subject: { tenant: 't', agent: 'agent-7', session: 's-1', tools: [] },
  state: 'accepted',
  verification: 'pending',
  acceptedMs: T0,
  expiresMs: T0 + 900_000,
  request: intentionOf('L1'),
  prior: null,
  activity: [],
  ...change,
});
const allowed = (at: number, tool = 'x') => ({ timeMs: T0 + at, allowed: true, tool });
const denied = (at: number, tool = 'x') => ({ timeMs: T0 + at, allowed: false, tool });

interface Row {
  readonly name: string;
  readonly lease?: Partial<WatchedLease>;
  readonly activity?: WatchedLease['activity'];
  /** ms after acceptance; the watermark follows 1 s behind unless given. */
  readonly at: number;
  readonly watermark?: number;
  readonly alive?: boolean;
  readonly is: readonly [Verification, VerifiedBy, leaked: number, latency: number];
}

const frozen = { tenant: 't', agent: 'agent-7', session: null, tools: ['pay', 'send'] };

const ROWS: readonly Row[] = [
  { name: 'nothing yet', at: 100, is: ['pending', 'waiting', 0, 0] },
  {
    name: 'a denial verifies at once',
    activity: [denied(50)],
    at: 100,
    is: ['verified', 'denial', 0, 0],
  },
  {
    name: 'a denial before acceptance was somebody else’s',
    activity: [denied(0)],
    at: 100,
    is: ['pending', 'waiting', 0, 0],
  },
  {
    name: 'calls on their way count for nothing',
    activity: [allowed(0), allowed(2_000)],
    at: 3_000,
    is: ['pending', 'waiting', 0, 0],
  },
  {
    name: 'calls within the grace are counted as latency',
    activity: [allowed(2_001), allowed(5_000)],
    at: 5_500,
    is: ['pending', 'waiting', 0, 2],
  },
  {
    name: 'a call after the grace leaks at once',
    activity: [allowed(3_000), allowed(5_001)],
    at: 5_100,
    is: ['leaking', 'leak', 1, 1],
  },
  {
    name: 'a leak outweighs a denial, before or after it',
    activity: [denied(100), allowed(6_000), denied(7_000)],
    at: 8_000,
    is: ['leaking', 'leak', 1, 0],
  },
  {
    name: 'a later leak reopens what was verified',
    lease: { verification: 'verified' },
    activity: [denied(100), allowed(400_000)],
    at: 400_100,
    is: ['leaking', 'leak', 1, 0],
  },
  {
    name: 'what leaked once stays so when the evidence is no longer listed',
    lease: { verification: 'leaking' },
    activity: [denied(500_000)],
    at: 500_100,
    is: ['leaking', 'leak', 0, 0],
  },
  {
    name: 'quiet past the grace verifies, as the weakest evidence',
    at: 7_000,
    is: ['verified', 'quiet', 0, 0],
  },
  {
    name: 'quiet with a watermark still within the grace proves nothing yet',
    at: 7_000,
    watermark: 5_000,
    is: ['pending', 'waiting', 0, 0],
  },
  {
    name: 'quiet with latency calls before is quiet',
    activity: [allowed(4_000)],
    at: 7_000,
    is: ['verified', 'quiet', 0, 1],
  },
  {
    name: 'a dead gateway is waited for',
    at: 64_999,
    alive: false,
    is: ['pending', 'waiting', 0, 0],
  },
  {
    name: 'a gateway dead for grace and allowance leaves it unverified',
    at: 65_000,
    alive: false,
    is: ['unverified', 'blind', 0, 0],
  },
  {
    name: 'so does one that lags that long',
    at: 65_000,
    watermark: 4_000,
    is: ['unverified', 'no-evidence', 0, 0],
  },
  {
    name: 'unverified heals when the evidence comes',
    lease: { verification: 'unverified' },
    activity: [denied(70_000)],
    at: 71_000,
    alive: false,
    is: ['verified', 'denial', 0, 0],
  },
  {
    name: 'a dead gateway still shows the leak it showed',
    activity: [allowed(6_000)],
    at: 6_100,
    alive: false,
    is: ['leaking', 'leak', 1, 0],
  },
  {
    name: 'only frozen tools leak',
    lease: { verb: 'freeze_tool', subject: frozen },
    activity: [allowed(6_000, 'read'), allowed(7_000, 'pay')],
    at: 8_000,
    is: ['leaking', 'leak', 1, 0],
  },
  {
    name: 'only frozen tools verify by denial',
    lease: { verb: 'posture', subject: frozen },
    activity: [denied(100, 'read'), allowed(6_000, 'read')],
    at: 1_000,
    is: ['pending', 'waiting', 0, 0],
  },
  {
    name: 'a freeze without tools covers all of them',
    lease: { verb: 'freeze_tool' },
    activity: [allowed(6_000, 'read')],
    at: 8_000,
    is: ['leaking', 'leak', 1, 0],
  },
  {
    name: 'a suspended agent may do nothing, whatever tools are named',
    lease: { verb: 'suspend_agent', subject: frozen },
    activity: [allowed(6_000, 'read')],
    at: 8_000,
    is: ['leaking', 'leak', 1, 0],
  },
  {
    name: 'a call after the end of the lease is no leak',
    lease: { expiresMs: T0 + 10_000 },
    activity: [allowed(10_000)],
    at: 10_500,
    is: ['verified', 'quiet', 0, 0],
  },
  {
    name: 'what has no end leaks for ever',
    lease: { expiresMs: null },
    activity: [allowed(9_000_000)],
    at: 9_000_100,
    is: ['leaking', 'leak', 1, 0],
  },
];

for (const row of ROWS) {
  test(`judge: ${row.name}`, () => {
    const lease = leaseOf({ ...row.lease, activity: row.activity ?? [] });
    const now = {
      nowMs: T0 + row.at,
      gatewayWatermarkMs: T0 + (row.watermark ?? row.at - 1_000),
      gatewayAlive: row.alive ?? true,
    };
    const [verification, by, leakedCalls, latencyCalls] = row.is;
    assert.deepEqual(judge(lease, now, GRACE), { verification, by, leakedCalls, latencyCalls });
  });
}

test('judge: a grace shorter than the flight does not accuse calls in flight', () => {
  const lease = leaseOf({ activity: [allowed(1_500)] });
  const now = { nowMs: T0 + 1_600, gatewayWatermarkMs: T0 + 1_600, gatewayAlive: true };
  assert.equal(judge(lease, now, { graceMs: 0 }).verification, 'pending');
  assert.equal(judge(lease, now, { graceMs: 0, inFlightMs: 1_000 }).verification, 'leaking');
});

test('judge: what a call came to proves nothing; that it was let through or turned away does', () => {
  type Seen = Parameters<typeof wentThrough>[0];
  const judged = (seen: Seen) => {
    const went = wentThrough(seen);
    const activity = went === null ? [] : [{ timeMs: T0 + 6_000, allowed: went, tool: 'x' }];
    const now = { nowMs: T0 + 6_500, gatewayWatermarkMs: T0 + 4_000, gatewayAlive: true };
    return judge(leaseOf({ activity }), now, GRACE).by;
  };
  assert.equal(judged({ decision: 'allow', outcome: 'ok' }), 'leak');
  // The upstream answered 500: the call reached it.
  assert.equal(judged({ decision: 'allow', outcome: 'error' }), 'leak');
  assert.equal(judged({ decision: 'modify', outcome: 'unknown' }), 'leak');
  assert.equal(judged({ decision: 'unknown', outcome: 'ok' }), 'leak');
  assert.equal(judged({ decision: 'escalate', outcome: 'ok' }), 'leak');
  assert.equal(judged({ decision: 'deny', outcome: 'error' }), 'denial');
  assert.equal(judged({ decision: 'deny', outcome: 'unknown' }), 'denial');
  assert.equal(judged({ decision: 'unknown', outcome: 'error', forbidden: true }), 'denial');
  for (const outcome of ['error', 'unknown'] as const)
    for (const decision of ['unknown', 'escalate'] as const)
      assert.equal(judged({ decision, outcome }), 'waiting', `${decision} ${outcome}`);
});

test('judge: silence is never proof while the gateway is dead, and no input throws', () => {
  const call = fc.record({
    timeMs: fc.integer({ min: T0 - 1_000, max: T0 + 100_000 }),
    allowed: fc.boolean(),
    tool: fc.constantFrom('pay', 'read'),
  });
  fc.assert(
    fc.property(
      fc.array(call),
      fc.integer({ min: 0, max: 200_000 }),
      fc.boolean(),
      (calls, at, alive) => {
        const now = { nowMs: T0 + at, gatewayWatermarkMs: T0 + at, gatewayAlive: alive };
        const verdict = judge(leaseOf({ activity: calls }), now, GRACE);
        if (!alive) assert.notEqual(verdict.by, 'quiet');
        assert.equal(verdict.leakedCalls > 0, verdict.verification === 'leaking');
        assert.ok(verdict.leakedCalls + verdict.latencyCalls <= calls.length);
      },
    ),
  );
});
