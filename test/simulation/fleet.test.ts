/** The simulated fleet: deterministic, in order, lazy, and every record a valid event. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { WireEvent } from '../../src/model/event.ts';
import type { Emission } from '../../src/simulation/emission.ts';
import { createFleet } from '../../src/simulation/fleet.ts';
import type { FleetOptions } from '../../src/simulation/fleet-options.ts';
import { agentsOf } from '../../src/simulation/population.ts';
import { ROLES } from '../../src/simulation/roles.ts';
import { THOROUGH } from '../sim/amount.ts';

const START = Date.UTC(2026, 8, 1);
const OPTIONS: FleetOptions = {
  seed: 1,
  agents: 40,
  startMs: START,
  sessionsPerHour: 600,
  badShare: 0.2,
};

function digest(emissions: readonly Emission[]): string {
  const sum = createHash('sha256');
  for (const emission of emissions) sum.update(JSON.stringify(emission));
  return sum.digest('hex');
}

test('the same options give the same bytes, however they are fetched', () => {
  const whole = createFleet(OPTIONS).take(20_000);
  assert.equal(whole.length, 20_000);
  const fleet = createFleet(OPTIONS);
  const pieces = [...fleet.until(START + 1_000), ...fleet.take(777)];
  for (let ms = START; pieces.length < 19_000; ms += 9_973) pieces.push(...fleet.until(ms));
  while (pieces.length < 20_000) pieces.push(...fleet.take(1));
  pieces.length = 20_000;
  assert.equal(digest(pieces), digest(whole));
});

test('another seed gives other sessions, another start the same sessions under other ids', () => {
  const ids = (emissions: readonly Emission[]) =>
    new Set(emissions.flatMap(({ event }) => (event.session ? [event.session.id] : [])));
  const first = createFleet(OPTIONS).take(3_000);
  const other = createFleet({ ...OPTIONS, seed: 2 }).take(3_000);
  const later = createFleet({ ...OPTIONS, startMs: START + 86_400_000 }).take(3_000);
  assert.equal(new Set([...ids(first), ...ids(other)]).size, ids(first).size + ids(other).size);
  assert.equal(new Set([...ids(first), ...ids(later)]).size, ids(first).size + ids(later).size);
  const shape = (emissions: readonly Emission[], from: number) =>
    emissions.slice(0, 500).map(({ atMs, topic, key }) => [atMs - from, topic, key]);
  assert.deepEqual(shape(later, START + 86_400_000), shape(first, START));
});

test('every record is a valid event whose time, key and topic agree with its envelope', () => {
  const validator = Compile(WireEvent);
  for (const seed of [1, 2, 3, 'four', 5_000_000_000]) {
    const fleet = createFleet({ ...OPTIONS, seed, tenant: 'acme' });
    let lastMs = START;
    for (const { atMs, topic, key, event } of fleet.take(THOROUGH ? 12_000 : 3_000)) {
      if (!validator.Check(event)) assert.fail(JSON.stringify([validator.Errors(event), event]));
      assert.deepEqual(JSON.parse(JSON.stringify(event)), event);
      assert.ok(atMs >= lastMs, 'time never runs backwards');
      lastMs = atMs;
      assert.equal(event.time.eventNs, String(BigInt(atMs) * 1_000_000n));
      assert.deepEqual([event.kind, event.agent?.id, event.tenant], [topic, key, 'acme']);
      const isNumbered = topic === 'reasoning' || topic === 'gateway';
      assert.deepEqual(
        [event.order !== undefined, event.id === undefined],
        [isNumbered, isNumbered],
      );
    }
  }
});

test('every agent is registered and granted its tools once, before any session opens', () => {
  const emissions = createFleet({ ...OPTIONS, agents: 250 }).take(5_000);
  const opened = emissions.findIndex(({ event }) => event.session !== undefined);
  const start = emissions.slice(0, opened);
  assert.equal(start.length, 500);
  for (const change of ['agent.registered', 'tools.granted']) {
    const ids = start.filter(({ event }) => event.governance?.change === change);
    assert.deepEqual(
      ids.map(({ key }) => key),
      [...agentsOf(250)].map(({ id }) => id),
    );
  }
  const later = emissions.slice(opened);
  assert.equal(
    later.some(({ event }) => event.governance?.change === 'tools.granted'),
    false,
  );
  const roles = new Set([...agentsOf(4)].map(({ role }) => role));
  assert.equal(roles.size, ROLES.length, 'four agents already have all roles');
});

test('identities are unique: ids within a topic, numbers within a session', () => {
  const seen = new Set<string>();
  for (const { topic, event } of createFleet({ ...OPTIONS, badShare: 0.6 }).take(40_000)) {
    const identity = event.id ?? `${event.session?.id}#${event.order?.seq}`;
    assert.equal(seen.has(`${topic}:${identity}`), false, identity);
    seen.add(`${topic}:${identity}`);
    if (topic !== 'reasoning' && topic !== 'gateway') continue;
    const other = topic === 'reasoning' ? 'gateway' : 'reasoning';
    assert.equal(seen.has(`${other}:${identity}`), false, 'one counter for both books');
  }
});

test('sessions of different agents overlap, and only open sessions are held', () => {
  const fleet = createFleet({ ...OPTIONS, agents: 100_000, sessionsPerHour: 36_000 });
  let most = 0;
  let count = 0;
  const sessions = new Set<string>();
  while (count < 260_000) {
    const emission = fleet.next();
    assert.notEqual(emission, null);
    count += 1;
    if (emission?.event.session) sessions.add(emission.event.session.id);
    most = Math.max(most, fleet.activeSessions());
  }
  assert.ok(sessions.size > 1_500, `${sessions.size} sessions`);
  assert.ok(most > 200, `${most} at once`);
  assert.ok(most < sessions.size / 1.5, `${most} of ${sessions.size} at once: the rest is gone`);
});

test('a gate is asked at the time of the call, never ahead of what was given out', () => {
  const asked: number[] = [];
  const fleet = createFleet({
    ...OPTIONS,
    gate: ({ atMs }) => {
      asked.push(atMs);
      return { allowed: true };
    },
  });
  let gateway = 0;
  for (let i = 0; i < 5_000; i += 1) {
    const emission = fleet.next();
    if (emission?.topic === 'gateway') gateway += 1;
    assert.ok((asked.at(-1) ?? 0) <= (emission?.atMs ?? 0));
  }
  assert.equal(asked.length, gateway);
  const untilMs = START + 3_600_000;
  const slice = fleet.until(untilMs);
  assert.ok(slice.every(({ atMs }) => atMs <= untilMs));
  assert.ok(asked.every((atMs) => atMs <= untilMs));
});

test('a gate that allows everything changes nothing', () => {
  const plain = createFleet(OPTIONS).take(8_000);
  const gated = createFleet({ ...OPTIONS, gate: () => ({ allowed: true }) }).take(8_000);
  assert.equal(digest(gated), digest(plain));
});

test('a fleet with a number of sessions comes to rest', () => {
  const fleet = createFleet({ ...OPTIONS, sessions: 25 });
  const emissions = fleet.until(Number.MAX_SAFE_INTEGER);
  const opened = emissions.filter(({ event }) => event.governance?.change === 'session.opened');
  const closed = emissions.filter(({ event }) => event.governance?.change === 'session.closed');
  const children = opened.filter(
    ({ event }) => event.session?.parent?.startsWith('s-lost') === false,
  );
  assert.equal(opened.length - children.length, 25);
  assert.equal(closed.length, opened.length);
  assert.deepEqual([fleet.next(), fleet.take(3), fleet.activeSessions()], [null, [], 0]);
  assert.equal(createFleet({ ...OPTIONS, sessions: 0 }).take(1_000).length, 80);
});

test('options that make no fleet are refused with the reason', () => {
  const wrong: [Partial<FleetOptions>, RegExp][] = [
    [{ agents: 0 }, /agents/],
    [{ agents: 1.5 }, /agents/],
    [{ startMs: -1 }, /startMs/],
    [{ startMs: 0.5 }, /startMs/],
    [{ sessionsPerHour: 0 }, /sessionsPerHour/],
    [{ sessionsPerHour: Number.NaN }, /sessionsPerHour/],
    [{ badShare: 1.1 }, /badShare/],
    [{ roles: [] }, /at least one role/],
    [{ roles: ROLES.map((role) => ({ ...role, tools: role.tools.slice(0, 1) })) }, /support-desk/],
  ];
  for (const [options, reason] of wrong) {
    assert.throws(() => createFleet({ ...OPTIONS, ...options }), {
      name: 'RangeError',
      message: reason,
    });
  }
});

test('an unregistered agent comes back under its name where relapses are asked for, three times', () => {
  const options = {
    seed: 'relapse',
    agents: 6,
    startMs: 1_700_000_000_000,
    sessionsPerHour: 600,
    badShare: 1,
    misbehaviours: ['unknown-agent'] as const,
    sessions: 1,
  };
  const sessionsOf = (relapseMs: number | null) => {
    const fleet = createFleet(relapseMs === null ? options : { ...options, relapseMs });
    const truths: { readonly agentId: string; readonly atMs: number }[] = [];
    for (let next = fleet.next(); next !== null; next = fleet.next())
      if (next.truth !== null) truths.push(next.truth);
    return truths;
  };
  assert.equal(sessionsOf(null).length, 1);
  const back = sessionsOf(30_000);
  assert.equal(back.length, 4);
  assert.equal(new Set(back.map(({ agentId }) => agentId)).size, 1);
  assert.deepEqual(
    back.map(({ atMs }, at) => atMs - (back[0]?.atMs ?? 0) - at * 30_000),
    [0, 0, 0, 0],
  );
});
