/** OTLP logs as a source: identity by content, times, what is passed over, what is told of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainLogs } from '../../../src/source/formats/otlp-logs.ts';
import { explainTraces } from '../../../src/source/formats/otlp-traces.ts';
import { protobufOf } from './otlp-encode.ts';
import { attributes, decoded, logs, span, TRACE_ID, traces } from './otlp-requests.ts';

const line = (more: object = {}) => ({
  timeUnixNano: '1799999990000000001',
  traceId: TRACE_ID,
  attributes: attributes({ 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'pay' }),
  ...more,
});

describe('otlp logs', () => {
  it('keeps the identity of a line that has no id, however it is batched; equal lines stay two', () => {
    const alone = decoded('gw_logs', protobufOf(logs([line()]))).events;
    const batched = decoded(
      'gw_logs',
      protobufOf(logs([line({ timeUnixNano: '1799999990000000002' }), line(), line()])),
    ).events;
    assert.equal(batched[1]?.nativeId, alone[0]?.nativeId);
    assert.equal(batched[1]?.contentHash, alone[0]?.contentHash);
    assert.equal(new Set(batched.map(({ nativeId }) => nativeId)).size, 3);
    const elsewhere = decoded(
      'gw_logs',
      protobufOf(logs([line()], { 'service.name': 'b' })),
    ).events;
    assert.notEqual(elsewhere[0]?.nativeId, alone[0]?.nativeId);
  });

  it('takes the time of observation where the event has none, and refuses what has neither', () => {
    const observed = line({ timeUnixNano: '0', observedTimeUnixNano: '1799999990000000003' });
    const none = line({ timeUnixNano: '0' });
    const { events, deadLetters } = decoded('gw_logs', logs([observed, none]));
    assert.deepEqual(
      events.map(({ time }) => [time.eventMs, time.nsInMs]),
      [[1_799_999_990_000, 3]],
    );
    assert.deepEqual(
      deadLetters.map(({ position, detail }) => [position.index, detail]),
      [[1, '[1] time-invalid: the item has no time']],
    );
  });

  it('says nothing of what came of a call where the line does not', () => {
    const [event] = decoded('gw_logs', logs([line()])).events;
    assert.deepEqual(
      [event?.action?.phase, event?.action?.decision, event?.action?.outcome],
      ['attempt', 'unknown', 'unknown'],
    );
  });

  it('passes over lines that speak no dialect of ours, and counts them', () => {
    const { events, flags } = decoded('gw_logs', logs([line({ attributes: [] }), line()]));
    assert.deepEqual([events.length, flags.ignored], [1, 1]);
  });

  it('takes the name of an event from an attribute, as SDKs wrote it', () => {
    const asked = {
      timeUnixNano: '1799999990000000001',
      body: { kvlistValue: { values: attributes({ content: 'Refund order 7.' }) } },
      attributes: attributes({ 'event.name': 'gen_ai.user.message', 'gen_ai.system': 'openai' }),
    };
    const [event] = decoded('otlp_logs', protobufOf(logs([asked]))).events;
    assert.equal(event?.reasoning?.mandate, 'Refund order 7.');
  });
});

describe('what became of an item', () => {
  it('is told field by field, without a value of it', () => {
    const chat = span({
      attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 3 },
    });
    const accounts = explainTraces(protobufOf(traces([span({}), chat])));
    assert.ok(!('reason' in accounts));
    assert.deepEqual(
      accounts.map(({ index, account }) => [index, account?.operation ?? null]),
      [
        [0, null],
        [1, 'model'],
      ],
    );
    const { found = [], missing = [], dialects } = accounts[1]?.account ?? {};
    assert.deepEqual(dialects, ['semconv/1.37']);
    assert.deepEqual(found, [
      { field: 'op', attribute: 'gen_ai.operation.name', dialect: 'semconv/1.37' },
      { field: 'tokensIn', attribute: 'gen_ai.usage.input_tokens', dialect: 'semconv/1.37' },
    ]);
    assert.ok(missing.includes('session') && missing.includes('outputMessages'));
  });

  it('is told of log records too, and of what is no request at all', () => {
    const accounts = explainLogs(protobufOf(logs([line()])));
    assert.ok(!('reason' in accounts));
    assert.deepEqual(accounts[0]?.account?.dialects, ['semconv/1.36', 'mcp/2026']);
    assert.deepEqual(explainLogs(Buffer.from('{"a":1}')), {
      reason: 'schema-unknown',
      detail: '/: no resourceLogs',
    });
  });
});
