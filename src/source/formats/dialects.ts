/** The dialects we read, as tables: GenAI conventions, OpenInference, MCP and others. */
import { compileDialects, type Dialect, type Operation } from './dialect.ts';

const GENAI_OPERATIONS: Readonly<Record<string, Operation>> = {
  chat: 'model',
  generate_content: 'model',
  text_completion: 'model',
  embeddings: 'internal',
  execute_tool: 'tool',
  invoke_agent: 'agent',
  create_agent: 'agent',
  invoke_workflow: 'agent',
  plan: 'plan',
  retrieval: 'memory',
  create_memory: 'memory',
  search_memory: 'memory',
  update_memory: 'memory',
  upsert_memory: 'memory',
  delete_memory: 'memory',
  create_memory_store: 'memory',
  delete_memory_store: 'memory',
  run_guardrail: 'guardrail',
};

const GENAI_COMMON: Dialect['fields'] = {
  op: ['gen_ai.operation.name'],
  agentId: ['gen_ai.agent.id'],
  agentName: ['gen_ai.agent.name'],
  model: ['gen_ai.response.model', 'gen_ai.request.model'],
  tool: ['gen_ai.tool.name'],
  toolType: ['gen_ai.tool.type'],
  toolCallId: ['gen_ai.tool.call.id'],
  args: ['gen_ai.tool.call.arguments'],
  result: ['gen_ai.tool.call.result'],
  offered: ['gen_ai.tool.definitions'],
  finish: ['gen_ai.response.finish_reasons'],
  errorType: ['error.type'],
  server: ['server.address'],
};

const LANGFUSE: Dialect = {
  name: 'langfuse/3',
  about: 'Langfuse SDK, OpenTelemetry property mapping',
  marks: ['langfuse.observation.type'],
  scopes: ['langfuse-sdk'],
  fields: {
    op: ['langfuse.observation.type'],
    agentName: ['langfuse.trace.name'],
    session: ['langfuse.session.id', 'session.id'],
    user: ['langfuse.user.id', 'user.id'],
    model: ['langfuse.observation.model.name'],
    args: ['langfuse.observation.input'],
    result: ['langfuse.observation.output'],
  },
  operations: {
    generation: 'model',
    tool: 'tool',
    agent: 'agent',
    retriever: 'memory',
    guardrail: 'guardrail',
    evaluator: 'evaluation',
    span: 'internal',
    event: 'internal',
    chain: 'internal',
    embedding: 'internal',
  },
  named: { tool: 'tool' },
};

const OPENINFERENCE: Dialect = {
  name: 'openinference/2',
  about: 'OpenInference 2.x (Arize Phoenix and its instrumentations)',
  marks: ['openinference.span.kind'],
  fields: {
    op: ['openinference.span.kind'],
    provider: ['llm.provider', 'llm.system'],
    agentName: ['agent.name', 'graph.node.id'],
    session: ['session.id'],
    user: ['user.id'],
    model: ['llm.response.model_name', 'llm.model_name', 'llm.request.model_name'],
    tool: ['tool.name', 'tool_call.function.name'],
    // `tool.id` is the call here; elsewhere it is the registered tool.
    toolCallId: ['tool.id', 'tool_call.id', 'message.tool_call_id'],
    // `tool.parameters` is the schema of the tool by the specification, not its arguments.
    args: ['tool_call.function.arguments', 'input.value'],
    result: ['output.value'],
    tokensIn: ['llm.token_count.prompt'],
    tokensOut: ['llm.token_count.completion'],
    cacheRead: ['llm.token_count.prompt_details.cache_read'],
    cacheWrite: ['llm.token_count.prompt_details.cache_write'],
    reasoningTokens: ['llm.token_count.completion_details.reasoning'],
    finish: ['llm.finish_reason'],
  },
  operations: {
    LLM: 'model',
    TOOL: 'tool',
    AGENT: 'agent',
    RETRIEVER: 'memory',
    RERANKER: 'internal',
    EMBEDDING: 'internal',
    CHAIN: 'internal',
    PROMPT: 'internal',
    GUARDRAIL: 'guardrail',
    EVALUATOR: 'evaluation',
  },
  named: { tool: 'tool' },
  flattened: {
    input: openInferenceMessages('llm.input_messages.'),
    output: openInferenceMessages('llm.output_messages.'),
  },
};

function openInferenceMessages(prefix: string) {
  return {
    prefix,
    inner: 'message.',
    role: 'role',
    content: 'content',
    finish: 'finish_reason',
    calls: 'tool_calls.',
    call: {
      id: 'tool_call.id',
      name: 'tool_call.function.name',
      args: 'tool_call.function.arguments',
    },
    answers: 'tool_call_id',
  };
}

const OPENLLMETRY: Dialect = {
  name: 'openllmetry/0',
  about: 'OpenLLMetry (Traceloop), on top of the conventions up to 1.36',
  marks: [
    'traceloop.span.kind',
    'traceloop.workflow.name',
    'gen_ai.completion.*',
    'gen_ai.prompt.*',
  ],
  fields: {
    op: ['traceloop.span.kind', 'llm.request.type'],
    provider: ['gen_ai.system'],
    agentName: ['gen_ai.agent.name', 'traceloop.workflow.name'],
    session: ['traceloop.association.properties.session_id'],
    user: ['traceloop.association.properties.user_id'],
    model: ['gen_ai.response.model', 'gen_ai.request.model'],
    tool: ['gen_ai.tool.name', 'traceloop.entity.name'],
    args: ['traceloop.entity.input'],
    result: ['traceloop.entity.output'],
    tokensIn: ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
    tokensOut: ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
    cacheRead: ['gen_ai.usage.cache_read_input_tokens'],
    cacheWrite: ['gen_ai.usage.cache_creation_input_tokens'],
    reasoningTokens: ['gen_ai.usage.reasoning_tokens'],
  },
  operations: {
    chat: 'model',
    completion: 'model',
    tool: 'tool',
    agent: 'agent',
    workflow: 'agent',
    task: 'internal',
    embedding: 'internal',
    rerank: 'internal',
  },
  flattened: {
    input: openLlmetryMessages('gen_ai.prompt.'),
    output: openLlmetryMessages('gen_ai.completion.'),
  },
};

function openLlmetryMessages(prefix: string) {
  return {
    prefix,
    inner: '',
    role: 'role',
    content: 'content',
    finish: 'finish_reason',
    calls: 'tool_calls.',
    call: { id: 'id', name: 'name', args: 'arguments' },
    answers: 'tool_call_id',
  };
}

const SEMCONV: Dialect = {
  name: 'semconv/1.37',
  about: 'OpenTelemetry GenAI conventions from 1.37 on, and the repository of their own since',
  marks: [
    'gen_ai.provider.name',
    'gen_ai.input.messages',
    'gen_ai.output.messages',
    'gen_ai.operation.name',
    'gen_ai.evaluation.name',
  ],
  fields: {
    ...GENAI_COMMON,
    provider: ['gen_ai.provider.name'],
    session: ['gen_ai.conversation.id'],
    user: ['user.id'],
    inputMessages: ['gen_ai.input.messages'],
    outputMessages: ['gen_ai.output.messages'],
    tokensIn: ['gen_ai.usage.input_tokens'],
    tokensOut: ['gen_ai.usage.output_tokens'],
    cacheRead: ['gen_ai.usage.cache_read.input_tokens'],
    // Renamed from cache_creation after 1.41.
    cacheWrite: [
      'gen_ai.usage.cache_write.input_tokens',
      'gen_ai.usage.cache_creation.input_tokens',
    ],
    reasoningTokens: ['gen_ai.usage.reasoning.output_tokens', 'gen_ai.usage.reasoning_tokens'],
    checkName: ['gen_ai.guardrail.name', 'gen_ai.evaluation.name'],
    checkVerdict: ['gen_ai.guardrail.verdict.type'],
    checkScore: ['gen_ai.evaluation.score.value'],
    checkLabel: ['gen_ai.evaluation.score.label'],
  },
  operations: GENAI_OPERATIONS,
};

const SEMCONV_OLD: Dialect = {
  name: 'semconv/1.36',
  about: 'OpenTelemetry GenAI conventions up to 1.36: what SDKs emit unless told otherwise',
  marks: ['gen_ai.system', 'gen_ai.tool.name', 'gen_ai.tool.call.id'],
  fields: {
    ...GENAI_COMMON,
    provider: ['gen_ai.system'],
    session: ['gen_ai.conversation.id', 'session.id'],
    user: ['enduser.id'],
    // Attributes of the span events gen_ai.content.prompt and gen_ai.content.completion.
    inputMessages: ['gen_ai.prompt'],
    outputMessages: ['gen_ai.completion'],
    tokensIn: ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
    tokensOut: ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
  },
  operations: GENAI_OPERATIONS,
};

const MCP: Dialect = {
  name: 'mcp/2026',
  about: 'Model Context Protocol spans, both ends, protocol versions 2025-11-25 and 2026-07-28',
  marks: ['mcp.method.name'],
  fields: {
    workload: ['src.identity'],
    subject: ['jwt.sub'],
    method: ['mcp.method.name'],
    tool: ['gen_ai.tool.name', 'mcp.tool.name'],
    toolCallId: ['gen_ai.tool.call.id'],
    args: ['gen_ai.tool.call.arguments', 'mcp.tool.arguments'],
    result: ['gen_ai.tool.call.result', 'mcp.tool.result'],
    rpcId: ['jsonrpc.request.id', 'rpc.jsonrpc.request_id', 'mcp.request.id'],
    resourceUri: ['mcp.resource.uri'],
    // Never mcp.session.id: protocol version 2026-07-28 has no sessions.
    session: ['gen_ai.conversation.id'],
    agentId: ['gen_ai.agent.id'],
    agentName: ['gen_ai.agent.name'],
    server: ['mcp.server.name', 'server.address'],
    status: ['rpc.response.status_code'],
    errorType: ['error.type'],
  },
  otherwise: 'tool',
};

const AGENTGATEWAY: Dialect = {
  name: 'agentgateway/1.4',
  about: 'agentgateway access logs over OTLP',
  marks: ['mcp.target', 'route_rule'],
  fields: {
    workload: ['src.identity'],
    subject: ['jwt.sub'],
    method: ['mcp.method.name', 'mcp.method'],
    tool: ['gen_ai.tool.name', 'mcp.resource.name'],
    resourceUri: ['mcp.resource.uri'],
    server: ['mcp.target'],
    status: ['http.status'],
    verdict: ['reason'],
    reason: ['error', 'mcp.error.message'],
    requestId: ['request.id'],
    policy: ['route_rule'],
    errorType: ['mcp.error.code'],
  },
  verdicts: {
    Upstream: 'allow',
    DirectResponse: 'allow',
    Authorization: 'deny',
    ExtAuth: 'deny',
    JwtAuth: 'deny',
    Oidc: 'deny',
    BasicAuth: 'deny',
    APIKeyAuth: 'deny',
    RateLimit: 'deny',
    Guardrail: 'deny',
    Timeout: 'error',
    Internal: 'error',
  },
  otherwise: 'tool',
};

const DOCKER_MCP: Dialect = {
  name: 'docker-mcp/1',
  about: 'Docker MCP gateway',
  marks: ['mcp.server.type', 'mcp.client.name'],
  fields: { tool: ['mcp.tool.name'], server: ['mcp.server.name'] },
  otherwise: 'tool',
};

/** Every dialect; the first that is spoken and carries a field gives it. */
export const DIALECTS: readonly Dialect[] = [
  LANGFUSE,
  OPENINFERENCE,
  OPENLLMETRY,
  SEMCONV,
  SEMCONV_OLD,
  AGENTGATEWAY,
  DOCKER_MCP,
  MCP,
];

/** Events of a span whose attributes are read as the span's own. */
export const CONTENT_EVENTS = new Set(['gen_ai.content.prompt', 'gen_ai.content.completion']);

/** What methods of the protocol are: a call, a listing, or nothing that is an act. */
export const MCP_METHODS: Readonly<Record<string, 'tool_call' | 'list'>> = {
  'tools/call': 'tool_call',
  'resources/read': 'tool_call',
  'tools/list': 'list',
  'resources/list': 'list',
  'resources/templates/list': 'list',
  'prompts/list': 'list',
  'prompts/get': 'list',
};

/** What operations on long-term memory do. */
export const MEMORY_OPERATIONS: Readonly<Record<string, 'read' | 'write' | 'delete'>> = {
  retrieval: 'read',
  RETRIEVER: 'read',
  retriever: 'read',
  search_memory: 'read',
  create_memory: 'write',
  update_memory: 'write',
  upsert_memory: 'write',
  create_memory_store: 'write',
  delete_memory: 'delete',
  delete_memory_store: 'delete',
};

/** What log records of the conventions are, by the name of their event. */
export const LOG_EVENTS: Readonly<Record<string, 'details' | 'choice' | 'asked' | 'evaluation'>> = {
  'gen_ai.client.inference.operation.details': 'details',
  'gen_ai.choice': 'choice',
  'gen_ai.user.message': 'asked',
  'gen_ai.evaluation.result': 'evaluation',
};

/** The reader of all of them. */
export const dialects = compileDialects(DIALECTS);
