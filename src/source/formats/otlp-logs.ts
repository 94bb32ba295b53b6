/** `otlp-logs/1`: log records, in protobuf or JSON: GenAI events and gateways' logs. */
import type { Trust } from '../../model/event.ts';
import type { ByteFormat } from '../draft.ts';
import type { Rejection } from '../json.ts';
import type { Operation, Said } from './dialect.ts';
import { dialects, LOG_EVENTS } from './dialects.ts';
import { type Attribute, isGiven, type LogRecord, plain, type Value } from './otlp.ts';
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
import { logsOf } from './otlp-json.ts';
import { wantedAttribute } from './otlp-traces.ts';
import { readLogs } from './otlp-wire-items.ts';

const EVENT_NAME = 'event.name';

const readers: BatchReaders<LogRecord> = {
  wanted: (key) => wantedAttribute(key) || key === EVENT_NAME,
  wire: readLogs,
  json: logsOf,
  item: (record, shared, { trust }) => readRecord(record, shared, trust),
  said: saidBy,
};

/** Tells of each log record of a record what was read of it. */
export const explainLogs = (bytes: Buffer): readonly ItemAccount[] | Rejection =>
  accountsOf(bytes, readers);

/** Counts the log records of a request, for who answers it. */
export const tallyLogs = (bytes: Buffer) => tallyOf(bytes, readers);

/** Decoder of OTLP logs. Kinds depend on who speaks, as with spans. */
export const otlpLogs: ByteFormat = {
  name: 'otlp-logs/1',
  kinds: ['reasoning', 'gateway'],
  decodeBytes: (bytes, facts, source) => decodeBatch(bytes, facts, source, readers),
  accountBytes: (bytes) => tellAccounts(explainLogs(bytes)),
};

function readRecord(record: LogRecord, shared: Shared, trust: Trust): ItemRead {
  const at = isGiven(record.time) ? record.time : record.observed;
  const times = { start: at, end: at };
  const event = eventOf(record);
  const said = saidBy(record, shared.scope);
  if (said === null) return { made: null, id: undefined, ...times };
  const operation: Operation | undefined =
    event === undefined ? undefined : event === 'evaluation' ? 'evaluation' : 'model';
  const made = fieldsOf(
    said,
    {
      ...{ trust, service: shared.service, instance: shared.instance },
      traceId: record.traceId.length === 32 ? record.traceId : '',
      spanId: record.spanId.length === 16 ? record.spanId : '',
      ...{ parentSpanId: '', isClient: false, failed: null, durationMs: undefined },
      isTruncated: shared.isTruncated || record.altered || record.dropped > 0,
    },
    operation,
  );
  return { made, id: undefined, ...times };
}

function eventOf(record: LogRecord): (typeof LOG_EVENTS)[string] | undefined {
  const name = record.eventName || textAt(record.attributes, EVENT_NAME);
  return Object.hasOwn(LOG_EVENTS, name) ? LOG_EVENTS[name] : undefined;
}

function saidBy(record: LogRecord, scope: string): Said | null {
  const event = eventOf(record);
  const attributes =
    event === 'choice' || event === 'asked'
      ? [...record.attributes, ...messageOf(record.body, event)]
      : record.attributes;
  return dialects.read(attributes, scope, '');
}

function textAt(attributes: readonly Attribute[], name: string): string {
  const value = attributes.find(({ key }) => key === name)?.value;
  return typeof value === 'string' ? value : '';
}

/** Up to 1.36 a message is the body of a record of its own; put where later versions have it. */
function messageOf(body: Value, event: 'choice' | 'asked'): Attribute[] {
  const read = plain(body);
  if (typeof read !== 'object' || read === null) return [];
  const from = read as Readonly<Record<string, unknown>>;
  const isChoice = event === 'choice';
  const message = isChoice && Object.hasOwn(from, 'message') ? from['message'] : from;
  if (typeof message !== 'object' || message === null) return [];
  const made = isChoice
    ? { ...message, finish_reason: from['finish_reason'] }
    : { ...message, role: 'user' };
  const key = isChoice ? 'gen_ai.output.messages' : 'gen_ai.input.messages';
  return [{ key, value: JSON.stringify([made]) }];
}
