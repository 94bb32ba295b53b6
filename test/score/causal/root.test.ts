/** Root causes: what is reached backwards, and which beginning explains most. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChainEdge, ChainNode, NodeType } from '../../../src/model/chain.ts';
import { rootOf, upstream } from '../../../src/score/causal/root.ts';

const node = (id: string, type: NodeType, ms = 0): ChainNode => ({
  ...{ id, type, label: id, ms, agent: 'a', session: 's', eventId: id },
});
const edge = (from: string, to: string, type: ChainEdge['type'] = 'same-call'): ChainEdge => ({
  ...{ from, to, type, ms: 0, eventId: from, says: '' },
});

test('upstream goes against the edges, and ends in a circle', () => {
  const edges = [edge('a', 'b'), edge('b', 'c'), edge('c', 'a'), edge('c', 'd'), edge('x', 'y')];
  assert.deepEqual([...upstream(edges, ['c'])].sort(), ['a', 'b', 'c']);
  assert.deepEqual([...upstream([], ['c'])], ['c']);
});

test('foreign input explains more than a change, that more than a session, that than thought', () => {
  const nodes = [
    ...[node('act', 'act', 9), node('thought', 'reasoning', 1), node('opened', 'act', 0)],
    ...[node('change', 'change', 5), node('input', 'untrusted-input', 8)],
  ];
  const edges = [
    ...[edge('thought', 'act'), edge('opened', 'thought', 'spawned-by')],
    ...[edge('change', 'act', 'followed-change'), edge('input', 'act', 'value-came-from')],
  ];
  const without = (...gone: string[]) =>
    rootOf(
      nodes.filter(({ id }) => !gone.includes(id)),
      edges.filter(({ from }) => !gone.includes(from)),
      ['act'],
    );
  assert.equal(without(), 'input');
  assert.equal(without('input'), 'change');
  assert.equal(without('input', 'change'), 'opened');
  assert.equal(without('input', 'change', 'opened'), 'thought');
  assert.equal(without('input', 'change', 'opened', 'thought'), 'act');
});

test('what leads elsewhere is no cause; of equals the earliest is; of nothing there is none', () => {
  const nodes = [node('act', 'act', 9), node('b', 'reasoning', 3), node('a', 'reasoning', 4)];
  assert.equal(rootOf(nodes, [edge('a', 'act'), edge('b', 'act')], ['act']), 'b');
  assert.equal(rootOf(nodes, [edge('a', 'act')], ['act']), 'a');
  assert.equal(rootOf([...nodes, node('i', 'untrusted-input')], [edge('i', 'b')], ['act']), 'act');
  assert.equal(rootOf([], [], []), null);
});
