/** Entity risk: decay, caps, diversity, reach, exact retraction, delegation, bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Trust } from '../../src/model/event.ts';
import {
  addRisk,
  type Contribution,
  delegatedRisk,
  freezeRisk,
  retractEverywhere,
  retractRisk,
  riskOf,
} from '../../src/score/risk.ts';
import { Slots } from '../../src/state/slots.ts';

const HOUR = 3_600_000;
const one = (given: Partial<Contribution>): Contribution => ({
  id: 'x',
  detector: 'd',
  trust: 'gateway',
  weight: 40,
  ms: 0,
  delegated: false,
  ...given,
});
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test('risk: halves in six hours, also what comes late', () => {
  const slots = new Slots();
  addRisk(slots, 'a', one({}));
  near(riskOf(slots, 'a', 0).points, 40);
  near(riskOf(slots, 'a', 6 * HOUR).points, 20);
  addRisk(slots, 'a', one({ id: 'late', detector: 'e', weight: 80, ms: -6 * HOUR }));
  near(riskOf(slots, 'a', 6 * HOUR).points, 20 + 20);
  near(riskOf(slots, 'nobody', 0).points, 0);
});

test('risk: one noisy detector carries at most one and a half of its weight', () => {
  const slots = new Slots();
  for (let at = 0; at < 50; at += 1) addRisk(slots, 'a', one({ id: `${at}` }));
  near(riskOf(slots, 'a', 0).points, 60);
});

test('risk: independent sources and reach weigh more; thresholds', () => {
  const slots = new Slots();
  addRisk(slots, 'a', one({ id: '1', detector: 'd1' }));
  addRisk(slots, 'a', one({ id: '2', detector: 'd2', trust: 'policy', weight: 40 }));
  const risk = riskOf(slots, 'a', 0);
  near(risk.points, 80 * 1.25);
  assert.deepEqual([risk.sources, risk.calls], [2, 'page']);
  near(riskOf(slots, 'a', 0, 'wide').points, 80 * 1.25 * 1.5);
  assert.equal(riskOf(slots, 'a', 4 * HOUR).calls, 'open');
  assert.equal(riskOf(slots, 'a', 24 * HOUR).calls, 'none');
  addRisk(slots, 'a', one({ id: '3', detector: 'd3', trust: 'agent', weight: 1 }));
  assert.equal(riskOf(slots, 'a', 0).sources, 2, 'a source below 5 % adds no diversity');
});

test('risk: silence stops the clock, so hiding never lowers it', () => {
  const slots = new Slots();
  addRisk(slots, 'a', one({}));
  freezeRisk(slots, 'a', 5 * HOUR);
  near(riskOf(slots, 'a', 6 * HOUR).points, 40 * 2 ** (-1 / 6));
});

test('risk: delegation halves at each hop, twice at most, each once, and is no source', () => {
  const passed = delegatedRisk(one({}), ['lead', 'lead', 'chief', 'owner']);
  assert.deepEqual(
    passed.map(({ entity, contribution }) => [entity, contribution.weight]),
    [
      ['lead', 20],
      ['chief', 10],
    ],
  );
  const slots = new Slots();
  for (const { entity, contribution } of passed) addRisk(slots, entity, contribution);
  assert.deepEqual([riskOf(slots, 'lead', 0).points, riskOf(slots, 'lead', 0).sources], [20, 0]);
});

test('risk: a verdict takes back exactly what was added', () => {
  const trusts: Trust[] = ['agent', 'runtime', 'gateway', 'policy', 'platform'];
  const contribution = fc.record({
    detector: fc.constantFrom('d', 'e', 'f'),
    trust: fc.constantFrom(...trusts),
    weight: fc.constantFrom(1, 5, 15, 40, 80),
    ms: fc.integer({ min: 0, max: 10 * HOUR }),
  });
  fc.assert(
    fc.property(fc.array(contribution, { maxLength: 20 }), contribution, (others, extra) => {
      const slots = new Slots();
      others.forEach((other, at) => {
        addRisk(slots, 'a', one({ ...other, id: `${at}` }));
      });
      const before = riskOf(slots, 'a', 11 * HOUR);
      assert.equal(addRisk(slots, 'a', one({ ...extra, id: 'extra' })), true);
      assert.equal(addRisk(slots, 'a', one({ ...extra, id: 'extra' })), false);
      assert.ok(riskOf(slots, 'a', 11 * HOUR).points >= 0);
      assert.equal(retractRisk(slots, 'a', 'extra'), true);
      assert.deepEqual(riskOf(slots, 'a', 11 * HOUR), before);
      assert.equal(retractRisk(slots, 'a', 'extra'), false);
    }),
  );
});

test('risk: remembers 256 contributions and no more', () => {
  const slots = new Slots();
  for (let at = 0; at < 300; at += 1)
    addRisk(slots, 'a', one({ id: `${at}`, detector: `d${at}`, weight: 1 }));
  near(riskOf(slots, 'a', 0).points, 256);
});

test('risk: a verdict takes a contribution back from everybody who got it, exactly', () => {
  const slots = new Slots();
  const keep = one({ id: 'keep', detector: 'e' });
  const names = ['agent', 'session', 'tenant', 'delegator'];
  for (const name of names) addRisk(slots, name, keep);
  const before = names.map((name) => riskOf(slots, name, HOUR).points);
  addRisk(slots, 'agent', one({ id: 'wrong' }), undefined, ['session', 'delegator']);
  for (const name of names.slice(1)) addRisk(slots, name, one({ id: 'wrong', weight: 20 }));
  assert.equal(retractEverywhere(slots, 'agent', ['tenant'], 'wrong'), 4);
  assert.deepEqual(
    names.map((name) => riskOf(slots, name, HOUR).points),
    before,
  );
  assert.equal(retractEverywhere(slots, 'agent', ['tenant'], 'wrong'), 0);
});

test('risk: a flood of trifles pushes out nothing but itself, and is said once', () => {
  const slots = new Slots();
  const said: string[] = [];
  const add = (given: Partial<Contribution>) =>
    addRisk(slots, 'a', one(given), (_, detail) => said.push(detail));
  add({ id: 'grave', detector: 'grave', weight: 80 });
  for (let at = 0; at < 1000; at += 1)
    add({ id: `t${at}`, detector: 'trifle', weight: 1, ms: 1000 + at });
  assert.ok(riskOf(slots, 'a', 2000).points > 80);
  assert.equal(said.length, 1);
  for (let at = 0; at < 300; at += 1) add({ id: `g${at}`, detector: `g${at % 9}`, ms: 3000 + at });
  assert.ok(riskOf(slots, 'a', 4000).points > 400);
  near(riskOf(slots, 'a', 30 * 24 * HOUR).points, 0);
});
