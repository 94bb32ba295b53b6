/** Routes: the first that fits decides; all its conditions must hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sinksFor } from '../../src/act/route.ts';
import type { AlertFacts } from '../../src/model/alert.ts';

const SINKS = [
  { name: 'pager', kinds: ['finding'] },
  { name: 'am', kinds: ['finding'] },
  { name: 'log', kinds: ['finding', 'action'] },
] as const;
const facts = (more: Partial<AlertFacts> = {}): AlertFacts => ({
  ...{ kind: 'finding', level: 'high', role: 'billing', detectors: ['overreach', 'bypass'] },
  ...more,
});

test('without routes everything goes to every sink that takes it', () => {
  assert.deepEqual(sinksFor(facts(), null, SINKS), ['pager', 'am', 'log']);
  assert.deepEqual(sinksFor(facts({ kind: 'action' }), null, SINKS), ['log']);
});

test('the first route that fits decides, whatever follows', () => {
  const routes = [
    { when: { severity: ['critical' as const] }, to: ['pager'] },
    { when: { severity: ['high' as const], role: ['billing'] }, to: ['am', 'log', 'am'] },
    { to: ['pager', 'log'] },
  ];
  assert.deepEqual(sinksFor(facts({ level: 'critical' }), routes, SINKS), ['pager']);
  assert.deepEqual(sinksFor(facts(), routes, SINKS), ['am', 'log']);
  assert.deepEqual(sinksFor(facts({ role: 'support' }), routes, SINKS), ['pager', 'log']);
  assert.deepEqual(sinksFor(facts({ role: null }), routes, SINKS), ['pager', 'log']);
  assert.deepEqual(sinksFor(facts({ kind: 'action' }), routes, SINKS), ['log']);
});

test('one detector of the case is enough; where nothing fits, nobody is told', () => {
  const routes = [{ when: { detector: ['bypass'] }, to: ['am'] }];
  assert.deepEqual(sinksFor(facts(), routes, SINKS), ['am']);
  assert.deepEqual(sinksFor(facts({ detectors: ['other'] }), routes, SINKS), []);
});
