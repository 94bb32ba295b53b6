/** Minutes of an agent as OpenTelemetry sees them: a model call, and one call seen by four. */
import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type Attributes, attributes, logs, span, traces } from './otlp-requests.ts';

/** What happens in a minute. */
export interface Minute {
  /** What the model states as the arguments of its call; null: it states none, and a call is made all the same. */
  readonly stated: object | null;
  /** What the server got. */
  readonly got: object;
}

/** Topics of these records, by who writes them. */
export const MINUTE_TOPICS = ['otlp_spans', 'mcp_spans', 'gw_logs'] as const;
/** One of them. */
export type MinuteTopic = (typeof MINUTE_TOPICS)[number];

/** Sources that read them, as configuration has them. */
export const MINUTE_SOURCES = [
  {
    ...{ name: 'spans', topic: 'otlp_spans', decoder: 'otlp-traces/1' },
    trust: 'agent',
    kinds: ['reasoning'],
  },
  {
    ...{ name: 'servers', topic: 'mcp_spans', decoder: 'otlp-traces/1' },
    trust: 'gateway',
    kinds: ['gateway'],
  },
  {
    ...{ name: 'gateway', topic: 'gw_logs', decoder: 'otlp-logs/1' },
    trust: 'gateway',
    kinds: ['gateway'],
  },
] as const;

interface Seen {
  readonly topic: MinuteTopic;
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly attributes: Attributes;
}

const id = (n: number, length: number) => n.toString(16).padStart(length, '0');

/** What is seen in the `at`-th minute; times are ms, the minute begins at `startMs`. */
function seenIn({ stated, got }: Minute, at: number, startMs: number): Seen[] {
  const traceId = id(at + 1, 32);
  const spanOf = (n: number) => id(16 * (at + 1) + n, 16);
  const seen = (n: number, ms: number, more: Partial<Seen> & { attributes: Attributes }): Seen => ({
    ...{ topic: 'otlp_spans', service: 'shop', traceId, spanId: spanOf(n), kind: 1 },
    ...{ fromMs: startMs + ms, toMs: startMs + ms + 50 - n },
    ...more,
  });
  const call = { type: 'tool_call', id: `c-${at}`, name: 'orders.get', arguments: stated };
  const answer = [{ role: 'assistant', parts: stated === null ? [] : [call] }];
  const mcp = {
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'orders.get',
    'jsonrpc.request.id': '1',
  };
  const chat = seen(1, 0, {
    kind: 3,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.conversation.id': `conv-${at}`,
      'gen_ai.agent.name': 'billing',
      'gen_ai.output.messages': JSON.stringify(answer),
    },
  });
  const tool = seen(2, 1000, {
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'orders.get',
      'gen_ai.tool.call.id': `c-${at}`,
    },
  });
  const client = seen(3, 1010, { kind: 3, parentSpanId: spanOf(2), attributes: mcp });
  const server = seen(4, 1020, {
    ...{ topic: 'mcp_spans', service: 'orders', kind: 2, parentSpanId: spanOf(3) },
    attributes: { ...mcp, 'gen_ai.tool.call.arguments': JSON.stringify(got) },
  });
  const line = seen(5, 1015, {
    ...{ topic: 'gw_logs', service: 'agentgateway' },
    attributes: {
      ...{ 'mcp.method.name': 'tools/call', 'mcp.target': 'orders' },
      ...{ 'gen_ai.tool.name': 'orders.get', reason: 'Upstream' },
    },
  });
  return [chat, ...(stated === null ? [] : [tool, client]), server, line];
}

const ns = (ms: number) => `${ms}000000`;

/** A minute as requests in JSON. */
export function minuteInJson(
  minute: Minute,
  at: number,
  startMs: number,
): Readonly<Record<MinuteTopic, object>> {
  const seen = seenIn(minute, at, startMs);
  const of = (topic: MinuteTopic) => seen.filter((one) => one.topic === topic);
  const asSpan = ({ fromMs, toMs, topic: _t, service: _s, ...one }: Seen) =>
    span({ ...one, startTimeUnixNano: ns(fromMs), endTimeUnixNano: ns(toMs) });
  const asLine = ({ fromMs, traceId, spanId, attributes: given }: Seen) => ({
    ...{ timeUnixNano: ns(fromMs), traceId, spanId },
    attributes: attributes(given),
  });
  return {
    otlp_spans: traces(of('otlp_spans').map(asSpan)),
    mcp_spans: traces(of('mcp_spans').map(asSpan), { 'service.name': 'orders' }),
    gw_logs: logs(of('gw_logs').map(asLine), { 'service.name': 'agentgateway' }),
  };
}

/** Minutes as OpenTelemetry's own package serialises them: one request a topic, with everything in it. */
export function minutesByOpenTelemetry(
  minutes: readonly Minute[],
  startMs: number,
): Readonly<Record<MinuteTopic, Buffer>> {
  const seen = minutes.flatMap((minute, at) => seenIn(minute, at, startMs + at * 10_000));
  const time = (ms: number): [number, number] => [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
  const scope = { name: 'sdk', version: '1' };
  const resources = new Map(
    seen.map(({ service }) => [service, { attributes: { 'service.name': service } }]),
  );
  const context = (traceId: string, spanId: string) => ({ traceId, spanId, traceFlags: 1 });
  const spans = (topic: MinuteTopic) =>
    seen
      .filter((one) => one.topic === topic)
      .map((one) => ({
        ...{ name: 'span', kind: one.kind - 1, status: { code: 0 }, attributes: one.attributes },
        spanContext: () => context(one.traceId, one.spanId),
        ...(one.parentSpanId === undefined
          ? {}
          : { parentSpanContext: context(one.traceId, one.parentSpanId) }),
        ...{ startTime: time(one.fromMs), endTime: time(one.toMs), duration: time(0), ended: true },
        ...{ events: [], links: [] },
        ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
        ...{ resource: resources.get(one.service), instrumentationScope: scope },
      }));
  const lines = seen
    .filter((one) => one.topic === 'gw_logs')
    .map((one) => ({
      ...{ hrTime: time(one.fromMs), hrTimeObserved: time(one.fromMs), attributes: one.attributes },
      ...{ spanContext: context(one.traceId, one.spanId), droppedAttributesCount: 0 },
      ...{ resource: resources.get(one.service), instrumentationScope: scope },
    }));
  const bytes = (made: Uint8Array | undefined) => Buffer.from(made ?? []);
  return {
    otlp_spans: bytes(ProtobufTraceSerializer.serializeRequest(spans('otlp_spans') as never)),
    mcp_spans: bytes(ProtobufTraceSerializer.serializeRequest(spans('mcp_spans') as never)),
    gw_logs: bytes(ProtobufLogsSerializer.serializeRequest(lines as never)),
  };
}
