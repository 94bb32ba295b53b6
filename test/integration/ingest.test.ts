/** A fleet without Kafka: OpenTelemetry's SDK over OTLP/HTTP to a case. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { addressed, countersOf, titlesOf, withDaemon } from './ingest-world.ts';
import { ask, untilTrue } from './plumbline.ts';
import { type ProvidedPostgres, providePostgres } from './postgres.ts';
import { DESERVED, live, MINUTES, sourcesOf } from './sdk-fleet.ts';

let postgres: ProvidedPostgres;
before(async () => {
  postgres = await providePostgres();
});
after(async () => {
  await postgres.stop();
});

for (const encoding of ['protobuf', 'JSON'])
  test(`spans and logs of OpenTelemetry's SDK in ${encoding}, over OTLP/HTTP, become the cases they deserve`, async () => {
    await withDaemon(postgres, sourcesOf(), {}, async (world) => {
      await live(MINUTES, Date.now() - 120_000, addressed(world), encoding === 'JSON');
      await untilTrue('the cases', async () => (await titlesOf(world)).length >= 2, world.daemon);
      assert.deepEqual(await titlesOf(world), DESERVED);
      // One row for each request that was sent, and not for each span.
      const counters = await countersOf(world);
      assert.equal(counters['records'], 3);
      assert.equal(counters['dead-letters'] ?? 0, 0);
    });
  });

test("tokens that OpenTelemetry's SDK counts, cumulative as it counts them, are what was used, once", async () => {
  const counted = {
    ...{ name: 'meters', topic: 'metrics', decoder: 'otlp-metrics/1', trust: 'agent' as const },
    ...{ kinds: ['metrics' as const], lateness: '1s', idleAfter: '1s' },
  };
  await withDaemon(postgres, [...sourcesOf(), counted], {}, async (world) => {
    // Who comes first says since when we look.
    await live(MINUTES.slice(0, 1), Date.now() - 120_000, addressed(world));
    const reader = new PeriodicExportingMetricReader({
      exportIntervalMillis: 3_600_000,
      exporter: new OTLPMetricExporter({
        url: `${world.url}/v1/metrics`,
        headers: { authorization: `Bearer ${world.tokens['metrics']}` },
      }),
    });
    const provider = new MeterProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop' }),
      readers: [reader],
    });
    const histogram = provider.getMeter('sdk').createHistogram('gen_ai.client.token.usage');
    const who = { 'gen_ai.agent.name': 'billing', 'gen_ai.conversation.id': 'conv-honest' };
    for (const tokens of [100, 30, 7]) {
      histogram.record(tokens, { ...who, 'gen_ai.token.type': 'input' });
      histogram.record(1, { ...who, 'gen_ai.token.type': 'output' });
      // Each export tells all since the process began; the exporter's own clock tells them apart.
      await reader.forceFlush();
    }
    await provider.shutdown();
    const { config, where } = world;
    const used = async () => {
      const sums = await ask<{ key: string; tokens: number }[]>(
        ['usage', '--by', 'agent', '--config', config],
        where,
      );
      return sums.find(({ key }) => key === 'billing')?.tokens ?? 0;
    };
    await untilTrue('all tokens', async () => (await used()) >= 140, world.daemon);
    assert.equal(await used(), 140);
    const counters = await countersOf(world);
    assert.equal(counters['dead-letters'] ?? 0, 0);
  });
});
