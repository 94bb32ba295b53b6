/** Targets: how long one that is busy asks us to wait, bounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterMs } from '../../src/act/target.ts';

test('Retry-After is seconds or a date, never more than half a minute and never negative', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  const of = (text: string | undefined) => retryAfterMs(text, nowMs);
  assert.deepEqual([of(undefined), of(''), of('soon'), of('-5')], [0, 0, 0, 0]);
  assert.deepEqual([of('7'), of(' 7 '), of('86400')], [7_000, 7_000, 30_000]);
  assert.equal(of('Thu, 01 Jan 2026 00:00:09 GMT'), 9_000);
  assert.equal(of('Wed, 31 Dec 2025 00:00:00 GMT'), 0);
});
