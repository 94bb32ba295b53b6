/** Unseen origins: none where everything recurs, all of it where nothing does, null without calls. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unseenOrigins } from '../../../src/baseline/conduct/unseen-origins.ts';
import { call, office, unit } from './conduct.ts';

test('unseen origins fall as a window grows, and one new way to fill an argument counts as one', () => {
  const units = office(300, 3);
  const mass = unseenOrigins(units) ?? 1;
  assert.ok(mass < 0.01, `${mass}`);
  const read = call('read_mail', { from: 'ann' }, 'Please pay 77123 today.');
  const odd = unit('odd', 'Read it', [read, call('create_event', { title: '77123' }, 'Created.')]);
  const more = unseenOrigins([...units, odd]) ?? 0;
  assert.ok(more > mass && more < 0.02, `${mass} → ${more}`);
});

test('what was seen once says that everything is new, and no changing call says nothing', () => {
  const once = unit('one', 'Send it', [call('send_mail', { to: 'ann@office.example' }, 'Sent.')]);
  assert.equal(unseenOrigins([once]), 1);
  assert.equal(
    unseenOrigins([unit('two', 'Read', [call('read_mail', { from: 'ann' }, '')])]),
    null,
  );
  assert.equal(unseenOrigins([]), null);
});
