/** Fixtures of the dialects: what an instrumentation writes, and the event it is. */
import { createHash } from 'node:crypto';
import type { EventParts } from '../../../src/source/draft.ts';
import { type GivenSpan, logs, span, TRACE_ID, traces } from './otlp-requests.ts';

/** One item and what becomes of it. */
export interface Fixture {
  /** Dialect it is written in, by its name in the tables. */
  readonly dialect: string;
  readonly about: string;
  readonly topic: 'otlp_spans' | 'gw_spans' | 'otlp_logs' | 'gw_logs';
  readonly request: object;
  /** Null: passed over, counted. */
  readonly expected: Partial<EventParts> | null;
}

const SPAN = { traceId: TRACE_ID, spanId: '00000000000000a1' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const service = { id: 'shop', basis: 'service' };

function ofSpan(
  dialect: string,
  about: string,
  topic: 'otlp_spans' | 'gw_spans',
  given: GivenSpan,
  expected: Fixture['expected'],
  scope?: string,
): Fixture {
  return { dialect, about, topic, request: traces([span(given)], undefined, scope), expected };
}

const messages = (...of: readonly object[]) => JSON.stringify(of);
const asked = { role: 'user', parts: [{ type: 'text', content: 'Refund order 7.' }] };
const call = { type: 'tool_call', id: 'c-1', name: 'orders.get', arguments: { id: 7 } };
const stated = { toolCallId: 'c-1', tool: 'orders.get', args: { id: 7 } };

/** Every fixture. */
export const FIXTURES: readonly Fixture[] = [
  ofSpan(
    'semconv/1.37',
    'a model call with messages, usage, offered tools and a call of the provider',
    'otlp_spans',
    {
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'm',
        'gen_ai.response.model': 'm-2',
        'gen_ai.agent.name': 'billing',
        'gen_ai.conversation.id': 'conv-1',
        'user.id': 'kim',
        'gen_ai.usage.input_tokens': 12,
        'gen_ai.usage.output_tokens': 3,
        'gen_ai.usage.cache_read.input_tokens': 2,
        'gen_ai.usage.cache_creation.input_tokens': 1,
        'gen_ai.response.finish_reasons': ['tool_calls'],
        'gen_ai.tool.definitions': messages({ type: 'function', name: 'orders.get' }),
        'gen_ai.input.messages': messages(asked),
        'gen_ai.output.messages': messages({
          role: 'assistant',
          parts: [
            { type: 'reasoning', content: 'Look it up.' },
            call,
            {
              type: 'server_tool_call',
              id: 's-1',
              name: 'web_search',
              server_tool_call: { type: 'web_search', query: 'order 7' },
            },
          ],
          finish_reason: 'tool_call',
        }),
      },
    },
    {
      kind: 'reasoning',
      category: 'model_call',
      agent: { id: 'billing', basis: 'self' },
      session: { id: 'conv-1' },
      principal: { sub: 'kim' },
      keys: SPAN,
      reasoning: {
        op: 'chat',
        provider: 'openai',
        model: 'm-2',
        finish: ['tool_calls'],
        tokens: { in: 12, out: 3, cacheRead: 2, cacheWrite: 1 },
        intents: [
          stated,
          {
            toolCallId: 's-1',
            tool: 'web_search',
            toolType: 'provider',
            args: { type: 'web_search', query: 'order 7' },
          },
        ],
        claims: [],
        mandate: 'Refund order 7.',
        text: 'Look it up.',
        offered: [
          {
            tool: 'orders.get',
            digest: sha256('{"name":"orders.get"}'),
          },
        ],
        offeredToolsDigest: sha256(sha256('{"name":"orders.get"}')),
      },
    },
  ),
  ofSpan(
    'semconv/1.37',
    'a result that came back since the model last spoke; the ones before it were told before',
    'otlp_spans',
    {
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.input.messages': [
          asked,
          { role: 'assistant', parts: [{ ...call, id: 'c-0' }] },
          { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c-0', response: 'old' }] },
          { role: 'assistant', parts: [call] },
          { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c-1', result: 'paid' }] },
        ],
      },
    },
    {
      kind: 'reasoning',
      category: 'model_call',
      agent: service,
      keys: SPAN,
      reasoning: {
        op: 'chat',
        provider: 'openai',
        intents: [],
        claims: [{ ...stated, outcome: 'unknown' }],
        mandate: 'Refund order 7.',
      },
    },
  ),
  ofSpan(
    'semconv/1.37',
    'a tool that the agent ran: its claim, whatever it says came of it',
    'otlp_spans',
    {
      status: { code: 2, message: 'frozen' },
      parentSpanId: '00000000000000a0',
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'orders.get',
        'gen_ai.tool.call.id': 'c-1',
        'gen_ai.tool.call.arguments': '{"id":7}',
        'gen_ai.tool.call.result': '{"state":"paid"}',
      },
    },
    {
      kind: 'reasoning',
      category: 'intent',
      agent: service,
      keys: { ...SPAN, parentSpanId: '00000000000000a0', toolCallId: 'c-1' },
      reasoning: { op: 'execute_tool', intents: [], claims: [{ ...stated, outcome: 'error' }] },
    },
  ),
  ofSpan(
    'semconv/1.37',
    'the run of an agent, and of another agent by it',
    'otlp_spans',
    {
      kind: 3,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.provider.name': 'openai',
        'gen_ai.agent.name': 'payer',
      },
    },
    {
      kind: 'reasoning',
      category: 'delegation',
      agent: service,
      keys: SPAN,
      reasoning: {
        op: 'invoke_agent',
        provider: 'openai',
        intents: [],
        claims: [],
        delegation: { agent: 'payer' },
      },
    },
  ),
  ofSpan(
    'semconv/1.37',
    'a use of long-term memory',
    'otlp_spans',
    { attributes: { 'gen_ai.operation.name': 'update_memory', 'gen_ai.agent.id': 'billing' } },
    {
      kind: 'reasoning',
      category: 'memory',
      agent: { id: 'billing', basis: 'self' },
      keys: SPAN,
      reasoning: { op: 'update_memory', intents: [], claims: [], memory: { op: 'write' } },
    },
  ),
  ofSpan(
    'semconv/1.37',
    'a guardrail',
    'otlp_spans',
    {
      attributes: {
        'gen_ai.operation.name': 'run_guardrail',
        'gen_ai.guardrail.name': 'pii',
        'gen_ai.guardrail.verdict.type': 'deny',
      },
    },
    {
      kind: 'reasoning',
      category: 'guardrail',
      agent: service,
      keys: SPAN,
      reasoning: {
        op: 'run_guardrail',
        intents: [],
        claims: [],
        guardrail: { name: 'pii', verdict: 'deny' },
      },
    },
  ),
  {
    dialect: 'semconv/1.37',
    about: 'content in a log event beside the span',
    topic: 'otlp_logs',
    request: logs([
      {
        timeUnixNano: '1799999990000000001',
        eventName: 'gen_ai.client.inference.operation.details',
        ...SPAN,
        attributes: [
          { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
          {
            key: 'gen_ai.output.messages',
            value: { stringValue: messages({ role: 'assistant', parts: [call] }) },
          },
        ],
      },
    ]),
    expected: {
      kind: 'reasoning',
      category: 'model_call',
      agent: service,
      keys: SPAN,
      reasoning: { op: 'chat', intents: [stated], claims: [] },
    },
  },
  {
    dialect: 'semconv/1.37',
    about: 'an evaluation',
    topic: 'otlp_logs',
    request: logs([
      {
        observedTimeUnixNano: '1799999990000000001',
        eventName: 'gen_ai.evaluation.result',
        attributes: [
          { key: 'gen_ai.evaluation.name', value: { stringValue: 'relevance' } },
          { key: 'gen_ai.evaluation.score.value', value: { doubleValue: 0.5 } },
          { key: 'gen_ai.evaluation.score.label', value: { stringValue: 'fair' } },
        ],
      },
    ]),
    expected: {
      kind: 'reasoning',
      category: 'guardrail',
      agent: service,
      reasoning: {
        intents: [],
        claims: [],
        evaluation: { name: 'relevance', score: 0.5, label: 'fair' },
      },
    },
  },
  ofSpan(
    'semconv/1.36',
    'a model call as SDKs write it unless told otherwise, with its content in events of the span',
    'otlp_spans',
    {
      events: [
        {
          name: 'gen_ai.content.completion',
          timeUnixNano: '1799999990000000002',
          attributes: [
            {
              key: 'gen_ai.completion',
              value: {
                stringValue: messages({
                  role: 'assistant',
                  content: 'One moment.',
                  tool_calls: [
                    {
                      id: 'c-1',
                      type: 'function',
                      function: { name: 'orders.get', arguments: '{"id":7}' },
                    },
                  ],
                }),
              },
            },
          ],
        },
      ],
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.system': 'openai',
        'gen_ai.response.model': 'm-2',
        'gen_ai.usage.prompt_tokens': 12,
        'gen_ai.usage.completion_tokens': 3,
        'session.id': 'conv-1',
      },
    },
    {
      kind: 'reasoning',
      category: 'model_call',
      agent: service,
      session: { id: 'conv-1' },
      keys: SPAN,
      reasoning: {
        op: 'chat',
        provider: 'openai',
        model: 'm-2',
        tokens: { in: 12, out: 3 },
        intents: [stated],
        claims: [],
        text: 'One moment.',
      },
    },
  ),
  {
    dialect: 'semconv/1.36',
    about: 'what the model chose, as a log event of its own',
    topic: 'otlp_logs',
    request: logs([
      {
        timeUnixNano: '1799999990000000001',
        eventName: 'gen_ai.choice',
        ...SPAN,
        body: {
          kvlistValue: {
            values: [
              { key: 'finish_reason', value: { stringValue: 'tool_calls' } },
              {
                key: 'message',
                value: {
                  kvlistValue: {
                    values: [
                      { key: 'role', value: { stringValue: 'assistant' } },
                      {
                        key: 'tool_calls',
                        value: {
                          arrayValue: {
                            values: [
                              {
                                kvlistValue: {
                                  values: [
                                    { key: 'id', value: { stringValue: 'c-1' } },
                                    {
                                      key: 'function',
                                      value: {
                                        kvlistValue: {
                                          values: [
                                            { key: 'name', value: { stringValue: 'orders.get' } },
                                            {
                                              key: 'arguments',
                                              value: { stringValue: '{"id":7}' },
                                            },
                                          ],
                                        },
                                      },
                                    },
                                  ],
                                },
                              },
                            ],
                          },
                        },
                      },
                    ],
                  },
                },
              },
            ],
          },
        },
        attributes: [{ key: 'gen_ai.system', value: { stringValue: 'openai' } }],
      },
    ]),
    expected: {
      kind: 'reasoning',
      category: 'model_call',
      agent: service,
      keys: SPAN,
      reasoning: { provider: 'openai', finish: ['tool_calls'], intents: [stated], claims: [] },
    },
  },
  ofSpan(
    'openinference/2',
    'a model call with flattened messages, out of order and with a gap',
    'otlp_spans',
    {
      attributes: {
        'openinference.span.kind': 'LLM',
        'llm.provider': 'anthropic',
        'llm.model_name': 'm',
        'session.id': 'conv-1',
        'user.id': 'kim',
        'agent.name': 'billing',
        'llm.token_count.prompt': 12,
        'llm.token_count.completion': 3,
        'llm.output_messages.0.message.tool_calls.4.tool_call.function.arguments': '{"id":8}',
        'llm.output_messages.0.message.tool_calls.4.tool_call.function.name': 'orders.get',
        'llm.output_messages.0.message.tool_calls.0.tool_call.id': 'c-1',
        'llm.output_messages.0.message.tool_calls.0.tool_call.function.name': 'orders.get',
        'llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments': '{"id":7}',
        'llm.output_messages.0.message.role': 'assistant',
        'llm.output_messages.0.message.contents.1.message_content.text': 'wait.',
        'llm.output_messages.0.message.contents.0.message_content.text': 'Please',
        'llm.output_messages.999999999.message.content': 'far out',
        'llm.input_messages.3.message.role': 'user',
        'llm.input_messages.3.message.content': 'Refund order 7.',
      },
    },
    {
      kind: 'reasoning',
      category: 'model_call',
      agent: { id: 'billing', basis: 'self' },
      session: { id: 'conv-1' },
      principal: { sub: 'kim' },
      keys: SPAN,
      reasoning: {
        op: 'LLM',
        provider: 'anthropic',
        model: 'm',
        tokens: { in: 12, out: 3 },
        intents: [stated, { tool: 'orders.get', args: { id: 8 } }],
        claims: [],
        mandate: 'Refund order 7.',
        text: 'Please\nwait.',
      },
    },
  ),
  ofSpan(
    'openinference/2',
    'a tool: its id is the call, its parameters are its schema and no arguments',
    'otlp_spans',
    {
      name: 'orders.get',
      attributes: {
        'openinference.span.kind': 'TOOL',
        'tool.id': 'c-1',
        'tool.parameters': '{"type":"object"}',
        'input.value': '{"id":7}',
        'output.value': 'paid',
      },
    },
    {
      kind: 'reasoning',
      category: 'intent',
      agent: service,
      keys: { ...SPAN, toolCallId: 'c-1' },
      reasoning: { op: 'TOOL', intents: [], claims: [{ ...stated, outcome: 'ok' }] },
    },
  ),
  ofSpan(
    'openllmetry/0',
    'a model call with flattened messages',
    'otlp_spans',
    {
      attributes: {
        'llm.request.type': 'chat',
        'gen_ai.system': 'OpenAI',
        'gen_ai.response.model': 'm-2',
        'traceloop.workflow.name': 'refunds',
        'traceloop.association.properties.session_id': 'conv-1',
        'gen_ai.prompt.0.role': 'user',
        'gen_ai.prompt.0.content': 'Refund order 7.',
        'gen_ai.completion.0.role': 'assistant',
        'gen_ai.completion.0.finish_reason': 'tool_calls',
        'gen_ai.completion.0.tool_calls.0.id': 'c-1',
        'gen_ai.completion.0.tool_calls.0.name': 'orders.get',
        'gen_ai.completion.0.tool_calls.0.arguments': '{"id":7}',
        'gen_ai.usage.prompt_tokens': 12,
        'gen_ai.usage.reasoning_tokens': 1,
      },
    },
    {
      kind: 'reasoning',
      category: 'model_call',
      agent: { id: 'refunds', basis: 'self' },
      session: { id: 'conv-1' },
      keys: SPAN,
      reasoning: {
        op: 'chat',
        provider: 'OpenAI',
        model: 'm-2',
        finish: ['tool_calls'],
        tokens: { in: 12, reasoning: 1 },
        intents: [stated],
        claims: [],
        mandate: 'Refund order 7.',
      },
    },
  ),
  ofSpan(
    'langfuse/3',
    'a tool, named as its span is',
    'otlp_spans',
    {
      name: 'orders.get',
      attributes: {
        'langfuse.observation.type': 'tool',
        'langfuse.observation.input': '{"id":7}',
        'langfuse.session.id': 'conv-1',
        'langfuse.trace.name': 'billing',
      },
    },
    {
      kind: 'reasoning',
      category: 'intent',
      agent: { id: 'billing', basis: 'self' },
      session: { id: 'conv-1' },
      keys: SPAN,
      reasoning: {
        op: 'tool',
        intents: [],
        claims: [{ tool: 'orders.get', args: { id: 7 }, outcome: 'ok' }],
      },
    },
    'langfuse-sdk',
  ),
  ofSpan(
    'mcp/2026',
    'the client of a server: a claim of the agent',
    'otlp_spans',
    {
      name: 'tools/call orders.get',
      kind: 3,
      attributes: {
        'mcp.method.name': 'tools/call',
        'gen_ai.tool.name': 'orders.get',
        'jsonrpc.request.id': '7',
        'error.type': 'tool_error',
      },
    },
    {
      kind: 'reasoning',
      category: 'intent',
      agent: service,
      keys: { ...SPAN, rpcId: '7' },
      reasoning: { intents: [], claims: [{ tool: 'orders.get', outcome: 'error' }] },
    },
  ),
  ofSpan(
    'mcp/2026',
    'the server, on a topic that agents cannot write: a witness of the attempt',
    'gw_spans',
    {
      name: 'tools/call orders.get',
      kind: 2,
      attributes: {
        'mcp.method.name': 'tools/call',
        'gen_ai.tool.name': 'orders.get',
        'gen_ai.tool.call.arguments': '{"id":7}',
        'gen_ai.tool.call.result': '{"state":"paid"}',
        'jsonrpc.request.id': 7,
        'mcp.session.id': 'no session of ours',
      },
    },
    {
      kind: 'gateway',
      category: 'tool_call',
      keys: { ...SPAN, rpcId: '7' },
      action: {
        phase: 'result',
        tool: 'orders.get',
        method: 'tools/call',
        decision: 'unknown',
        outcome: 'ok',
        args: { id: 7 },
        result: { state: 'paid' },
        durationMs: 250.000001,
      },
    },
  ),
  ofSpan(
    'mcp/2026',
    'a read of a resource is an act, and a listing none',
    'gw_spans',
    {
      kind: 2,
      attributes: { 'mcp.method.name': 'resources/read', 'mcp.resource.uri': 'file:///etc/passwd' },
    },
    {
      kind: 'gateway',
      category: 'tool_call',
      keys: SPAN,
      action: {
        phase: 'result',
        tool: 'resources/read',
        method: 'resources/read',
        resource: { uri: 'file:///etc/passwd' },
        decision: 'unknown',
        outcome: 'ok',
        durationMs: 250.000001,
      },
    },
  ),
  ofSpan(
    'mcp/2026',
    'a notification is nobody\u2019s act',
    'gw_spans',
    { attributes: { 'mcp.method.name': 'notifications/cancelled' } },
    null,
  ),
  {
    dialect: 'agentgateway/1.4',
    about: 'a line of its access log: who is proven by a token, what policy answered',
    topic: 'gw_logs',
    request: logs(
      [
        {
          timeUnixNano: '1799999990000000001',
          ...SPAN,
          attributes: [
            { key: 'mcp.method.name', value: { stringValue: 'tools/call' } },
            { key: 'mcp.target', value: { stringValue: 'orders' } },
            { key: 'gen_ai.tool.name', value: { stringValue: 'orders.get' } },
            { key: 'jwt.sub', value: { stringValue: 'billing' } },
            { key: 'reason', value: { stringValue: 'ExtAuth' } },
            { key: 'http.status', value: { intValue: '403' } },
            { key: 'request.id', value: { stringValue: 'r-1' } },
          ],
        },
      ],
      { 'service.name': 'agentgateway' },
    ),
    expected: {
      kind: 'gateway',
      category: 'tool_call',
      agent: { id: 'billing', basis: 'jwt' },
      keys: { ...SPAN, requestId: 'r-1' },
      action: {
        phase: 'result',
        tool: 'orders.get',
        server: 'orders',
        method: 'tools/call',
        decision: 'deny',
        outcome: 'error',
        status: 403,
      },
    },
  },
  ofSpan(
    'docker-mcp/1',
    'a call through the gateway: it tells what came of it and no decision',
    'gw_spans',
    {
      name: 'mcp.tool.call',
      attributes: {
        'mcp.tool.name': 'orders.get',
        'mcp.server.name': 'orders',
        'mcp.server.type': 'docker',
      },
    },
    {
      kind: 'gateway',
      category: 'tool_call',
      keys: SPAN,
      action: {
        phase: 'result',
        tool: 'orders.get',
        server: 'orders',
        decision: 'unknown',
        outcome: 'ok',
        durationMs: 250.000001,
      },
    },
  ),
];
