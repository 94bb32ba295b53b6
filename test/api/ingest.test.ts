/** Routes of ingest: what senders are told, when nothing more is taken, and what is counted. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../src/adapters/clock.ts';
import { ingestRoutes } from '../../src/api/ingest.ts';
import { REQUEST_ITEMS_MAX } from '../../src/api/ingest-items.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { Appended, IngestLog, ItemTally, LogEntry } from '../../src/model/ingest.ts';
import type { ApiRequest } from '../../src/model/route.ts';
import { tallyLogs } from '../../src/source/formats/otlp-logs.ts';
import { tallyMetrics } from '../../src/source/formats/otlp-metrics.ts';
import { tallyTraces } from '../../src/source/formats/otlp-traces.ts';
import { itemCheck } from '../../src/source/item-check.ts';
import { silentLog } from '../integration/postgres.ts';

const LIMITS = { wireBytesMax: 1000, inflatedBytesMax: 1000, ratioMax: 100 };

/** Routes over a log that keeps entries, and answers as it is told. */
function bench(
  answers: Partial<IngestLog> = {},
  tallies: Readonly<Record<string, (body: Buffer) => ItemTally>> = {
    '/v1/traces': (body) => ({ items: body.length, broken: body[0] ?? 0, detail: 'why' }),
  },
) {
  const entries: LogEntry[] = [];
  const check = itemCheck('agent');
  const append = async (entry: LogEntry): Promise<Appended> => {
    entries.push(entry);
    const { accepted, rejected } = entry;
    return { type: 'appended', firstOffset: 7, accepted, rejected };
  };
  const { routes, counts } = ingestRoutes({
    sourceOf: (caller, path) => {
      if (caller !== 'sender') return null;
      if (path === '/v1/events' || path === '/v1/opa/logs')
        return { name: 'events', topic: 'events', tally: null, check };
      const tally = tallies[path];
      return tally === undefined ? null : { name: 'spans', topic: 'spans', tally, check };
    },
    log: { append, pressure: () => null, ...answers },
    ...{ clock: systemClock, notes: silentLog, limits: LIMITS, recordBytesMax: 500 },
  });
  const routeOf = (path: string) => {
    const found = routes.find((one) => one.path === path);
    assert.ok(found !== undefined, path);
    return found;
  };
  const send = async (path: string, body: string | Buffer, headers = {}, caller = 'sender') => {
    const route = routeOf(path);
    const refused = route.admit?.(caller) ?? null;
    const request: ApiRequest = {
      ...{ method: 'POST', params: {}, query: {}, body: '', caller },
      headers: { 'content-type': 'application/json', ...headers },
      bytes: Buffer.from(body),
      signal: new AbortController().signal,
    };
    const answer = refused ?? (await route.handle(request));
    const text = String(answer.body ?? '');
    return { status: answer.status, headers: answer.headers ?? {}, text };
  };
  return { entries, counts, send, routes };
}

it('answers events with what was accepted, and only what was appended', async () => {
  const { send, entries, counts } = bench();
  const answer = await send('/v1/events', '[{"a":1},{"b":2},nope]');
  assert.deepEqual(
    [answer.status, JSON.parse(answer.text)],
    [202, { accepted: 2, rejected: 1, firstOffset: 7, detail: 'item 2: is no JSON object' }],
  );
  assert.equal(entries[0]?.topic, 'events');
  assert.deepEqual(entries[0]?.values.map(String), ['[{"a":1},{"b":2}]', 'nope']);
  assert.equal((await send('/v1/opa/logs', '[{"a":1}]')).status, 200);
  assert.deepEqual(counts()['events'], {
    ...{ requests: 2, bytes: 31, accepted: 3, rejected: 1 },
    ...{ repeated: 0, malformed: 0, refused: 0, 'held-off': 0, failed: 0 },
  });
});

it('refuses what cannot be read with the reason, and keeps it for a dead letter', async () => {
  const { send, entries } = bench();
  const answer = await send('/v1/events', '[{"a":1}');
  assert.equal(answer.status, 400);
  assert.equal(JSON.parse(answer.text).detail, 'the array does not end');
  assert.deepEqual(
    entries.map(({ values }) => values.map(String)),
    [['[{"a":1}']],
  );
  assert.equal((await send('/v1/events', '')).status, 400);
  assert.equal((await send('/v1/events', '{}', { 'content-type': 'text/plain' })).status, 415);
  assert.equal(
    (await send('/v1/events', '{}', { 'idempotency-key': 'x'.repeat(256) })).status,
    400,
  );
  assert.equal(entries.length, 1);
});

it('refuses more items than one request may bring, and keeps nothing of them', async () => {
  const { send, entries, counts } = bench();
  const array = await send('/v1/events', `[${','.repeat(REQUEST_ITEMS_MAX)}]`);
  assert.equal(array.status, 413);
  assert.match(JSON.parse(array.text).detail, /more than 200000 items in one request/);
  const type = { 'content-type': 'application/x-ndjson' };
  assert.equal((await send('/v1/events', 'x\n'.repeat(REQUEST_ITEMS_MAX + 1), type)).status, 413);
  assert.equal(entries.length, 0);
  assert.equal(counts()['events']?.refused, 2);
});

it('takes a CloudEvent in binary mode as one, with its attributes and nothing else of the headers', async () => {
  const { send, entries } = bench();
  const binary = { 'ce-specversion': '1.0', 'ce-id': 'e%201', 'ce-source': '/gw', 'ce-type': 't' };
  const others = { cookie: 'secret', 'ce-': 'none' };
  const answer = await send('/v1/events', '[{"a":1},{"b":2}]', { ...binary, ...others });
  assert.deepEqual([answer.status, JSON.parse(answer.text).accepted], [202, 1]);
  assert.deepEqual(entries[0]?.values.map(String), ['[{"a":1},{"b":2}]'], 'data is not cut');
  assert.deepEqual(entries[0]?.headers, { ...binary, 'content-type': 'application/json' });
  const long = await send('/v1/events', '{}', { ...binary, 'ce-long': 'x'.repeat(1025) });
  assert.equal(long.status, 400);
  assert.match(long.text, /ce-long: at most 1024 characters/);
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`ce-a${at}`, 'x']));
  assert.match((await send('/v1/events', '{}', { ...binary, ...many })).text, /44 ce- headers/);
  assert.equal(entries.length, 1, 'nothing of it is cut off and kept');
  const text = { ...binary, 'content-type': 'text/plain' };
  assert.equal((await send('/v1/events', 'words', text)).status, 202);
  // One that stands in its body whole needs no headers, and OPA sends none.
  const type = { 'content-type': 'application/cloudevents-batch+json' };
  await send('/v1/events', '[{"a":1},{"b":2}]', { ...binary, ...type });
  await send('/v1/opa/logs', '[{"a":1}]', binary);
  assert.deepEqual(
    entries.slice(2).map(({ headers }) => headers),
    [type, { 'content-type': 'application/json' }],
  );
});

it('knows a CloudEvent that is sent again by its attributes as well as by its data', async () => {
  const { send, entries } = bench();
  const key = { 'idempotency-key': 'once', 'ce-specversion': '1.0' };
  for (const id of ['1', '2', '1']) await send('/v1/events', '{}', { ...key, 'ce-id': id });
  const [one, other, again] = entries.map(({ idempotency }) => idempotency);
  assert.notDeepEqual(one?.bodyHash, other?.bodyHash);
  assert.deepEqual(one, again);
});

it('answers OTLP as its specification says', async () => {
  const { send, entries } = bench();
  const type = { 'content-type': 'application/x-protobuf' };
  const whole = await send('/v1/traces', Buffer.from([0, 1, 2]), type);
  assert.deepEqual([whole.status, whole.text], [200, '']);
  const partial = await send('/v1/traces', Buffer.from([2, 1, 2]));
  assert.deepEqual(
    [partial.status, JSON.parse(partial.text)],
    [200, { partialSuccess: { rejectedSpans: '2', errorMessage: 'why' } }],
  );
  const broken = await send('/v1/traces', Buffer.from([3, 1, 2]));
  assert.deepEqual([broken.status, JSON.parse(broken.text)], [400, { message: 'why' }]);
  assert.deepEqual([(await send('/v1/traces', '')).status, entries.length], [200, 3]);
  assert.equal((await send('/v1/traces', Buffer.alloc(501), type)).status, 413);
  assert.equal((await send('/v1/traces', '{}', { 'content-type': 'text/xml' })).status, 415);
});

it('answers OTLP without telemetry as an empty body, and keeps nothing of it', async () => {
  const tallies = { '/v1/traces': tallyTraces, '/v1/logs': tallyLogs, '/v1/metrics': tallyMetrics };
  const lists = { '/v1/traces': 'Spans', '/v1/logs': 'Logs', '/v1/metrics': 'Metrics' };
  for (const path of ['/v1/traces', '/v1/logs', '/v1/metrics'] as const) {
    const { send, entries, counts } = bench({}, { [path]: tallies[path] });
    const list = `resource${lists[path]}`;
    const scopes = `scope${lists[path]}`;
    const empty = ['{}', `{"${list}":[]}`, `{"${list}":null}`, `{"${list}":[{"resource":{}}]}`];
    for (const body of [...empty, `{"${list}":[{"${scopes}":[{"scope":{"name":"s"}}]}]}`]) {
      const answer = await send(path, body);
      assert.deepEqual([answer.status, answer.text], [200, '{}'], body);
    }
    const type = { 'content-type': 'application/x-protobuf' };
    const answer = await send(path, Buffer.from([0x0a, 0x02, 0x12, 0x00]), type);
    assert.deepEqual([answer.status, answer.text], [200, '']);
    assert.equal(entries.length, 0);
    assert.deepEqual([counts()['spans']?.requests, counts()['spans']?.malformed], [6, 0]);
    // What is of another signal is no empty request.
    assert.equal((await send(path, '{"resourceThings":[]}')).status, 400);
  }
});

it('lets a token send to its own paths only', async () => {
  const { send, entries } = bench();
  assert.equal((await send('/v1/logs', '{}')).status, 403);
  assert.equal((await send('/v1/events', '{}', {}, 'somebody')).status, 403);
  assert.deepEqual(entries, []);
});

it('tells who repeats a request the same, and who gives its key to another', async () => {
  const told = { accepted: 3, rejected: 0, firstOffset: 2 };
  const known = bench({ append: async () => ({ type: 'known', ...told }) });
  const again = await known.send('/v1/events', '{}', { 'idempotency-key': 'k' });
  assert.deepEqual([again.status, JSON.parse(again.text)], [202, told]);
  assert.equal(known.counts()['events']?.repeated, 1);
  const other = bench({ append: async () => ({ type: 'conflict' }) });
  assert.equal((await other.send('/v1/events', '{}', { 'idempotency-key': 'k' })).status, 422);
});

it('sends away under pressure before a body is read, and asks to come again where storing failed', async () => {
  const pressed = bench({ pressure: () => ({ reason: 'too much', waitSeconds: 9 }) });
  for (const path of ['/v1/events', '/v1/traces']) {
    const answer = await pressed.send(path, '{}');
    assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '9'], path);
  }
  assert.equal(pressed.counts()['events']?.['held-off'], 1);
  const away = bench({
    append: async () => {
      throw new OperatingError('DATABASE_UNREACHABLE', 'away', { retryable: true });
    },
  });
  const failed = await away.send('/v1/traces', Buffer.from([0]));
  // 503, not 500: senders of OTLP try again after 429, 502, 503 and 504, and never after 500.
  assert.deepEqual([failed.status, failed.headers['retry-after']], [503, '5']);
  assert.ok(!failed.text.includes('away'));
  const buggy = bench({ append: async () => Promise.reject(new TypeError('a bug')) });
  await assert.rejects(buggy.send('/v1/events', '{}'), TypeError);
});
