/** OTLP answers: what OTLP/HTTP prescribes of them, in the encoding that the request came in. */
import type { ApiResponse } from './route.ts';

/** Encodings of OTLP/HTTP. */
export type OtlpEncoding = 'protobuf' | 'json';

/** Which of the two a Content-Type names; null where it is neither. */
export function otlpEncoding(contentType: string): OtlpEncoding | null {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : null;
}

const TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;

/** What each signal calls the items that were not taken. */
export const REJECTED_NAMES = {
  '/v1/traces': 'rejectedSpans',
  '/v1/logs': 'rejectedLogRecords',
  '/v1/metrics': 'rejectedDataPoints',
} as const;

/**
 * 200: an Export…ServiceResponse. Items that were refused are told as a partial success, which says to the
 * sender that sending them again is of no use.
 */
export function otlpTaken(
  encoding: OtlpEncoding,
  path: keyof typeof REJECTED_NAMES,
  rejected: number,
  detail: string,
): ApiResponse {
  const headers = { 'content-type': TYPES[encoding] };
  if (encoding === 'json') {
    const partial = { [REJECTED_NAMES[path]]: String(rejected), errorMessage: detail };
    const body = JSON.stringify(rejected === 0 ? {} : { partialSuccess: partial });
    return { status: 200, headers, body };
  }
  if (rejected === 0) return { status: 200, headers, body: Buffer.alloc(0) };
  const partial = Buffer.concat([varintField(1, rejected), textField(2, detail)]);
  return { status: 200, headers, body: bytesField(1, partial) };
}

/** A refusal: a google.rpc.Status with a message. Anything but JSON is answered as protobuf. */
export function otlpRefused(
  status: number,
  detail: string,
  contentType: string,
  retryAfterSeconds?: number,
): ApiResponse {
  const encoding = otlpEncoding(contentType) ?? 'json';
  const headers: Record<string, string> = { 'content-type': TYPES[encoding] };
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  const body = encoding === 'json' ? JSON.stringify({ message: detail }) : textField(2, detail);
  return { status, headers, body };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = BigInt(value);
  while (left > 127n) {
    bytes.push(Number(left & 127n) | 128);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Buffer.from(bytes);
}

const varintField = (field: number, value: number) =>
  Buffer.concat([varint(field * 8), varint(value)]);
const bytesField = (field: number, value: Buffer) =>
  Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
const textField = (field: number, text: string) => bytesField(field, Buffer.from(text, 'utf8'));
