/** A small fleet that is instrumented with OpenTelemetry's own SDK: an agent, an MCP server, a gateway. */
import { type Attributes, type Context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchLogRecordProcessor,
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { SourceConfig } from '../../src/model/config/source.ts';

/** Streams of the fleet, by who writes them. */
export const STREAMS = ['agent_spans', 'mcp_spans', 'gw_logs'] as const;
/** One of STREAMS. */
export type Stream = (typeof STREAMS)[number];

/** Sources that read them; topics as given. */
export function sourcesOf(prefix = ''): SourceConfig[] {
  const quick = { lateness: '1s', idleAfter: '1s' };
  return [
    {
      ...{ name: 'agents', topic: `${prefix}agent_spans`, decoder: 'otlp-traces/1', ...quick },
      ...{ trust: 'agent', kinds: ['reasoning'] },
    },
    {
      ...{ name: 'servers', topic: `${prefix}mcp_spans`, decoder: 'otlp-traces/1', ...quick },
      ...{ trust: 'gateway', kinds: ['gateway'] },
    },
    {
      ...{ name: 'gateway', topic: `${prefix}gw_logs`, decoder: 'otlp-logs/1', ...quick },
      ...{ trust: 'gateway', kinds: ['gateway'] },
    },
  ];
}

/** What happens in a minute of the agent's. */
export interface SdkMinute {
  readonly session: string;
  /** Arguments the model states; null: it states no call, and one is made all the same. */
  readonly stated: object | null;
  /** Arguments the server gets. */
  readonly got: object;
}

/** Cases that minutes deserve: of the honest none. */
export const MINUTES: readonly SdkMinute[] = [
  { session: 'conv-honest', stated: { id: 1 }, got: { id: 1 } },
  { session: 'conv-other', stated: { id: 2 }, got: { id: 99 } },
  { session: 'conv-unstated', stated: null, got: { id: 3 } },
  { session: 'conv-honest-too', stated: { id: 4 }, got: { id: 4 } },
];
/** Titles of the cases of MINUTES, by session. */
export const DESERVED = [
  ['conv-other', 'argument-mismatch'],
  ['conv-unstated', 'unstated-action'],
];

/** Where each stream is sent, and with which token. */
export interface Addressed {
  readonly url: string;
  readonly token: string;
}

/** What a fleet sent, serialised by OpenTelemetry's own package. */
export type Sent = Readonly<Record<Stream, Buffer>>;

/**
 * Lives the minutes, exporting over OTLP/HTTP with gzip where `to` says so; resolves when everything was
 * taken, to the requests as bytes. `json`: the agent's spans go as OTLP/JSON.
 */
export async function live(
  minutes: readonly SdkMinute[],
  fromMs: number,
  to: Readonly<Record<Stream, Addressed>> | null,
  json = false,
): Promise<Sent> {
  const failures: unknown[] = [];
  const spansTo = (stream: Stream): SpanExporter | null => {
    if (to === null) return null;
    const { url, token } = to[stream];
    const Exporter = json && stream === 'agent_spans' ? JsonTraceExporter : OTLPTraceExporter;
    return new Exporter({
      url: `${url}/v1/traces`,
      headers: { authorization: `Bearer ${token}` },
      compression: 'gzip' as never,
    });
  };
  const agent = tracing('shop', spansTo('agent_spans'), failures);
  const server = tracing('orders', spansTo('mcp_spans'), failures);
  const gateway = logging(to === null ? null : to.gw_logs, failures);
  minutes.forEach((minute, at) => {
    liveOne(minute, fromMs + at * 10_000, agent, server, gateway, `call-${at}`);
  });
  const sent: Sent = {
    agent_spans: agent.bytes(),
    mcp_spans: server.bytes(),
    gw_logs: gateway.bytes(),
  };
  for (const one of [agent, server, gateway]) await one.end();
  if (failures.length > 0) throw new AggregateError(failures, 'an exporter failed');
  return sent;
}

function tracing(service: string, exporter: SpanExporter | null, failures: unknown[]) {
  const kept = new InMemorySpanExporter();
  const noting: SpanExporter | null = exporter && {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0) failures.push(result.error);
        done(result);
      }),
    shutdown: async () => await exporter.shutdown(),
  };
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [
      new SimpleSpanProcessor({ exporter: kept }),
      ...(noting === null ? [] : [new BatchSpanProcessor({ exporter: noting })]),
    ],
  });
  return {
    tracer: provider.getTracer('sdk', '1'),
    bytes: () =>
      Buffer.from(ProtobufTraceSerializer.serializeRequest(kept.getFinishedSpans()) ?? []),
    end: async () => {
      await provider.forceFlush();
      await provider.shutdown();
    },
  };
}

function logging(to: Addressed | null, failures: unknown[]) {
  const kept = new InMemoryLogRecordExporter();
  const exporter =
    to === null
      ? null
      : new OTLPLogExporter({
          url: `${to.url}/v1/logs`,
          headers: { authorization: `Bearer ${to.token}` },
        });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'agentgateway' }),
    processors: [
      new SimpleLogRecordProcessor({ exporter: kept }),
      ...(exporter === null
        ? []
        : [
            new BatchLogRecordProcessor({
              exporter: {
                export: (records, done) =>
                  exporter.export(records, (result) => {
                    if (result.code !== 0) failures.push(result.error);
                    done(result);
                  }),
                forceFlush: async () => await exporter.forceFlush(),
                shutdown: async () => await exporter.shutdown(),
              },
            }),
          ]),
    ],
  });
  return {
    logger: provider.getLogger('gateway', '1'),
    bytes: () =>
      Buffer.from(ProtobufLogsSerializer.serializeRequest(kept.getFinishedLogRecords()) ?? []),
    end: async () => {
      await provider.forceFlush();
      await provider.shutdown();
    },
  };
}

type Tracing = ReturnType<typeof tracing>;
type Logging = ReturnType<typeof logging>;

const MCP: Attributes = {
  'mcp.method.name': 'tools/call',
  'gen_ai.tool.name': 'orders.get',
  'jsonrpc.request.id': '1',
};

function liveOne(
  { session, stated, got }: SdkMinute,
  atMs: number,
  agent: Tracing,
  server: Tracing,
  gateway: Logging,
  callId: string,
): void {
  const spend = (
    { tracer }: Tracing,
    parent: Context,
    span: { name: string; kind: SpanKind; ms: number; attributes: Attributes },
  ): Context => {
    const { name, kind, ms, attributes } = span;
    const made = tracer.startSpan(name, { kind, startTime: atMs + ms, attributes }, parent);
    made.end(atMs + ms + 50);
    return trace.setSpan(parent, made);
  };
  const call = { type: 'tool_call', id: callId, name: 'orders.get', arguments: stated };
  const run = spend(agent, ROOT_CONTEXT, {
    ...{ name: 'invoke_agent billing', kind: SpanKind.INTERNAL, ms: 0 },
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.provider.name': 'openai',
      'gen_ai.conversation.id': session,
      'gen_ai.agent.name': 'billing',
    },
  });
  spend(agent, run, {
    ...{ name: 'chat large', kind: SpanKind.CLIENT, ms: 0 },
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'large',
      'gen_ai.conversation.id': session,
      'gen_ai.agent.name': 'billing',
      'gen_ai.output.messages': JSON.stringify([
        { role: 'assistant', parts: stated === null ? [] : [call], finish_reason: 'tool_calls' },
      ]),
    },
  });
  const tool = spend(agent, run, {
    ...{ name: 'execute_tool orders.get', kind: SpanKind.INTERNAL, ms: 1000 },
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'orders.get',
      ...(stated === null ? {} : { 'gen_ai.tool.call.id': callId }),
    },
  });
  // What an agent does without saying so its own spans leave out, too.
  const from = stated === null ? run : tool;
  const client =
    stated === null
      ? from
      : spend(agent, from, {
          ...{ name: 'tools/call orders.get', kind: SpanKind.CLIENT, ms: 1010, attributes: MCP },
        });
  spend(server, client, {
    ...{ name: 'tools/call orders.get', kind: SpanKind.SERVER, ms: 1020 },
    attributes: { ...MCP, 'gen_ai.tool.call.arguments': JSON.stringify(got) },
  });
  gateway.logger.emit({
    timestamp: atMs + 1015,
    context: client,
    attributes: {
      ...{ 'mcp.method.name': 'tools/call', 'mcp.target': 'orders', reason: 'Upstream' },
      'gen_ai.tool.name': 'orders.get',
    },
  });
}
