/** Sessions: everything the fold keeps reaches the store, member by member. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelate } from '../../src/correlate/correlate.ts';
import { approvedBy } from '../../src/correlate/session.ts';
import { createFleet } from '../../src/simulation/fleet.ts';
import { Slots } from '../../src/state/slots.ts';
import { THOROUGH } from '../sim/amount.ts';
import { laneOptions } from '../sim/lane-options.ts';

const START_MS = 1_767_225_600_000;

function contentOf(slots: Slots): string[] {
  const sorted = (key: string, value: unknown) =>
    key !== '' && typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return [...slots.all()].map((row) => JSON.stringify(row, sorted)).sort();
}

describe('sessions', () => {
  for (const maxActsPerSession of [8, 4096])
    it(`are in the deltas as they are in memory, with room for ${maxActsPerSession} acts`, () => {
      const options = laneOptions();
      const slots = new Slots();
      const ignore = () => undefined;
      const rules = { ...options.correlate, maxActsPerSession, rememberMs: 600_000 };
      const correlate = createCorrelate(slots, rules, ignore, ignore);
      const fleet = createFleet({
        seed: 'stored',
        agents: 40,
        startMs: START_MS,
        sessionsPerHour: 4000,
        badShare: 0.4,
      });
      const deltas: { seq: number; bytes: Buffer }[] = [];
      const store = () => {
        const bytes = slots.takeDelta();
        if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
      };
      fleet.take(THOROUGH ? 6000 : 2500).forEach(({ topic, atMs, event: sent }, offset) => {
        const value = Buffer.from(JSON.stringify(sent));
        const at = { topic, partition: 0, offset, timestampMs: atMs, key: null };
        correlate.passTime(atMs - 1);
        for (const event of options.decode({ ...at, value }).events) correlate.fold(event, false);
        if (offset % 97 === 0) store();
      });
      for (const later of [0, 3_600_000, 5_000_000]) {
        if (later > 0) correlate.passTime(START_MS + later);
        store();
        const restored = new Slots();
        const after = createCorrelate(restored, rules, ignore, ignore);
        restored.restore([], deltas);
        for (const _ of after.restoring());
        assert.deepEqual(contentOf(restored), contentOf(slots));
      }
    });
});

describe('approvals', () => {
  const by = (who: string, fromMs: number, toMs: number, tools = ['pay']) => [
    { ms: fromMs, by: [who], fromMs, toMs, tools },
  ];
  const holds = (approvals: ReturnType<typeof by>) =>
    approvedBy(approvals, { tool: 'pay', ms: 1000 }, 'a', 3000);

  it('count from the call to its review, with both ends', () => {
    for (const [fromMs, toMs, wanted] of [
      [0, 999, false],
      [0, 1000, true],
      [0, 2000, true],
      [3000, 9000, true],
      [3001, 9000, false],
    ] as const)
      assert.equal(holds(by('mara', fromMs, toMs)), wanted, `${fromMs} to ${toMs}`);
  });

  it('count neither from the agent itself nor for another tool', () => {
    assert.equal(holds(by('a', 0, 9000)), false);
    assert.equal(holds(by('mara', 0, 9000, ['read'])), false);
    assert.equal(holds(by('mara', 0, 9000, [])), true);
  });
});
