/** `otlp-traces/1`: spans, in protobuf or JSON, as the Collector and OTLP/HTTP send them. */
import type { ByteFormat } from '../draft.ts';
import type { Rejection } from '../json.ts';
import type { Said } from './dialect.ts';
import { CONTENT_EVENTS, dialects } from './dialects.ts';
import { isGiven, type Span, type Wanted } from './otlp.ts';
import {
  accountsOf,
  type BatchReaders,
  decodeBatch,
  type ItemAccount,
  type ItemRead,
  type Shared,
  tallyOf,
  tellAccounts,
} from './otlp-batch.ts';
import { fieldsOf } from './otlp-events.ts';
import { tracesOf } from './otlp-json.ts';
import { readTraces } from './otlp-wire-items.ts';

/** Attributes of resources that are read, beside those of the dialects. */
const OF_RESOURCES: ReadonlySet<string> = new Set(['service.name', 'service.instance.id']);

/** What is read of the attributes of OTLP. */
export const wantedAttribute: Wanted = (key) => dialects.wanted(key) || OF_RESOURCES.has(key);

const readers: BatchReaders<Span> = {
  wanted: wantedAttribute,
  wire: readTraces,
  json: tracesOf,
  item: (span, shared, { trust }) => readSpan(span, shared, trust),
  said: saidBy,
};

/** Tells of each span of a record what was read of it. */
export const explainTraces = (bytes: Buffer): readonly ItemAccount[] | Rejection =>
  accountsOf(bytes, readers);

/** Counts the spans of a request, for who answers it. */
export const tallyTraces = (bytes: Buffer) => tallyOf(bytes, readers);

/** Decoder of OTLP traces. Kinds depend on who speaks: only one that agents cannot write witnesses acts. */
export const otlpTraces: ByteFormat = {
  name: 'otlp-traces/1',
  kinds: ['reasoning', 'gateway'],
  decodeBytes: (bytes, facts, source) => decodeBatch(bytes, facts, source, readers),
  accountBytes: (bytes) => tellAccounts(explainTraces(bytes)),
};

function readSpan(
  span: Span,
  shared: Shared,
  trust: Parameters<typeof fieldsOf>[1]['trust'],
): ItemRead {
  const { start, end, traceId, spanId } = span;
  const said = saidBy(span, shared.scope);
  const times = { start, end };
  if (said === null) return { made: null, id: undefined, ...times };
  if (!isId(traceId, 32) || !isId(spanId, 16)) {
    const detail = 'the trace id must be 16 bytes, the span id 8, and neither zero';
    return { made: { reason: 'id-missing', detail }, id: undefined, ...times };
  }
  const made = fieldsOf(said, {
    ...{ trust, service: shared.service, instance: shared.instance, traceId, spanId },
    parentSpanId: isId(span.parentSpanId, 16) ? span.parentSpanId : '',
    isClient: span.kind === 3,
    failed: isGiven(end) ? span.status.code === 2 : null,
    durationMs: isGiven(end) && isGiven(start) ? millisBetween(span) : undefined,
    isTruncated: shared.isTruncated || span.altered || span.dropped > 0 || span.droppedEvents > 0,
  });
  return { made, id: `${traceId}/${spanId}`, ...times };
}

function saidBy(span: Span, scope: string): Said | null {
  const contents = span.events.filter(({ name }) => CONTENT_EVENTS.has(name));
  const attributes =
    contents.length === 0
      ? span.attributes
      : [...span.attributes, ...contents.flatMap((event) => event.attributes)];
  return dialects.read(attributes, scope, span.name);
}

function millisBetween({ start, end }: Span): number {
  return Math.max(0, end.ms - start.ms + (end.nsInMs - start.nsInMs) / 1_000_000);
}

function isId(id: string, length: number): boolean {
  return id.length === length && !/^0+$/.test(id);
}
