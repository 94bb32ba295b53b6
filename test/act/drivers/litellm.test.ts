/** The LiteLLM driver: what really denies, whose key it is, and what is written back. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DriverResult } from '../../../src/act/driver.ts';
import { litellm } from '../../../src/act/drivers/litellm.ts';
import { createHttp } from '../../../src/adapters/control-http.ts';
import { pluginOptions } from '../../../src/commands/plugin-options.ts';
import type { Prior } from '../../../src/model/action-log.ts';
import type { Intention, Verb } from '../../../src/model/decision.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { goesThrough, HASHES, type LiteLLMProxy, startProxy } from '../counterparts/litellm.ts';

const CALL = { model: 'large', server: 'bank', tool: 'send_money' };
const starting = async (t: TestContext, verb: Verb, tools: readonly string[] = []) => {
  const proxy = await startProxy({ http: createHttp(), clock: createVirtualClock() }, verb, tools);
  t.after(() => proxy.close());
  return proxy;
};
const acting = async ({ driver }: LiteLLMProxy, request: Intention): Promise<Prior> => {
  const told = await driver.snapshot?.(request);
  assert.ok(told?.type === 'prior', JSON.stringify(told));
  const outcome = await driver.apply(request, told.prior);
  assert.equal(outcome.type, 'accepted', JSON.stringify(outcome));
  return told.prior;
};
const about = (agent: string, tools: readonly string[] = []) => ({
  subject: { tenant: 't1', agent, session: null, tools },
});
const made = (options: object): DriverResult =>
  litellm.make({
    http: createHttp(),
    ...{ clock: createVirtualClock(), name: 'litellm', source: 'plumbline' },
    options: { type: 'litellm', url: 'http://127.0.0.1:1', adminKey: {}, ...options },
    secret: () => 'sk-admin',
  });

test('a key without grants of its own has its team’s: the sentinel denies it, an empty list does not', async (t) => {
  const proxy = await starting(t, 'freeze_tool');
  const { state } = proxy.target;
  const heir = state.keys[HASHES.heir];
  assert.ok(heir !== undefined);
  heir.object_permission = { mcp_servers: [] };
  assert.equal(goesThrough(state, HASHES.heir, CALL), true);
  const request = proxy.intention('L1', about('heir'));
  const prior = await acting(proxy, request);
  assert.deepEqual(heir.object_permission.mcp_servers, ['no-mcp-servers']);
  assert.equal(goesThrough(state, HASHES.heir, CALL), false);
  await proxy.driver.apply(proxy.intention('L1', { ...about('heir'), step: 'release' }), prior);
  assert.equal(goesThrough(state, HASHES.heir, CALL), true);
});

test('one tool is taken, and nothing beside it', async (t) => {
  const proxy = await starting(t, 'freeze_tool', ['send_money']);
  await acting(proxy, proxy.intention('L1'));
  const through = (call: object) =>
    goesThrough(proxy.target.state, HASHES.agent, { ...CALL, ...call });
  assert.deepEqual(
    [through({}), through({ tool: 'balance' }), through({ server: 'files', tool: 'read_file' })],
    [false, true, true],
  );
});

test('the last tool of a server leaves a list that permits nothing: an empty one is no limit', async (t) => {
  const proxy = await starting(t, 'freeze_tool', ['send_money', 'balance']);
  const prior = await acting(proxy, proxy.intention('L1'));
  const { state } = proxy.target;
  const through = (tool: string) => goesThrough(state, HASHES.agent, { ...CALL, tool });
  assert.deepEqual([through('send_money'), through('balance')], [false, false]);
  await proxy.driver.apply(proxy.intention('L1', { step: 'release' }), prior);
  assert.deepEqual([through('send_money'), through('balance')], [true, true]);
});

for (const order of [
  ['one', 'other', 'all'],
  ['all', 'other', 'one'],
  ['other', 'one', 'all'],
  ['all', 'one', 'other'],
] as const)
  test(`leases on one tool, another and all of a key end in any order: ${order}`, async (t) => {
    const proxy = await starting(t, 'freeze_tool');
    const before = proxy.setting?.();
    const tools = { one: ['send_money'], other: ['balance'], all: [] };
    const priors = new Map<string, Prior>();
    for (const name of ['one', 'other', 'all'] as const)
      priors.set(name, await acting(proxy, proxy.intention(name, about('agent-7', tools[name]))));
    const standing = new Set<string>(order);
    for (const name of order) {
      const release = { ...about('agent-7', tools[name]), step: 'release' } as const;
      const prior = priors.get(name) ?? null;
      const outcome = await proxy.driver.apply(proxy.intention(name, release), prior);
      assert.equal(outcome.type, 'accepted', JSON.stringify([name, outcome]));
      standing.delete(name);
      assert.equal(await proxy.stops(), standing.has('one') || standing.has('all'), name);
    }
    assert.equal(proxy.setting?.(), before);
  });

test('the key of an admin is not blocked, because blocked it would go on working', async (t) => {
  const proxy = await starting(t, 'suspend_agent');
  const { state } = proxy.target;
  const told = await proxy.driver.snapshot?.(proxy.intention('L1', about('root')));
  assert.deepEqual(told, {
    type: 'refused',
    detail: 'the key is an admin’s, and a blocked admin key goes on working',
  });
  const admin = state.keys[HASHES.admin];
  assert.ok(admin !== undefined);
  admin.blocked = true;
  assert.equal(goesThrough(state, HASHES.admin, CALL), true);
});

test('who it was for stands in the proxy’s own audit', async (t) => {
  const proxy = await starting(t, 'suspend_agent');
  await acting(proxy, proxy.intention('L1'));
  assert.deepEqual(proxy.target.state.changedBy, ['plumbline/case-L1']);
});

test('limits are never loosened, a budget is what was spent and an allowance, no model is added', async (t) => {
  const proxy = await starting(t, 'posture');
  const row = proxy.target.state.keys[HASHES.agent];
  assert.ok(row !== undefined);
  row.max_parallel_requests = 1;
  const prior = await acting(proxy, proxy.intention('L1'));
  const limits = () => [row.rpm_limit, row.max_parallel_requests, row.max_budget, row.models];
  assert.deepEqual(limits(), [10, 1, 13.5, ['small']]);
  row.spend = 13;
  assert.equal(await proxy.driver.readBack?.(proxy.intention('L1'), prior), 'applied');
  await proxy.driver.apply(proxy.intention('L1', { step: 'release' }), prior);
  assert.deepEqual(limits(), [null, 1, 100, ['small', 'large']]);
});

test('no model of the posture is the key’s: refused, rather than left without any', async (t) => {
  const proxy = await starting(t, 'posture');
  const row = proxy.target.state.keys[HASHES.agent];
  assert.ok(row !== undefined);
  row.models = ['large'];
  const told = await proxy.driver.snapshot?.(proxy.intention('L1'));
  assert.equal(told?.type, 'refused');
});

test('changed between reading and acting: refused, and theirs stands', async (t) => {
  const proxy = await starting(t, 'freeze_tool');
  const request = proxy.intention('L1');
  const told = await proxy.driver.snapshot?.(request);
  assert.ok(told?.type === 'prior');
  await proxy.meddle?.();
  const theirs = proxy.setting?.();
  assert.equal((await proxy.driver.apply(request, told.prior)).type, 'refused');
  assert.equal(proxy.setting?.(), theirs);
});

test('the plan is what will be sent, as far as it can be told without asking', async (t) => {
  const proxy = await starting(t, 'posture');
  const told = await proxy.driver.snapshot?.(proxy.intention('L1'));
  assert.ok(told?.type === 'prior');
  const planned = (change: Partial<Intention>, prior: Prior | null = null) =>
    JSON.parse(proxy.driver.plan(proxy.intention('L1', change), prior).body);
  const key = HASHES.agent;
  assert.deepEqual(planned({ verb: 'suspend_agent' }), { key });
  assert.deepEqual(planned({ verb: 'freeze_tool' }), {
    key,
    object_permission: { mcp_servers: ['no-mcp-servers'] },
  });
  await proxy.driver.apply(proxy.intention('L1'), told.prior);
  const sent = proxy.target.front.seen.find(({ method }) => method === 'POST');
  assert.deepEqual(planned({}, told.prior), JSON.parse(sent?.body ?? ''));
});

test('without a record of what stood nothing is sent', async (t) => {
  const proxy = await starting(t, 'suspend_agent');
  assert.equal((await proxy.driver.apply(proxy.intention('L1'), null)).type, 'refused');
  assert.equal(proxy.effects(), 0);
});

test('a session’s own key is blocked for good; the plan says that there is no undo', async (t) => {
  const proxy = await starting(t, 'revoke_session');
  const subject = { tenant: 't1', agent: 'agent-7', session: 's-7', tools: [] };
  const revoke = proxy.intention('L1', { subject, expiresMs: null });
  const prior = await acting(proxy, revoke);
  assert.equal(proxy.driver.plan(revoke, prior).undo, null);
  assert.equal(await proxy.stops(), true);
});

test('the grace is longer than the cache of the replicas', async (t) => {
  const proxy = await starting(t, 'suspend_agent');
  assert.equal(proxy.driver.capabilities().graceMs, 65_000);
});

test('options that cannot work are refused with key and reason', () => {
  const problemOf = (options: object) => {
    const result = made(options);
    return result.ok ? '' : result.problem;
  };
  assert.match(problemOf({}), /lists no key to act on: give agents or sessions/);
  const agents = { a: HASHES.agent };
  assert.match(problemOf({ agents, posture: {} }), /posture limits nothing/);
  assert.match(problemOf({ agents, url: 'http://169.254.169.254/' }), /metadata/);
  const schema = litellm.options;
  const base = { type: 'litellm', url: 'http://127.0.0.1:1', adminKey: { env: 'K' } };
  const inline = pluginOptions(schema, { ...base, agents: { a: 'sk-secret' } }, 'control.x');
  assert.ok(!inline.ok && inline.problems.every(({ message }) => !message.includes('sk-secret')));
  assert.ok(pluginOptions(schema, { ...base, agents }, 'control.x').ok);
});
