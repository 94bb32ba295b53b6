/** Tasks: totals of sessions by the best metric they have. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readMeter, type Task } from '../../../src/score/objectives/tasks.ts';

const task = (): Task => ({ workflow: '', lastMs: 0, readings: {}, counted: {} });
const NAMES = ['best', 'second'];
const metric = (name: string, value: number, temporality = 'delta') => ({
  name,
  value,
  temporality,
});

it('says by how much a total moved, and null where a metric carries nothing of it', () => {
  const one = task();
  assert.equal(readMeter(one, 'cost', NAMES, metric('other', 1)), null);
  assert.equal(readMeter(one, 'cost', NAMES, metric('second', 5)), 5);
  assert.equal(readMeter(one, 'cost', NAMES, metric('best', 2)), -3);
  assert.equal(readMeter(one, 'cost', NAMES, metric('second', 7)), null);
  assert.equal(one.readings.cost?.total, 2);
});

it('refuses what is no amount', () => {
  for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal(readMeter(task(), 'tokens', NAMES, metric('best', value)), null);
});

it('makes no total that is not a number, nor a step that the store cannot add', () => {
  const one = task();
  const cumulative = (value: number) => ({ ...metric('best', value), temporality: 'cumulative' });
  for (const value of [1.7e308, 1, 1.7e308, 5, 1e15, 2, 1e15, Number.MAX_VALUE]) {
    const step = readMeter(one, 'tokens', NAMES, cumulative(value)) ?? 0;
    assert.ok(Math.abs(step) <= 1e15, `${step} after ${value}`);
    assert.ok(Number.isFinite(one.readings.tokens?.total ?? 0));
  }
});
