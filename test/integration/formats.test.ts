/** Presets through real Kafka: gateways' own records, headers of CloudEvents, levels that fall. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import kafkajs from 'kafkajs';
import { calmRequestQueue } from '../../src/adapters/kafka-client.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { Config } from '../../src/model/config.ts';
import type { SourceLevels } from '../../src/record/levels.ts';
import type { RecordStatus } from '../../src/record/status.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { ask, type Launched, launch, untilTrue } from './plumbline.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres, silentLog } from './postgres.ts';
import { provideKafka } from './provider.ts';
import { writeConfig } from './story.ts';

let kafka: KafkaProvided;
let postgres: ProvidedPostgres;

before(async () => {
  kafka = await provideKafka();
  postgres = await providePostgres();
});
after(async () => {
  await postgres.stop();
  await kafka.stop();
});

const HOUR_MS = 3_600_000;
const TOPICS = ['llm', 'mesh'] as const;

interface Shown {
  readonly status: RecordStatus;
  readonly deadLetters: readonly unknown[];
  readonly notices: readonly { readonly code: string; readonly subject: string }[];
  readonly levels: readonly SourceLevels[];
  readonly abstaining: readonly { readonly stem: string }[];
}

/** Calls of a tool through the proxy, as its callback sends them: an array a minute. */
function calls(fromMs: number, many: number, content: boolean): Buffer[] {
  return Array.from({ length: many }, (_, n) =>
    Buffer.from(
      JSON.stringify([
        {
          id: `mcp-${fromMs}-${n}`,
          ...{ call_type: 'call_mcp_tool', status: 'success' },
          startTime: (fromMs + n * 60_000) / 1000,
          metadata: {
            user_api_key_alias: 'billing-key',
            mcp_tool_call_metadata: {
              name: 'get_ticket',
              ...(content ? { arguments: { id: n } } : {}),
            },
          },
        },
      ]),
    ),
  );
}

test('LiteLLM and binary CloudEvents are read by configuration, and a fall of their level is said', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'plt-formats-'));
  const database = await freshDatabase(postgres);
  const prefix = `plt-formats-${randomBytes(4).toString('hex')}-`;
  const baseMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 4 * HOUR_MS;
  let daemon: Launched | null = null;
  try {
    const brokers = [...kafka.brokers];
    const source = (topic: string, decoder: string, kinds: readonly string[]) => ({
      ...{ name: topic, topic: `${prefix}${topic}`, decoder, kinds, trust: 'gateway' },
      ...{ lateness: '1s', idleAfter: '1s' },
    });
    const config = await writeConfig(cwd, {
      kafka: { brokers, group: `${prefix}group`, sessionTimeout: '10s' },
      identities: { billing: ['key:billing-key', 'self:did:mesh:billing'] },
      sources: [
        source('llm', 'litellm/1', ['gateway']),
        source('mesh', 'agentmesh/1', ['gateway']),
      ] as unknown as Config['sources'],
    });
    const where = { cwd, env: { DATABASE_URL: database.url } };
    await ensureTopics(
      { brokers, clientId: 'plt-formats', log: silentLog },
      TOPICS.map((topic) => ({ topic: `${prefix}${topic}`, partitions: 1 })),
    );
    calmRequestQueue();
    const client = new kafkajs.Kafka({
      ...{ brokers, clientId: 'plt-formats', logLevel: kafkajs.logLevel.NOTHING },
    });
    const producer = client.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    await producer.send({
      topic: `${prefix}llm`,
      messages: [
        ...calls(baseMs + 60_000, 25, true),
        ...calls(baseMs + HOUR_MS + 60_000, 25, false),
        ...calls(baseMs + 2 * HOUR_MS + 60_000, 1, false),
      ].map((value) => ({ key: null, value })),
    });
    await producer.send({
      topic: `${prefix}mesh`,
      messages: [
        {
          key: 'billing',
          value: '{"tool_name":"delete_ticket","policy_id":"desk"}',
          headers: {
            ...{ ce_specversion: '1.0', ce_id: 'e-1', ce_source: 'did:mesh:billing' },
            ...{ ce_type: 'ai.agentmesh.tool.blocked', 'content-type': 'application/json' },
            ce_time: new Date(baseMs + 2 * HOUR_MS + 61_000).toISOString(),
          },
        },
        // The same value without headers is no CloudEvent, and is said to be none.
        { key: 'billing', value: '{"tool_name":"delete_ticket","policy_id":"desk"}' },
      ],
    });
    await producer.disconnect();
    daemon = launch(['run', '--config', config], where);
    const shown = () => ask<Shown>(['status', '--config', config], where);
    const fell = async () =>
      (await shown()).notices.some(({ code }) => code === 'evidence.dropped');
    await untilTrue('a fall of the level', fell, daemon);
    const { levels, notices, deadLetters, abstaining, status } = await shown();
    assert.equal(status.lanes[0]?.counters['records'], 53);
    assert.equal(deadLetters.length, 1);
    assert.deepEqual(
      notices.filter(({ code }) => code === 'evidence.dropped').map(({ subject }) => subject),
      ['llm'],
    );
    const [llm] = levels.filter(({ source: name }) => name === 'llm');
    assert.deepEqual([llm?.hourMs, llm?.counts, llm?.agents], [baseMs + HOUR_MS, [25, 0, 0, 0], 1]);
    assert.ok(abstaining.some(({ stem }) => stem === 'secrets-in-arguments'));
    const { code, stderr } = await daemon.end();
    daemon = null;
    assert.equal(code, 0, stderr);
  } finally {
    if (daemon !== null) await daemon.end('SIGKILL');
    await database.drop();
    await rm(cwd, { recursive: true, force: true });
  }
});
