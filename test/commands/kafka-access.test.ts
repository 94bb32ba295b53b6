/** Kafka access: what configuration may not say, and what secrets become of it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { problemLines } from '../../src/commands/config.ts';
import { kafkaAccess } from '../../src/commands/kafka-access.ts';
import { readConfig } from '../../src/commands/read-config.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plt-kafka-access-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const BROKERS = ['k:9093'];
const SASL = { mechanism: 'scram-sha-256', username: 'plumbline' } as const;

async function said(...lines: string[]): Promise<string[]> {
  const file = join(folder, 'config.yaml');
  const text = [
    'kafka:',
    '  brokers: [k:9093]',
    ...lines.map((line) => `  ${line}`),
    'sources: [{ name: g, topic: g, decoder: canonical, trust: gateway, kinds: [gateway] }]',
  ];
  await writeFile(file, `${text.join('\n')}\n`);
  const { problems } = await readConfig(file);
  return problemLines(problems).map((line) => line.replace(file, 'F'));
}

describe('kafka.tls and kafka.sasl', () => {
  it('may be left away, and TLS may say nothing more', async () => {
    assert.deepEqual(await said(), []);
    assert.deepEqual(await said('tls: {}'), []);
  });

  it('take a name and a password that stands elsewhere', async () => {
    const sasl = 'sasl: { mechanism: scram-sha-512, username: me, password: { env: P } }';
    assert.deepEqual(await said(sasl), []);
    assert.deepEqual(await said('tls: {}', sasl.replace('scram-sha-512', 'plain')), []);
  });

  it('refuse a password that would travel as it is, half a pair, and a secret written here', async () => {
    assert.deepEqual(await said('sasl: { mechanism: plain, username: me, password: { env: P } }'), [
      'F:3: kafka.sasl.mechanism: plain sends the password as it is: give `tls`, or take scram-sha-512 or scram-sha-256',
    ]);
    assert.deepEqual(await said('tls: { cert: { file: c.pem } }'), [
      'F:3: kafka.tls: `cert` and `key` belong together: give both, or neither',
    ]);
    assert.deepEqual(await said('sasl: { mechanism: scram-sha-256, username: me, password: {} }'), [
      'F:3: kafka.sasl.password: give exactly one of `env` and `file`: secrets are never written inline',
    ]);
    const [inline = ''] = await said('sasl: { mechanism: plain, username: me, password: hunter2 }');
    assert.match(inline, /kafka\.sasl\.password/);
    assert.doesNotMatch(inline, /hunter2/);
  });

  it('become texts; one that is not there is named by its key, and never shown', async () => {
    const given = { brokers: BROKERS, sasl: { ...SASL, password: { env: 'P' } } };
    const access = await kafkaAccess(given, { P: 'secret' });
    assert.deepEqual(access, { brokers: BROKERS, sasl: { ...SASL, password: 'secret' } });
    await assert.rejects(
      kafkaAccess(given, {}),
      /kafka\.sasl\.password: the environment variable P/,
    );
    const file = join(folder, 'ca.pem');
    await writeFile(file, 'no certificate at all');
    await assert.rejects(
      kafkaAccess({ brokers: BROKERS, tls: { ca: { file } } }, {}),
      /^OperatingError: kafka\.tls\.ca: holds no PEM text$/,
    );
  });
});
