/** OTLP requests from their JSON to protobuf: written from the field numbers, for tests alone. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

type Json = Readonly<Record<string, unknown>>;
type Write = (writer: BinaryWriter, value: unknown) => void;

/** Number and writer of each field of a message. */
interface Message {
  readonly [name: string]: readonly [field: number, write: Write, wire: WireType];
}

const text = (field: number) =>
  [
    field,
    (w: BinaryWriter, v: unknown) => w.string(v as string),
    WireType.LengthDelimited,
  ] as const;
const hex = (field: number) =>
  [
    field,
    (w: BinaryWriter, v: unknown) => w.bytes(Buffer.from(v as string, 'hex')),
    WireType.LengthDelimited,
  ] as const;
const nanos = (field: number) =>
  [field, (w: BinaryWriter, v: unknown) => w.fixed64(v as string), WireType.Bit64] as const;
const count = (field: number) =>
  [field, (w: BinaryWriter, v: unknown) => w.uint32(v as number), WireType.Varint] as const;
const flags = (field: number) =>
  [field, (w: BinaryWriter, v: unknown) => w.fixed32(v as number), WireType.Bit32] as const;
const inner = (field: number, message: () => Message) =>
  [
    field,
    (w: BinaryWriter, v: unknown) => w.bytes(encode(v as Json, message())),
    WireType.LengthDelimited,
  ] as const;

const VALUE: Message = {
  stringValue: text(1),
  boolValue: [2, (w, v) => w.bool(v as boolean), WireType.Varint],
  intValue: [3, (w, v) => w.int64(v as string), WireType.Varint],
  doubleValue: [4, (w, v) => w.double(v as number), WireType.Bit64],
  arrayValue: inner(5, () => ({ values: inner(1, () => VALUE) })),
  kvlistValue: inner(6, () => ({ values: inner(1, () => KEY_VALUE) })),
};
const KEY_VALUE: Message = { key: text(1), value: inner(2, () => VALUE) };
const attributes = (field: number) => inner(field, () => KEY_VALUE);
const RESOURCE: Message = { attributes: attributes(1), droppedAttributesCount: count(2) };
const SCOPE: Message = { name: text(1), version: text(2), attributes: attributes(3) };
const EVENT: Message = { timeUnixNano: nanos(1), name: text(2), attributes: attributes(3) };
const SPAN: Message = {
  ...{ traceId: hex(1), spanId: hex(2), traceState: text(3), parentSpanId: hex(4), name: text(5) },
  ...{ kind: count(6), startTimeUnixNano: nanos(7), endTimeUnixNano: nanos(8) },
  ...{ attributes: attributes(9), droppedAttributesCount: count(10) },
  events: inner(11, () => EVENT),
  status: inner(15, () => ({ message: text(2), code: count(3) })),
  flags: flags(16),
};
const LOG: Message = {
  ...{ timeUnixNano: nanos(1), severityNumber: count(2), severityText: text(3) },
  body: inner(5, () => VALUE),
  ...{ attributes: attributes(6), flags: flags(8), traceId: hex(9), spanId: hex(10) },
  ...{ observedTimeUnixNano: nanos(11), eventName: text(12) },
};
const scoped = (items: string, message: Message) =>
  inner(2, () => ({
    scope: inner(1, () => SCOPE),
    [items]: inner(2, () => message),
    schemaUrl: text(3),
  }));
const resource = inner(1, () => RESOURCE);
const REQUEST: Message = {
  resourceSpans: inner(1, () => ({
    resource,
    scopeSpans: scoped('spans', SPAN),
    schemaUrl: text(3),
  })),
  resourceLogs: inner(1, () => ({
    resource,
    scopeLogs: scoped('logRecords', LOG),
    schemaUrl: text(3),
  })),
};

function encode(value: Json, message: Message): Uint8Array {
  const writer = new BinaryWriter();
  for (const [name, member] of Object.entries(value)) {
    const field = message[name];
    if (field === undefined) throw new Error(`no field ${name}`);
    for (const one of Array.isArray(member) ? member : [member]) {
      writer.tag(field[0], field[2]);
      field[1](writer, one);
    }
  }
  return writer.finish();
}

/** A request in protobuf. Throws for members it has no number of. */
export function protobufOf(request: object): Buffer {
  return Buffer.from(encode(request as Json, REQUEST));
}
