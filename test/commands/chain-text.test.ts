/** Chains as text: numbered in time, each step with its ground, foreign words escaped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainText } from '../../src/commands/chain-text.ts';
import type { CausalChain, ChainNode } from '../../src/model/chain.ts';

const node = (id: string, type: ChainNode['type'], label: string, ms: number): ChainNode => ({
  ...{ id, type, label, ms, agent: 'a', session: 's', eventId: `${id}0123456789abcdef` },
});
const CHAIN: CausalChain = {
  caseId: 'c',
  nodes: [
    node('i', 'untrusted-input', 'result of read\u001b[31m', 0),
    node('a', 'act', 'called send', 1000),
  ],
  edges: [{ from: 'i', to: 'a', type: 'value-came-from', ms: 1000, eventId: 'a', says: '/to' }],
  dropped: 2,
  root: 'i',
};

test('a chain is told in order, from where it began', () => {
  assert.deepEqual(chainText(CHAIN), [
    'What led to what:',
    ' ▶ 1. 1970-01-01 00:00:00Z untrusted input: result of read\\u{1b}[31m (record i0123456789a)  ← where it began',
    '   2. 1970-01-01 00:00:01Z act: called send (record a0123456789a)',
    '       its /to came from 1',
    '  … and 2 more nodes',
    '',
  ]);
});

test('one node is no chain', () => {
  assert.deepEqual(chainText({ ...CHAIN, nodes: CHAIN.nodes.slice(0, 1), edges: [] }), []);
  assert.deepEqual(chainText(null), []);
});
