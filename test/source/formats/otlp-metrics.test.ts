/** Points as metrics events: what each is about, who it is about, and how its values add up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Trust } from '../../../src/model/event.ts';
import { newPoint, quantileBound } from '../../../src/source/formats/otlp-metric.ts';
import { tallyMetrics } from '../../../src/source/formats/otlp-metrics.ts';
import { createDecode } from '../../../src/source/source.ts';
import { recordOf } from '../records.ts';
import {
  AT_MS,
  exponential,
  exported,
  gauge,
  histogram,
  inJson,
  inProtobuf,
  SINCE_MS,
  sum,
} from './otlp-metrics-given.ts';

function decodeOf(trust: Trust) {
  const { decode, problems } = createDecode(
    [{ name: 'm', topic: 'm', decoder: 'otlp-metrics/1', trust, kinds: ['metrics'] }],
    new Map(),
  );
  assert.deepEqual(problems, []);
  return decode;
}

/** Events of a request, which both encodings must give alike but for the digest of the item. */
function eventsOf(given: ResourceMetrics, trust: Trust = 'agent') {
  const [wire, json] = [inProtobuf(given), inJson(given)].map((bytes) =>
    decodeOf(trust)(recordOf(bytes, { topic: 'm' })),
  );
  assert.ok(wire !== undefined && json !== undefined);
  const shown = (decoded: typeof wire) =>
    decoded.events.map(({ kind, category, agent, session, metric, time }) => ({
      ...{ kind, category, agent, session, metric, ms: time.eventMs },
    }));
  assert.deepEqual(JSON.stringify(shown(json)), JSON.stringify(shown(wire)));
  assert.deepEqual(json.flags, wire.flags);
  return { events: shown(wire), letters: wire.deadLetters, flags: wire.flags };
}

const one = (metric: MetricData, trust?: Trust) => {
  const { events, letters } = eventsOf(exported([metric]), trust);
  assert.deepEqual([events.length, letters], [1, []]);
  return events[0] as (typeof events)[number];
};
const billing = { 'gen_ai.agent.name': 'billing', 'gen_ai.conversation.id': 'c-1' };

describe('what becomes of a point', () => {
  it('tokens, as the conventions have them: a histogram whose sum is what was used', () => {
    const given = histogram(
      'gen_ai.client.token.usage',
      { bounds: [10, 100], counts: [1, 2, 1], sum: 470, min: 4, max: 300 },
      { ...billing, 'gen_ai.token.type': 'input' },
      { delta: true },
    );
    const { kind, category, agent, session, metric, ms } = one(given);
    assert.deepEqual([kind, category, ms], ['metrics', 'usage', AT_MS]);
    assert.deepEqual(agent, { id: 'billing', basis: 'self' });
    assert.deepEqual(session, { id: 'c-1' });
    assert.deepEqual(JSON.parse(JSON.stringify(metric)), {
      ...{ name: 'gen_ai.client.token.usage', type: 'histogram', temporality: 'delta' },
      ...{ unit: 's', value: 470, count: 4 },
      attrs: {
        ...{ ...billing, 'gen_ai.token.type': 'input' },
        ...{ min: 4, max: 300, p50: 100, p99: 300 },
      },
    });
  });

  it('a cumulative sum keeps its series and since when it counts', () => {
    const { metric, agent } = one(sum('gen_ai.client.cost', 1.25));
    assert.deepEqual(agent, { id: 'shop', basis: 'service' });
    const { series, ...rest } = metric ?? { series: undefined };
    assert.match(series ?? '', /^[0-9a-f]{32}$/);
    assert.deepEqual(JSON.parse(JSON.stringify(rest)), {
      ...{ name: 'gen_ai.client.cost', type: 'counter', temporality: 'cumulative' },
      ...{ value: 1.25, startMs: SINCE_MS, attrs: {} },
    });
  });

  it('series differ by process, scope, name and attributes, and by nothing else', () => {
    const seriesOf = (metric: MetricData, resource?: Record<string, string>, scope?: string) =>
      eventsOf(exported([metric], resource, scope)).events[0]?.metric?.series;
    const own = seriesOf(sum('cost', 1, { a: 'x', b: 'y' }));
    assert.equal(seriesOf(sum('cost', 9, { b: 'y', a: 'x' }, { atMs: AT_MS + 5 })), own);
    const others = [
      seriesOf(sum('cost', 1, { a: 'x' })),
      seriesOf(sum('agent.cost', 1, { a: 'x', b: 'y' })),
      seriesOf(sum('cost', 1, { a: 'x', b: 'y' }), { 'service.name': 'other' }),
      seriesOf(sum('cost', 1, { a: 'x', b: 'y' }), {
        'service.name': 'shop',
        'service.instance.id': '2',
      }),
      seriesOf(sum('cost', 1, { a: 'x', b: 'y' }), undefined, 'another'),
    ];
    assert.equal(new Set([own, ...others]).size, 6);
  });

  it('gauges, and sums that may fall, are readings of a moment', () => {
    assert.equal(one(gauge('gen_ai.queue', 3)).metric?.temporality, 'none');
    const falls = one(sum('gen_ai.open', 3, {}, { falls: true })).metric;
    assert.deepEqual(
      [falls?.type, falls?.temporality, falls?.series],
      ['gauge', 'none', undefined],
    );
    const delta = one(sum('tokens', 3, {}, { delta: true })).metric;
    assert.deepEqual(
      [delta?.type, delta?.temporality, delta?.series],
      ['counter', 'delta', undefined],
    );
  });

  it('durations of models and of MCP, exponential ones too, are latency', () => {
    for (const name of [
      'gen_ai.client.operation.duration',
      'gen_ai.server.time_to_first_token',
      'mcp.client.operation.duration',
      'mcp.server.session.duration',
    ]) {
      const given = exponential(name, {
        scale: 0,
        positive: { offset: 0, bucketCounts: [1, 0, 3] },
        sum: 20,
      });
      const { category, metric } = one(given);
      assert.deepEqual([category, metric?.value, metric?.count], ['latency', 20, 4], name);
      assert.deepEqual([metric?.attrs?.['p50'], metric?.attrs?.['p99']], [8, 8], name);
    }
  });

  it('what is about no agent is passed over and counted; what names its work is not', () => {
    const { events, flags } = eventsOf(
      exported([
        sum('process.cpu.time', 9),
        gauge('nodejs.eventloop.delay.p99', 1),
        sum('orders.written', 2, { 'gen_ai.tool.name': 'orders.write' }, { delta: true }),
      ]),
    );
    assert.deepEqual(
      events.map(({ metric, category }) => [metric?.name, category]),
      [['orders.written', 'resource']],
    );
    assert.equal(flags.ignored, 2);
  });

  it('on a topic that agents cannot write, a process is not the agent, and a proven name comes first', () => {
    assert.equal(one(sum('tokens', 3), 'gateway').agent, undefined);
    const proven = { ...billing, 'src.identity': 'spiffe://td/billing' };
    assert.deepEqual(one(sum('tokens', 3, proven), 'gateway').agent, {
      ...{ id: 'spiffe://td/billing', basis: 'spiffe' },
    });
    assert.deepEqual(one(sum('tokens', 3, proven), 'agent').agent, {
      id: 'billing',
      basis: 'self',
    });
  });

  it('a point that cannot be used is a dead letter of its own, and the others are read', () => {
    const given = exported([
      sum('tokens', Number.NaN, {}, { delta: true }),
      sum('cost', 1, {}, { atMs: 0 }),
      sum('cost_usd', 2),
    ]);
    const { events, letters } = eventsOf(given);
    assert.deepEqual(
      events.map(({ metric }) => metric?.name),
      ['cost_usd'],
    );
    assert.deepEqual(
      letters.map(({ reason, position, detail }) => [reason, position.index, detail.split(':')[0]]),
      [
        ['partial', 0, '[0] field-missing'],
        ['partial', 1, '[1] time-invalid'],
      ],
    );
  });

  it('a point keeps its identity however it is batched', () => {
    const idsOf = (given: ResourceMetrics) =>
      decodeOf('agent')(recordOf(inProtobuf(given), { topic: 'm' })).events.map(
        (event) => event.nativeId,
      );
    const [alone] = idsOf(exported([sum('cost', 1, billing)]));
    assert.equal(idsOf(exported([sum('tokens', 1), sum('cost', 1, billing)]))[1], alone);
    const twice = idsOf(exported([sum('cost', 1, billing), sum('cost', 1, billing)]));
    assert.equal(new Set(twice).size, 2);
  });

  it('members named like what every object has are attributes like others', () => {
    const { metric } = one(sum('tokens', 1, { __proto__: 'x', constructor: 'y' } as never));
    assert.equal(metric?.attrs?.['constructor'], 'y');
  });
});

describe('quantiles', () => {
  it('are upper bounds: the end of the bucket that holds them', () => {
    const point = { ...newPoint(), count: 10, bounds: [1, 5], counts: [4, 5, 1], max: 9 };
    const of = (q: number) => quantileBound('histogram', point, q);
    assert.deepEqual([of(0.1), of(0.4), of(0.5), of(0.9), of(1)], [1, 1, 5, 5, 9]);
    assert.equal(quantileBound('histogram', { ...point, max: null }, 1), null);
  });

  it('of exponential buckets lie on both sides of zero', () => {
    const point = {
      ...{ ...newPoint(), count: 8, zeroCount: 2, scale: 1 },
      negative: { offset: 0, counts: [1, 1] },
      positive: { offset: 2, counts: [2, 2] },
    };
    const of = (q: number) => quantileBound('exponential', point, q);
    // base = 2^(1/2): bucket 1 of the negative side ends at -base, bucket 3 of the other at base^4.
    assert.equal(of(0.1)?.toFixed(6), (-Math.SQRT2).toFixed(6));
    assert.equal(of(0.25), -1);
    assert.equal(of(0.5), 0);
    assert.equal(of(0.75)?.toFixed(6), (2 * Math.SQRT2).toFixed(6));
    assert.equal(of(1), 4);
    assert.equal(quantileBound('exponential', { ...point, count: 0 }, 0.5), null);
  });
});

it('tells how many metrics a request has, and how many are broken', () => {
  const bytes = inProtobuf(exported([sum('tokens', 1), sum('cost', 2)]));
  assert.deepEqual(tallyMetrics(bytes), { items: 2, broken: 0, detail: '' });
  assert.equal(tallyMetrics(bytes.subarray(0, bytes.length - 4)).broken, 1);
  assert.equal(tallyMetrics(Buffer.from('{')).broken, 1);
});
