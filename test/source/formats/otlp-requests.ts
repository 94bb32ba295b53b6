/** OTLP requests written by hand, in JSON: only what a test is about must be said. */
import type { SourceConfig } from '../../../src/model/config/source.ts';
import { createDecode, type Decode } from '../../../src/source/source.ts';
import { recordOf } from '../records.ts';

/** A value as the wire has it. */
export function anyValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (typeof value === 'object' && value !== null)
    return { kvlistValue: { values: attributes(value as Attributes) } };
  return {};
}

/** Attributes by name. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Attributes as the wire has them. */
export function attributes(of: Attributes): object[] {
  return Object.entries(of).map(([key, value]) => ({ key, value: anyValue(value) }));
}

/** A span: what differs from one without anything but ids and times. */
export interface GivenSpan {
  readonly name?: string;
  readonly kind?: number;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly traceId?: string;
  readonly status?: object;
  readonly attributes?: Attributes;
  readonly startTimeUnixNano?: string;
  readonly endTimeUnixNano?: string;
  readonly events?: readonly object[];
}

/** The trace of these requests. */
export const TRACE_ID = '5b8efff798038103d269b633813fc60c';

/** A span in JSON. */
export function span({ attributes: of = {}, ...more }: GivenSpan): object {
  return {
    traceId: TRACE_ID,
    spanId: '00000000000000a1',
    name: 'span',
    kind: 1,
    startTimeUnixNano: '1799999990000000001',
    endTimeUnixNano: '1799999990250000002',
    ...more,
    attributes: attributes(of),
  };
}

/** A request of spans that one process sends. */
export function traces(
  spans: readonly object[],
  resource: Attributes = { 'service.name': 'shop' },
  scope = 'sdk',
): object {
  const scopeSpans = [{ scope: { name: scope }, spans }];
  return { resourceSpans: [{ resource: { attributes: attributes(resource) }, scopeSpans }] };
}

/** A request of log records that one process sends. */
export function logs(
  records: readonly object[],
  resource: Attributes = { 'service.name': 'shop' },
): object {
  const scopeLogs = [{ scope: { name: 'sdk' }, logRecords: records }];
  return { resourceLogs: [{ resource: { attributes: attributes(resource) }, scopeLogs }] };
}

/** Sources of these tests: spans and logs of agents, and of gateways. */
export const OTLP_SOURCES: readonly SourceConfig[] = [
  {
    ...{ name: 'spans', topic: 'otlp_spans', decoder: 'otlp-traces/1' },
    ...{ trust: 'agent', kinds: ['reasoning'] },
  },
  {
    ...{ name: 'gw-spans', topic: 'gw_spans', decoder: 'otlp-traces/1' },
    ...{ trust: 'gateway', kinds: ['gateway'] },
  },
  {
    ...{ name: 'logs', topic: 'otlp_logs', decoder: 'otlp-logs/1' },
    ...{ trust: 'agent', kinds: ['reasoning'] },
  },
  {
    ...{ name: 'gw-logs', topic: 'gw_logs', decoder: 'otlp-logs/1' },
    ...{ trust: 'gateway', kinds: ['gateway'] },
  },
];

/** Their decoder. */
export const decodeOtlp: Decode = createDecode(OTLP_SOURCES, new Map()).decode;

/** Decodes one request that came on a topic. */
export function decoded(topic: string, request: object | Buffer) {
  return decodeOtlp(recordOf(request, { topic }));
}
