/** The relay to Kafka: requests at one time share a publish, and only the guilty are refused. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { OperatingError } from '../../src/model/errors.ts';
import type { LogEntry } from '../../src/model/ingest.ts';
import type { Database, OutRecord } from '../../src/model/ports.ts';
import { createEventLogRelay } from '../../src/record/event-log-relay.ts';

const untouched: Pick<Database, 'query'> = { query: async () => assert.fail('no key was given') };
const entry = (value: string | Buffer): LogEntry => ({
  ...{ topic: 't', values: [Buffer.from(value)], headers: {}, receivedMs: 7 },
  ...{ accepted: 1, rejected: 0, idempotency: null },
});

/** A publisher that takes its time, and refuses what is larger than Kafka would take. */
function bench() {
  const published: (readonly OutRecord[])[] = [];
  const publish = async (records: readonly OutRecord[]) => {
    published.push(records);
    await new Promise((resolve) => setImmediate(resolve));
    if (records.some(({ value }) => value.length > 1_000_000))
      throw new OperatingError('BROKER_UNREACHABLE', 'too large', { retryable: true });
  };
  return { published, relay: createEventLogRelay({ publish }, untouched) };
}

it('publishes what comes meanwhile together, in order, and answers each', async () => {
  const { relay, published } = bench();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => relay.append(entry(`${n}`))),
  );
  assert.ok(answers.every(({ type }) => type === 'appended'));
  assert.ok(published.length <= 3, String(published.length));
  const values = published.flat().map(({ value }) => String(value));
  assert.deepEqual(
    values,
    Array.from({ length: 100 }, (_, n) => String(n)),
  );
  assert.equal(relay.waitingBytes(), 0);
  assert.equal(relay.waitingSinceMs(), null);
});

it('lets a record that Kafka refuses take no other along', async () => {
  const { relay } = bench();
  const large = relay.append(entry(Buffer.alloc(1_000_001)));
  const small = Array.from({ length: 5 }, (_, n) => relay.append(entry(`${n}`)));
  assert.equal(relay.waitingSinceMs(), 7);
  await assert.rejects(large, OperatingError);
  assert.equal((await Promise.all(small)).length, 5);
});
