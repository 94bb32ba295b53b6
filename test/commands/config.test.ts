/** Configuration: every mistake at once, with its line; secrets are named and never shown. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { plansOf } from '../../src/commands/baseline-load.ts';
import { DEFAULT_SOURCES, problemLines, secretOf } from '../../src/commands/config.ts';
import { readConfig } from '../../src/commands/read-config.ts';
import { OperatingError } from '../../src/model/errors.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plt-config-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const SOURCE = '  - { name: g, topic: g, decoder: canonical, trust: gateway, kinds: [gateway] }';

const read = async (...lines: string[]) => {
  const file = join(folder, 'config.yaml');
  await writeFile(file, `${lines.join('\n')}\n`);
  const result = await readConfig(file);
  return { ...result, said: problemLines(result.problems).map((line) => line.replace(file, 'F')) };
};

describe('configuration', () => {
  it('reads a small one', async () => {
    const { config, problems } = await read('jsonl: { path: streams }', 'sources:', SOURCE);
    assert.deepEqual(problems, []);
    assert.equal(config.jsonl?.path, 'streams');
    assert.equal(config.sources[0]?.trust, 'gateway');
  });

  it('says every mistake at once, with the line of each', async () => {
    const { said } = await read(
      'instance: 5',
      'kafka: { brokers: [] }',
      'sources: []',
      'roles:',
      '  default: { mode: bold }',
      'nonsense: true',
    );
    assert.equal(said.length, 5);
    for (const [at, start] of [
      'F:1: instance: must be a string',
      'F:2: kafka.brokers: needs 1 or more',
      'F:3: sources: needs 1 or more',
      'F:5: roles.default.mode: must be one of observe',
      'F:6: nonsense: unknown key; allowed here: instance, dataDir',
    ].entries())
      assert.ok(said[at]?.startsWith(start), said[at]);
  });

  it('says what the schema cannot: where records come from, names given twice, inline secrets', async () => {
    const nowhere = await read('sources:', SOURCE, SOURCE);
    assert.deepEqual(nowhere.said, [
      'F:1: where do records come from? Give `kafka: { brokers: [host:port] }`, `jsonl: { path: … }`, or sources `http: { sha256: [...] }`',
      'F:3: sources.1.name: a second source is called g',
    ]);
    const both = await read(
      'jsonl: { path: x }',
      'kafka: { brokers: ["a:1"] }',
      'sources:',
      SOURCE,
      'database: { url: {} }',
      'control: { drivers: { hook: { type: webhook, url: "http://x", secret: { env: A, file: b } } } }',
    );
    assert.deepEqual(
      both.said.map((line) => line.split(':').slice(0, 3).join(':')),
      ['F:1: jsonl', 'F:5: database.url', 'F:6: control.drivers.hook.secret'],
    );
  });

  it('takes budgets in words, and names those that are none', async () => {
    const base = ['jsonl: { path: streams }', 'sources:', SOURCE];
    const good = await read(...base, 'budgets: { alert: "1 per 10,000 sessions" }');
    assert.deepEqual(good.problems, []);
    const plans = plansOf(good.config);
    assert.deepEqual(plans.map(({ rung, budget }) => [rung, budget.words]).slice(0, 2), [
      ['alert', '1 per 10,000 sessions'],
      ['posture', '1 per agent-month'],
    ]);
    const { said } = await read(
      ...base,
      'budgets:',
      '  alert: now and then',
      '  observe: 1 % of units',
    );
    assert.match(said.join('\n'), /F:\d+: budgets\.observe/);
    const { said: words } = await read(...base, 'budgets:', '  alert: now and then');
    assert.match(words.join('\n'), /F:5: budgets\.alert: "now and then" is no budget: write/);
  });

  it('refuses a missing file, an empty one, two documents, duplicate keys and broken YAML', async () => {
    const missing = await readConfig(join(folder, 'none.yaml'));
    assert.match(
      problemLines(missing.problems)[0] ?? '',
      /none\.yaml: cannot be read: there is no such file or folder \(ENOENT\)/,
    );
    assert.deepEqual(missing.config.sources, [...DEFAULT_SOURCES]);
    assert.ok((await read('')).problems.length > 0);
    assert.ok((await read('# only a comment')).problems.length > 0);
    assert.match((await read('a: 1', '---', 'b: 2')).said.join(), /one document only/);
    assert.match((await read('instance: a', 'instance: b')).said.join(), /F:2/);
    assert.ok((await read('sources: [', 'x')).problems.length > 0);
  });

  it('writes problems with file, line and key where they are known', () => {
    const base = { file: 'f.yaml', message: 'is wrong' };
    assert.deepEqual(
      problemLines([
        { ...base, line: 3, key: 'a.b' },
        { ...base, line: null, key: 'a.b' },
        { ...base, line: 3, key: '' },
        { ...base, line: null, key: '' },
      ]),
      [
        'f.yaml:3: a.b: is wrong',
        'f.yaml: a.b: is wrong',
        'f.yaml:3: is wrong',
        'f.yaml: is wrong',
      ],
    );
  });

  it('takes secrets from the environment or a file, and names the key where there is none', async () => {
    const file = join(folder, 'secret');
    await writeFile(file, 'from the file\n');
    assert.equal(await secretOf({ env: 'S' }, 'k', { S: 'from outside' }), 'from outside');
    assert.equal(await secretOf({ file }, 'k', {}), 'from the file');
    for (const environment of [{}, { S: '' }])
      await assert.rejects(secretOf({ env: 'S' }, 'control.secret', environment), (cause) => {
        assert.ok(cause instanceof OperatingError && cause.code === 'CONFIG_INVALID');
        assert.match(cause.message, /^control\.secret: the environment variable S is not set/);
        return true;
      });
    await assert.rejects(secretOf({ file: join(folder, 'none') }, 'k', {}), {
      code: 'NOT_FOUND',
    });
  });

  it('knows four sources by default, none of them trusted more than it is', () => {
    assert.deepEqual(
      DEFAULT_SOURCES.map(({ topic, trust }) => [topic, trust]),
      [
        ['governance', 'platform'],
        ['reasoning', 'agent'],
        ['gateway', 'gateway'],
        ['metrics', 'runtime'],
      ],
    );
  });
});
