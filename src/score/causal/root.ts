/** Root cause: back along the edges from what was detected to where it began. */
import type { ChainEdge, ChainNode, NodeType } from '../../model/chain.ts';

/** Which kind of beginning explains more, best first. */
const RANK: Readonly<Record<NodeType, number>> = {
  'untrusted-input': 0,
  change: 1,
  reasoning: 3,
  act: 4,
  effect: 5,
  intervention: 6,
};
/** A call that opened the session explains more than what the session then thought. */
const SPAWN_RANK = 2;

/**
 * The node to blame, or null for an empty chain: of all that lead to `targets`, themselves included,
 * foreign input before a change before another session before reasoning; then the earliest.
 */
export function rootOf(
  nodes: readonly ChainNode[],
  edges: readonly ChainEdge[],
  targets: readonly string[],
): string | null {
  const reached = upstream(edges, targets);
  const spawns = new Set(edges.filter(({ type }) => type === 'spawned-by').map(({ from }) => from));
  const rank = ({ id, type }: ChainNode) => (spawns.has(id) ? SPAWN_RANK : RANK[type]);
  let best: ChainNode | null = null;
  for (const node of nodes) {
    if (!reached.has(node.id)) continue;
    if (best === null || isBefore(node, best, rank(node) - rank(best))) best = node;
  }
  return best?.id ?? null;
}

/** Everything that leads to the targets, with them. Cycles end where they began. */
export function upstream(edges: readonly ChainEdge[], targets: readonly string[]): Set<string> {
  const into = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const known = into.get(to);
    if (known === undefined) into.set(to, [from]);
    else known.push(from);
  }
  const reached = new Set(targets);
  const open = [...targets];
  for (let id = open.pop(); id !== undefined; id = open.pop())
    for (const from of into.get(id) ?? [])
      if (!reached.has(from)) {
        reached.add(from);
        open.push(from);
      }
  return reached;
}

function isBefore(one: ChainNode, other: ChainNode, byRank: number): boolean {
  if (byRank !== 0) return byRank < 0;
  return one.ms !== other.ms ? one.ms < other.ms : one.id < other.id;
}
