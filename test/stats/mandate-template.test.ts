import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mandateTemplate } from '../../src/stats/mandate-template.ts';

test('template: mandates that differ in their values only are of one kind', () => {
  assert.equal(
    mandateTemplate("Pay invoice 4711 of ann@x.org by 2026-01-02, see www.x.org/a and '/srv/b'"),
    mandateTemplate("pay  invoice 12 of bob@y.io by 2025-11-30, see https://y.io and '/var/log/c'"),
  );
  assert.notEqual(mandateTemplate('Pay the invoice'), mandateTemplate('Cancel the invoice'));
});

test('template: long mandates are cut, not slow', () => {
  assert.ok(mandateTemplate('9'.repeat(1_000_000)).length < 4096);
});
