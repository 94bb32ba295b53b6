/** One call of a tool in four formats: two spans of its agent, one of a server, a line of a gateway. */
import { protobufOf } from './otlp-encode.ts';
import { attributes, logs, span, TRACE_ID, traces } from './otlp-requests.ts';

const at = (ms: number) => `17999999900${String(ms).padStart(2, '0')}000000`;
const tool = { 'gen_ai.tool.name': 'pay', 'gen_ai.operation.name': 'execute_tool' };

/** Records by topic, as they would lie in Kafka: some in protobuf, some in JSON, all without keys. */
export const FOUR_WITNESSES: readonly { readonly topic: string; readonly value: Buffer }[] = [
  {
    topic: 'otlp_spans',
    value: protobufOf(
      traces([
        span({
          spanId: '00000000000000e1',
          parentSpanId: '00000000000000e0',
          startTimeUnixNano: at(1),
          attributes: {
            ...tool,
            'gen_ai.tool.call.id': 'c-1',
            'gen_ai.agent.name': 'billing',
            'gen_ai.conversation.id': 'conv-1',
          },
        }),
      ]),
    ),
  },
  {
    // The client's library knows neither conversation nor agent: only its trace and its process.
    topic: 'otlp_spans',
    value: Buffer.from(
      JSON.stringify(
        traces([
          span({
            kind: 3,
            spanId: '00000000000000e2',
            parentSpanId: '00000000000000e1',
            startTimeUnixNano: at(2),
            attributes: { ...tool, 'mcp.method.name': 'tools/call', 'jsonrpc.request.id': '7' },
          }),
        ]),
      ),
    ),
  },
  {
    topic: 'gw_spans',
    value: protobufOf(
      traces(
        [
          span({
            kind: 2,
            spanId: '00000000000000e3',
            parentSpanId: '00000000000000e2',
            startTimeUnixNano: at(3),
            attributes: { ...tool, 'mcp.method.name': 'tools/call', 'jsonrpc.request.id': '7' },
          }),
        ],
        { 'service.name': 'payments-server' },
      ),
    ),
  },
  {
    topic: 'gw_logs',
    value: protobufOf(
      logs(
        [
          {
            timeUnixNano: at(4),
            traceId: TRACE_ID,
            spanId: '00000000000000f1',
            attributes: attributes({
              'mcp.method.name': 'tools/call',
              'mcp.target': 'payments',
              'gen_ai.tool.name': 'pay',
              reason: 'Upstream',
            }),
          },
        ],
        { 'service.name': 'agentgateway' },
      ),
    ),
  },
];

const moment = (ms: number) => new Date(1_799_999_990_000 + ms).toISOString();
const line = (topic: string, decoder: string, record: object) => ({
  ...{ topic, decoder, value: Buffer.from(JSON.stringify(record)) },
});

/** The same call as gateways and policy engines write it, by the presets that read them. */
export const GATEWAY_LINES: readonly {
  readonly topic: string;
  readonly decoder: string;
  readonly value: Buffer;
}[] = [
  line('envoy', 'envoy/1', {
    ...{ ts: moment(4), mcp_method: 'tools/call', mcp_name: 'pay', code: 200 },
    ...{ details: 'via_upstream', traceparent: `00-${TRACE_ID}-00000000000000e2-01` },
    peer_san: 'spiffe://fleet.example/ns/agents/sa/billing',
  }),
  line('agentgateway', 'agentgateway/1', {
    ...{
      time: moment(4),
      gateway: 'default/gw',
      'trace.id': TRACE_ID,
      'span.id': '00000000000000f1',
    },
    ...{ 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'pay', 'http.status': 200 },
    ...{ reason: 'Upstream', 'jwt.sub': 'svc-billing' },
  }),
  line('opa', 'opa/1', [
    {
      ...{ decision_id: 'd-1', path: 'mcp/authz', timestamp: moment(2), trace_id: TRACE_ID },
      input: { agent: { id: 'billing' }, tool: { name: 'pay', call_id: 'c-1' } },
      result: { allow: true },
    },
  ]),
  line('litellm', 'litellm/1', [
    {
      ...{ id: 'mcp-1', trace_id: TRACE_ID, call_type: 'call_mcp_tool', status: 'success' },
      startTime: 1_799_999_990.004,
      metadata: {
        user_api_key_alias: 'billing-key',
        mcp_tool_call_metadata: { name: 'pay', mcp_server_name: 'payments' },
      },
    },
  ]),
];

/** What each of them calls the agent. */
export const GATEWAY_IDENTITIES: Readonly<Record<string, readonly string[]>> = {
  billing: [
    'spiffe:spiffe://fleet.example/ns/agents/sa/billing',
    'jwt:svc-billing',
    'key:billing-key',
  ],
};
