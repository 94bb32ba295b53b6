/** Derived fields: their names, and that nothing people wrote is among what may be shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DERIVED, SHOWN } from '../../../src/detect/sigma/derived.ts';

test('derived fields lie in the rooms of the taxonomy', () => {
  for (const name of Object.keys(DERIVED))
    assert.match(name, /^(?:tenant|(?:agent|session|call|ref|action)\.[a-zA-Z.]+)$/, name);
});

test('values that carry payload are never shown', () => {
  for (const name of SHOWN)
    assert.doesNotMatch(name, /args|result|text|mandate|reason$|attrs|detail|principal/, name);
});
