/** Tests of sources: identity, trust, evidence, time, dead letters; total on any record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WireEvent } from '../../src/model/event.ts';
import type { Rec } from '../../src/model/ports.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { createDecode } from '../../src/source/source.ts';
import { OBSERVED_MS, recordOf, SOURCES, wireCall } from './records.ts';
import { seedOf } from './seed.ts';

const { decode, problems } = createDecode(SOURCES, new Map());

const eventOf = (rec: Rec) => {
  const { events, deadLetters } = decode(rec);
  assert.deepEqual(
    deadLetters.map((letter) => letter.detail),
    [],
  );
  const [event] = events;
  assert.ok(event !== undefined && events.length === 1);
  return event;
};
const letterOf = (rec: Rec) => {
  const { events, deadLetters } = decode(rec);
  const [letter] = deadLetters;
  assert.ok(letter !== undefined && events.length === 0, 'one dead letter and no event');
  return letter;
};

test('source, trust and position come from configuration and the broker', () => {
  assert.deepEqual(problems, []);
  const forged = {
    ...wireCall(),
    src: { trust: 'platform', topic: 'governance' },
    trust: 'platform',
  };
  const event = eventOf(recordOf(forged, { partition: 3, offset: 99 }));
  assert.deepEqual(event.src, {
    topic: 'gateway',
    partition: 3,
    offset: 99,
    index: 0,
    name: 'gw',
    format: 'canonical',
    trust: 'gateway',
  });
  assert.deepEqual(event.time, {
    eventMs: 1_799_999_990_123,
    nsInMs: 456_789,
    observedMs: OBSERVED_MS,
    clamped: false,
  });
});

test('a topic yields the kinds it may, whatever the payload claims', () => {
  const letter = letterOf(recordOf(wireCall(), { topic: 'reasoning' }));
  assert.equal(letter.reason, 'kind-not-allowed');
  assert.equal(letter.detail, 'source sdk may not produce gateway');
});

test('identity: the producer’s id, else session and seq, else the content', () => {
  const id = (more: Partial<WireEvent>, rec: Partial<Rec> = {}) =>
    eventOf(recordOf({ ...wireCall(), ...more }, rec)).nativeId;
  assert.equal(id({ id: 'span-1' }), 'id/span-1');
  assert.equal(id({}), 'session/run-81/4');
  assert.equal(id({ order: { seq: 4.5, of: 'session' } }), 'session/run-81/4.5');
  const { order: _order, ...bare } = wireCall();
  const content = eventOf(recordOf(bare)).nativeId;
  assert.match(content, /^content\/[0-9a-f]{64}\/0$/);
  assert.equal(
    eventOf(recordOf(bare, { offset: 500, timestampMs: OBSERVED_MS + 5 })).nativeId,
    content,
  );
  assert.notEqual(eventOf(recordOf(bare, { key: Buffer.from('a') })).nativeId, content);
  assert.notEqual(
    eventOf(recordOf(bare, { key: Buffer.from('a') })).nativeId,
    eventOf(recordOf(bare, { key: Buffer.from('b') })).nativeId,
  );
  assert.match(id({ order: { seq: 4, of: 'trace' } }), /^content\//);
});

test('identities of different schemes never meet', () => {
  const hostile = [
    'session/run-81/4',
    'x',
    'run-81/4',
    '\ud800',
    '\udfff',
    '"\\ud800"',
    'part/1:x/id/y',
  ];
  const ids = hostile.map((id) => eventOf(recordOf({ ...wireCall(), id })).nativeId);
  const sessions = hostile.map(
    (id) => eventOf(recordOf({ ...wireCall(), session: { id } })).nativeId,
  );
  assert.equal(new Set([...ids, ...sessions]).size, 2 * hostile.length);
  assert.ok([...ids, ...sessions].every((id) => id.isWellFormed()));
});

test('the content hash tells a repeat from a forgery under the same id', () => {
  const first = eventOf(recordOf(wireCall(), { offset: 1 }));
  const repeat = eventOf(recordOf(wireCall(), { offset: 2 }));
  const forged = eventOf(recordOf(wireCall({ agent: { id: 'other' } }), { offset: 3 }));
  assert.equal(repeat.contentHash, first.contentHash);
  assert.equal(forged.nativeId, first.nativeId);
  assert.notEqual(forged.contentHash, first.contentHash);
});

test('events of one record have indexes, hashes and identities of their own', () => {
  const { order: _order, ...plain } = wireCall();
  const { events, deadLetters } = decode(recordOf([plain, { ...plain, kind: 'x' }, plain]));
  assert.deepEqual(
    events.map((event) => event.src.index),
    [0, 2],
  );
  assert.equal(new Set(events.map((event) => event.contentHash)).size, 2);
  assert.equal(new Set(events.map((event) => event.nativeId)).size, 2);
  assert.deepEqual(
    deadLetters.map(({ reason, position, detail }) => [reason, position.index, detail]),
    [
      [
        'partial',
        1,
        '[1] field-type: /kind: must be one of reasoning, gateway, governance, metrics',
      ],
    ],
  );
});

test('times too far ahead are set to the observed time, and counted', () => {
  const ahead = (ms: number) =>
    recordOf(wireCall({ time: { eventNs: `${OBSERVED_MS + ms}000001` } }));
  assert.equal(eventOf(ahead(60_000)).time.clamped, false);
  const { events, flags } = decode(ahead(60_001));
  assert.deepEqual(events[0]?.time, {
    eventMs: OBSERVED_MS,
    nsInMs: 0,
    observedMs: OBSERVED_MS,
    clamped: true,
  });
  assert.equal(flags.clamped, 1);
  const [first, ...rest] = SOURCES.filter((source) => source.topic === 'gateway');
  assert.ok(first !== undefined && rest.length === 0);
  const patient = createDecode([{ ...first, maxFutureSkew: '1h' }], new Map());
  assert.equal(patient.decode(ahead(3_600_000)).flags.clamped, 0);
});

test('the level is what the content proves; a claim adds at most L1', () => {
  const level = (more: Partial<WireEvent>, topic = 'gateway') =>
    eventOf(recordOf({ ...wireCall(), ...more }, { topic })).evidence?.level;
  const action = { phase: 'result', tool: 't', decision: 'allow', outcome: 'ok' } as const;
  assert.equal(level({ action }), 'L0');
  assert.equal(level({ action, evidence: { level: 'L3' } }), 'L1');
  assert.equal(level({ action: { ...action, args: {} } }), 'L2');
  assert.equal(level({ action: { ...action, args: {}, result: null } }), 'L3');
  assert.equal(level({ action: { ...action, reason: 'why' } }), 'L0');
  const reasoning = (body: object) => {
    const { action: _action, ...rest } = wireCall();
    const wire = { ...rest, kind: 'reasoning', reasoning: { intents: [], claims: [], ...body } };
    return eventOf(recordOf(wire, { topic: 'reasoning' })).evidence?.level;
  };
  assert.equal(reasoning({ intents: [{ tool: 't' }] }), 'L0');
  assert.equal(reasoning({ intents: [{ tool: 't' }, { tool: 'u', args: {} }] }), 'L2');
  assert.equal(reasoning({ text: 'hm' }), 'L3');
});

test('a cut string marks its event', () => {
  const action = { ...wireCall().action, tool: 't', result: 'r'.repeat(300_000) };
  const event = eventOf(recordOf({ ...wireCall(), action }));
  assert.equal(event.evidence?.truncated, true);
  assert.equal(String(event.action?.result).length, 262_144);
});

test('duplicate keys: a dead letter where a policy speaks, a count where an agent does', () => {
  const twice = (wire: object) => JSON.stringify(wire).replace('{', '{"category":"x",');
  const letter = letterOf(recordOf(twice(wireCall())));
  assert.equal(letter.reason, 'duplicate-key');
  const { action: _action, ...rest } = wireCall();
  const turn = { ...rest, kind: 'reasoning', reasoning: { intents: [], claims: [] } };
  const { events, flags } = decode(recordOf(twice(turn), { topic: 'reasoning' }));
  assert.deepEqual([events[0]?.category, flags.duplicateKeys], ['tool_call', 1]);
});

test('dead letters keep what is needed to look again', () => {
  const text = `{"a":"${'x'.repeat(100_000)}`;
  const letter = letterOf(recordOf(text, { partition: 2, offset: 40, timestampMs: 5 }));
  assert.deepEqual(letter.position, { topic: 'gateway', partition: 2, offset: 40, index: 0 });
  assert.equal(letter.size, text.length);
  assert.equal(letter.raw.toString(), text.slice(0, 65_536));
  assert.deepEqual([letter.source, letter.format, letter.receivedMs], ['gw', 'canonical', 5]);
  assert.equal(letterOf(recordOf('x', { value: null })).reason, 'tombstone');
  assert.equal(letterOf(recordOf(wireCall(), { topic: 'nobody' })).reason, 'schema-unknown');
  assert.equal(letterOf(recordOf(wireCall(), { topic: '__proto__' })).reason, 'schema-unknown');
});

test('bad input, each with its reason', () => {
  const call = encodeEvent(wireCall());
  const cases: [string | Buffer, string][] = [
    [call.slice(0, -1), 'json-syntax'],
    [call.slice(0, call.length / 2), 'json-syntax'],
    ['', 'json-syntax'],
    ['"just text"', 'field-type'],
    ['[['.repeat(50_000), 'too-deep'],
    [JSON.stringify(wireCall()).replace('"I-77"', '['.repeat(100_000)), 'too-deep'],
    [Buffer.alloc(17 * 1024 * 1024, 0x20), 'too-large'],
    [Buffer.from('{"kind":"\xff"}', 'latin1'), 'not-utf8'],
    [call.replace('"kind":"gateway"', '"kind":["gateway"]'), 'field-type'],
    [call.replace('"gateway"', 'null'), 'field-type'],
    [call.replace('"seq":4', '"seq":1e400'), 'field-type'],
    [call.replace('1799999990123456789', '99999999999999999999999'), 'time-invalid'],
    [`[${Array.from({ length: 10_001 }, () => '{}').join(',')}]`, 'too-many-items'],
  ];
  for (const [text, reason] of cases) {
    assert.equal(letterOf(recordOf(text)).reason, reason, String(text).slice(0, 60));
  }
});

test('an array loses only what is beyond a limit, in canonical form and in CloudEvents', () => {
  const bad = `{"a":${'['.repeat(70)}${']'.repeat(70)}}`;
  const call = encodeEvent(wireCall());
  const { decode: decodeBatch } = createDecode(
    [
      ...SOURCES.filter(({ topic }) => topic !== 'metrics'),
      { ...SOURCES[2], name: 'ce', topic: 'ce', decoder: 'cloudevents/1' } as never,
    ],
    new Map(),
  );
  const event = `{"specversion":"1.0","id":"e","source":"/s","type":"t","data":${call}}`;
  for (const [topic, one] of [
    ['gateway', call],
    ['ce', event],
  ] as const) {
    const { events, deadLetters } = decodeBatch(recordOf(`[${one},${bad}]`, { topic }));
    assert.equal(events.length, 1, topic);
    assert.deepEqual(
      deadLetters.map(({ detail, raw }) => [detail, raw.toString()]),
      [['[0] too-deep: nested deeper than 64 levels', bad]],
    );
  }
});

test('hostile strings pass through as they are, into data only', () => {
  const hostile = [
    '\u001b[31mred\u001b[0m',
    '<script>alert(1)</script>',
    "'; DROP TABLE journal; --",
    'line\r\nbreak\u2028end',
    'nul\u0000byte',
    'lone \ud800 surrogate',
    'right-to-left \u202e txet',
    '__proto__',
    '%s %n {{7*7}}',
  ];
  for (const text of hostile) {
    const args = JSON.parse(`{"__proto__":{"admin":true},"constructor":1}`) as Record<
      string,
      unknown
    >;
    args[text] = text;
    const event = eventOf(
      recordOf(
        encodeEvent({
          ...wireCall(),
          agent: { id: text },
          action: { phase: 'attempt', tool: text, decision: 'unknown', outcome: 'unknown', args },
        }),
      ),
    );
    assert.equal(event.agent?.id, text);
    assert.equal(event.action?.tool, text);
    assert.ok(Object.hasOwn(event.action?.args ?? {}, text === '__proto__' ? 'constructor' : text));
    assert.equal((event as { admin?: boolean }).admin, undefined);
  }
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test('mistakes in the configuration of sources are problems', () => {
  const [first] = SOURCES;
  assert.ok(first !== undefined);
  const { problems: found } = createDecode(
    [first, { ...first, name: 'again' }, { ...first, topic: 't', decoder: 'acme/9' }],
    new Map(),
    { file: 'plumbline.yaml' },
  );
  assert.deepEqual(
    found.map(({ file, key, message }) => [file, key, message]),
    [
      [
        'plumbline.yaml',
        'sources.1.topic',
        'topic governance already has a source; one topic, one trust',
      ],
      [
        'plumbline.yaml',
        'sources.2.decoder',
        'unknown decoder acme/9; known: canonical, otlp-traces/1, otlp-logs/1, otlp-metrics/1, cloudevents/1',
      ],
    ],
  );
  const one = { name: 'g/1', kinds: ['gateway' as const], decode: () => [] };
  const idle = createDecode([{ ...first, decoder: 'g/1' }], new Map([['g/1', one]]));
  assert.deepEqual(
    idle.problems.map((problem) => problem.message),
    ['g/1 produces only gateway'],
  );
});

test('any bytes give events, dead letters or a count; nothing is lost without a trace', (t) => {
  const call = Buffer.from(encodeEvent(wireCall()));
  const mutated = fc
    .array(fc.tuple(fc.nat(call.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 })
    .map((changes) => {
      const bytes = Buffer.from(call);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
  const cut = fc.nat(call.length).map((length) => call.subarray(0, length));
  const spliced = fc
    .tuple(fc.nat(call.length), fc.nat(call.length))
    .map(([a, b]) => Buffer.concat([call.subarray(0, a), call.subarray(b)]));
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const json = fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text));
  fc.assert(
    fc.property(fc.oneof(mutated, cut, spliced, noise, json), (value) => {
      const { events, deadLetters, flags } = decode(recordOf(value));
      assert.ok(events.length + deadLetters.length + flags.ignored > 0);
      for (const letter of deadLetters) assert.ok(letter.detail.length <= 256);
    }),
    { seed: seedOf(t), numRuns: 2000 },
  );
});

test('a source that is bound to a tenant gives it to records without one, and refuses another', () => {
  const own = SOURCES.filter(({ topic }) => topic === 'gateway');
  const bound = createDecode(
    own.map((source) => ({ ...source, tenant: 'acme' })),
    new Map(),
  );
  const of = (more: object) => bound.decode(recordOf(encodeEvent(wireCall(more))));
  assert.deepEqual(
    [of({}), of({ tenant: 'acme' })].map(({ events }) => events[0]?.tenant),
    ['acme', 'acme'],
  );
  const { events, deadLetters } = of({ tenant: 'evil-corp' });
  assert.deepEqual(events, []);
  assert.equal(deadLetters[0]?.reason, 'tenant-not-allowed');
  assert.ok(!(deadLetters[0]?.detail ?? '').includes('evil'), 'nothing of the payload');
});
