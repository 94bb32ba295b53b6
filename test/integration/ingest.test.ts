/** A fleet without Kafka: OpenTelemetry's SDK, and anything that speaks JSON, over HTTP to a case. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newToken, tokenDigest } from '../../src/commands/token.ts';
import type { Config } from '../../src/model/config.ts';
import type { ListedCase } from '../../src/record/read.ts';
import type { RecordStatus } from '../../src/record/status.ts';
import { freePort } from './kafka-probe.ts';
import { ask, type Launched, launch, untilTrue } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { DESERVED, live, MINUTES, type Stream, sourcesOf, STREAMS } from './sdk-fleet.ts';
import { writeConfig } from './story.ts';

let postgres: ProvidedPostgres;
before(async () => {
  postgres = await providePostgres();
});
after(async () => {
  await postgres.stop();
});

interface World {
  readonly url: string;
  readonly config: string;
  readonly where: { readonly cwd: string; readonly env: Readonly<Record<string, string>> };
  readonly database: FreshDatabase;
  readonly tokens: Readonly<Record<string, string>>;
  daemon: Launched;
  start(): Promise<Launched>;
}

/** A daemon that listens on a port of its own, with a token for each source. */
async function withDaemon(
  sources: readonly Config['sources'][number][],
  more: Partial<Config>,
  work: (world: World) => Promise<void>,
): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'plt-ingest-'));
  const database = await freshDatabase(postgres);
  const port = await freePort();
  const tokens = Object.fromEntries(sources.map(({ topic }) => [topic, newToken()]));
  const config = await writeConfig(cwd, {
    ...more,
    ingest: { ...more.ingest, listener: { port } },
    sources: sources.map((source) => ({
      ...source,
      http: { sha256: [tokenDigest(tokens[source.topic] ?? '')] },
    })) as Config['sources'],
  });
  const where = { cwd, env: { DATABASE_URL: database.url } };
  const url = `http://127.0.0.1:${port}`;
  const start = async () => {
    const daemon = launch(['run', '--config', config], where);
    world.daemon = daemon;
    await untilTrue('it listens', () => daemon.stderr().includes('listening for what'), daemon);
    return daemon;
  };
  const world: World = {
    ...{ url, config, where, database, tokens, start },
    daemon: null as unknown as Launched,
  };
  try {
    await start();
    await work(world);
    const { code, stderr } = await world.daemon.end();
    assert.equal(code, 0, stderr);
  } finally {
    if (world.daemon.child.exitCode === null) await world.daemon.end('SIGKILL');
    await database.drop();
    await rm(cwd, { recursive: true, force: true });
  }
}

const titlesOf = async ({ config, where }: World) => {
  const cases = await ask<ListedCase[]>(['cases', '--config', config], where);
  return cases.map(({ case: one }) => [one.entity.session, one.title.split(':')[0]]).sort();
};

const addressed = ({ url, tokens }: World) =>
  Object.fromEntries(
    STREAMS.map((stream) => [stream, { url, token: tokens[stream] ?? '' }]),
  ) as Record<Stream, { url: string; token: string }>;

for (const encoding of ['protobuf', 'JSON'])
  test(`spans and logs of OpenTelemetry's SDK in ${encoding}, over OTLP/HTTP, become the cases they deserve`, async () => {
    await withDaemon(sourcesOf(), {}, async (world) => {
      await live(MINUTES, Date.now() - 120_000, addressed(world), encoding === 'JSON');
      await untilTrue('the cases', async () => (await titlesOf(world)).length >= 2, world.daemon);
      assert.deepEqual(await titlesOf(world), DESERVED);
      const { config, where } = world;
      const { status } = await ask<{ status: RecordStatus }>(['status', '--config', config], where);
      // One row for each request that was sent, and not for each span.
      assert.equal(status.lanes[0]?.counters['records'], 3);
      assert.equal(status.lanes[0]?.counters['dead-letters'] ?? 0, 0);
    });
  });
