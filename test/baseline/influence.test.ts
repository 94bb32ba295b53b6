/** Bounded influence: caps by session and day, what counts as known, order of units. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKnown, knownOf, tallied } from '../../src/baseline/influence.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import { callOf, unitOf } from '../conformance/units.ts';

const DAY_MS = 86_400_000;

/** A session that calls a tool so often, on a day. */
function session(n: number, day: number, tool: string, times: number): UnitRecord {
  const ms = day * DAY_MS + 1;
  return unitOf(
    Array.from({ length: times }, () => callOf({ tool, ms })),
    n,
  );
}

const tools = (unit: UnitRecord, add: (key: string) => void): void => {
  for (const item of unit.items) if (item.type === 'call') add(item.tool);
};

const HONEST = Array.from({ length: 99 }, (_, n) => session(n, n % 25, 'read', 2));

describe('bounded influence', () => {
  it('caps one loud session at total/√sessions, whatever it repeats', () => {
    const tally = tallied([...HONEST, session(100, 3, 'shout', 5_000)], tools);
    assert.equal(tally.sessions, 100);
    assert.deepEqual(tally.counters.get('shout'), { n: 500, sessions: 1, days: 1 });
    assert.equal(tally.counters.get('read')?.n, 198);
  });

  it('caps one loud day at total/√days', () => {
    const day = Array.from({ length: 40 }, (_, n) => session(200 + n, 7, 'burst', 10));
    const { counters, days } = tallied([...HONEST, ...day], tools);
    assert.equal(days, 25);
    assert.equal(counters.get('burst')?.n, 400 / 5);
  });

  it('lets a single occurrence count once', () => {
    assert.equal(
      tallied([...HONEST, session(100, 0, 'once', 1)], tools).counters.get('once')?.n,
      1,
    );
  });

  it('takes the chunks of a session as one session, on the day it began', () => {
    const chunks = [session(7, 4, 'late', 3), session(7, 3, 'late', 3)];
    const { counters, sessions, days } = tallied(chunks, tools);
    assert.deepEqual([sessions, days, counters.get('late')?.days], [1, 1, 1]);
    assert.equal(tallied(chunks, tools, { once: true }).counters.get('late')?.n, 1);
  });

  it('keeps sessions of different tenants apart', () => {
    const [one] = HONEST;
    assert.ok(one !== undefined);
    const other = { ...one, head: { ...one.head, tenant: 'u' } };
    assert.equal(tallied([one, other], tools).sessions, 2);
  });

  it('knows what three sessions on two days showed, and nothing less', () => {
    const few = [session(300, 1, 'two', 9), session(301, 2, 'two', 9)];
    const sameDay = [1, 2, 3, 4].map((n) => session(310 + n, 5, 'day', 1));
    const enough = [1, 2, 3].map((n) => session(320 + n, n, 'three', 1));
    const tally = tallied([...HONEST, ...few, ...sameDay, ...enough], tools);
    assert.deepEqual(knownOf(tally), ['read', 'three']);
  });

  it('asks of a window no more sessions and days than it has', () => {
    const tally = tallied([session(1, 1, 'only', 1)], tools);
    assert.deepEqual(knownOf(tally), ['only']);
    assert.ok(!isKnown({ n: 9, sessions: 2, days: 2 }, { ...tally, sessions: 9, days: 9 }));
  });

  it('does not depend on the order of units', () => {
    const entries = (units: readonly UnitRecord[]) => [...tallied(units, tools).counters].sort();
    assert.deepEqual(entries(HONEST.toReversed()), entries(HONEST));
    assert.deepEqual(tallied([], tools), { counters: new Map(), sessions: 0, days: 0 });
  });
});
