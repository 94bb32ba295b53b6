/** What senders over HTTP may and may not: against a running daemon, a real server, and SIGKILL. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { encodeEvent } from '../../src/source/canonical.ts';
import { countersOf, post, titlesOf, type World, withDaemon } from './ingest-world.ts';
import { ask, untilTrue } from './plumbline.ts';
import { type ProvidedPostgres, providePostgres } from './postgres.ts';
import { FORBIDDEN, GRANTED, registers, storySources, type Told, uses } from './story.ts';

let postgres: ProvidedPostgres;
before(async () => {
  postgres = await providePostgres();
});
after(async () => {
  await postgres.stop();
});

const START_MS = Date.now() - 600_000;
const lines = (told: readonly Told[], topic: string) =>
  told.filter((one) => one.topic === topic).map(({ event }) => encodeEvent(event));
const NDJSON = { 'content-type': 'application/x-ndjson' };
const read = (world: World, records: number) =>
  untilTrue(
    `${records} records`,
    async () => ((await countersOf(world))['records'] ?? 0) >= records,
    world.daemon,
  );

interface Shown {
  readonly deadLetters: readonly { readonly reason: string; readonly source: string }[];
}
const reasonsOf = async ({ config, where }: World) => {
  const { deadLetters } = await ask<Shown>(['status', '--config', config], where);
  return deadLetters.map(({ reason, source }) => `${source} ${reason}`).sort();
};

test('events as an object, an array, a line each, and packed, are one fleet', async () => {
  await withDaemon(postgres, storySources(), {}, async (world) => {
    const told = [
      ...registers('agent-1', START_MS),
      ...uses(GRANTED, 'agent-1', 's-good', START_MS + 1000),
      ...uses(FORBIDDEN, 'agent-1', 's-bad', START_MS + 5000),
    ];
    const governance = lines(told, 'governance');
    const one = await post(world, '/v1/events', 'governance', governance[0] ?? '');
    assert.deepEqual(
      [one.status, JSON.parse(one.text)],
      [202, { accepted: 1, rejected: 0, firstOffset: 0 }],
    );
    const rest = governance.slice(1).join('\n');
    const two = await post(world, '/v1/events', 'governance', rest, NDJSON);
    assert.equal(JSON.parse(two.text).firstOffset, 1);
    const reasoning = gzipSync(`[${lines(told, 'reasoning').join(',')}]`);
    const packed = { 'content-encoding': 'gzip' };
    assert.equal((await post(world, '/v1/events', 'reasoning', reasoning, packed)).status, 202);
    const gateway = `[${lines(told, 'gateway').join(',')}]`;
    assert.equal((await post(world, '/v1/opa/logs', 'gateway', gateway)).status, 200);
    await untilTrue('a case', async () => (await titlesOf(world)).length > 0, world.daemon);
    assert.deepEqual(await titlesOf(world), [['s-bad', 'ungranted-action']]);
  });
});

test('CloudEvents in binary and in structured mode are the same fleet', async () => {
  const sources = storySources().map((source) => ({ ...source, decoder: 'cloudevents/1' }));
  await withDaemon(postgres, sources, {}, async (world) => {
    const told = [
      ...registers('agent-1', START_MS),
      ...uses(FORBIDDEN, 'agent-1', 's-bad', START_MS + 5000),
    ];
    let sent = 0;
    for (const kind of ['governance', 'reasoning', 'gateway'] as const)
      for (const line of lines(told, kind)) {
        sent += 1;
        const envelope = { specversion: '1.0', id: `e ${sent}`, source: '/fleet', type: kind };
        const isBinary = sent % 2 === 1;
        const binary = Object.fromEntries(
          Object.entries(envelope).map(([name, value]) => [`ce-${name}`, encodeURI(value)]),
        );
        const answer = isBinary
          ? await post(world, '/v1/events', kind, line, binary)
          : await post(
              world,
              '/v1/events',
              kind,
              JSON.stringify({ ...envelope, data: JSON.parse(line) }),
              { 'content-type': 'application/cloudevents+json' },
            );
        assert.equal(answer.status, 202, answer.text);
      }
    assert.ok(sent >= 4);
    await untilTrue('a case', async () => (await titlesOf(world)).length > 0, world.daemon);
    assert.deepEqual(await titlesOf(world), [['s-bad', 'ungranted-action']]);
    assert.deepEqual(await reasonsOf(world), []);
    assert.equal((await countersOf(world))['events'], sent);
  });
});

test('every wrong request is answered with what is wrong, and what was unreadable is a dead letter', async () => {
  const [governance, reasoning, ...others] = storySources();
  assert.ok(governance !== undefined && reasoning !== undefined);
  const spans = {
    ...{ name: 'spans', topic: 'spans', decoder: 'otlp-traces/1' },
    ...{ trust: 'agent' as const, kinds: ['reasoning' as const] },
  };
  const sources = [{ ...governance, tenant: 'acme' }, reasoning, ...others, spans];
  const more = { ingest: { bodyMiB: 1, inflatedMiB: 2 } };
  await withDaemon(postgres, sources, more, async (world) => {
    const [event = ''] = lines(registers('agent-1', START_MS), 'governance');
    const status = async (
      ...args: Parameters<typeof post> extends [World, ...infer R] ? R : never
    ) => (await post(world, ...args)).status;
    const bad = { authorization: 'Bearer plb_nobody_has_this_token' };
    assert.equal(await status('/v1/events', 'governance', event, bad), 401);
    assert.equal(await status('/v1/events', 'governance', event, { authorization: '' }), 401);
    assert.equal(await status('/v1/traces', 'governance', event), 403);
    assert.equal(await status('/v1/events', 'spans', event), 403);
    assert.equal(await status('/v1/nothing', 'governance', event), 404);
    const large = Buffer.alloc(1_100_000, 'x');
    assert.equal(await status('/v1/events', 'governance', large), 413);
    const bomb = gzipSync(Buffer.alloc(40_000_000));
    const packed = { 'content-encoding': 'gzip' };
    assert.equal(await status('/v1/events', 'governance', bomb, packed), 413);
    assert.equal(await status('/v1/events', 'governance', Buffer.from('no gzip'), packed), 400);
    assert.equal(
      await status('/v1/events', 'governance', event, { 'content-encoding': 'br' }),
      415,
    );
    assert.equal(
      await status('/v1/events', 'governance', event, { 'content-type': 'text/csv' }),
      415,
    );
    // A request of OTLP is refused in the words of OTLP.
    const refused = await post(world, '/v1/traces', 'spans', '{', {
      'content-type': 'application/json',
    });
    assert.equal(refused.status, 400);
    assert.match(JSON.parse(refused.text).message, /json-syntax/);
    const unknown = await post(world, '/v1/traces', 'spans', '{}', bad);
    assert.deepEqual([unknown.status, Object.keys(JSON.parse(unknown.text))], [401, ['message']]);
    // The first of these is bound to a tenant, and says so of none; the second names another.
    const foreign = event.replace('{', '{"tenant":"other",');
    const mixed = await post(
      world,
      '/v1/events',
      'governance',
      [event, foreign, '{"a":'].join('\n'),
      NDJSON,
    );
    assert.deepEqual(
      [mixed.status, JSON.parse(mixed.text)],
      [202, { accepted: 2, rejected: 1, firstOffset: 0, detail: 'item 2: is no JSON' }],
    );
    await read(world, 3);
    assert.deepEqual(await reasonsOf(world), [
      'governance json-syntax',
      'governance partial',
      'spans json-syntax',
    ]);
    const { db } = world.database;
    const tenants = async () => await db.query('select distinct tenant from agent_change');
    await untilTrue('it was decided', async () => (await tenants()).length > 0, world.daemon);
    assert.deepEqual(await tenants(), [{ tenant: 'acme' }]);
  });
});

test('a request that is sent again under its key is appended once, and told the same', async () => {
  await withDaemon(postgres, storySources(), {}, async (world) => {
    const body = lines(registers('agent-1', START_MS), 'governance').join('\n');
    const key = { ...NDJSON, 'idempotency-key': 'first-try' };
    const told = [];
    for (let n = 0; n < 3; n += 1) {
      const { status, text } = await post(world, '/v1/events', 'governance', body, key);
      told.push([status, JSON.parse(text)]);
    }
    assert.deepEqual(told, Array(3).fill([202, { accepted: 2, rejected: 0, firstOffset: 0 }]));
    const other = await post(world, '/v1/events', 'governance', `${body}\n{}`, key);
    assert.equal(other.status, 422);
    await read(world, 1);
    const [row] = await world.database.db.query('select count(*)::int as rows from event_log');
    assert.equal(row?.['rows'], 1);
  });
});

test('senders are told to wait while nobody reads, and everything taken is read afterwards', async () => {
  const more = { ingest: { backlogMiB: 1 } };
  await withDaemon(postgres, storySources(), more, async (world) => {
    const [event = ''] = lines(registers('agent-1', START_MS), 'governance');
    await post(world, '/v1/events', 'governance', event);
    await read(world, 1);
    // Another process has the lane: this one listens as standby.
    await world.daemon.end('SIGKILL');
    const lock = await world.database.db.tryLock('plumbline lane plumbline', () => undefined);
    assert.ok(lock !== null);
    await world.start();
    const wide = `{"wide":"${randomBytes(100_000).toString('hex')}"}`;
    let taken = 1;
    let refused: Awaited<ReturnType<typeof post>> | null = null;
    for (let n = 0; n < 600 && refused === null; n += 1) {
      const answer = await post(world, '/v1/events', 'metrics', wide);
      if (answer.status === 202) taken += 1;
      else refused = answer;
      await sleep(20);
    }
    assert.equal(refused?.status, 429);
    assert.equal(refused?.headers.get('retry-after'), '10');
    assert.match(refused?.text ?? '', /behind with reading/);
    await lock.release();
    await read(world, taken);
    await untilTrue('there is room again', async () => {
      const answer = await post(world, '/v1/events', 'governance', event);
      return answer.status === 202;
    });
  });
});

test('what was answered with 202 is read, though the daemon is killed while it writes and reads', async () => {
  await withDaemon(postgres, storySources(), {}, async (world) => {
    const acknowledged = new Set<string>();
    const state = { isOver: false, sent: 0 };
    // Senders that do not know whether an unanswered request was taken, and send no more of it.
    const sender = async (n: number) => {
      for (let i = 0; !state.isOver; i += 1) {
        const agent = `agent-${n}-${i}`;
        const body = lines(registers(agent, START_MS + i), 'governance').join('\n');
        state.sent += 1;
        try {
          const { status } = await post(world, '/v1/events', 'governance', body, NDJSON);
          if (status === 202) acknowledged.add(agent);
        } catch (cause) {
          assert.ok(cause instanceof TypeError, String(cause));
          await sleep(20);
        }
      }
    };
    const sending = Promise.all([0, 1, 2, 3, 4, 5].map(sender));
    for (let kill = 0; kill < 6; kill += 1) {
      const before = acknowledged.size;
      await untilTrue('some were taken', () => acknowledged.size >= before + 40);
      await sleep(kill * 37);
      await world.daemon.end('SIGKILL');
      await world.start();
    }
    state.isOver = true;
    await sending;
    const { db } = world.database;
    await untilTrue('all was read', async () => {
      const rows =
        await db.query(`select 1 from event_log_head h join progress p using (topic, partition)
        where h.topic = 'governance' and p.next_offset < h.next_offset`);
      return rows.length === 0;
    });
    await untilTrue('all was decided', async () => {
      const known = await db.query('select distinct agent from agent_change');
      const agents = new Set(known.map(({ agent }) => String(agent)));
      return [...acknowledged].every((agent) => agents.has(agent));
    });
    // Numbers are without gaps, whatever was killed.
    const [log] = await db.query(`select count(*)::int as rows, max(append_no)::int as last,
      (select next_offset::int from event_log_head where topic = '') as next from event_log`);
    assert.equal(log?.['rows'], Number(log?.['last']) + 1);
    assert.equal(log?.['next'], log?.['rows']);
    const counters = await countersOf(world);
    assert.equal(counters['dead-letters'] ?? 0, 0);
    assert.ok(acknowledged.size >= 240, String(acknowledged.size));
  });
});

test('a flood of large bodies is held off and counted, and memory keeps its bound', async () => {
  await withDaemon(postgres, storySources(), {}, async (world) => {
    // Only Linux tells a process's peak; elsewhere the answers are looked at alone.
    const peakMiB = () => {
      const file = `/proc/${world.daemon.child.pid}/status`;
      const status = existsSync(file) ? readFileSync(file, 'utf8') : 'VmHWM: 0 kB';
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    };
    const before = peakMiB();
    const wide = `[${Array(70)
      .fill(`{"wide":"${'x'.repeat(100_000)}"}`)
      .join(',')}]`;
    const packed = gzipSync(wide);
    const bomb = gzipSync(Buffer.alloc(60_000_000));
    const seen = new Map<number, number>();
    const send = async (n: number) => {
      const [body, headers] = [
        [wide, {}],
        [packed, { 'content-encoding': 'gzip' }],
        [bomb, { 'content-encoding': 'gzip' }],
      ][n % 3] as [string, Record<string, string>];
      try {
        const { status } = await post(world, '/v1/events', 'metrics', body, headers);
        seen.set(status, (seen.get(status) ?? 0) + 1);
      } catch (cause) {
        // Refused while it was still being sent: the connection ends with the answer.
        assert.ok(cause instanceof TypeError, String(cause));
        seen.set(0, (seen.get(0) ?? 0) + 1);
      }
    };
    for (let round = 0; round < 3; round += 1)
      await Promise.all(Array.from({ length: 120 }, (_, n) => send(n)));
    const grown = peakMiB() - before;
    process.stdout.write(`flood: ${JSON.stringify([...seen])}, grown by ${grown.toFixed(0)} MiB\n`);
    // 360 bodies of 7 MB, a third of them bombs of 60 MB: what may be in memory at once is 96 MiB, twice.
    assert.ok(grown < 700, `${grown} MiB`);
    assert.ok((seen.get(413) ?? 0) > 0 && (seen.get(202) ?? 0) > 0 && (seen.get(429) ?? 0) > 0);
    assert.equal(
      [...seen.values()].reduce((sum, count) => sum + count, 0),
      360,
    );
    // It still serves who comes after.
    const [event = ''] = lines(registers('agent-1', START_MS), 'governance');
    await untilTrue('there is room', async () => {
      return (await post(world, '/v1/events', 'governance', event)).status === 202;
    });
  });
});
