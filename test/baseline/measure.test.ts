/** Measuring: halves that differ are seen, sessions are counted once, whatever their chunks. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { influenceOf, measureUnits, permutation } from '../../src/baseline/measure.ts';
import { stream, uniform } from '../../src/simulation/random.ts';
import { REGISTRY, unit, units } from './profiles.ts';

const mix = REGISTRY.get('mix') ?? assert.fail();
const random = (name: string) => {
  const own = stream(1, name);
  return () => uniform(own);
};

it('counts sessions and days, and what was seen once', () => {
  const list = [...units(100), unit(100, ['get_odd_thing'])];
  const found = measureUnits([...list, unit(100, ['get_ticket'])], [mix], random('count'));
  assert.deepEqual([found.sessions, found.days, found.lag1], [101, 8, null]);
  // Each tool once a session: get_ticket 101, get_customer 100, the two ends 100, the odd one 1.
  assert.ok(Math.abs((found.unseenTools ?? 0) - 1 / 302) < 1e-9, String(found.unseenTools));
});

it('tells halves that differ from halves that do not', () => {
  const [early, late] = [0, 1].map((half) =>
    Array.from({ length: 80 }, (_, n) => {
      const last = n % (half === 0 ? 2 : 8) === 0 ? 'send_reply' : 'update_ticket';
      return unit(half * 80 + n, ['get_ticket', last], half * 4 + (n % 4));
    }),
  );
  const both = [...(early ?? []), ...(late ?? [])];
  assert.ok((measureUnits(both, [mix], random('a')).halvesP ?? 1) <= 0.01);
  assert.ok((measureUnits(units(160), [mix], random('b')).halvesP ?? 0) > 0.01);
  assert.ok(permutation(mix, early ?? [], early ?? [], random('c')) > 0.5);
});

it('sees scores that follow one another, and who weighs most', () => {
  const list = units(60);
  const scores = new Map(list.map(({ head }, at) => [head.session, at % 8]));
  const { lag1 } = measureUnits(list, [], random('d'), scores);
  assert.ok((lag1 ?? 0) > 0.5, String(lag1));
  const heavy = unit(
    99,
    Array.from({ length: 180 }, () => 'get_ticket'),
    3,
  );
  const { sessions, days } = influenceOf([...list, heavy]);
  assert.deepEqual(sessions[0], { id: 'session-99', share: 0.5 });
  assert.ok((days[0]?.share ?? 0) > 0.5 && days.length === 8);
});
