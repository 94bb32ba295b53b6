/** Every source format: any input is answered, counted and let go; planted bugs are found. */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { describe, it } from 'node:test';
import type { SourceConfig } from '../../src/model/config/source.ts';
import { KINDS, TRUSTS } from '../../src/model/event.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import type { ByteFormat, Outcome } from '../../src/source/draft.ts';
import { otlpMetrics } from '../../src/source/formats/otlp-metrics.ts';
import { otlpTraces } from '../../src/source/formats/otlp-traces.ts';
import { createDecode, FORMATS } from '../../src/source/source.ts';
import { FIXTURES } from '../source/formats/dialect-fixtures.ts';
import { protobufOf } from '../source/formats/otlp-encode.ts';
import {
  exponential,
  exported,
  gauge,
  histogram,
  inJson,
  inProtobuf,
  sum,
} from '../source/formats/otlp-metrics-given.ts';
import { span, traces } from '../source/formats/otlp-requests.ts';
import { fuzz, type Target } from '../source/fuzzing.ts';
import { MAPPED } from '../source/mapped-records.ts';
import { bytesOf, fixtures, shippedMappings } from '../source/mapping-fixtures.ts';
import { wireCall } from '../source/records.ts';
import { seedOf } from '../source/seed.ts';

/** Inputs for each decoder: PLUMBLINE_FUZZ=1000000 is the run that is asked for before a release. */
// biome-ignore lint/style/noProcessEnv: a night may try many more
const INPUTS = Number(process.env['PLUMBLINE_FUZZ'] ?? '3000');
/** Far above what a decoder keeps between records, which is nothing, and below what a leak would make. */
const HEAP_GROWN_MAX = 256 * 1024 * 1024;

const canonicalCorpus = [
  wireCall(),
  wireCall({ id: 'x-1', keys: { traceId: 'a'.repeat(32) } }),
  {
    kind: 'governance' as const,
    category: 'grant',
    time: { eventNs: '1799999990123456789' },
    agent: { id: 'b' },
    governance: { change: 'tools.granted' as const, detail: { tools: [{ tool: 't' }] } },
  },
].map((event) => Buffer.from(encodeEvent(event)));
canonicalCorpus.push(Buffer.from(`[${canonicalCorpus.join(',')}]`));

const cloudEventCorpus = canonicalCorpus.map((data, n) =>
  Buffer.from(
    JSON.stringify({
      ...{ specversion: '1.0', id: `e${n}`, source: '/desk', type: 'dev.plumbline.event' },
      ...{ time: '2026-11-20T08:15:30Z', data: JSON.parse(data.toString('utf8')) },
    }),
  ),
);

/** Many spans in one record, as a Collector sends them. */
const BATCH = traces(
  Array.from({ length: 12 }, (_, n) =>
    span({
      spanId: `00000000000000${(n + 16).toString(16)}`,
      attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': `t${n}` },
    }),
  ),
);

const otlpCorpus = (logs: boolean) =>
  FIXTURES.filter(({ topic }) => topic.endsWith('logs') === logs)
    .map(({ request }) => request)
    .concat(logs ? [] : [BATCH])
    .flatMap((request) => [Buffer.from(JSON.stringify(request)), protobufOf(request)]);

const metricsCorpus = [
  exported([sum('cost', 1.5), sum('tokens', 7, { 'gen_ai.agent.name': 'a' }, { delta: true })]),
  exported([gauge('gen_ai.queue', 3), sum('process.cpu.time', 9)], { 'service.name': 'other' }),
  exported([
    histogram('gen_ai.client.token.usage', { bounds: [1, 9], counts: [1, 2, 3], sum: 40, max: 20 }),
    exponential('mcp.client.operation.duration', {
      ...{ scale: 2, zeroCount: 1, sum: 9 },
      ...{
        positive: { offset: -4, bucketCounts: [1, 2] },
        negative: { offset: 3, bucketCounts: [1] },
      },
    }),
  ]),
].flatMap((request) => [inJson(request), inProtobuf(request)]);

/** Items of an OTLP request in JSON, counted by looking at it as data; null where it is not all lists. */
function itemsOf(bytes: Buffer): number | null {
  if (!isUtf8(bytes)) return null;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
  const inside = (list: unknown, name: string): unknown[] | null =>
    Array.isArray(list) ? list.map((one) => (one as Record<string, unknown> | null)?.[name]) : null;
  const resources = (value as Record<string, unknown> | null)?.['resourceSpans'];
  const scopes = inside(resources, 'scopeSpans');
  if (scopes?.every(Array.isArray) !== true) return null;
  const spans = inside(scopes.flat(), 'spans');
  return spans?.every(Array.isArray) === true && isPlain(value) ? spans.flat().length : null;
}

/** False where more than spans may be refused: a resource or scope that is broken counts as itself. */
function isPlain(value: unknown): boolean {
  if (!isWithin(value, 60)) return false;
  const text = JSON.stringify(value);
  return (
    /^\{"resourceSpans":\[\{"resource":\{"attributes":\[\{"key":"service.name","value":\{"stringValue":"\w+"\}\}\]\},"scopeSpans":\[\{"scope":\{"name":"[\w-]*"\},"spans":\[[^\]]/.test(
      text,
    ) && text.endsWith('}]}]}')
  );
}

/** Is it nested less deep than is refused, short of items, and of numbers that can be represented? */
function isWithin(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  const members = Object.values(value);
  return depth > 0 && members.length < 10_000 && members.every((one) => isWithin(one, depth - 1));
}

function source(decoder: string, trust: SourceConfig['trust']): SourceConfig {
  return { name: 'fuzzed', topic: 'fuzzed', decoder, trust, kinds: [...KINDS] };
}

/** Headers by which a record is a CloudEvent in binary mode: its value is only the data. */
const BINARY = {
  ...{
    ce_specversion: '1.0',
    ce_id: 'e',
    ce_source: 'did:mesh:a',
    ce_time: '2026-11-20T08:15:30Z',
  },
  ...{ ce_type: 'ai.agentmesh.tool.invoked', 'content-type': 'application/json' },
};

async function targets(): Promise<Target[]> {
  const { mappings } = await shippedMappings();
  const beside = [...(await fixtures())].map(
    ([name, cases]) => [name, cases.map((fixture) => bytesOf(fixture))] as const,
  );
  const corpora: Readonly<Record<string, readonly Buffer[]>> = {
    canonical: canonicalCorpus,
    'otlp-traces/1': otlpCorpus(false),
    'otlp-logs/1': otlpCorpus(true),
    'cloudevents/1': cloudEventCorpus,
    'otlp-metrics/1': metricsCorpus,
    ...MAPPED,
    ...Object.fromEntries(beside),
  };
  const all = [...FORMATS.map(({ name }) => name), ...mappings.keys()];
  const found = all.flatMap((name) => {
    const corpus = corpora[name];
    assert.ok(corpus !== undefined, `${name} has no records to begin from`);
    const isOtlp = name.startsWith('otlp');
    return TRUSTS.filter((trust) => trust === 'agent' || (isOtlp && trust === 'gateway')).map(
      (trust): Target => ({
        name: `${name} of ${trust}`,
        topic: 'fuzzed',
        corpus,
        decode: createDecode([source(name, trust)], mappings).decode,
        ...(name === 'otlp-traces/1' && trust === 'agent' ? { itemsIn: itemsOf } : {}),
      }),
    );
  });
  const { decode } = createDecode([source('agentmesh/1', 'gateway')], mappings);
  found.push({
    name: 'agentmesh/1 in binary mode',
    topic: 'fuzzed',
    corpus: [Buffer.from('{"tool_name":"t","outcome":"success"}'), Buffer.from('{"resource":"r"}')],
    decode: (record) => decode({ ...record, headers: BINARY }),
  });
  return found;
}

describe('fuzzing', () => {
  it('finds no decoder that throws, hangs, grows, or loses count', async (t) => {
    for (const target of await targets()) {
      const seed = seedOf(t);
      const { failure, ...report } = fuzz(target, INPUTS, seed);
      t.diagnostic(`${target.name}: ${JSON.stringify(report)}`);
      assert.deepEqual(failure, null, `${target.name}, seed ${seed}`);
      assert.equal(report.inputs, INPUTS);
      assert.ok(
        report.heapGrown < HEAP_GROWN_MAX,
        `${target.name}: ${report.heapGrown} bytes kept`,
      );
      // The inputs must reach both sides, or nothing was tried.
      assert.ok(report.events > 0 && report.deadLetters > 0, target.name);
    }
  });

  /** The decoder of traces with something wrong in it. */
  function planted(decodeBytes: ByteFormat['decodeBytes']): Target {
    const broken: ByteFormat = { ...otlpTraces, name: 'planted/1', decodeBytes };
    return {
      name: 'planted',
      topic: 'fuzzed',
      corpus: otlpCorpus(false),
      decode: createDecode(
        [source('planted/1', 'agent')],
        new Map([['planted/1', broken as never]]),
      ).decode,
      itemsIn: itemsOf,
    };
  }

  it('finds a planted exception: bytes behind the last field that nobody expected', (t) => {
    const target = planted((bytes, facts, asked) => {
      if (bytes[0] === 0x0a && bytes.length > 2 && (bytes[1] as number) > bytes.length)
        throw new TypeError('cannot read what is not there');
      return otlpTraces.decodeBytes(bytes, facts, asked);
    });
    const { failure } = fuzz(target, 3000, seedOf(t));
    assert.equal(failure?.what, 'TypeError: cannot read what is not there');
  });

  it('finds a planted exception in metrics: a bucket count that nobody bounded', (t) => {
    const broken: ByteFormat = {
      ...{ ...otlpMetrics, name: 'planted/1' },
      decodeBytes: (bytes, facts, asked) => {
        const outcomes = otlpMetrics.decodeBytes(bytes, facts, asked);
        if ('reason' in outcomes) return outcomes;
        for (const one of outcomes)
          if (one.type === 'draft' && (one.draft.parts.metric?.count ?? 0) > 2 ** 40)
            throw new RangeError('an array of so many');
        return outcomes;
      },
    };
    const { failure } = fuzz(
      {
        ...{ name: 'planted', topic: 'fuzzed', corpus: metricsCorpus },
        decode: createDecode(
          [source('planted/1', 'agent')],
          new Map([['planted/1', broken as never]]),
        ).decode,
      },
      20_000,
      seedOf(t),
    );
    assert.equal(failure?.what, 'RangeError: an array of so many');
  });

  it('finds a planted loss: a span that cannot be used is dropped and not counted', (t) => {
    const target = planted((bytes, facts, asked) => {
      const outcomes = otlpTraces.decodeBytes(bytes, facts, asked);
      if ('reason' in outcomes) return outcomes;
      const keeps = (one: Outcome) =>
        one.type !== 'rejected' || one.rejection.reason !== 'id-missing';
      return outcomes.filter(keeps).concat(outcomes.length > 0 ? [] : [{ type: 'ignored' }]);
    });
    const { failure } = fuzz(target, 20_000, seedOf(t));
    assert.match(failure?.what ?? 'nothing was found', /items, \d+ accounts/);
  });
});
