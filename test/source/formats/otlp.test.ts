/** OTLP: the samples at hand read the same in both encodings, and as they are said to read. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Batch, plain, type Value } from '../../../src/source/formats/otlp.ts';
import { logsOf, tracesOf } from '../../../src/source/formats/otlp-json.ts';
import { metricsOf } from '../../../src/source/formats/otlp-json-metrics.ts';
import { readLogs, readTraces } from '../../../src/source/formats/otlp-wire-items.ts';
import { readMetrics } from '../../../src/source/formats/otlp-wire-metrics.ts';
import { looksLikeRequest } from '../../../src/source/formats/otlp-wire-request.ts';
import type { Rejection } from '../../../src/source/json.ts';
import { logs, metrics, traces } from './otlp-expected.ts';

const everything = () => true;

function whole<T>(read: Batch<T> | Rejection): Batch<T> {
  assert.ok(!('reason' in read));
  assert.deepEqual(read.broken, []);
  return read;
}

// The samples are reference material that lies beside the project where it is developed.
const samples = new URL('../../../../shared/conformance/otlp/', import.meta.url);
if (existsSync(samples)) {
  const bytes = (name: string) => readFileSync(new URL(name, samples));
  const json = (name: string) => JSON.parse(bytes(name).toString('utf8'));

  test('otlp samples: protobuf reads as expected.json says', () => {
    const expected = json('expected.json');
    assert.deepEqual(traces(whole(readTraces(bytes('traces.binpb'), everything))), expected.traces);
    assert.deepEqual(logs(whole(readLogs(bytes('logs.binpb'), everything))), expected.logs);
    const read = whole(readMetrics(bytes('metrics.binpb'), everything));
    assert.deepEqual(metrics(read), expected.metrics);
  });

  test('otlp samples: JSON reads as expected.json says', () => {
    const expected = json('expected.json');
    assert.deepEqual(traces(whole(tracesOf(json('traces.json'), everything))), expected.traces);
    assert.deepEqual(logs(whole(logsOf(json('logs.json'), everything))), expected.logs);
    const read = whole(metricsOf(json('metrics.json'), everything));
    assert.deepEqual(metrics(read), expected.metrics);
  });

  test('otlp samples: protobuf is told apart from JSON by its first fields', () => {
    for (const name of ['traces.binpb', 'logs.binpb', 'metrics.binpb'])
      assert.equal(looksLikeRequest(bytes(name)), true, name);
    for (const text of ['\n{"resourceSpans":[]}', '{}', ' ', '\n\n', '\n'])
      assert.equal(looksLikeRequest(Buffer.from(text)), false, text);
  });
}

test('a value becomes plain JSON: integers stay exact, names of prototypes are inert', () => {
  const value: Value = {
    entries: [
      { key: '__proto__', value: 7n },
      { key: 'big', value: 9_223_372_036_854_775_807n },
      { key: 'odd', value: Number.NaN },
      { key: 'raw', value: Uint8Array.of(1, 2) },
      { key: 'twice', value: 1n },
      { key: 'twice', value: ['x', null, true] },
    ],
  };
  const made = plain(value) as Readonly<Record<string, unknown>>;
  assert.equal(Object.getPrototypeOf(made), Object.prototype);
  assert.deepEqual(Object.entries(made), [
    ['__proto__', 7],
    ['big', '9223372036854775807'],
    ['odd', 'NaN'],
    ['raw', 'AQI='],
    ['twice', ['x', null, true]],
  ]);
});
