/** CloudEvents 1.0: structured, binary and batches, each event in its structured form. */
import { clip } from '../draft.ts';
import { decodeJson, type Facts, type Rejection } from '../json.ts';
import { decodeAround, IN_ARRAY } from '../json-around.ts';

/** Headers of a record, names in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** An event in structured form: its required attributes are texts, `data` is parsed where it is JSON. */
export interface CloudEvent extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly source: string;
  readonly type: string;
}

/** The id of an event within its topic, from attributes that are unique together; undefined where it is too long. */
export function cloudEventId({ source, id }: CloudEvent): string | undefined {
  const text = `${source} ${id}`;
  return text.length <= 512 ? text : undefined;
}

/** One event of a record, or why it is none. */
export type EnvelopeRead =
  | { readonly ok: true; readonly event: CloudEvent }
  | { readonly ok: false; readonly refused: { rejection: Rejection; raw?: Buffer } };

const STRUCTURED = 'application/cloudevents';
/** Headers of attributes: over Kafka with an underscore, over HTTP with a hyphen. */
const PREFIXES = ['ce_', 'ce-'] as const;

/**
 * The events of a record; a rejection for each that is none, or one for all where nothing can be read.
 * An empty list where a binary event has no value, which is how one is withdrawn. Never throws.
 */
export function readCloudEvents(
  bytes: Buffer,
  headers: Headers,
  facts: Facts,
  maxBytes: number,
): readonly EnvelopeRead[] | Rejection {
  const contentType = (headers['content-type'] ?? '').trim().toLowerCase();
  const isStructured = contentType.startsWith(STRUCTURED);
  const prefix = PREFIXES.find((one) => Object.hasOwn(headers, `${one}specversion`));
  if (!isStructured && prefix !== undefined)
    return readBinary(bytes, headers, prefix, contentType, facts, maxBytes);
  if (isStructured && !/^application\/cloudevents(-batch)?(\+json)?\s*(;|$)/.test(contentType))
    return clip('codec-unsupported', 'CloudEvents are read in their JSON format only');
  const { read, apart } = decodeAround(bytes, facts, maxBytes, IN_ARRAY);
  if (!read.ok) return read.rejection;
  const events: readonly unknown[] = Array.isArray(read.value) ? read.value : [read.value];
  return apart
    .map((refused): EnvelopeRead => ({ ok: false, refused }))
    .concat(events.map((one) => structured(one, facts)));
}

function readBinary(
  bytes: Buffer,
  headers: Headers,
  prefix: (typeof PREFIXES)[number],
  contentType: string,
  facts: Facts,
  maxBytes: number,
): readonly EnvelopeRead[] | Rejection {
  if (bytes.length === 0) return [];
  const made: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(headers))
    if (name.startsWith(prefix)) made[name.slice(prefix.length)] = decoded(value, prefix);
  if (contentType !== '') made['datacontenttype'] = contentType;
  const isJson = contentType === '' || isJsonType(contentType);
  if (!isJson && !contentType.startsWith('text/'))
    return clip('codec-unsupported', 'data of a CloudEvent is read as JSON or text only');
  if (isJson) {
    const read = decodeJson(bytes, facts, maxBytes);
    if (!read.ok) return read.rejection;
    made['data'] = read.value;
  } else made['data'] = bytes.toString('utf8');
  return [structured(made, facts)];
}

/** Over HTTP, values of headers are percent-encoded. */
function decoded(value: string, prefix: string): string {
  if (prefix !== 'ce-' || !value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    return value;
  }
}

function isJsonType(contentType: string): boolean {
  return /^(application|text)\/([a-z0-9.!#$&^_-]+\+)?json\s*(;|$)/.test(contentType);
}

function structured(value: unknown, facts: Facts): EnvelopeRead {
  const refused = (reason: Rejection['reason'], detail: string): EnvelopeRead => ({
    ok: false,
    refused: { rejection: clip(reason, detail) },
  });
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refused('schema-unknown', 'not a CloudEvent: must be an object');
  const event = value as Record<string, unknown>;
  const own = (name: string) => (Object.hasOwn(event, name) ? event[name] : undefined);
  if (own('specversion') === undefined)
    return refused('schema-unknown', 'not a CloudEvent: missing specversion');
  if (own('specversion') !== '1.0')
    return refused('schema-unknown', '/specversion: CloudEvents 1.0 are read');
  for (const name of ['id', 'source', 'type']) {
    const text = own(name);
    if (text === undefined) return refused('field-missing', `/${name}: missing`);
    if (typeof text !== 'string' || text === '')
      return refused('field-type', `/${name}: must be a text that is not empty`);
  }
  const time = own('time');
  // Some producers write the zone twice.
  if (typeof time === 'string' && /[+-]\d\d:\d\dZ$/.test(time)) event['time'] = time.slice(0, -1);
  return parsedData(event, own, facts);
}

/** Base64 is undone, and JSON in a text is parsed where the event says that it is JSON. */
function parsedData(
  event: Record<string, unknown>,
  own: (name: string) => unknown,
  facts: Facts,
): EnvelopeRead {
  const base64 = own('data_base64');
  const type = own('datacontenttype');
  const isJson = type === undefined || (typeof type === 'string' && isJsonType(type.toLowerCase()));
  if (typeof base64 !== 'string' || !isJson)
    return { ok: true, event: event as unknown as CloudEvent };
  const read = decodeJson(Buffer.from(base64, 'base64'), facts);
  if (!read.ok) {
    const { reason, detail } = read.rejection;
    return { ok: false, refused: { rejection: clip(reason, `/data_base64: ${detail}`) } };
  }
  event['data'] = read.value;
  return { ok: true, event: event as unknown as CloudEvent };
}
