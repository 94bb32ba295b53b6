/** Answers of OTLP/HTTP, byte for byte as its protobuf prescribes, and as JSON. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { otlpEncoding, otlpRefused, otlpTaken } from '../../src/api/otlp-answer.ts';

it('tells which encoding a type names', () => {
  assert.equal(otlpEncoding('application/x-protobuf'), 'protobuf');
  assert.equal(otlpEncoding('Application/JSON; charset=utf-8'), 'json');
  assert.equal(otlpEncoding('text/plain'), null);
  assert.equal(otlpEncoding(''), null);
});

it('is read by OpenTelemetry itself, in both encodings', () => {
  const bytes = (path: Parameters<typeof otlpTaken>[1]) =>
    otlpTaken('protobuf', path, 70_000, 'протобуф').body as Buffer;
  const told = { errorMessage: 'протобуф' };
  assert.deepEqual(ProtobufTraceSerializer.deserializeResponse(bytes('/v1/traces')), {
    partialSuccess: { rejectedSpans: 70_000, ...told },
  });
  assert.deepEqual(ProtobufLogsSerializer.deserializeResponse(bytes('/v1/logs')), {
    partialSuccess: { rejectedLogRecords: 70_000, ...told },
  });
  assert.deepEqual(ProtobufMetricsSerializer.deserializeResponse(bytes('/v1/metrics')), {
    partialSuccess: { rejectedDataPoints: 70_000, ...told },
  });
  const json = otlpTaken('json', '/v1/traces', 2, 'x').body as string;
  assert.deepEqual(JsonTraceSerializer.deserializeResponse(Buffer.from(json)), {
    partialSuccess: { rejectedSpans: '2', errorMessage: 'x' },
  });
});

it('is empty where all was taken', () => {
  assert.deepEqual(otlpTaken('protobuf', '/v1/logs', 0, ''), {
    status: 200,
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.alloc(0),
  });
  assert.equal(otlpTaken('json', '/v1/logs', 0, '').body, '{}');
});

it('refuses with a status that has a message, and says when to come again', () => {
  const refused = otlpRefused(429, 'busy', 'application/x-protobuf', 3);
  assert.equal(refused.status, 429);
  assert.deepEqual(refused.headers, {
    'content-type': 'application/x-protobuf',
    'retry-after': '3',
  });
  assert.deepEqual(refused.body, Buffer.from([0x12, 4, ...Buffer.from('busy')]));
  assert.equal(otlpRefused(400, 'bad', 'application/json').body, '{"message":"bad"}');
});
