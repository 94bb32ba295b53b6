/** Mistakes in what is sent over HTTP, each said with its key and what to write instead. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ingestProblems, pathsOf, readsEventLog } from '../../src/commands/ingest-options.ts';
import type { Config } from '../../src/model/config.ts';

const HASH = 'a'.repeat(64);
const source = (name: string, more: object = {}) => ({
  ...{ name, topic: name, decoder: 'canonical', trust: 'agent' as const },
  kinds: ['reasoning' as const],
  ...more,
});
const sent = (name: string, more: object = {}, sha256 = [HASH]) =>
  source(name, { http: { sha256 }, ...more });
const problems = (config: Partial<Config>) =>
  ingestProblems({ ingest: { listener: {} }, ...config } as Config, {
    file: 'x.yaml',
    lineOf: () => null,
  }).map(({ key, message }) => `${key}: ${message.split(/[;,:?]/)[0]}`);

it('has nothing to say of what is right', () => {
  assert.deepEqual(problems({ sources: [sent('a')] }), []);
  assert.deepEqual(
    problems({ sources: [sent('a'), source('b')], kafka: { brokers: ['k:1'] } }),
    [],
  );
  const spans = sent('spans', { decoder: 'otlp-traces/1' });
  const logs = sent('logs', { decoder: 'otlp-logs/1' });
  assert.deepEqual(problems({ sources: [spans, logs, sent('rest')] }), []);
  const control = { drivers: {}, listener: {} };
  assert.deepEqual(
    ingestProblems({ control, sources: [sent('a')] }, { file: 'x', lineOf: () => null }),
    [],
  );
});

it('says what is wrong', () => {
  assert.deepEqual(problems({ sources: [sent('a'), sent('b')] }), [
    'sources.1.http: /v1/events with this token is a already',
  ]);
  assert.deepEqual(problems({ sources: [sent('a'), source('b')] }), [
    'sources.1: where does b come from',
  ]);
  assert.deepEqual(problems({ sources: [sent('a')], jsonl: { path: '.' } }), [
    'jsonl: a lane reads one log',
  ]);
  assert.deepEqual(problems({ sources: [source('a')], kafka: { brokers: ['k:1'] } }), [
    'ingest: no source is sent to over HTTP',
  ]);
  assert.deepEqual(problems({ sources: [source('a', { http: {} })] }), [
    'sources.0.http: give exactly one of `token` and `sha256`',
  ]);
  const token = { env: 'A', file: 'b' };
  assert.deepEqual(problems({ sources: [source('a', { http: { token } })] }), [
    'sources.0.http.token: give exactly one of `env` and `file`',
  ]);
  assert.deepEqual(problems({ sources: [sent('a')], ingest: {} }), [
    'sources: nothing listens for what is sent over HTTP',
  ]);
  const open = { listener: { host: '0.0.0.0', trustProxy: ['nowhere'] } };
  assert.deepEqual(problems({ sources: [sent('a')], ingest: open }), [
    'ingest.listener.trustProxy.0: nowhere is no address and no network',
  ]);
  assert.deepEqual(problems({ sources: [sent('a')], ingest: { listener: { host: '0.0.0.0' } } }), [
    'ingest.listener.host: 0.0.0.0 can be reached from other machines and tokens would travel in the clear',
  ]);
});

it('binds a source to the path of its decoder', () => {
  assert.deepEqual(pathsOf({ decoder: 'otlp-metrics/1' }), ['/v1/metrics']);
  assert.deepEqual(pathsOf({ decoder: 'acme/1' }), ['/v1/events', '/v1/opa/logs']);
  assert.deepEqual(pathsOf({ decoder: '__proto__' }), ['/v1/events', '/v1/opa/logs']);
});

it('reads the event log where there is neither Kafka nor a file', () => {
  const sources = [sent('a')];
  assert.ok(readsEventLog({ sources }));
  assert.ok(!readsEventLog({ sources, kafka: { brokers: ['k:1'] } }));
  assert.ok(!readsEventLog({ sources: [source('a')], jsonl: { path: '.' } }));
});
