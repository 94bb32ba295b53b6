/** Shown fields: nothing people wrote is among what an explanation may repeat. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHOWN } from '../../../src/detect/sigma/shown.ts';

test('values that carry payload are never shown', () => {
  assert.ok(SHOWN.size > 20);
  for (const name of SHOWN)
    assert.doesNotMatch(name, /args|result|text|mandate|reason$|attrs|detail|principal/, name);
});
