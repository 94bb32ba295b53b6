/** A fleet without Kafka: OpenTelemetry's SDK over OTLP/HTTP to a case. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addressed, countersOf, titlesOf, withDaemon } from './ingest-world.ts';
import { untilTrue } from './plumbline.ts';
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
