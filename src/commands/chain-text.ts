/** Causal chains as text: what led to what, in the order it happened, and where it began. */
import type { CausalChain, ChainEdge, ChainNode, EdgeType } from '../model/chain.ts';
import { short } from '../model/ids.ts';
import { count, safe, timeOf } from './output.ts';

const BECAUSE: Readonly<Record<EdgeType, (says: string) => string>> = {
  'same-call': () => 'the same call as',
  'value-came-from': (says) => `its ${says} came from`,
  'followed-change': (says) => `shortly after ${says}`,
  'spawned-by': (says) => `in a session that ${says} opened`,
  'answered-by': (says) => `in answer to what ${says} found`,
};
const SHOWN_MAX = 40;

/** The chain as lines, foreign text escaped; nothing for a chain of one node. */
export function chainText(chain: CausalChain | null): string[] {
  if (chain === null || chain.nodes.length < 2) return [];
  const number = new Map(chain.nodes.map((node, at) => [node.id, at + 1]));
  const into = new Map<string, ChainEdge[]>();
  for (const edge of chain.edges) into.set(edge.to, [...(into.get(edge.to) ?? []), edge]);
  const lines = ['What led to what:'];
  for (const node of chain.nodes.slice(0, SHOWN_MAX))
    lines.push(...nodeText(node, number, into.get(node.id) ?? [], chain.root));
  const more = Math.max(0, chain.nodes.length - SHOWN_MAX) + chain.dropped;
  if (more > 0) lines.push(`  … and ${count(more, 'more node')}`);
  return [...lines, ''];
}

function nodeText(
  node: ChainNode,
  number: ReadonlyMap<string, number>,
  edges: readonly ChainEdge[],
  root: string | null,
): string[] {
  const mark = node.id === root ? '▶' : ' ';
  const at = String(number.get(node.id) ?? 0).padStart(2);
  const kind = node.type.replaceAll('-', ' ');
  const head = ` ${mark}${at}. ${timeOf(node.ms)} ${kind}: ${safe(node.label)} (record ${short(node.eventId)})`;
  return [
    node.id === root ? `${head}  ← where it began` : head,
    ...edges.map(({ from, type, says }) => {
      return `       ${BECAUSE[type](safe(says, 80))} ${number.get(from) ?? '?'}`;
    }),
  ];
}
