/** Burn rate: buckets add up like a list of events, forget what is old, and stay bounded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addBurn,
  budgetLeft,
  burnRate,
  countWithin,
  createBurnCounts,
} from '../../src/stats/burn-rate.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const quiet = () => undefined;

describe('burn rate', () => {
  it('counts like a list of events, whatever their order within the window', () => {
    const events = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 * DAY_MS }), fc.boolean()), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(events, (given) => {
        const counts = createBurnCounts();
        const newestMs = 2 * DAY_MS;
        for (const [ms, isBad] of given)
          addBurn(counts, ms, isBad ? 0 : 1, isBad ? 1 : 0, newestMs, quiet);
        for (const [windowMs, width] of [
          [HOUR_MS, 300_000],
          [6 * HOUR_MS, 300_000],
          [48 * HOUR_MS, HOUR_MS],
        ] as const) {
          const fromMs = (Math.floor((newestMs - windowMs) / width) + 1) * width;
          const within = given.filter(([ms]) => ms >= fromMs);
          const bad = within.filter(([, isBad]) => isBad).length;
          assert.deepEqual(countWithin(counts, newestMs, windowMs), {
            good: within.length - bad,
            bad,
          });
        }
      }),
    );
  });

  it('keeps at most a bucket for every place of its windows, over a year of events', () => {
    const counts = createBurnCounts();
    for (let ms = 0; ms < 365 * DAY_MS; ms += 240_000) addBurn(counts, ms, 1, 0, ms, quiet);
    assert.ok(Object.keys(counts.fine).length <= 73);
    assert.ok(Object.keys(counts.hour).length <= 73);
    assert.ok(Object.keys(counts.day).length <= 91);
    assert.equal(countWithin(counts, 365 * DAY_MS - 1, DAY_MS).good, 360);
  });

  it('names every bucket it changed or forgot, so that a copy kept from the names is equal', () => {
    const counts = createBurnCounts();
    const copy = createBurnCounts();
    const times = [0, HOUR_MS, 7 * HOUR_MS, 80 * HOUR_MS, 79 * HOUR_MS, 100 * DAY_MS];
    for (const ms of times)
      addBurn(counts, ms, 2, 1, Math.max(ms, 80 * HOUR_MS), (resolution, bucket) => {
        const own = counts[resolution][bucket];
        if (own === undefined) delete copy[resolution][bucket];
        else copy[resolution][bucket] = [...own];
      });
    assert.deepEqual(copy, counts);
  });

  it('leaves out what came too late for its window', () => {
    const counts = createBurnCounts();
    addBurn(counts, 100 * DAY_MS, 1, 0, 100 * DAY_MS, quiet);
    addBurn(counts, 0, 0, 1, 100 * DAY_MS, quiet);
    assert.deepEqual(counts.day, { '100': [1, 0] });
  });

  it('burns at one when the budget lasts exactly as long as its window', () => {
    assert.equal(burnRate({ good: 0, bad: 0 }, 0.99), 0);
    assert.ok(Math.abs(burnRate({ good: 990, bad: 10 }, 0.99) - 1) < 1e-9);
    assert.ok(Math.abs(budgetLeft({ good: 990, bad: 10 }, 0.99)) < 1e-9);
    assert.ok(budgetLeft({ good: 900, bad: 100 }, 0.99) < -8);
  });

  it('counts what was good before the window and turned bad within it as one bad event', () => {
    const counts = createBurnCounts();
    addBurn(counts, 0, 3, 0, 0, quiet);
    for (const at of [10, 11, 12]) addBurn(counts, at * HOUR_MS, -1, 1, at * HOUR_MS, quiet);
    const within = countWithin(counts, 12 * HOUR_MS, 6 * HOUR_MS);
    assert.deepEqual(within, { good: 0, bad: 3 });
    assert.ok(Math.abs(burnRate(within, 0.9) - 10) < 1e-9);
  });
});
