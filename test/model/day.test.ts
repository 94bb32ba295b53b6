/** Days: equal to the calendar everybody uses, and nothing for days that are none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayOf, dayStartMs } from '../../src/model/day.ts';

test('days are those of the calendar', () => {
  const DAY = 86_400_000;
  for (let ms = Date.UTC(1969, 0, 1); ms < Date.UTC(2110, 0, 1); ms += 13 * DAY + 3_600_000) {
    const day = new Date(ms).toISOString().slice(0, 10);
    assert.equal(dayOf(ms), day);
    assert.equal(dayStartMs(day), Date.parse(`${day}T00:00:00Z`));
  }
  assert.equal(dayStartMs('2028-02-29'), Date.UTC(2028, 1, 29));
});

test('a day that the calendar does not have is none', () => {
  for (const text of ['2027-02-29', '2026-13-01', '2026-00-10', '2026-04-31', '2026-1-1', 'soon'])
    assert.equal(dayStartMs(text), null, text);
});
