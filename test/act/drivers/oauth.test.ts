/** The OAuth driver: which tokens it revokes, how it says who it is, and what it does not widen. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { type OauthOptions, oauth } from '../../../src/act/drivers/oauth.ts';
import { createHttp } from '../../../src/adapters/control-http.ts';
import type { Intention } from '../../../src/model/decision.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import {
  type AuthorizationServer,
  createAuthorizationServer,
  GLOBAL_AUTHORIZATION,
  type KnownClient,
  publicHalf,
} from '../counterparts/authorization-server.ts';
import { type Front, startFront, type TargetReply } from '../counterparts/front.ts';
import { intentionOf } from '../intentions.ts';

const GRANTS = ['s-1', 's-2'].map((session) => ({
  ...{ tenant: 't1', agent: 'agent-7', session },
  ...{ refreshToken: `refresh-${session}`, accessToken: `access-${session}` },
}));
const CLIENT: KnownClient = { id: 'plumb line', secret: 'p:w d+&' };

interface World {
  readonly server: AuthorizationServer;
  readonly front: Front;
  readonly driver: ReturnType<typeof made>;
}

const made = (options: OauthOptions, secrets: Readonly<Record<string, string>>) => {
  const result = oauth.make({
    ...{ http: createHttp(), clock: createVirtualClock(), name: 'oauth', source: 'p', options },
    secret: (path) => secrets[path] ?? '',
  });
  assert.ok(result.ok, result.ok ? '' : result.problem);
  return result.driver;
};

/** Runs `body` over a server and a driver whose options are `options`, laid over a usual set. */
async function world(
  body: (world: World) => Promise<void>,
  options: (url: string) => Partial<OauthOptions> = () => ({}),
  secrets: Readonly<Record<string, string>> = {},
  client: KnownClient = CLIENT,
): Promise<void> {
  const server = createAuthorizationServer(client, GRANTS, createVirtualClock().nowMs);
  const front = await startFront(server.target);
  const driver = made(
    {
      ...{
        type: 'oauth',
        revocation: `${front.url}/revoke`,
        introspection: `${front.url}/introspect`,
      },
      client: { id: client.id, auth: 'client_secret_basic', secret: {} },
      tokens: { list: {} },
      timeout: '1s',
      ...options(front.url),
    },
    { 'tokens.list': JSON.stringify(GRANTS), 'client.secret': client.secret, ...secrets },
  );
  try {
    await body({ server, front, driver });
  } finally {
    await front.close();
  }
}

const revoke = (change: Partial<Intention> = {}, session: string | null = 's-1'): Intention =>
  intentionOf('L1', {
    ...{ driver: 'oauth', verb: 'revoke_session', expiresMs: null },
    subject: { tenant: 't1', agent: 'agent-7', session, tools: [] },
    ...change,
  });
const tokensSent = ({ seen }: Front) =>
  seen
    .filter(({ path }) => path === '/revoke')
    .map(({ body }) => new URLSearchParams(body))
    .map((form) => [form.get('token'), form.get('token_type_hint')]);

test('oauth: the refresh token first, then the access token, of this session alone', async () => {
  await world(async ({ driver, front, server }) => {
    const outcome = await driver.apply(revoke(), null);
    assert.deepEqual(outcome, { type: 'accepted', detail: '2 of 2 tokens revoked' });
    assert.deepEqual(tokensSent(front), [
      ['refresh-s-1', 'refresh_token'],
      ['access-s-1', 'access_token'],
    ]);
    assert.equal(server.isActive('access-s-2'), true);
  });
});
test('oauth: every session of an agent, where the intention is about the agent', async () => {
  await world(async ({ driver, server }) => {
    await driver.apply(revoke({}, null), null);
    for (const token of ['access-s-1', 'access-s-2']) assert.equal(server.isActive(token), false);
  });
});
test('oauth: another tenant’s agent of the same name is another agent', async () => {
  await world(async ({ driver }) => {
    const subject = { tenant: 't2', agent: 'agent-7', session: 's-1', tools: [] };
    const outcome = await driver.apply(revoke({ subject }), null);
    assert.equal(outcome.type, 'refused');
    assert.match(outcome.detail, /no token of this subject is known/);
  });
});
test('oauth: a type that the server does not revoke is counted; if it is all, refused', async () => {
  await world(async ({ driver, server }) => {
    server.unsupported.add('access_token');
    const { detail } = await driver.apply(revoke(), null);
    assert.equal(detail, '1 of 2 tokens revoked, 1 of a type it does not revoke');
    server.unsupported.add('refresh_token');
    assert.equal((await driver.apply(revoke(), null)).type, 'refused');
  });
});
test('oauth: 200 proves nothing: a server that knows no such token says 200 as well', async () => {
  await world(
    async ({ driver }) => {
      assert.equal((await driver.apply(revoke(), null)).type, 'accepted');
      assert.equal(await driver.readBack?.(revoke(), null), 'applied');
    },
    () => ({}),
    { 'tokens.list': JSON.stringify([{ agent: 'agent-7', session: 's-1', accessToken: 'x' }]) },
  );
});
test('oauth: the other step of a revocation sends nothing', async () => {
  await world(async ({ driver, front }) => {
    for (const step of ['renew', 'release'] as const)
      assert.equal((await driver.apply(revoke({ step }), null)).type, 'already');
    assert.equal(front.seen.length, 0);
  });
});
test('oauth: the grace is the life of a token, unless every resource server asks', async () => {
  await world(async ({ driver }) => assert.equal(driver.capabilities().graceMs, 3_600_000));
  await world(
    async ({ driver }) => assert.equal(driver.capabilities().graceMs, 300_000),
    () => ({ tokenLife: '5m' }),
  );
  await world(
    async ({ driver }) => assert.equal(driver.capabilities().graceMs, 5_000),
    () => ({ introspects: true }),
  );
});

for (const auth of ['client_secret_basic', 'client_secret_post'] as const)
  test(`oauth: it says who it is by ${auth}`, async () => {
    await world(
      async ({ driver, server }) => {
        assert.equal((await driver.apply(revoke(), null)).type, 'accepted');
        assert.deepEqual(server.rejected, []);
      },
      () => ({ client: { id: CLIENT.id, auth, secret: {} } }),
    );
  });
for (const kind of ['rsa', 'ec'] as const)
  test(`oauth: it says who it is by private_key_jwt, ${kind}, each assertion once`, async () => {
    const pair =
      kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = String(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const audience = 'https://idp.example';
    await world(
      async ({ driver, server, front }) => {
        assert.equal((await driver.apply(revoke(), null)).type, 'accepted');
        assert.equal(await driver.readBack?.(revoke(), null), 'applied');
        assert.deepEqual(server.rejected, []);
        assert.ok(front.seen.every(({ headers }) => headers['authorization'] === undefined));
      },
      () => ({ client: { id: CLIENT.id, key: {}, audience } }),
      { 'client.key': pem },
      { ...CLIENT, publicKey: publicHalf(pem), audience },
    );
  });
test('oauth: a client that is not believed is an alarm, and not tried again', async () => {
  await world(
    async ({ driver, front }) => {
      const outcome = await driver.apply(revoke(), null);
      assert.equal(outcome.type, 'refused');
      assert.match(outcome.detail, /^ControlAuth: .*client and its credential/);
      assert.equal(front.seen.length, 1);
      assert.equal(await driver.readBack?.(revoke(), null), 'unknown');
    },
    () => ({}),
    { 'client.secret': 'wrong' },
  );
});

const globally = (url: string, wholeAgent = false): Partial<OauthOptions> => ({
  global: {
    ...{ url: `${url}/global`, authorization: {}, subjectIssuer: 'https://idp.example' },
    wholeAgent,
  },
});
const GLOBAL = { 'global.authorization': GLOBAL_AUTHORIZATION };

test('oauth, global: a suspended agent loses everything it holds', async () => {
  await world(
    async ({ driver, server, front }) => {
      const suspend = revoke({ verb: 'suspend_agent' }, null);
      assert.ok(driver.capabilities().irreversible.includes('suspend_agent'));
      assert.match(driver.plan(suspend, null).reach, /every session/);
      assert.deepEqual(await driver.apply(suspend, null), { type: 'accepted', detail: 'HTTP 204' });
      for (const token of ['access-s-1', 'access-s-2']) assert.equal(server.isActive(token), false);
      assert.equal(front.seen.length, 1);
    },
    globally,
    GLOBAL,
  );
});
test('oauth, global: one session is not ended by ending all, unless that is allowed', async () => {
  const only = (url: string, wholeAgent: boolean): Partial<OauthOptions> => {
    const options: OauthOptions = { type: 'oauth', ...globally(url, wholeAgent) };
    return options;
  };
  for (const wholeAgent of [false, true]) {
    const server = createAuthorizationServer(CLIENT, GRANTS, () => 0);
    const front = await startFront(server.target);
    const driver = made({ type: 'oauth', ...only(front.url, wholeAgent) }, GLOBAL);
    const outcome = await driver.apply(revoke(), null);
    assert.equal(outcome.type, wholeAgent ? 'accepted' : 'refused');
    assert.equal(server.isActive('access-s-2'), !wholeAgent);
    assert.equal(driver.readBack, undefined);
    await front.close();
  }
});
test('oauth, global: a subject nobody knows, and a token that is not believed', async () => {
  await world(
    async ({ driver }) => {
      const subject = { tenant: 't1', agent: 'nobody', session: null, tools: [] };
      assert.equal((await driver.apply(revoke({ subject }), null)).type, 'refused');
    },
    globally,
    GLOBAL,
  );
  await world(
    async ({ driver }) => {
      const { detail } = await driver.apply(revoke({}, null), null);
      assert.match(detail, /^ControlAuth: .*global\.authorization/);
    },
    globally,
    { 'global.authorization': 'Bearer wrong' },
  );
});

test('oauth, vault: asked in the body, believed in bounds, remembered for the read-back', async () => {
  let answer: TargetReply = { status: 404, body: '' };
  const vault = await startFront(() => answer);
  const options = () => ({
    tokens: { vault: { url: `${vault.url}/tokens`, authorization: {} } },
  });
  const secrets = { 'tokens.vault.authorization': 'Bearer vault' };
  try {
    await world(
      async ({ driver, server }) => {
        assert.equal((await driver.apply(revoke(), null)).type, 'refused');
        assert.deepEqual(JSON.parse(vault.seen[0]?.body ?? ''), {
          ...{ tenant: 't1', agent: 'agent-7', session: 's-1' },
        });
        assert.equal(vault.seen[0]?.headers['authorization'], 'Bearer vault');
        assert.equal(await driver.readBack?.(revoke(), null), 'unknown');
        answer = { status: 503, body: '' };
        const outcome = await driver.apply(revoke(), null);
        assert.deepEqual(outcome, { type: 'retry', detail: 'token vault: HTTP 503', afterMs: 0 });
        const tokens = [
          { token: 'access-s-1', type: 'access_token' },
          { token: 'refresh-s-1', type: 'refresh_token' },
          { token: 'x', type: 'id_token' },
          { token: 7, type: 'access_token' },
          null,
        ];
        answer = { status: 200, body: { tokens } };
        assert.equal((await driver.apply(revoke(), null)).detail, '2 of 2 tokens revoked');
        assert.equal(server.isActive('access-s-1'), false);
        answer = { status: 404, body: '' };
        assert.equal(await driver.readBack?.(revoke(), null), 'applied');
        answer = { status: 200, body: { tokens: Array(65).fill(tokens[0]) } };
        assert.equal((await driver.apply(revoke(), null)).type, 'refused');
        await vault.lie('lose-reply');
        assert.equal((await driver.apply(revoke(), null)).type, 'retry');
      },
      options,
      secrets,
    );
  } finally {
    await vault.close();
  }
});

test('oauth: options that cannot be meant are refused, with key and reason and no secret', () => {
  const base: OauthOptions = {
    ...{ type: 'oauth', revocation: 'https://as.example/revoke' },
    client: { id: 'p', auth: 'client_secret_post', secret: {} },
    tokens: { list: {} },
  };
  const list = JSON.stringify(GRANTS);
  const problem = (options: OauthOptions, secrets: Readonly<Record<string, string>> = {}) => {
    const result = oauth.make({
      ...{ http: createHttp(), clock: createVirtualClock(), name: 'oauth', source: 'p', options },
      secret: (path) => ({ 'tokens.list': list, ...secrets })[path] ?? 'canary-2e',
    });
    assert.ok(result.ok || !result.problem.includes('canary'));
    return result.ok ? null : result.problem;
  };
  assert.equal(problem(base), null);
  assert.match(problem({ type: 'oauth' }) ?? '', /neither revocation nor global/);
  const metadata = { ...base, introspection: 'http://169.254.169.254/x' };
  assert.match(problem(metadata) ?? '', /^introspection points at/);
  const { client: _, ...anonymous } = base;
  assert.match(problem(anonymous) ?? '', /^client is missing/);
  assert.match(problem({ ...base, client: { id: 'p' } }) ?? '', /^client\.key is missing/);
  assert.match(problem({ ...base, tokens: {} }) ?? '', /exactly one of list and vault/);
  assert.match(
    problem({ ...base, client: { id: 'p', key: {} } }) ?? '',
    /^client\.key is no private/,
  );
  for (const spoilt of [
    'canary-2e',
    '{}',
    '[{"agent": "canary-2e"}]',
    '[{"session": "s", "accessToken": "canary-2e"}]',
    '[null]',
    '], "x": [',
  ])
    assert.match(problem(base, { 'tokens.list': spoilt }) ?? 'taken', /^tokens\.list/, spoilt);
});
