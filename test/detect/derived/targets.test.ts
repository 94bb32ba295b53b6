/** Targets: how much a call touches. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isTooMany,
  missingArguments,
  strayArguments,
  targetsOf,
} from '../../../src/detect/derived/targets.ts';
import { askedCall, inventoryOf, tool } from './asked-call.ts';

describe('targets of a call', () => {
  const inventory = inventoryOf([tool('send_report', { targets: '/to/list' })]);
  const targets = (list: unknown) => targetsOf(askedCall({ args: { to: { list } } }, inventory));

  it('are counted by the argument that the library names', () => {
    assert.equal(targets(['a', 'b', 'c']), 3);
    assert.equal(targets(40), 40);
    assert.equal(targets({ a: 1, b: 2 }), 2);
    assert.equal(targets('one'), 1);
  });

  it('are what the gateway says, where it says so', () => {
    assert.equal(targetsOf(askedCall({ affected: 7, args: { to: { list: [1] } } }, inventory)), 7);
  });

  it('are absent where nobody says', () => {
    assert.equal(targets(undefined), undefined);
    assert.equal(targets(null), undefined);
    assert.equal(targetsOf(askedCall({ args: { to: 1 } }, inventory)), undefined);
    assert.equal(targetsOf(askedCall({ args: { to: { list: [1] } } })), undefined);
  });

  it('are own members only', () => {
    const odd = inventoryOf([tool('send_report', { targets: '/constructor/name' })]);
    assert.equal(targetsOf(askedCall({ args: {} }, odd)), undefined);
  });

  it('are too many beyond what the library allows', () => {
    const bounded = inventoryOf([tool('send_report', { targets: '/to', maxTargets: 2 })]);
    const many = (to: unknown) => isTooMany(askedCall({ args: { to } }, bounded));
    assert.deepEqual([many([1, 2]), many([1, 2, 3]), many(null)], [false, true, undefined]);
    assert.equal(isTooMany(askedCall({ affected: 9 })), undefined);
  });
});

describe('arguments of a call', () => {
  const declared = inventoryOf([
    tool('send_report', { parameters: ['to', 'text'], required: ['to'] }),
  ]);

  it('are compared with what the tool takes', () => {
    const asked = askedCall({ args: { text: 'x', recipients: 1, _meta: {} } }, declared);
    assert.deepEqual(strayArguments(asked), ['recipients']);
    assert.deepEqual(missingArguments(asked), ['to']);
    const fine = askedCall({ args: { to: 'x' } }, declared);
    assert.deepEqual([strayArguments(fine), missingArguments(fine)], [[], []]);
  });

  it('are not judged where the library lists none, or none are known', () => {
    assert.equal(strayArguments(askedCall({ args: { x: 1 } })), undefined);
    assert.equal(missingArguments(askedCall({}, declared)), undefined);
    assert.deepEqual(missingArguments(askedCall({ args: {} }, declared)), ['to']);
  });
});
