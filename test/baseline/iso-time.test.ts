/** ISO times without Date agree with Date, also before 1970 and in leap years. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { isoOf, msOfIso } from '../../src/baseline/iso-time.ts';

it('agrees with the platform over four thousand years, both ways', () => {
  const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });
  fc.assert(
    fc.property(seconds, (s) => {
      const iso = new Date(s * 1000).toISOString().replace('.000Z', 'Z');
      assert.equal(isoOf(s * 1000), iso);
      assert.equal(msOfIso(iso), s * 1000);
    }),
  );
  assert.equal(msOfIso('2026-11-18T09:00:00.25Z'), Date.UTC(2026, 10, 18, 9, 0, 0, 250));
});

it('takes no date that is none', () => {
  for (const text of ['2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T24:00:00Z', 'x'])
    assert.equal(msOfIso(text), null, text);
});
