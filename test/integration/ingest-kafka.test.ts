/** With Kafka, what is sent over HTTP goes to the source's topic, durable there before it is answered. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { readOffsets } from '../../src/adapters/kafka-offsets.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { countersOf, post, titlesOf, withDaemon } from './ingest-world.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { untilTrue } from './plumbline.ts';
import { type ProvidedPostgres, providePostgres, silentLog } from './postgres.ts';
import { provideKafka } from './provider.ts';
import { FORBIDDEN, registers, storySources, uses } from './story.ts';

const prefix = `plt-relay-${randomBytes(4).toString('hex')}-`;
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

test('a fleet over HTTP, through Kafka, to its case; a key that comes again is published once', async () => {
  const brokers = [...kafka.brokers];
  const connection = { brokers, clientId: 'plt-relay', log: silentLog };
  const sources = storySources(prefix);
  const topics = sources.map(({ topic }) => topic);
  await ensureTopics(
    connection,
    topics.map((topic) => ({ topic, partitions: 1 })),
  );
  const more = { kafka: { brokers, group: `${prefix}group`, sessionTimeout: '10s' } };
  await withDaemon(postgres, sources, more, async (world) => {
    const startMs = Date.now() - 600_000;
    const told = [
      ...registers('agent-1', startMs),
      ...uses(FORBIDDEN, 'agent-1', 's-bad', startMs + 5000),
    ];
    for (const kind of ['governance', 'reasoning', 'gateway']) {
      const events = told
        .filter(({ topic }) => topic === kind)
        .map(({ event }) => encodeEvent(event));
      const headers = { 'idempotency-key': 'once' };
      for (let n = 0; n < 2; n += 1) {
        const answer = await post(
          world,
          '/v1/events',
          `${prefix}${kind}`,
          `[${events.join(',')}]`,
          headers,
        );
        assert.deepEqual(
          [answer.status, JSON.parse(answer.text)],
          [
            202,
            // Kafka does not tell where it put a record.
            { accepted: events.length, rejected: 0, firstOffset: null },
          ],
        );
      }
    }
    const ends = await readOffsets(connection, topics);
    assert.deepEqual(ends.map(({ topic, end }) => `${topic.slice(prefix.length)} ${end}`).sort(), [
      'gateway 1',
      'governance 1',
      'metrics 0',
      'reasoning 1',
    ]);
    await untilTrue('a case', async () => (await titlesOf(world)).length > 0, world.daemon);
    assert.deepEqual(await titlesOf(world), [['s-bad', 'ungranted-action']]);
    assert.equal((await countersOf(world))['records'], 3);
    const [row] = await world.database.db.query('select count(*)::int as rows from event_log');
    assert.equal(row?.['rows'], 0, 'the event log is for fleets without Kafka');
  });
});

test('a record that the topic does not take is answered 413: sent again it would never get through', async () => {
  const brokers = [...kafka.brokers];
  const connection = { brokers, clientId: 'plt-large', log: silentLog };
  const names = `${prefix}large-`;
  const sources = storySources(names);
  const topics = sources.map(({ topic }) => topic);
  await ensureTopics(
    connection,
    topics.map((topic) => ({ topic, partitions: 1, settings: { 'max.message.bytes': '20000' } })),
  );
  const more = { kafka: { brokers, group: `${names}group`, sessionTimeout: '10s' } };
  await withDaemon(postgres, sources, more, async (world) => {
    const [one] = registers('agent-1', Date.now() - 600_000);
    const event = encodeEvent((one as NonNullable<typeof one>).event);
    const padded = `[${event}${' '.repeat(30_000)}]`;
    const send = async (body: string) =>
      (await post(world, '/v1/events', `${names}governance`, body)).status;
    // Blanks between items are kept, and no producer of ours packs records.
    assert.equal(await send(padded), 413);
    assert.equal(await send(`[${event}]`), 202, 'what comes after it is taken');
    const ends = await readOffsets(connection, [`${names}governance`]);
    assert.deepEqual(
      ends.map(({ end }) => end),
      [1],
    );
  });
});
