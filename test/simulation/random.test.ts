/** Seeded randomness: repeatable, independent by name, and shaped as promised. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  between,
  chance,
  exponential,
  hex8,
  integer,
  logNormal,
  normal,
  pick,
  type Random,
  shuffled,
  stream,
  uniform,
} from '../../src/simulation/random.ts';

const draws = (random: Random, count: number) =>
  Array.from({ length: count }, () => uniform(random));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

test('a stream repeats exactly; another name or seed gives another', () => {
  assert.deepEqual(draws(stream(7, 'a'), 50), draws(stream(7, 'a'), 50));
  const firsts = new Set<number>();
  for (let i = 0; i < 2_000; i += 1) firsts.add(uniform(stream(7, `session/${i}`)));
  for (let i = 0; i < 2_000; i += 1) firsts.add(uniform(stream(i + 8, 'session/0')));
  assert.ok(firsts.size >= 3_998, `${firsts.size} of 4000 differ`);
  // Seed and name are kept apart: (1, "2x") is not (12, "x").
  assert.notDeepEqual(draws(stream(1, '2x'), 4), draws(stream(12, 'x'), 4));
});

test('the values are those of this version: recorded runs must stay repeatable', () => {
  assert.deepEqual(
    [hex8(stream(1, 'a')), hex8(stream('one', 'b')), hex8(stream(0, ''))],
    ['acd19e9f', '63a5c5f6', '95c352d0'],
  );
});

test('uniform, normal and exponential have the moments they promise', () => {
  const random = stream(3, 'moments');
  const flat = draws(random, 100_000);
  assert.ok(flat.every((value) => value >= 0 && value < 1));
  assert.ok(Math.abs(mean(flat) - 0.5) < 0.005);
  const bins = new Array<number>(16).fill(0);
  for (const value of flat) bins[Math.floor(value * 16)] = (bins[Math.floor(value * 16)] ?? 0) + 1;
  const chi = bins.reduce((sum, count) => sum + (count - 6_250) ** 2 / 6_250, 0);
  assert.ok(chi < 45, `chi-square of 15 degrees ${chi}`);
  const bell = Array.from({ length: 50_000 }, () => normal(random, 10, 2));
  assert.ok(Math.abs(mean(bell) - 10) < 0.05);
  assert.ok(Math.abs(mean(bell.map((value) => (value - 10) ** 2)) - 4) < 0.15);
  const waits = Array.from({ length: 50_000 }, () => exponential(random, 30));
  assert.ok(Math.abs(mean(waits) - 30) < 0.6);
  assert.ok(waits.every((value) => value >= 0 && Number.isFinite(value)));
  const medians = Array.from({ length: 9_999 }, () => logNormal(random, 100, 0.5)).sort(
    (a, b) => a - b,
  );
  assert.ok(Math.abs((medians[4_999] ?? 0) - 100) < 3);
});

test('choices keep to their bounds', () => {
  const random = stream(4, 'choices');
  const dice = new Set(Array.from({ length: 500 }, () => integer(random, 1, 6)));
  assert.deepEqual([...dice].sort(), [1, 2, 3, 4, 5, 6]);
  for (let i = 0; i < 500; i += 1) {
    const value = between(random, -2, 3);
    assert.ok(value >= -2 && value < 3);
    assert.match(hex8(random), /^[0-9a-f]{8}$/);
  }
  assert.equal(Array.from({ length: 100 }, () => chance(random, 0)).includes(true), false);
  assert.equal(Array.from({ length: 100 }, () => chance(random, 1)).includes(false), false);
  const list = ['a', 'b', 'c', 'd'];
  assert.deepEqual(
    [...new Set(Array.from({ length: 200 }, () => pick(random, list)))].sort(),
    list,
  );
  assert.deepEqual(shuffled(random, list).sort(), list);
  assert.deepEqual(list, ['a', 'b', 'c', 'd'], 'the list itself stays as it was');
  assert.throws(() => pick(random, []), RangeError);
});
