/** OTLP: what OpenTelemetry's own package serialises reads field-equal, in both encodings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  JsonLogsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import fc from 'fast-check';
import { BATCH_PARTS_MAX, type Batch, type Wanted } from '../../../src/source/formats/otlp.ts';
import { logsOf, tracesOf } from '../../../src/source/formats/otlp-json.ts';
import { readLogs, readTraces } from '../../../src/source/formats/otlp-wire-items.ts';
import type { Rejection } from '../../../src/source/json.ts';
import { seedOf } from '../seed.ts';
import { logs, traces } from './otlp-expected.ts';

const everything = () => true;
const text = fc.string({ unit: 'binary', maxLength: 12 });
const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
const count = fc.nat({ max: 0xffff_ffff });

/** Values as an application gives them: integral numbers become integers, others doubles. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
    fc.uint8Array({ maxLength: 9 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }),
  ),
}));
const attributes = fc.dictionary(text, value, { maxKeys: 5 });
const time = fc.tuple(fc.nat({ max: 4_000_000_000 }), fc.nat({ max: 999_999_999 }));
const context = fc.record({
  traceId: hex(16),
  spanId: hex(8),
  traceFlags: fc.nat({ max: 255 }),
});
const resource = fc.record({ attributes, schemaUrl: text });
const scope = fc.record({ name: text, version: text, schemaUrl: text });

const span = fc
  .record({
    ...{ name: text, kind: fc.nat({ max: 4 }), context, parent: fc.option(context) },
    ...{ startTime: time, endTime: time, attributes },
    status: fc.record({ code: fc.nat({ max: 2 }), message: text }),
    events: fc.array(fc.record({ name: text, time, attributes, droppedAttributesCount: count }), {
      maxLength: 2,
    }),
    links: fc.array(fc.record({ context, attributes, droppedAttributesCount: count }), {
      maxLength: 2,
    }),
    ...{ droppedAttributesCount: count, droppedEventsCount: count, droppedLinksCount: count },
  })
  .map(({ context: own, parent, ...rest }) => ({
    ...rest,
    spanContext: () => own,
    ...(parent === null ? {} : { parentSpanContext: parent }),
    ended: true,
    duration: [0, 0] as [number, number],
  }));

const log = fc
  .record({
    ...{ hrTime: time, hrTimeObserved: time, attributes, severityText: text, eventName: text },
    ...{ severityNumber: fc.nat({ max: 24 }), droppedAttributesCount: count },
    ...{ body: fc.option(value, { nil: undefined }), context: fc.option(context) },
  })
  .map(({ context: own, ...rest }) => ({
    ...rest,
    ...(own === null ? {} : { spanContext: own }),
  }));

/** Items spread over resources and scopes that are shared, as an SDK shares them. */
function spread<T>(item: fc.Arbitrary<T>) {
  return fc
    .tuple(
      fc.array(resource, { minLength: 1, maxLength: 2 }),
      fc.array(scope, { minLength: 1, maxLength: 2 }),
      fc.array(fc.tuple(item, fc.nat(), fc.nat()), { minLength: 1, maxLength: 5 }),
    )
    .map(([resources, scopes, items]) =>
      items.map(([one, r, s]) => ({
        ...one,
        resource: resources[r % resources.length],
        instrumentationScope: scopes[s % scopes.length],
      })),
    );
}

/** Both encodings of one request must read the same; the JSON is read as text, as it comes. */
function sameInBoth<T>(
  bytes: Uint8Array | undefined,
  json: Uint8Array | undefined,
  wire: (bytes: Buffer, wanted: Wanted) => Batch<T> | Rejection,
  plain: (value: unknown, wanted: Wanted) => Batch<T> | Rejection,
  shape: (batch: Batch<T>) => unknown,
): unknown {
  const fromWire = wire(Buffer.from(bytes ?? []), everything);
  const fromJson = plain(JSON.parse(Buffer.from(json ?? []).toString('utf8')), everything);
  assert.ok(!('reason' in fromWire) && !('reason' in fromJson));
  assert.deepEqual([fromWire.broken, fromJson.broken], [[], []]);
  const shaped = shape(fromWire);
  assert.deepEqual(shape(fromJson), shaped);
  return shaped;
}

const nanos = ([seconds, ns]: readonly [number, number]) =>
  String(BigInt(seconds) * 1_000_000_000n + BigInt(ns)).replace(/^0$/, '');

test('spans: every request that OpenTelemetry serialises reads field-equal', (t) => {
  const seed = seedOf(t);
  const check = fc.property(spread(span), (spans) => {
    const given = spans as never;
    const read = sameInBoth(
      ProtobufTraceSerializer.serializeRequest(given),
      JsonTraceSerializer.serializeRequest(given),
      readTraces,
      tracesOf,
      traces,
    ) as { resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[] };
    // Beside the serialiser's own JSON: what went in, by name of its span.
    const found = read.resourceSpans
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap((one) => one.spans);
    assert.equal(found.length, spans.length);
    for (const one of spans) {
      const { traceId, spanId } = one.spanContext();
      const same = found.filter((made) => made['traceId'] === traceId && made['spanId'] === spanId);
      assert.ok(
        same.some(
          (made) =>
            (made['name'] ?? '') === one.name &&
            made['kind'] === one.kind + 1 &&
            (made['startTimeUnixNano'] ?? '') === nanos(one.startTime) &&
            (made['endTimeUnixNano'] ?? '') === nanos(one.endTime) &&
            ((made['attributes'] as unknown[] | undefined) ?? []).length ===
              Object.keys(one.attributes).length,
        ),
      );
    }
  });
  fc.assert(check, { seed, numRuns: 500 });
});

test('log records: every request that OpenTelemetry serialises reads field-equal', (t) => {
  const seed = seedOf(t);
  const check = fc.property(spread(log), (records) => {
    const given = records as never;
    const read = sameInBoth(
      ProtobufLogsSerializer.serializeRequest(given),
      JsonLogsSerializer.serializeRequest(given),
      readLogs,
      logsOf,
      logs,
    ) as { resourceLogs: { scopeLogs: { logRecords: Record<string, unknown>[] }[] }[] };
    const found = read.resourceLogs
      .flatMap(({ scopeLogs }) => scopeLogs)
      .flatMap((one) => one.logRecords);
    assert.deepEqual(
      found.map((made) => made['timeUnixNano'] ?? '').sort(),
      records.map(({ hrTime }) => nanos(hrTime)).sort(),
    );
  });
  fc.assert(check, { seed, numRuns: 500 });
});

/** A message that holds these bytes, and how often. */
const field = (number: number, bytes: readonly number[], times = 1) =>
  Buffer.from(
    new Array<readonly number[]>(times).fill([number * 8 + 2, bytes.length, ...bytes]).flat(),
  );

test('resources and scopes are counted as items are: none of them is free', () => {
  const refused = {
    reason: 'too-many-items',
    detail: `more than ${BATCH_PARTS_MAX} resources and scopes in one record`,
  };
  const most = readTraces(field(1, [], BATCH_PARTS_MAX), everything);
  assert.ok(!('reason' in most));
  assert.equal(most.groups.length, BATCH_PARTS_MAX);
  assert.deepEqual(readTraces(field(1, [], BATCH_PARTS_MAX + 1), everything), refused);
  // One resource with many scopes, and resources and scopes that are broken, each a rejection.
  const scopes = Buffer.concat([Buffer.from([0x0a, 0x82, 0xf1, 0x04]), field(2, [], 40_001)]);
  assert.deepEqual(readTraces(scopes, everything), refused);
  assert.deepEqual(readTraces(field(1, [0x08, 0x01], BATCH_PARTS_MAX + 1), everything), refused);
  const inner = [0x12, 0x02, 0x08, 0x01];
  const broken = readTraces(field(1, inner, BATCH_PARTS_MAX / 2), everything);
  assert.ok(!('reason' in broken));
  assert.equal(broken.broken.length, BATCH_PARTS_MAX / 2);
  assert.deepEqual(readLogs(field(1, inner, BATCH_PARTS_MAX / 2 + 1), everything), refused);
});

test('the same holds in JSON, whatever stands where a scope should', () => {
  const resources = new Array(5).fill({ scopeSpans: new Array(9000).fill(1) });
  assert.deepEqual(tracesOf({ resourceSpans: resources }, everything), {
    reason: 'too-many-items',
    detail: `more than ${BATCH_PARTS_MAX} resources and scopes in one record`,
  });
  const read = tracesOf({ resourceSpans: resources.slice(1) }, everything);
  assert.ok(!('reason' in read));
  assert.equal(read.broken.length, 4 * 9000);
});
