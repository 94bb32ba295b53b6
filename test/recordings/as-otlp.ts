/** Recordings as OpenTelemetry would have told them: two books become batches of spans. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceConfig } from '../../src/model/config/source.ts';
import type { Detection } from '../../src/model/detection.ts';
import { protobufOf } from '../source/formats/otlp-encode.ts';
import { readLines } from './tampered.ts';

type Json = Readonly<Record<string, unknown>>;

interface Call {
  readonly call_id: string;
  readonly tool: string;
  readonly args?: Json;
}

interface Turn {
  readonly ts: string;
  readonly agent_id: string;
  readonly session_id: string;
  readonly seq: number;
  readonly text: string | null;
  readonly tool_calls: readonly Call[];
}

interface Attempt extends Call {
  readonly ts: string;
  readonly agent_id: string;
  readonly session_id: string;
  readonly seq: number;
  readonly decision: string;
  readonly outcome: string;
  readonly error?: string;
  readonly result?: unknown;
}

/** Records by topic, in the order of their spans. */
interface Told {
  readonly topics: readonly (readonly [string, readonly (Turn | Attempt)[]])[];
  readonly attempts: readonly Attempt[];
  /** Number of a request by `topic offset` of its line. */
  readonly starts: ReadonlyMap<string, number>;
}

/** A folder in OTLP, and what OTLP has no place for. */
export interface Retold {
  /** Streams by topic: one request a line, as `otlp_json`. The other two books are in the folder as they were. */
  readonly batches: ReadonlyMap<string, readonly object[]>;
  /** The `seq` of the record that a detection points at: spans have none. */
  seqOf(detection: Detection): number | null;
}

/** Sources of such a folder. `prefix` goes before every topic. */
export function otlpSources(prefix = ''): SourceConfig[] {
  return [
    {
      ...{ name: 'governance', topic: `${prefix}governance`, decoder: 'recorded-runs/1' },
      ...{ trust: 'platform', kinds: ['governance'] },
    },
    {
      ...{ name: 'metrics', topic: `${prefix}metrics`, decoder: 'recorded-runs/1' },
      ...{ trust: 'runtime', kinds: ['metrics'] },
    },
    {
      ...{ name: 'reasoning', topic: `${prefix}agent_spans`, decoder: 'otlp-traces/1' },
      ...{ trust: 'agent', kinds: ['reasoning'] },
    },
    {
      ...{ name: 'gateway_spans', topic: `${prefix}gateway_spans`, decoder: 'otlp-traces/1' },
      ...{ trust: 'gateway', kinds: ['gateway'] },
    },
    {
      ...{ name: 'gateway_logs', topic: `${prefix}gateway_logs`, decoder: 'otlp-logs/1' },
      ...{ trust: 'gateway', kinds: ['gateway'] },
    },
  ];
}

const BATCH = 50;

/** Tells the folder `from` in OTLP, in `into`. Batches hold spans of many agents, in order of arrival. */
export async function retell(from: string, into: string): Promise<Retold> {
  await mkdir(into, { recursive: true });
  for (const name of ['governance', 'metrics'])
    await copyFile(join(from, `${name}.jsonl.gz`), join(into, `${name}.jsonl.gz`));
  const turns = await readLines<Turn>(join(from, 'reasoning.jsonl.gz'));
  const attempts = await readLines<Attempt>(join(from, 'gateway.jsonl.gz'));
  const nanosOf = clockOf([...turns, ...attempts]);
  // Whether a call succeeded is unknown of some: a span cannot say that, a log record can.
  const known = attempts.filter(({ outcome }) => outcome !== 'unknown');
  const unknown = attempts.filter(({ outcome }) => outcome === 'unknown');
  const batches = new Map<string, readonly object[]>([
    [
      'agent_spans',
      batched(
        turns.map((turn) => turnSpan(turn, nanosOf(turn))),
        'spans',
      ),
    ],
    [
      'gateway_spans',
      batched(
        known.map((one) => attemptSpan(one, nanosOf(one))),
        'spans',
      ),
    ],
    [
      'gateway_logs',
      batched(
        unknown.map((one) => attemptLog(one, nanosOf(one))),
        'logs',
      ),
    ],
  ]);
  const starts = new Map<string, number>();
  for (const [topic, requests] of batches) {
    const lines = requests.map((request) => `${JSON.stringify(request)}\n`);
    if (lines.length > 0) await writeFile(join(into, `${topic}.jsonl`), lines.join(''));
    // The offset of a line is where it begins, in bytes.
    let offset = 0;
    for (const [number, line] of lines.entries()) {
      starts.set(`${topic} ${offset}`, number);
      offset += Buffer.byteLength(line);
    }
  }
  const topics = [
    ['agent_spans', turns],
    ['gateway_spans', known],
    ['gateway_logs', unknown],
  ] as const;
  return { batches, seqOf: seqIn({ topics, attempts, starts }) };
}

/** The same request in protobuf. */
export const inProtobuf = (request: object): Buffer => protobufOf(request);

/** Times of the recordings are interpolated and often equal; a real producer's differ by nanoseconds. */
function clockOf(records: readonly (Turn | Attempt)[]): (record: Turn | Attempt) => string {
  const inTurn = new Map<string, number[]>();
  const keyOf = ({ session_id: session, ts }: Turn | Attempt) => `${session} ${ts}`;
  for (const record of records) {
    const list = inTurn.get(keyOf(record));
    if (list === undefined) inTurn.set(keyOf(record), [record.seq]);
    else list.push(record.seq);
  }
  for (const list of inTurn.values()) list.sort((a, b) => a - b);
  return (record) => {
    const rank = inTurn.get(keyOf(record))?.indexOf(record.seq) ?? 0;
    return `${BigInt(Date.parse(record.ts)) * 1_000_000n + BigInt(rank) * 1000n}`;
  };
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const traceOf = (session: string) => digest(session).slice(0, 32);
/** The same record sent twice is the same span. */
const spanOf = (record: Turn | Attempt) => digest(JSON.stringify(record)).slice(0, 16);

function attributesOf(values: Json): object[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({
      key,
      value: { stringValue: typeof value === 'string' ? value : JSON.stringify(value) },
    }));
}

function turnSpan(turn: Turn, nanos: string): object {
  const text = turn.text === null ? [] : [{ type: 'text', content: turn.text }];
  const calls = turn.tool_calls.map(({ call_id: id, tool: name, args }) => ({
    ...{ type: 'tool_call', id, name },
    ...(args === undefined ? {} : { arguments: args }),
  }));
  const finish = calls.length > 0 ? 'tool_call' : 'stop';
  const message = { role: 'assistant', parts: [...text, ...calls], finish_reason: finish };
  return {
    ...{ traceId: traceOf(turn.session_id), spanId: spanOf(turn), name: 'chat', kind: 3 },
    ...{ startTimeUnixNano: nanos, endTimeUnixNano: nanos },
    attributes: attributesOf({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'recorded',
      'gen_ai.agent.id': turn.agent_id,
      'gen_ai.conversation.id': turn.session_id,
      'gen_ai.output.messages': [message],
    }),
  };
}

const attemptAttributes = (one: Attempt) =>
  attributesOf({
    'mcp.method.name': 'tools/call',
    'mcp.target': 'tools',
    'jwt.sub': one.agent_id,
    'gen_ai.conversation.id': one.session_id,
    'gen_ai.tool.name': one.tool,
    'gen_ai.tool.call.id': one.call_id,
    'gen_ai.tool.call.arguments': one.args,
    'gen_ai.tool.call.result': one.result,
    reason: one.decision === 'deny' ? 'Authorization' : 'Upstream',
    error: one.error,
  });

function attemptSpan(one: Attempt, nanos: string): object {
  return {
    ...{ traceId: traceOf(one.session_id), spanId: spanOf(one), name: 'tools/call', kind: 2 },
    ...{ startTimeUnixNano: nanos, endTimeUnixNano: nanos },
    attributes: attemptAttributes(one),
    ...(one.outcome === 'error' ? { status: { code: 2 } } : {}),
  };
}

function attemptLog(one: Attempt, nanos: string): object {
  return {
    ...{ timeUnixNano: nanos, observedTimeUnixNano: nanos },
    ...{ traceId: traceOf(one.session_id), spanId: spanOf(one) },
    attributes: attemptAttributes(one),
  };
}

function batched(items: readonly object[], of: 'spans' | 'logs'): object[] {
  const requests: object[] = [];
  const resource = { attributes: attributesOf({ 'service.name': 'collector' }) };
  for (let at = 0; at < items.length; at += BATCH) {
    const part = items.slice(at, at + BATCH);
    const scope = { name: 'recorded' };
    requests.push(
      of === 'spans'
        ? { resourceSpans: [{ resource, scopeSpans: [{ scope, spans: part }] }] }
        : { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: part }] }] },
    );
  }
  return requests;
}

/** Looks up, by place, what the spans could not carry. */
function seqIn(told: Told): (detection: Detection) => number | null {
  const made = new Set(told.attempts.map((one) => `${one.session_id} ${one.call_id}`));
  return ({ witnesses, tool }) => {
    const { position } = witnesses.at(-1) ?? {};
    if (position === undefined) return null;
    const [, items] = told.topics.find(([name]) => name === position.topic) ?? [];
    const batch = told.starts.get(`${position.topic} ${position.offset}`) ?? -1;
    const item = items?.[batch * BATCH + position.index];
    if (item === undefined || !('tool_calls' in item)) return item?.seq ?? null;
    // The record before the one in which a call should have appeared, had the turn's calls been made in order.
    const missing = item.tool_calls.findIndex(
      (call) => call.tool === tool && !made.has(`${item.session_id} ${call.call_id}`),
    );
    return item.seq + Math.max(0, missing);
  };
}
