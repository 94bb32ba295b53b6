/** OTLP: rounds of decoding batches of spans in one process, in both encodings, beside JSON.parse. */
import { createHash } from 'node:crypto';
import type { SourceConfig } from '../src/model/config/source.ts';
import { createDecode } from '../src/source/source.ts';
import { protobufOf } from '../test/source/formats/otlp-encode.ts';
import { span, traces } from '../test/source/formats/otlp-requests.ts';
import { answer, cpuUs, input } from './child.ts';

/** What to do. */
export interface OtlpInput {
  readonly records: number;
  readonly spans: number;
  readonly rounds: number;
}

/** What one kind of record cost, by round. */
export interface OtlpRow {
  readonly name: string;
  readonly bytesPerSpan: number;
  readonly cpuUs: readonly number[];
  readonly events: number;
  /** Hash over all events without what tells the encodings apart; null where none are made. */
  readonly outcome: string | null;
}

const given = input<OtlpInput>();
const source: SourceConfig = {
  ...{ name: 'spans', topic: 'spans', decoder: 'otlp-traces/1' },
  ...{ trust: 'agent', kinds: ['reasoning'] },
};
const { decode } = createDecode([source], new Map());
const resource = {
  'service.name': 'billing',
  'service.instance.id': 'pod-1',
  'k8s.pod.name': 'billing-7f9c',
  'telemetry.sdk.language': 'nodejs',
};

/** A model call and the tool it called, as an SDK writes them, with or without content. */
function spansOf(n: number, content: boolean): readonly object[] {
  const id = n.toString(16).padStart(14, '0');
  const common = {
    'gen_ai.agent.name': `billing-${n >> 6}`,
    'gen_ai.conversation.id': `conv-${n >> 3}`,
    'server.address': 'api.example.com',
    'server.port': 443,
    'code.function.name': 'run',
    'thread.id': 4,
  };
  const call = { id: `call-${n}`, name: 'orders.get', arguments: { id: n, reason: 'late' } };
  const asked = { role: 'user', parts: [{ type: 'text', content: `Refund order ${n}.` }] };
  const made = {
    role: 'assistant',
    parts: [{ type: 'tool_call', ...call }],
    finish_reason: 'tool_call',
  };
  const chat = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'm',
    'gen_ai.response.model': 'm-2',
    'gen_ai.request.temperature': 0.2,
    'gen_ai.usage.input_tokens': 1000 + n,
    'gen_ai.usage.output_tokens': 30,
    'gen_ai.response.finish_reasons': ['tool_calls'],
    ...(content
      ? {
          'gen_ai.input.messages': JSON.stringify([asked]),
          'gen_ai.output.messages': JSON.stringify([made]),
        }
      : {}),
  };
  const tool = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'orders.get',
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.call.id': call.id,
    ...(content ? { 'gen_ai.tool.call.arguments': JSON.stringify(call.arguments) } : {}),
  };
  const of = (last: string, name: string, attributes: object) =>
    span({
      name,
      spanId: `${id}${last}`,
      parentSpanId: `${id}00`,
      attributes: { ...common, ...attributes },
    });
  return [of('01', 'chat m', chat), of('02', 'execute_tool orders.get', tool)];
}

function requests(content: boolean): readonly object[] {
  return Array.from({ length: given.records }, (_, at) =>
    traces(
      Array.from({ length: given.spans / 2 }, (__, n) =>
        spansOf(at * given.spans + n + 1, content),
      ).flat(),
      resource,
    ),
  );
}

/** Decodes all records `rounds` times; the first round warms up and is not counted. */
function measure(
  name: string,
  records: readonly Buffer[],
  work: (bytes: Buffer) => number,
): OtlpRow {
  const bytes = records.reduce((sum, one) => sum + one.length, 0);
  const rounds: number[] = [];
  let events = 0;
  for (let round = 0; round <= given.rounds; round += 1) {
    globalThis.gc?.();
    events = 0;
    const start = cpuUs();
    for (const record of records) events += work(record);
    if (round > 0) rounds.push(cpuUs() - start);
  }
  const bytesPerSpan = bytes / (given.records * given.spans);
  return { name, bytesPerSpan, cpuUs: rounds, events, outcome: outcomeOf(name, records) };
}

const recordOf = (value: Buffer) => ({
  ...{ topic: 'spans', partition: 0, offset: 0, timestampMs: 1_800_000_000_000, key: null },
  value,
});

function outcomeOf(name: string, records: readonly Buffer[]): string | null {
  if (name.startsWith('JSON.parse')) return null;
  const hash = createHash('sha256');
  for (const record of records)
    for (const { contentHash: _hash, ...event } of decode(recordOf(record)).events)
      hash.update(JSON.stringify(event));
  return hash.digest('hex');
}

const rows = [false, true].flatMap((content) => {
  const made = requests(content);
  const texts = made.map((one) => Buffer.from(JSON.stringify(one)));
  const level = content ? 'with content' : 'without content';
  const events = (bytes: Buffer) => decode(recordOf(bytes)).events.length;
  return [
    measure(`protobuf, ${level}`, made.map(protobufOf), events),
    measure(`JSON, ${level}`, texts, events),
    measure(`JSON.parse alone, ${level}`, texts, (bytes) => {
      const parsed = JSON.parse(bytes.toString('utf8')) as { readonly resourceSpans: unknown[] };
      return parsed.resourceSpans.length * given.spans;
    }),
  ];
});
answer({ rows });
