/** Moments: absolute, with or without a zone, or so long ago; anything else is refused with examples. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { momentOf } from '../../src/commands/moment.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const at = (text: string) => new Date(momentOf(text, 'at', NOW)).toISOString();

describe('moments', () => {
  it('reads days, times and lengths of time before now; UTC where no zone stands', () => {
    assert.equal(at('2026-11-29'), '2026-11-29T00:00:00.000Z');
    assert.equal(at('2026-11-29T14:00'), '2026-11-29T14:00:00.000Z');
    assert.equal(at('2026-11-29 14:00:05.250'), '2026-11-29T14:00:05.250Z');
    assert.equal(at('2026-11-29T14:00:00+02:00'), '2026-11-29T12:00:00.000Z');
    assert.equal(at('90d'), '2026-09-01T12:00:00.000Z');
    assert.equal(at('0s'), '2026-11-30T12:00:00.000Z');
  });

  it('refuses what is no time, naming the option', () => {
    for (const text of [
      '',
      'yesterday',
      '2026-13-01',
      '2026-11-31T25:00',
      '1700000000',
      '5 d',
      '-5d',
    ])
      assert.throws(() => momentOf(text, 'at', NOW), /--at takes a time in UTC/, text);
  });
});
