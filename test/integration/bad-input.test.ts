/** Hostile and broken records through the real daemon: named, counted, and nothing around is lost. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import kafkajs from 'kafkajs';
import { calmRequestQueue } from '../../src/adapters/kafka-client.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { DeadLetter } from '../../src/model/detection.ts';
import { KINDS, type Kind } from '../../src/model/event.ts';
import type { CaseFile, ListedCase, StoredNotice } from '../../src/record/read.ts';
import type { RecordStatus } from '../../src/record/status.ts';
import { metricEvent } from '../../src/simulation/emission.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { ask, type Launched, launch, type Surroundings, type, untilTrue } from './plumbline.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres, silentLog } from './postgres.ts';
import { provideKafka } from './provider.ts';
import { FORBIDDEN, registers, storySources, uses, writeConfig } from './story.ts';

/** One record as it is written, and the reason it must be refused for; null = it is sound. */
interface Line {
  readonly topic: Kind;
  readonly bytes: Buffer | null;
  /** One reason for each part of the record that cannot be read. */
  readonly reasons: readonly string[];
  readonly events: number;
}

interface Shown {
  readonly status: RecordStatus;
  readonly notices: readonly StoredNotice[];
  readonly deadLetters: readonly DeadLetter[];
}

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
/** Controls of a terminal, and marks that turn text around. Newlines end our own lines. */
const RAW = /(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/u;
const HOSTILE = [
  '\u001b[31mred\u001b[0m',
  '<script>alert(1)</script>',
  "'; drop table lease; --",
  'two\nlines\r\nand\ttabs',
  'nul\u0000inside',
  'lone \ud800 surrogate',
  '__proto__',
  'constructor',
  'rtl \u202e gnirts',
  'c1 \u009b31m',
  '%s %d {{7*7}} %{x}',
  '../../../etc/passwd',
] as const;

let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
const folders: string[] = [];

before(async () => {
  kafka = await provideKafka();
  postgres = await providePostgres();
});
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  await postgres.stop();
  await kafka.stop();
});

const freshFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'plt-bad-'));
  folders.push(folder);
  return folder;
};

const sound = (told: ReturnType<typeof uses>): Line[] =>
  told.map(({ topic, event }) => ({
    topic,
    bytes: Buffer.from(encodeEvent(event)),
    reasons: [],
    events: 1,
  }));

const bad = (topic: Kind, bytes: Buffer | string | null, ...reasons: string[]): Line => ({
  topic,
  bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes,
  reasons,
  events: 0,
});

const metric = (id: string, value: number, atMs: number): Line => {
  const bearer = { agentId: 'agent-0', role: 'clerk', tenant: null, sessionId: null };
  const event = metricEvent({ ...bearer, parent: null, principal: null }, atMs, id, 'usage', {
    name: 'agent.turn.tokens',
    type: 'counter',
    temporality: 'delta',
    value,
  });
  return { topic: 'metrics', bytes: Buffer.from(encodeEvent(event)), reasons: [], events: 1 };
};

/** Bytes that are no UTF-8 and hold no newline. */
const garbage = (): Buffer => {
  const bytes = randomBytes(512);
  for (let at = 0; at < bytes.length; at += 1)
    if (bytes[at] === 10 || bytes[at] === 13) bytes[at] = 0xff;
  return Buffer.concat([Buffer.from([0xc3, 0x28]), bytes]);
};

/** Everything that is wrong with records, whatever carries them. */
function badLines(atMs: number): Line[] {
  const whole = encodeEvent(uses(FORBIDDEN, 'agent-x', 'x', atMs)[2]?.event ?? ({} as never));
  const year9999 = whole.replace(/"eventNs":"\d+"/, '"eventNs":"253402300799000000000"');
  const wrongTool = whole.replace(`"tool":"${FORBIDDEN}"`, '"tool":{"name":5}');
  const twice = whole.replace('"kind":"gateway"', '"kind":"gateway","kind":"gateway"');
  return [
    bad('gateway', whole.slice(0, whole.length / 2), 'json-syntax'),
    bad('gateway', '[1,"two",null]', 'field-type', 'field-type', 'field-type'),
    bad('reasoning', '"a string"', 'field-type'),
    bad('governance', 'null', 'field-type'),
    bad('gateway', wrongTool, 'field-type'),
    bad('gateway', whole.replace(/"eventNs":"\d+"/, '"eventNs":1700000000000'), 'field-missing'),
    bad('gateway', year9999, 'time-invalid'),
    bad('gateway', twice, 'duplicate-key'),
    bad('gateway', '['.repeat(100_000) + ']'.repeat(100_000), 'too-deep'),
    bad('reasoning', '{"a":'.repeat(100_000), 'too-deep'),
    bad('metrics', `[${'0,'.repeat(20_000)}0]`, 'too-many-items'),
    bad('governance', whole, 'kind-not-allowed'),
    bad('gateway', garbage(), 'not-utf8'),
    bad('gateway', `\ufeff${whole}`, 'json-syntax'),
    bad('gateway', '\u001b[2J\u0007', 'json-syntax'),
    bad('gateway', '{"__proto__":{"kind":"gateway"},"constructor":1}', 'field-missing'),
  ];
}

interface Scene {
  readonly lines: readonly Line[];
  /** Agents that breach a contract, each once. */
  readonly breakers: readonly string[];
}

/**
 * Sound breaches, each followed by something that is broken; hostile names among the agents. Each
 * agent has a role of its own, lest cases of the same kind be folded into one of the fleet.
 */
function scene(atMs: number, more: readonly Line[]): Scene {
  const broken = [...badLines(atMs), ...more];
  const breakers = [...broken.map((_, at) => `agent-${at}`), ...HOSTILE];
  const lines = breakers.flatMap((agent, at) =>
    sound(registers(agent, atMs - 600_000, `clerk ${at}`)),
  );
  breakers.forEach((agent, at) => {
    const isHostile = at >= broken.length;
    const tool = isHostile ? `tool ${agent}` : FORBIDDEN;
    const session = isHostile ? `session ${agent}` : `session-${at}`;
    lines.push(...sound(uses(tool, agent, session, atMs + at * 10, `clerk ${at}`)));
    const after = broken[at];
    if (after !== undefined) lines.push(after);
  });
  // Two days ahead: taken at the time it was received. One id with two contents: the first is kept.
  lines.push(metric('future', 1, atMs + 2 * DAY_MS));
  lines.push(metric('twice', 1, atMs), metric('twice', 1, atMs), metric('twice', 666, atMs));
  return { lines, breakers };
}

/** Every breach became a case, every broken part a dead letter, and the counters agree. */
async function assertAllThere(
  { lines, breakers }: Scene,
  expected: readonly string[],
  records: number,
  where: Surroundings,
  config: string,
  daemon: Launched,
): Promise<void> {
  const options = ['--limit', '1000', '--config', config];
  let shown: Shown | null = null;
  let cases: ListedCase[] = [];
  await untilTrue(
    'every breach to be found',
    async () => {
      cases = await ask<ListedCase[]>(['cases', ...options], where);
      shown = await ask<Shown>(['status', ...options], where);
      const of = (stem: string) =>
        cases.filter(({ case: { title } }) => title.startsWith(`${stem}:`)).length;
      const others = ['forged-record-id', 'unreadable-share'];
      return of('ungranted-action') >= breakers.length && others.every((stem) => of(stem) > 0);
    },
    daemon,
  );
  const { status, deadLetters, notices } = shown as unknown as Shown;
  const byAgent = new Map(cases.map((one) => [one.case.entity.agent, one]));
  // What PostgreSQL cannot store is replaced and told apart by a hash; the rest is as it came.
  const storable = breakers.filter((agent) => agent.isWellFormed() && !agent.includes('\u0000'));
  for (const agent of storable)
    assert.ok(byAgent.has(agent), `no case of ${JSON.stringify(agent)}`);
  // And one of the agent whose record came a second time with other content.
  const titles = cases.map((one) => one.case.title.split(':')[0]).sort();
  const breaches = breakers.map(() => 'ungranted-action');
  // And one of each partition of which more than a hundredth cannot be read.
  const illegible = titles.filter((title) => title === 'unreadable-share');
  assert.ok(illegible.length > 0, 'nobody is told how much could not be read');
  assert.deepEqual(titles, ['forged-record-id', ...breaches, ...illegible]);

  const found = deadLetters.map(
    ({ position: { topic, partition, offset, index }, reason }) =>
      `${topic}/${partition}@${offset}[${index}] ${reason}`,
  );
  assert.deepEqual(found.sort(), [...expected].sort());
  for (const { detail } of deadLetters) assert.ok(detail.length > 0 && detail.length <= 256);
  const [lane] = status.lanes;
  assert.equal(lane?.counters['records'], records);
  assert.equal(
    lane?.counters['events'],
    lines.reduce((sum, line) => sum + line.events, 0),
  );
  assert.equal(lane?.counters['dead-letters'], expected.length);
  assert.equal(lane?.counters['clamped'], 1);
  assert.equal(lane?.counters['repeats'], 1);
  assert.equal(lane?.counters['forged-ids'], 1);
  const codes = new Map(notices.map((notice) => [notice.code, notice.detail]));
  assert.match(codes.get('event.clock-skew') ?? '', /metrics\/0@\d+ lies in the future/);
  assert.match(codes.get('event.duplicate-id') ?? '', /metrics\/0@\d+ bears the id of another/);
}

/** Nothing that people read lets a control character through. */
async function assertReadable(where: Surroundings, config: string): Promise<void> {
  const options = ['--config', config];
  const cases = await ask<ListedCase[]>(['cases', '--limit', '1000', ...options], where);
  const texts = [
    ['cases', '--limit', '1000'],
    ['status', '--limit', '1000'],
    ['leases', '--limit', '1000'],
    ['journal', 'tail', '--limit', '1000'],
    ...cases
      .filter(({ case: one }) => !/^agent-\d+$/.test(one.entity.agent))
      .map(({ case: one }) => ['explain', one.id]),
  ];
  // Beside the hostile ones that of a record about agent-0, which is not its own word, and those of partitions.
  const ofPartitions = cases.filter(({ case: one }) => one.title.startsWith('unreadable-share:'));
  assert.equal(texts.length, 4 + HOSTILE.length + 1 + ofPartitions.length);
  for (const words of texts) {
    for (const mode of [[], ['--json']]) {
      const { code, stdout, stderr } = await type([...words, ...mode, ...options], where);
      assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
      assert.ok(stdout.length > 0);
      assert.doesNotMatch(stdout, RAW, `${words.join(' ')} ${mode.join()}`);
      if (mode.length > 0) JSON.parse(stdout);
    }
  }
  const file = await ask<CaseFile>(['explain', cases[0]?.case.id ?? '', ...options], where);
  assert.equal(file.detections.length, 1);
}

test('files: each broken line is named with its position, and nothing around it is lost', async () => {
  const cwd = await freshFolder();
  const database = await freshDatabase(postgres);
  let daemon: Launched | null = null;
  try {
    const config = await writeConfig(cwd, { jsonl: { path: cwd, follow: true } });
    const where = { cwd, env: { DATABASE_URL: database.url } };
    const told = scene(Date.now() - 60_000, [
      bad('gateway', `{"padding":"${'x'.repeat(2 * MIB)}"}`, 'too-large'),
      bad('gateway', '', ...[]),
      bad('gateway', '\r', ...[]),
    ]);
    const ends = new Map<Kind, number>(KINDS.map((kind) => [kind, 0]));
    const expected: string[] = [];
    let records = 0;
    for (const line of told.lines) {
      const offset = ends.get(line.topic) ?? 0;
      line.reasons.forEach((reason, index) => {
        expected.push(`${line.topic}/0@${offset}[${index}] ${reason}`);
      });
      ends.set(line.topic, offset + (line.bytes?.length ?? 0) + 1);
      // A line of nothing but its end is no record.
      if (!/^\r?$/.test(line.bytes?.toString('latin1') ?? '')) records += 1;
    }
    for (const kind of KINDS) {
      const parts = told.lines
        .filter(({ topic }) => topic === kind)
        .flatMap(({ bytes }) => [bytes ?? Buffer.alloc(0), Buffer.from('\n')]);
      await appendFile(join(cwd, `${kind}.jsonl`), Buffer.concat(parts));
    }
    await writeFile(join(cwd, 'reasonings.jsonl'), '{"misspelt":true}\n');
    daemon = launch(['run', '--config', config], where);
    await assertAllThere(told, expected, records, where, config, daemon);
    await assertReadable(where, config);
    // It goes on: what is appended later is found as well.
    const late = uses(FORBIDDEN, 'agent-0', 'later', Date.now(), 'clerk 0');
    for (const { topic, event } of late)
      await appendFile(join(cwd, `${topic}.jsonl`), `${encodeEvent(event)}\n`);
    await untilTrue(
      'a breach after all of it',
      async () => {
        const cases = await ask<ListedCase[]>(
          ['cases', '--agent', 'agent-0', '--config', config],
          where,
        );
        return cases.some((one) => one.case.entity.session === 'later');
      },
      daemon,
    );
    const { code, stderr } = await daemon.end();
    daemon = null;
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, RAW);
    assert.match(stderr, /"file":"reasonings\.jsonl".*this file is not read/);
    assert.match(stderr, /records could not be read: plumbline status lists them/);
    assert.equal((await type(['journal', 'verify', '--config', config], where)).code, 0);
  } finally {
    if (daemon !== null) await daemon.end('SIGKILL');
    await database.drop();
  }
});

test('Kafka: the same, with tombstones, empty values and a topic nobody configured', async () => {
  const cwd = await freshFolder();
  const database = await freshDatabase(postgres);
  const prefix = `plt-bad-${randomBytes(4).toString('hex')}-`;
  let daemon: Launched | null = null;
  try {
    const brokers = [...kafka.brokers];
    const config = await writeConfig(cwd, {
      kafka: { brokers, group: `${prefix}group`, sessionTimeout: '10s' },
      sources: storySources(prefix),
    });
    const where = { cwd, env: { DATABASE_URL: database.url } };
    const told = scene(Date.now() - 60_000, [
      bad('gateway', `{"padding":"${'x'.repeat(2 * MIB)}"}`, 'field-missing'),
      bad('gateway', null, 'tombstone'),
      bad('governance', Buffer.alloc(0), 'json-syntax'),
    ]);
    const settings = { 'max.message.bytes': String(4 * MIB) };
    await ensureTopics(
      { brokers, clientId: 'plt-bad', log: silentLog },
      [...KINDS, 'nobody'].map((kind) => ({ topic: `${prefix}${kind}`, partitions: 1, settings })),
    );
    await send(brokers, prefix, told.lines);
    const expected: string[] = [];
    for (const kind of KINDS) {
      told.lines
        .filter(({ topic }) => topic === kind)
        .forEach(({ reasons }, offset) => {
          reasons.forEach((reason, index) => {
            expected.push(`${prefix}${kind}/0@${offset}[${index}] ${reason}`);
          });
        });
    }
    daemon = launch(['run', '--config', config], where);
    // An empty value is a record in Kafka, and so is none.
    await assertAllThere(told, expected, told.lines.length, where, config, daemon);
    await assertReadable(where, config);
    const { code, stderr } = await daemon.end();
    daemon = null;
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, RAW);
    const { status } = await ask<Shown>(['status', '--config', config], where);
    const topics = status.lanes.flatMap(({ positions }) => positions.map(({ topic }) => topic));
    assert.deepEqual(topics.sort(), KINDS.map((kind) => `${prefix}${kind}`).sort());
  } finally {
    if (daemon !== null) await daemon.end('SIGKILL');
    await database.drop();
  }
});

/** Sends the lines in order, and one to a topic that no source has. */
async function send(brokers: string[], prefix: string, lines: readonly Line[]): Promise<void> {
  calmRequestQueue();
  const client = new kafkajs.Kafka({
    clientId: 'plt-bad',
    brokers,
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const producer = client.producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  try {
    for (const kind of KINDS) {
      const messages = lines
        .filter(({ topic }) => topic === kind)
        .map(({ bytes }) => ({ key: 'k', value: bytes }));
      for (let at = 0; at < messages.length; at += 20)
        await producer.send({ topic: `${prefix}${kind}`, messages: messages.slice(at, at + 20) });
    }
    await producer.send({ topic: `${prefix}nobody`, messages: [{ value: 'anything' }] });
  } finally {
    await producer.disconnect();
  }
}
