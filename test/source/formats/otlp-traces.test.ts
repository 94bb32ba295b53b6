/** OTLP traces as a source: identity, trust, time, dead letters with their place, limits. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIALECTS } from '../../../src/source/formats/dialects.ts';
import { tallyTraces, wantedAttribute } from '../../../src/source/formats/otlp-traces.ts';
import { createDecode } from '../../../src/source/source.ts';
import { OBSERVED_MS, recordOf } from '../records.ts';
import { protobufOf } from './otlp-encode.ts';
import { attributes, decoded, OTLP_SOURCES, span, TRACE_ID, traces } from './otlp-requests.ts';

const tool = (more: object = {}) =>
  span({
    attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'pay' },
    ...more,
  });
const reasons = (of: ReturnType<typeof decoded>) =>
  of.deadLetters.map(({ position, reason, detail }) => [position.index, reason, detail]);

describe('otlp traces', () => {
  it('reads one record of many spans; each has its place, and an id of its own', () => {
    const spans = [tool(), span({ name: 'GET /' }), tool({ spanId: '00000000000000a2' })];
    const { events, flags, deadLetters } = decoded('otlp_spans', protobufOf(traces(spans)));
    assert.deepEqual(
      events.map(({ src, nativeId }) => [src.offset, src.index, nativeId]),
      [
        [7, 0, `id/${TRACE_ID}/00000000000000a1`],
        [7, 2, `id/${TRACE_ID}/00000000000000a2`],
      ],
    );
    assert.deepEqual([flags.ignored, deadLetters.length], [1, 0]);
  });

  it('keeps the identity of a span, however it is batched; another process is another', () => {
    const alone = decoded('otlp_spans', protobufOf(traces([tool()]))).events[0];
    const other = tool({ spanId: '00000000000000a2' });
    const batched = decoded('otlp_spans', protobufOf(traces([other, tool()]))).events[1];
    assert.equal(batched?.nativeId, alone?.nativeId);
    assert.equal(batched?.contentHash, alone?.contentHash);
    const forged = [
      traces([tool()], { 'service.name': 'other' }),
      traces([tool({ status: { code: 2 } })]),
    ];
    for (const request of forged) {
      const made = decoded('otlp_spans', protobufOf(request)).events[0];
      assert.equal(made?.nativeId, alone?.nativeId);
      assert.notEqual(made?.contentHash, alone?.contentHash);
    }
  });

  it('mints a witness of an attempt only where the configuration trusts the topic', () => {
    const request = traces([tool()]);
    assert.deepEqual(
      ['otlp_spans', 'gw_spans'].map((topic) => decoded(topic, request).events[0]?.kind),
      ['reasoning', 'gateway'],
    );
    // A model call seen by a proxy is nothing that this source was asked for.
    const chat = span({ attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.system': 'x' } });
    const { events, flags, deadLetters } = decoded('gw_spans', traces([chat]));
    assert.deepEqual([events.length, flags.ignored, deadLetters.length], [0, 1, 0]);
  });

  it('stamps a model call with its end, when its calls were stated, and all else with its start', () => {
    const chat = span({ attributes: { 'gen_ai.operation.name': 'chat' } });
    const { events } = decoded('otlp_spans', traces([chat, tool()]));
    assert.deepEqual(
      events.map(({ time }) => [time.eventMs, time.nsInMs]),
      [
        [1_799_999_990_250, 2],
        [1_799_999_990_000, 1],
      ],
    );
  });

  it('takes the times of the far future back, and refuses what is no time', () => {
    const far = decoded('otlp_spans', traces([tool({ startTimeUnixNano: '1900000000000000000' })]));
    assert.deepEqual([far.events[0]?.time.eventMs, far.flags.clamped], [OBSERVED_MS, 1]);
    const none = tool({ startTimeUnixNano: '0', endTimeUnixNano: '0' });
    const last = tool({ startTimeUnixNano: '18446744073709551615' });
    const made = decoded('otlp_spans', protobufOf(traces([none, last])));
    assert.deepEqual(reasons(made), [[0, 'partial', '[0] time-invalid: the item has no time']]);
    assert.equal(made.flags.clamped, 1);
  });

  it('puts a span that cannot be used among the dead letters, alone, with its place and bytes', () => {
    const request = traces([
      tool(),
      tool({ spanId: '0000000000000000' }),
      span({ attributes: { 'gen_ai.operation.name': 'execute_tool' } }),
      span({
        attributes: {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': 'x'.repeat(600),
        },
      }),
    ]);
    for (const body of [request, protobufOf(request)]) {
      const made = decoded('otlp_spans', body);
      assert.equal(made.events.length, 1);
      assert.deepEqual(
        reasons(made).map(([index, reason, detail]) => [
          index,
          reason,
          String(detail).slice(0, 31),
        ]),
        [
          [1, 'partial', '[1] id-missing: the trace id mu'],
          [2, 'partial', '[2] field-missing: no attribute'],
          [3, 'partial', '[3] field-type: /reasoning/clai'],
        ],
      );
      assert.ok(made.deadLetters.every(({ raw, size }) => raw.length > 0 && raw.length < size));
    }
  });

  it('reads what is whole around what is broken', () => {
    const whole = protobufOf(traces([tool()]));
    const broken = Buffer.from([0x0a, 0x05, 0x12, 0x03, 0x12, 0x7f, 0x00]);
    const { events, deadLetters } = decoded('otlp_spans', Buffer.concat([broken, whole]));
    assert.equal(events.length, 1);
    assert.deepEqual(
      deadLetters.map(({ detail }) => detail),
      ['[0] protobuf-truncated: a field reaches beyond the message it is in'],
    );
  });

  it('reads what is whole around a span that is beyond the limits of JSON', () => {
    const nest = (depth: number): object =>
      depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nest(depth - 1)] } };
    const bad = [
      { key: 'gen_ai.input.messages', value: nest(20) },
      {
        key: 'gen_ai.input.messages',
        value: { arrayValue: { values: new Array(10_001).fill({}) } },
      },
    ].map((one) => ({ ...(tool() as object), attributes: [one] }));
    const request = traces([bad[0] as object, tool(), bad[1] as object]);
    const { events, deadLetters } = decoded('otlp_spans', request);
    assert.equal(events.length, 1);
    assert.deepEqual(
      deadLetters.map(({ position, detail, raw }) => [
        position.index,
        detail.slice(0, 18),
        raw.subarray(0, 80).toString(),
      ]),
      [
        [0, '[0] too-deep: nest', JSON.stringify(bad[0]).slice(0, 80)],
        [1, '[1] too-many-items', JSON.stringify(bad[1]).slice(0, 80)],
      ],
    );
    const text = Buffer.from(JSON.stringify(request));
    const detail = 'too-deep: nested deeper than 64 levels';
    assert.deepEqual(tallyTraces(text), { items: 3, broken: 2, detail });
  });

  it('refuses groups, fields without a number, and numbers without an end', () => {
    const cases: readonly (readonly [readonly number[], string])[] = [
      [[0x0b], 'protobuf-wire-type'],
      [[0x00], 'protobuf-wire-type'],
      [new Array(11).fill(0xff), 'protobuf-wire-type'],
      [[0x0a, 0x80], 'protobuf-truncated'],
      [[0x0a, 0x05], 'protobuf-truncated'],
      [[0x7d, 0x00], 'protobuf-truncated'],
    ];
    for (const [bytes, reason] of cases)
      assert.deepEqual(
        decoded('otlp_spans', Buffer.from(bytes)).deadLetters.map((letter) => letter.reason),
        [reason],
        bytes.join(' '),
      );
  });

  it('bounds items, attributes, nesting, text and bytes', () => {
    const nest = (depth: number): object =>
      depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nest(depth - 1)] } };
    const deep = { key: 'gen_ai.input.messages', value: nest(70) };
    const many = Array.from({ length: 513 }, () => ({
      key: 'gen_ai.tool.name',
      value: { stringValue: 'x' },
    }));
    const of = (list: readonly object[]) => ({ ...(tool() as object), attributes: list });
    const refused: readonly (readonly [Buffer, string])[] = [
      [protobufOf(traces([of([deep])])), 'too-deep'],
      [protobufOf(traces([of(many)])), 'too-many-items'],
      [protobufOf(traces(new Array(20_001).fill({}))), 'too-many-items'],
      [Buffer.alloc(17 * 1024 * 1024), 'too-large'],
    ];
    for (const [bytes, reason] of refused)
      assert.deepEqual(
        decoded('otlp_spans', bytes).deadLetters.map((letter) => letter.reason),
        [reason],
      );
    const long = `${'a'.repeat(200_000)}${'b'.repeat(200_000)}`;
    const request = traces([
      span({
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.output.messages': JSON.stringify([
            { role: 'assistant', parts: [{ type: 'text', content: long }] },
          ]),
        },
      }),
    ]);
    for (const body of [request, protobufOf(request)])
      assert.equal(decoded('otlp_spans', body).events[0]?.evidence?.truncated, true);
  });

  it('reads text that is no UTF-8 as far as it is, and says that it is altered', () => {
    const bytes = protobufOf(
      traces([
        span({
          attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'pXy' },
        }),
      ]),
    );
    bytes[bytes.indexOf('pXy') + 1] = 0xff;
    const { events } = decoded('otlp_spans', bytes);
    assert.equal(events[0]?.reasoning?.claims[0]?.tool, 'p\uFFFDy');
    assert.equal(events[0]?.evidence?.truncated, true);
  });

  it('refuses an item that says a thing twice where somebody trusts it, and its siblings not', () => {
    const twice = {
      ...(tool({ spanId: '00000000000000a2' }) as object),
      attributes: [
        ...attributes({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'pay' }),
        ...attributes({ 'gen_ai.tool.name': 'look' }),
      ],
    };
    const request = protobufOf(traces([tool(), twice]));
    const trusted = decoded('gw_spans', request);
    assert.deepEqual([trusted.events.length, trusted.flags.duplicateKeys], [1, 1]);
    assert.equal(
      trusted.deadLetters[0]?.detail,
      '[1] duplicate-key: 1 names are given twice in the item',
    );
    const own = decoded('otlp_spans', request);
    assert.deepEqual([own.events.length, own.flags.duplicateKeys], [2, 1]);
  });

  it('counts messages that are not as the conventions prescribe, and reads them', () => {
    const request = traces([
      span({
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.output.messages': '[{"parts":[{"type":"tool_call","name":"pay"}]}]',
        },
      }),
    ]);
    const { events, flags } = decoded('otlp_spans', request);
    assert.equal(flags.nonconforming, 1);
    assert.deepEqual(events[0]?.reasoning?.intents, [{ tool: 'pay' }]);
  });

  it('takes an empty request, and nothing but space before JSON, for what they are', () => {
    assert.deepEqual(decoded('otlp_spans', Buffer.alloc(0)).flags.ignored, 1);
    const spaced = Buffer.from(`\n ${JSON.stringify(traces([tool()]))}`);
    assert.equal(decoded('otlp_spans', spaced).events.length, 1);
    assert.equal(decoded('otlp_spans', Buffer.from('[1]')).deadLetters.length, 1);
    assert.deepEqual(reasons(decoded('otlp_spans', { resourceLogs: [] })), [
      [0, 'schema-unknown', '/: no resourceSpans'],
    ]);
  });

  it('names problems of a source that asks it for what it never gives', () => {
    const [source] = OTLP_SOURCES;
    const { problems } = createDecode([{ ...source, kinds: ['governance'] } as never], new Map());
    assert.match(problems[0]?.message ?? '', /produces only reasoning, gateway/);
  });

  it('asks for every attribute of its tables, and no other', () => {
    for (const { fields } of DIALECTS)
      for (const key of Object.values(fields).flat()) assert.ok(wantedAttribute(key), key);
    assert.equal(wantedAttribute('http.method'), false);
    assert.equal(decoded('otlp_spans', recordOf('x').value as Buffer).deadLetters.length, 1);
  });
});
