/** A daemon that is sent to over HTTP: its configuration, its tokens, what it found. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newToken, tokenDigest } from '../../src/commands/token.ts';
import type { Config } from '../../src/model/config.ts';
import type { ListedCase } from '../../src/record/read.ts';
import type { RecordStatus } from '../../src/record/status.ts';
import { freePort } from './kafka-probe.ts';
import { ask, type Launched, launch, untilTrue } from './plumbline.ts';
import { type FreshDatabase, freshDatabase, type ProvidedPostgres } from './postgres.ts';
import { STREAMS, type Stream } from './sdk-fleet.ts';
import { writeConfig } from './story.ts';

/** A daemon, where it listens, and tokens by topic. */
export interface World {
  readonly url: string;
  readonly config: string;
  readonly where: { readonly cwd: string; readonly env: Readonly<Record<string, string>> };
  readonly database: FreshDatabase;
  readonly tokens: Readonly<Record<string, string>>;
  daemon: Launched;
  start(): Promise<Launched>;
}

/** A daemon that listens on a port of its own, with a token for each source. */
export async function withDaemon(
  postgres: ProvidedPostgres,
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

/** Sessions of the cases there are, each with the detector that opened it. */
export const titlesOf = async ({ config, where }: World) => {
  const cases = await ask<ListedCase[]>(['cases', '--config', config], where);
  return cases.map(({ case: one }) => [one.entity.session, one.title.split(':')[0]]).sort();
};

/** Where the streams of the SDK's fleet are sent. */
export const addressed = ({ url, tokens }: World) =>
  Object.fromEntries(
    STREAMS.map((stream) => [stream, { url, token: tokens[stream] ?? '' }]),
  ) as Record<Stream, { url: string; token: string }>;

/** Counters of the lane. */
export const countersOf = async ({ config, where }: World) => {
  const { status } = await ask<{ status: RecordStatus }>(['status', '--config', config], where);
  return status.lanes[0]?.counters ?? {};
};

/** Sends a body; resolves to status, headers and text of the answer. */
export async function post(
  world: World,
  path: string,
  topic: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
) {
  const answer = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${world.tokens[topic]}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: body as string,
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, bytes, text: bytes.toString('utf8') };
}
