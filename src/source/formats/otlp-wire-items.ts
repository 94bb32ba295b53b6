/** Spans and log records in protobuf, field by field. */
import type { Rejection } from '../json.ts';
import {
  type Batch,
  type LogRecord,
  NO_TIME,
  newLogRecord,
  newSpan,
  type Span,
  type SpanEvent,
  type SpanLink,
  type Wanted,
} from './otlp.ts';
import {
  BYTES,
  type Cursor,
  eachField,
  fixed32,
  hex,
  instant,
  limited,
  needs,
  text,
  uint32,
} from './otlp-wire.ts';
import { readRequest } from './otlp-wire-request.ts';
import { pushAttribute, readValue } from './otlp-wire-values.ts';

/** Events, and links, of one span at most. */
const PARTS_MAX = 1000;

/** Reads an ExportTraceServiceRequest, which is also the value of the Collector's Kafka exporter. */
export function readTraces(bytes: Buffer, wanted: Wanted): Batch<Span> | Rejection {
  return readRequest(bytes, wanted, readSpan);
}

/** Reads an ExportLogsServiceRequest, likewise. */
export function readLogs(bytes: Buffer, wanted: Wanted): Batch<LogRecord> | Rejection {
  return readRequest(bytes, wanted, readLogRecord);
}

function readSpan(at: Cursor, end: number): Span {
  const span = newSpan();
  eachField(at, end, (_, field, wire, to) => readSpanField(at, span, field, wire, to));
  span.altered = at.altered;
  return span;
}

function readSpanField(at: Cursor, span: Span, field: number, wire: number, to: number): boolean {
  switch (field) {
    case 1:
      span.traceId = hex(at, wire, to);
      return true;
    case 2:
      span.spanId = hex(at, wire, to);
      return true;
    case 3:
      span.traceState = text(at, wire, to);
      return true;
    case 4:
      span.parentSpanId = hex(at, wire, to);
      return true;
    case 5:
      span.name = text(at, wire, to);
      return true;
    case 6:
      span.kind = uint32(at, wire);
      return true;
    case 7:
      span.start = instant(at, wire);
      return true;
    case 8:
      span.end = instant(at, wire);
      return true;
    case 9:
      pushAttribute(at, wire, to, span.attributes);
      return true;
    case 10:
      span.dropped = uint32(at, wire);
      return true;
    case 16:
      span.flags = fixed32(at, wire);
      return true;
    default:
      return readSpanPart(at, span, field, wire, to);
  }
}

function readSpanPart(at: Cursor, span: Span, field: number, wire: number, to: number): boolean {
  switch (field) {
    case 11:
      needs(wire, BYTES);
      limited(span.events, PARTS_MAX, 'events').push(readEvent(at, to));
      return true;
    case 12:
      span.droppedEvents = uint32(at, wire);
      return true;
    case 13:
      needs(wire, BYTES);
      limited(span.links, PARTS_MAX, 'links').push(readLink(at, to));
      return true;
    case 14:
      span.droppedLinks = uint32(at, wire);
      return true;
    case 15:
      needs(wire, BYTES);
      eachField(at, to, (_, inner, kind, stop) => {
        if (inner === 2) span.status.message = text(at, kind, stop);
        else if (inner === 3) span.status.code = uint32(at, kind);
        else return false;
        return true;
      });
      return true;
    default:
      return false;
  }
}

function readEvent(at: Cursor, end: number): SpanEvent {
  const event: SpanEvent = { time: NO_TIME, name: '', attributes: [], dropped: 0 };
  eachField(at, end, (_, field, wire, to) => {
    if (field === 1) event.time = instant(at, wire);
    else if (field === 2) event.name = text(at, wire, to);
    else if (field === 3) pushAttribute(at, wire, to, event.attributes);
    else if (field === 4) event.dropped = uint32(at, wire);
    else return false;
    return true;
  });
  return event;
}

function readLink(at: Cursor, end: number): SpanLink {
  const link: SpanLink = {
    traceId: '',
    spanId: '',
    traceState: '',
    attributes: [],
    dropped: 0,
    flags: 0,
  };
  eachField(at, end, (_, field, wire, to) => {
    if (field === 1) link.traceId = hex(at, wire, to);
    else if (field === 2) link.spanId = hex(at, wire, to);
    else if (field === 3) link.traceState = text(at, wire, to);
    else if (field === 4) pushAttribute(at, wire, to, link.attributes);
    else if (field === 5) link.dropped = uint32(at, wire);
    else if (field === 6) link.flags = fixed32(at, wire);
    else return false;
    return true;
  });
  return link;
}

function readLogRecord(at: Cursor, end: number): LogRecord {
  const record = newLogRecord();
  eachField(at, end, (_, field, wire, to) => readLogField(at, record, field, wire, to));
  record.altered = at.altered;
  return record;
}

function readLogField(
  at: Cursor,
  record: LogRecord,
  field: number,
  wire: number,
  to: number,
): boolean {
  switch (field) {
    case 1:
      record.time = instant(at, wire);
      return true;
    case 2:
      record.severity = uint32(at, wire);
      return true;
    case 3:
      record.severityText = text(at, wire, to);
      return true;
    case 5:
      needs(wire, BYTES);
      record.body = readValue(at, to, 0);
      return true;
    case 6:
      pushAttribute(at, wire, to, record.attributes);
      return true;
    case 7:
      record.dropped = uint32(at, wire);
      return true;
    case 8:
      record.flags = fixed32(at, wire);
      return true;
    case 9:
      record.traceId = hex(at, wire, to);
      return true;
    case 10:
      record.spanId = hex(at, wire, to);
      return true;
    case 11:
      record.observed = instant(at, wire);
      return true;
    case 12:
      record.eventName = text(at, wire, to);
      return true;
    default:
      return false;
  }
}
