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
