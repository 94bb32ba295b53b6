/** Signals: what configuration may not say of the transmitter, and where its keys come from. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { problemLines } from '../../src/commands/config.ts';
import { controlPlan } from '../../src/commands/control.ts';
import { readConfig } from '../../src/commands/read-config.ts';
import { transmitterOf } from '../../src/commands/signals.ts';
import type { OperatingError } from '../../src/model/errors.ts';
import type { Database } from '../../src/model/ports.ts';
import { rsaKey } from '../act/counterparts/signal-keys.ts';
import { createTestLog } from '../act/test-log.ts';
import { createVirtualClock } from '../sim/clock.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plt-signals-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const HASH = 'b'.repeat(64);
const CONSUMER = `{ idp: { sha256: ${HASH}, scopes: [ssf.manage, ssf.read] } }`;
const IDP = '{ name: idp, audience: https://idp.example }';

/** A configuration whose `control` has these lines. */
const configured = async (...control: string[]) => {
  const file = join(folder, 'config.yaml');
  const lines = [
    `dataDir: ${join(folder, 'data')}`,
    'jsonl: { path: streams }',
    'sources: [{ name: g, topic: g, decoder: canonical, trust: gateway, kinds: [gateway] }]',
    'control:',
    ...control.map((line) => `  ${line}`),
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const { config, problems } = await readConfig(file);
  return { config, lines: problemLines(problems).map((line) => line.replace(file, 'F')) };
};
const WEBHOOK = '{ type: webhook, url: https://w.example, secret: { env: W } }';
const ssf = (receivers: string, more = '') =>
  `{ type: ssf, issuer: https://p.example, subjectIssuer: https://idp.example, receivers: [${receivers}]${more} }`;

/** Nothing here asks the database: it is opened, and the transmitter is made over it. */
const db: Database = {
  query: async () => [],
  transaction: async (work) =>
    await work(
      async () => [],
      async () => [],
    ),
  script: async () => undefined,
  tryLock: async () => null,
  close: async () => undefined,
};
const made = async (environment: Record<string, string>, ...control: string[]) => {
  const { config, lines } = await configured(...control);
  assert.ok(config !== null, lines.join('\n'));
  assert.deepEqual(lines, []);
  const { log, lines: logged } = createTestLog();
  const clock = createVirtualClock();
  return { made: await transmitterOf({ config, db, environment, clock, log }), logged };
};

describe('the transmitter of signals', () => {
  it('is made where a driver of its type is configured, and nowhere else', async () => {
    const { made: none } = await made({}, 'drivers: {}');
    assert.equal(none, null);
  });

  it('has receivers that can call us, or that are only pushed to', async () => {
    const pushed =
      '{ name: okta, audience: a, push: https://o.example, standing: [session-revoked] }';
    const good = await configured(
      `drivers: { w: ${WEBHOOK}, s: ${ssf(`${IDP}, ${pushed}`)} }`,
      `listener: { consumers: ${CONSUMER} }`,
    );
    assert.deepEqual(good.lines, []);
    const { lines } = await configured(`drivers: { w: ${WEBHOOK}, s: ${ssf(IDP)} }`);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^F:5: control\.drivers\.s: receiver idp has to call us and cannot/,
    );
  });

  it('is one: a second driver of its type is refused', async () => {
    const { lines } = await configured(
      `drivers: { w: ${WEBHOOK}, s: ${ssf(IDP)}, t: ${ssf(IDP)} }`,
      `listener: { consumers: ${CONSUMER} }`,
    );
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /control\.drivers\.t: a second driver of type ssf/);
  });

  it('never stands alone for a verb: a hint enforces nothing', async () => {
    const listener = `listener: { consumers: ${CONSUMER} }`;
    const { lines } = await configured(`drivers: { s: ${ssf(IDP)} }`, listener);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /never stand alone; add a driver that enforces posture, freeze_tool/,
    );
    const agreed = [
      'approval: { revoke_session: { quorum: 1 } }',
      `approvers: { ada: { sha256: ${HASH} } }`,
    ];
    const chains = 'chains: { revoke_session: [s] }';
    const drivers = `drivers: { w: ${WEBHOOK}, s: ${ssf(IDP)} }`;
    const written = await configured(drivers, listener, chains, ...agreed);
    assert.match(written.lines.join('\n'), /add a driver that enforces revoke_session, or/);
  });

  it('says every mistake in its options with its key', async () => {
    const { lines } = await configured(
      `drivers: { w: ${WEBHOOK}, s: ${ssf('{ name: Idp, audience: a, subject: did }', ', rotateEvry: 1d')} }`,
    );
    const text = lines.join('\n');
    for (const key of ['receivers.0.name', 'receivers.0.subject', 'rotateEvry'])
      assert.match(text, new RegExp(`control\\.drivers\\.s\\.${key}`), text);
    assert.match(text, /did you mean rotateEvery/);
  });

  it('keeps keys of its own in the data folder, says so, and finds them again', async () => {
    const control = [
      `drivers: { w: ${WEBHOOK}, s: ${ssf(IDP)} }`,
      `listener: { consumers: ${CONSUMER} }`,
    ];
    const first = await made({}, ...control);
    const file = join(folder, 'data', 'signal-keys.json');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal(first.logged[0]?.message, 'signing keys for signals made and kept');
    const again = await made({}, ...control);
    assert.equal(again.logged[0]?.message, 'signing keys for signals');
    assert.deepEqual(await again.made?.keys.publicKeys(), await first.made?.keys.publicKeys());
    const kept = JSON.parse(await readFile(file, 'utf8')) as { current: { jwk: { d: string } } };
    assert.ok(!JSON.stringify([first.logged, again.logged]).includes(kept.current.jwk.d));
  });

  it('takes keys from a secret, or says what is wrong with them and not what they are', async () => {
    const control = [
      `drivers: { w: ${WEBHOOK}, s: ${ssf(IDP, ', jwks: { env: KEYS }')} }`,
      `listener: { consumers: ${CONSUMER} }`,
    ];
    const KEYS = JSON.stringify({ keys: [rsaKey(2048, 'given')] });
    const { made: good } = await made({ KEYS }, ...control);
    assert.equal((await good?.keys.publicKeys())?.[0]?.['kid'], 'given');
    await assert.rejects(made({ KEYS: 'canary-81' }, ...control), (cause: OperatingError) => {
      assert.equal(cause.code, 'CONFIG_INVALID');
      assert.match(cause.message, /^control\.drivers\.s\.jwks: jwks is no JWK Set/);
      return !cause.message.includes('canary');
    });
  });

  it('has a scope on every route that is not public by its standard', async () => {
    const { made: good } = await made(
      {},
      `drivers: { w: ${WEBHOOK}, s: ${ssf(IDP)} }`,
      `listener: { consumers: ${CONSUMER} }`,
    );
    const open = good?.routes.filter(({ scope }) => scope === null).map(({ path }) => path);
    assert.deepEqual(open, ['/.well-known/ssf-configuration', '/jwks.json']);
  });
});

describe('a driver that cannot undo what others can', () => {
  const OAUTH =
    '{ type: oauth, global: { url: https://as.example/g, authorization: { env: G }, subjectIssuer: i } }';
  const approval = 'approval: { suspend_agent: { quorum: 1 } }';
  const approvers = `approvers: { ada: { sha256: ${HASH} } }`;

  it('is in no chain of its own accord where nobody has to agree', async () => {
    const without = await configured(`drivers: { o: ${OAUTH} }`);
    assert.deepEqual(without.lines, []);
    assert.ok(without.config !== null);
    assert.equal(controlPlan(without.config).chains.get('suspend_agent'), undefined);
    const agreed = await configured(`drivers: { o: ${OAUTH} }`, approval, approvers);
    assert.ok(agreed.config !== null);
    assert.deepEqual(controlPlan(agreed.config).chains.get('suspend_agent'), ['o']);
  });

  it('is refused in a chain that says so without an approval', async () => {
    const { lines } = await configured(
      `drivers: { o: ${OAUTH} }`,
      'chains: { suspend_agent: [o] }',
    );
    assert.match(lines.join('\n'), /cannot undo suspend_agent; it needs control\.approval/);
  });
});
