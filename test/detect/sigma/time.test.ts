/** Parts of times, against the platform's own calendar. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { timePart } from '../../../src/detect/sigma/time.ts';
import type { TimePart } from '../../../src/model/sigma.ts';

const parts = (value: string | number) =>
  (['year', 'month', 'day', 'hour', 'minute'] as const).map((part) => timePart(value, part));

describe('parts of times', () => {
  it('are those of the calendar, in UTC', () => {
    const days = fc.date({
      min: new Date('1975-01-01'),
      max: new Date('2286-11-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(days, (date) => {
        const wanted = [
          ...[date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()],
          ...[date.getUTCHours(), date.getUTCMinutes()],
        ];
        assert.deepEqual(parts(date.toISOString()), wanted);
        assert.deepEqual(parts(date.getTime()), wanted);
        assert.deepEqual(parts(`${date.getTime()}000000`.padStart(19, '0')), wanted);
      }),
    );
  });

  it('read the usual ways to write a time', () => {
    const wanted = [2026, 8, 5, 3, 4];
    for (const text of [
      ...['2026-08-05T03:04:05Z', '2026-08-05 03:04:05', '2026-08-05T03:04:05.123456789Z'],
      ...['2026-08-05T05:04:05+02:00', '2026-08-04T20:34:05-0630', '2026-08-05T03:04Z'],
      String(Date.UTC(2026, 7, 5, 3, 4) / 1000),
    ])
      assert.deepEqual(parts(text), wanted, text);
    assert.deepEqual(parts('2026-08-05'), [2026, 8, 5, 0, 0]);
  });

  it('count weeks as ISO 8601 does', () => {
    const week = (text: string) => timePart(text, 'week');
    assert.deepEqual(
      ['2021-01-03', '2021-01-04', '2020-12-31', '2018-12-31', '2026-08-05', '2024-12-29'].map(
        week,
      ),
      [53, 1, 53, 1, 32, 52],
    );
  });

  it('of what is no time are none', () => {
    for (const value of [
      '',
      'x',
      '2026-13-01',
      '2026-00-01',
      '2026-08-05T',
      true,
      Number.NaN,
      1e300,
    ])
      for (const part of ['minute', 'week', 'year'] as const satisfies TimePart[])
        assert.equal(timePart(value, part), null, String(value));
  });
});
