/** Listener options: what configuration may not say, each with its key. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { problemLines } from '../../src/commands/config.ts';
import { serverOptions } from '../../src/commands/listener-options.ts';
import { readConfig } from '../../src/commands/read-config.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plt-listener-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const HASH = 'a'.repeat(64);
const said = async (...listener: string[]) => {
  const file = join(folder, 'config.yaml');
  const lines = [
    'jsonl: { path: streams }',
    'sources: [{ name: g, topic: g, decoder: canonical, trust: gateway, kinds: [gateway] }]',
    'control:',
    '  drivers: {}',
    '  listener:',
    ...listener.map((line) => `    ${line}`),
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const { problems } = await readConfig(file);
  return problemLines(problems).map((line) => line.replace(file, 'F'));
};

describe('control.listener', () => {
  it('listens on this machine without a word', async () => {
    assert.deepEqual(
      await said(`consumers: { gw: { sha256: ${HASH}, scopes: [posture.read] } }`),
      [],
    );
    assert.deepEqual(await said('host: 127.0.0.1'), []);
    assert.deepEqual(await said('host: localhost'), []);
    assert.deepEqual(await said("host: '::1'"), []);
  });

  it('refuses to be reached from elsewhere without TLS or a proxy', async () => {
    for (const host of ['0.0.0.0', "'::'", '10.1.2.3', 'plumbline.example', '128.0.0.1']) {
      const [first, ...rest] = await said(`host: ${host}`);
      assert.match(
        first ?? '',
        /^F:6: control\.listener\.host: .* tokens would travel in the clear; give tls/,
      );
      assert.deepEqual(rest, []);
    }
    assert.deepEqual(await said('host: 0.0.0.0', 'trustProxy: [10.0.0.0/8]'), []);
    assert.deepEqual(
      await said('host: 0.0.0.0', 'tls: { cert: { file: a.pem }, key: { file: b.pem } }'),
      [],
    );
  });

  it('says what else is wrong, each with its key', async () => {
    const lines = await said(
      'trustProxy: [10.0.0.0/99, 1.2.3]',
      'tls: { cert: {}, key: { file: b.pem, env: B } }',
      'consumers:',
      `  one: { sha256: ${HASH}, scopes: [posture.read] }`,
      `  two: { sha256: ${HASH}, scopes: [ssf.read] }`,
    );
    assert.deepEqual(
      lines.map((line) => line.replace(/^F:\d+: /, '')),
      [
        'control.listener.tls.cert: give exactly one of `env` and `file`: secrets are never written inline',
        'control.listener.tls.key: give exactly one of `env` and `file`: secrets are never written inline',
        'control.listener.trustProxy.0: 10.0.0.0/99 is no address and no network',
        'control.listener.trustProxy.1: 1.2.3 is no address and no network',
        'control.listener.consumers.two.sha256: the token of one again; each has one of its own',
      ],
    );
    const unknown = await said(`consumers: { gw: { sha256: ${HASH}, scopes: [everything] } }`);
    assert.match(unknown[0] ?? '', /must be one of posture\.read/);
  });

  it('refuses a driver that nobody could ask, and a second document', async () => {
    const drivers = async (text: string, consumers = '{}') => {
      const file = join(folder, 'drivers.yaml');
      const lines = [
        'jsonl: { path: streams }',
        'sources: [{ name: g, topic: g, decoder: canonical, trust: gateway, kinds: [gateway] }]',
        `control: { drivers: ${text}, listener: { consumers: ${consumers} } }`,
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      return problemLines((await readConfig(file)).problems).map((line) => line.replace(file, 'F'));
    };
    const reader = `{ gw: { sha256: ${HASH}, scopes: [posture.read] } }`;
    assert.match(
      (await drivers('{ doc: { type: posture } }'))[0] ?? '',
      /nobody could read its document/,
    );
    assert.deepEqual(await drivers('{ doc: { type: posture } }', reader), []);
    assert.match(
      (await drivers('{ a: { type: posture }, b: { type: posture } }', reader))[0] ?? '',
      /control\.drivers\.b: a second driver of type posture/,
    );
    assert.match(
      (await drivers('{ box: { type: pull, consumer: gw } }', reader))[0] ?? '',
      /nobody could fetch its work; give control\.listener a consumer gw with the scope control\.poll/,
    );
  });

  it('says which certificate cannot be used', async () => {
    const file = join(folder, 'no.pem');
    await writeFile(file, 'this is no key');
    await assert.rejects(serverOptions({ tls: { cert: { file }, key: { file } } }, {}), {
      code: 'CONFIG_INVALID',
      message: 'control.listener.tls.cert: holds no PEM text',
    });
  });
});
