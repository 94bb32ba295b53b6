/** Causal chains: what led to what in a case, as typed nodes and witnessed edges. */

/** What a node is; ranks of root causes are in score/causal/root. */
export const NODE_TYPES = [
  'change',
  'untrusted-input',
  'reasoning',
  'act',
  'effect',
  'intervention',
] as const;
/** One of NODE_TYPES. */
export type NodeType = (typeof NODE_TYPES)[number];

/**
 * Why one node is said to lead to another, each by a record that shows it: both speak of the same call ·
 * the value came from there · it followed a declared change · its session was opened by the other ·
 * it was answered by us.
 */
export const EDGE_TYPES = [
  'same-call',
  'value-came-from',
  'followed-change',
  'spawned-by',
  'answered-by',
] as const;
/** One of EDGE_TYPES. */
export type EdgeType = (typeof EDGE_TYPES)[number];

/** Something that happened, by the record that shows it. */
export interface ChainNode {
  /** Event id, with a suffix where one record shows two things; lease id of an intervention. */
  readonly id: string;
  readonly type: NodeType;
  /** A few words without payload text; names of tools and agents are foreign: to be escaped. */
  readonly label: string;
  /** Event time, ms. */
  readonly ms: number;
  readonly agent: string;
  readonly session: string | null;
  /** The record that shows it. */
  readonly eventId: string;
}

/** One step from cause to consequence. */
export interface ChainEdge {
  readonly from: string;
  readonly to: string;
  readonly type: EdgeType;
  /** Event time at which both were known, ms. */
  readonly ms: number;
  /** The record that witnesses the step. */
  readonly eventId: string;
  /** Where the step says more: path of the argument, name of the change. */
  readonly says: string;
}

/** The chain of a case. */
export interface CausalChain {
  readonly caseId: string;
  /** By time, then id; at most 64. */
  readonly nodes: readonly ChainNode[];
  readonly edges: readonly ChainEdge[];
  /** Nodes that did not find room, as last told: it is told again when the number has doubled. */
  readonly dropped: number;
  /** Where the traversal from what was detected back along the edges ends; null: nowhere. */
  readonly root: string | null;
}
