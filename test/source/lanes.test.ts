/** Lanes: every event has one, every record at least one, and nothing is counted twice. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addressed, commonLane, createLaneOf, decodeFor, lanesOf } from '../../src/source/lanes.ts';
import { createDecode } from '../../src/source/source.ts';

const { decode } = createDecode(
  [
    {
      ...{ name: 'gw', topic: 'gw', decoder: 'canonical', trust: 'gateway' },
      kinds: ['gateway'],
    },
  ],
  new Map(),
);
const laneOf = createLaneOf(5);

function event(tenant: string | null, id: string) {
  return {
    ...(tenant === null ? {} : { tenant }),
    ...{ id, kind: 'gateway', category: 'tool_call', agent: { id: 'a' }, session: { id: 's' } },
    time: { eventNs: '1800000000000000000' },
    action: { phase: 'result', tool: 't', decision: 'allow', outcome: 'ok' },
  };
}

function record(value: unknown) {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return { topic: 'gw', partition: 0, offset: 0, timestampMs: 1, key: null, value: bytes };
}

const TENANTS = ['acme', 'beta', 'gamma', 'delta', 'eps', 'zeta', 'eta', 'theta'];

it('gives every tenant one lane, and events without a tenant one too', () => {
  for (const tenant of [...TENANTS, '-']) {
    assert.equal(laneOf(tenant), createLaneOf(5)(tenant));
    assert.ok(laneOf(tenant) >= 0 && laneOf(tenant) < 5);
  }
  assert.ok(new Set(TENANTS.map(laneOf)).size > 2);
  const alone = decode(record(event(null, 'x')));
  assert.deepEqual(lanesOf(alone, laneOf), [commonLane(laneOf)]);
});

it('sends a record to the lanes of its events, and what cannot be read to the common one', () => {
  const mixed = decode(record(TENANTS.map((tenant) => event(tenant, tenant))));
  const lanes = [...new Set(TENANTS.map(laneOf))].sort();
  assert.deepEqual(lanesOf(mixed, laneOf), lanes);
  assert.deepEqual(lanesOf(decode(record('no json')), laneOf), [commonLane(laneOf)]);
  assert.deepEqual(lanesOf(decode(record('[]')), laneOf), [commonLane(laneOf)]);
  const other = TENANTS.find((tenant) => laneOf(tenant) !== commonLane(laneOf)) as string;
  const partly = decode(record([event(other, 'x'), { kind: 'nonsense' }]));
  assert.deepEqual(lanesOf(partly, laneOf), [laneOf(other), commonLane(laneOf)].sort());
});

it('says how far event time is in a record, as far as the clock of whoever reads it allows', () => {
  const ms = 1_800_000_000_000;
  const claimed = { ...record(event('acme', '1')), timestampMs: ms };
  const at = (nowMs: number) => addressed(decode, laneOf, claimed, nowMs);
  assert.deepEqual(at(ms - 60_000), { lanes: [laneOf('acme')], newestMs: ms });
  assert.deepEqual(at(ms - 60_001), { lanes: [laneOf('acme')], newestMs: null });
});

it('gives all lanes together what one decoder gives', () => {
  const values = [
    TENANTS.map((tenant) => event(tenant, tenant)),
    [event('acme', '1'), { kind: 'nonsense' }, event('beta', '2')],
    'no json',
    '[]',
    event('acme', '3'),
    // Named twice: refused on a strict topic, and counted once.
    '{"id":"1","id":"2"}',
  ];
  for (const value of values) {
    const whole = decode(record(value));
    const parts = Array.from({ length: 5 }, (_, lane) =>
      decodeFor(lane, laneOf, decode)(record(value)),
    );
    const ids = (events: readonly { readonly nativeId: string }[]) =>
      events.map(({ nativeId }) => nativeId).sort();
    assert.deepEqual(ids(parts.flatMap(({ events }) => events)), ids(whole.events));
    assert.deepEqual(
      parts.flatMap(({ deadLetters }) => deadLetters),
      whole.deadLetters,
    );
    for (const flag of ['duplicateKeys', 'clamped', 'ignored', 'nonconforming'] as const)
      assert.equal(
        parts.reduce((sum, { flags }) => sum + flags[flag], 0),
        whole.flags[flag],
      );
  }
});
