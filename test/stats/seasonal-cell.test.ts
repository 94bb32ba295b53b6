/** Seasonal cells: the calendar, and shrinkage from level to level. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cellFactor, hourCell, levelAt, seasonalLevel } from '../../src/stats/seasonal-cell.ts';

const HOUR_MS = 3_600_000;

describe('seasonal cell', () => {
  it('agrees with the calendar at any time, before 1970 too', () => {
    fc.assert(
      fc.property(fc.integer({ min: -4e12, max: 4e12 }), (ms) => {
        const date = new Date(ms);
        const weekend = date.getUTCDay() === 0 || date.getUTCDay() === 6;
        assert.equal(hourCell(ms), date.getUTCHours() + (weekend ? 24 : 0));
      }),
    );
    assert.equal(hourCell(Number.NaN), 0);
  });

  it('keeps cells apart and in order', () => {
    const level = seasonalLevel([
      [5 * HOUR_MS, 2],
      [3 * HOUR_MS, 9],
      [5 * HOUR_MS, 4],
    ]);
    assert.deepEqual(
      level?.cells.map(([cell, { n, median }]) => [cell, n, median]),
      [
        [3, 1, 9],
        [5, 2, 3],
      ],
    );
    assert.equal(level?.whole.median, 4);
    assert.equal(seasonalLevel([]), null);
  });

  it('expects what the general level says until the particular one has evidence', () => {
    const role = seasonalLevel([[0, 5]]);
    const agent = seasonalLevel(Array.from({ length: 300 }, () => [0, 1] as const));
    assert.equal(levelAt([null, null], 0), null);
    assert.equal(levelAt([null, role], 7)?.median, 5);
    const at = levelAt([agent, role], 0)?.median ?? 0;
    assert.ok(at > 1 && at < 1.1, `${at}`);
  });

  it('moves a rate by evidence only', () => {
    assert.equal(cellFactor(0, 0), 1);
    assert.ok(cellFactor(3_000, 1_000) > 2.9);
    assert.equal(cellFactor(-4, -4), 1);
  });
});
