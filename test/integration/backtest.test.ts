/** `backtest` on a real Kafka: a range is read whole, ends where it ends, and leaves no group behind. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import { calmRequestQueue } from '../../src/adapters/kafka-client.ts';
import { readOffsets } from '../../src/adapters/kafka-offsets.ts';
import type { BacktestReport } from '../../src/evaluation/backtest/report.ts';
import { quietLog } from './kafka-lane-recorder.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { ask, type } from './plumbline.ts';
import { provideKafka } from './provider.ts';

const prefix = `plt-${randomBytes(4).toString('hex')}-`;
const topics = ['governance', 'reasoning', 'gateway', 'metrics'].map((kind) => prefix + kind);
let kafka: KafkaProvided;
let admin: Admin;
let cwd = '';
let brokers = '';
/** Between the two fleets, by the broker's clock. */
let between = '';

async function made(dir: string, seed: string, events: number): Promise<void> {
  const fleet = ['--to', 'files', '--agents', '6', '--sessions-per-hour', '600', '--fast'];
  const options = ['--dir', dir, '--seed', seed, '--events', String(events), '--bad-share', '0.3'];
  const run = await type(['simulate', ...fleet, ...options], { cwd });
  assert.equal(run.code, 0, run.stderr);
}

async function produced(dir: string): Promise<void> {
  const where = ['--brokers', brokers, '--prefix', prefix, '--partitions', '3'];
  const run = await type(['produce', '--dir', dir, ...where], { cwd });
  assert.equal(run.code, 0, run.stderr);
}

const report = (...args: string[]) => ask<BacktestReport>(['backtest', ...args], { cwd });
const alertsOf = ({ detectors }: BacktestReport) =>
  Object.fromEntries(detectors.map(({ detector, alerts }) => [detector, alerts]));
const recordsOf = ({ corpora }: BacktestReport) => corpora.map(({ records }) => records);

before(async () => {
  calmRequestQueue();
  kafka = await provideKafka();
  brokers = kafka.brokers.join(',');
  admin = new kafkajs.Kafka({
    brokers: [...kafka.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  cwd = await mkdtemp(join(tmpdir(), 'plumbline-backtest-'));
  await made('first', '1', 3000);
  await made('second', '2', 600);
  await produced('first');
  await sleep(1000);
  between = new Date().toISOString();
  await sleep(1000);
});
after(async () => {
  await admin.deleteTopics({ topics });
  await admin.disconnect();
  await kafka.stop();
  await rm(cwd, { recursive: true, force: true });
});

describe('backtest on Kafka', () => {
  it('finds in topics what it finds in the folder they were filled from', async () => {
    const files = await report('--corpus', 'first');
    const log = await report('--brokers', brokers, '--topics', topics.join(','));
    assert.deepEqual(recordsOf(log), recordsOf(files));
    assert.deepEqual(alertsOf(log), alertsOf(files));
    assert.ok(Object.values(alertsOf(log)).some((alerts) => alerts > 0));
    assert.equal(log.corpora[0]?.deadLetters, 0);
  });

  it('ends where the range ends, though the log has grown', async () => {
    const kafkaOptions = { brokers: kafka.brokers, clientId: 'plt', log: quietLog };
    const ends = await readOffsets(kafkaOptions, topics);
    const from = ends.map(
      ({ topic, partition, low, end }) => `${topic}:${partition}:${low}-${end}`,
    );
    const whole = await report('--brokers', brokers, '--topics', topics.join(','));
    await produced('second');
    const again = await report('--brokers', brokers, '--from', from.join(','));
    assert.deepEqual(recordsOf(again), recordsOf(whole));
    assert.deepEqual(alertsOf(again), alertsOf(whole));
    const until = await report(
      '--brokers',
      brokers,
      '--topics',
      topics.join(','),
      '--until',
      between,
    );
    assert.deepEqual(recordsOf(until), recordsOf(whole));
    const since = await report(
      '--brokers',
      brokers,
      '--topics',
      topics.join(','),
      '--since',
      between,
    );
    assert.deepEqual(recordsOf(since), [600]);
  });

  it('reads a part of one partition', async () => {
    const options = { brokers: kafka.brokers, clientId: 'plt', log: quietLog };
    const ends = await readOffsets(options, [`${prefix}gateway`]);
    const longest = ends.reduce((a, b) => (b.end - b.low > a.end - a.low ? b : a));
    const from = `${longest.topic}:${longest.partition}:${longest.low + 5}-${longest.low + 47}`;
    const part = await report('--brokers', brokers, '--from', from, '--detector', 'call-burst');
    assert.deepEqual(recordsOf(part), [42]);
  });

  it('explains one record of a partition, alone and in its history', async () => {
    const options = { brokers: kafka.brokers, clientId: 'plt', log: quietLog };
    const [first] = await readOffsets(options, [`${prefix}gateway`]);
    assert.ok(first !== undefined);
    const record = `${first.topic}:${first.partition}:${first.low + 3}`;
    const which = ['explain-rule', 'model-not-approved', '--brokers', brokers, '--record', record];
    for (const more of [[], ['--topics', topics.join(',')]]) {
      const run = await type([...which, ...more], { cwd });
      // A gateway record is no answer of a model: it does not match, and is explained.
      assert.equal(run.code, 1, run.stderr);
      assert.ok(run.stdout.startsWith(`gateway/tool_call at ${record}, session `), run.stdout);
      assert.match(run.stdout, /not asked: its log source is service reasoning/);
    }
  });

  it('refuses a range that is not there, with 2', async () => {
    const refused = async (pattern: RegExp, ...args: string[]) => {
      const run = await type(['backtest', '--brokers', brokers, ...args], { cwd });
      assert.equal(run.code, 2, run.stderr);
      assert.match(run.stderr, pattern);
    };
    await refused(/is not all there/, '--from', `${prefix}gateway:0:0-99999999`);
    await refused(/has no partition 9/, '--from', `${prefix}gateway:9:0-1`);
    await refused(
      /holds no record/,
      '--topics',
      topics.join(','),
      '--since',
      '2100-01-01T00:00:00Z',
    );
    await refused(/BROKER_TOPIC_MISSING/, '--topics', `${prefix}none`);
  });

  it('leaves no group behind', async () => {
    const { groups } = await admin.listGroups();
    assert.deepEqual(
      groups.filter(({ groupId }) => groupId.startsWith('plumbline-backtest-')),
      [],
    );
  });
});
