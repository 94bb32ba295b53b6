/** Metric names that we know, with what each is about, and which attributes name whom. */

/** Log-source category of a metric. */
export type MetricCategory = 'usage' | 'cost' | 'latency' | 'resource' | 'egress';

interface Named {
  readonly category: MetricCategory;
  /** Names, or patterns of them where a `*` stands for any part. */
  readonly names: readonly string[];
}

/** Semantic conventions of GenAI and MCP as of late 2026, gateways and meters; the first that fits counts. */
export const METRIC_NAMES: readonly Named[] = [
  {
    category: 'latency',
    names: [
      ...['gen_ai.*.duration', 'gen_ai.*.time_to_first_token', 'gen_ai.*.time_per_output_token'],
      ...['gen_ai.*.time_to_first_chunk', 'gen_ai.*.time_per_output_chunk'],
      ...['mcp.client.*.duration', 'mcp.server.*.duration'],
    ],
  },
  { category: 'cost', names: ['cost', 'cost_usd', '*.cost', '*.cost_usd', '*_cost_usd'] },
  {
    category: 'usage',
    names: [
      ...[
        'gen_ai.*',
        'mcp.*',
        'tokens',
        'tokens_total',
        'agent.session.tokens',
        'agent.turn.tokens',
      ],
      ...['agentgateway_*', 'litellm_*', 'mcp_*'],
    ],
  },
  { category: 'egress', names: ['*.egress.*', '*.network.io', '*.bytes_sent'] },
];

/** Attributes that name the agent, the best first. */
export const AGENT_KEYS = ['gen_ai.agent.id', 'gen_ai.agent.name', 'agent.name'] as const;
/** Attributes that name the session. */
export const SESSION_KEYS = ['gen_ai.conversation.id', 'session.id'] as const;
/** Attributes that say that a point is about an agent's work, whatever its name is. */
export const WORK_KEYS: ReadonlySet<string> = new Set([
  ...AGENT_KEYS,
  ...SESSION_KEYS,
  ...['gen_ai.tool.name', 'mcp.method.name', 'src.identity', 'jwt.sub'],
]);

const compiled = METRIC_NAMES.flatMap(({ category, names }) =>
  names.map((name) => ({ category, parts: name.split('*') })),
);

/** Category of a metric by its name; null where it is none of ours. */
export function categoryOf(name: string): MetricCategory | null {
  for (const { category, parts } of compiled) if (fits(name, parts)) return category;
  return null;
}

/** Parts between stars, in their order: no pattern can take long. */
function fits(name: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  if (!name.startsWith(first)) return false;
  if (rest.length === 0) return name === first;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
