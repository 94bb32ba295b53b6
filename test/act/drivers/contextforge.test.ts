/** The ContextForge driver: locks, catch-alls, several tools as one lease, and what is never touched. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DriverResult } from '../../../src/act/driver.ts';
import { contextforge } from '../../../src/act/drivers/contextforge.ts';
import { createHttp } from '../../../src/adapters/control-http.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { type Forge, startForge } from '../counterparts/contextforge.ts';

const starting = async (t: TestContext): Promise<Forge> => {
  const forge = await startForge({ http: createHttp(), clock: createVirtualClock() });
  t.after(() => forge.close());
  return forge;
};
const two = { tenant: 't1', agent: 'agent-7', session: null, tools: ['send_money', 'read_file'] };
const priorOf = async ({ driver }: Forge, intention: Parameters<Forge['driver']['apply']>[0]) => {
  const told = await driver.snapshot?.(intention);
  assert.ok(told?.type === 'prior', JSON.stringify(told));
  return told.prior;
};
const made = (options: object): DriverResult =>
  contextforge.make({
    http: createHttp(),
    ...{ clock: createVirtualClock(), name: 'forge', source: 'plumbline' },
    options: { type: 'contextforge', url: 'http://127.0.0.1:1/', token: {}, ...options },
    secret: () => 'forge-token',
  });

test('a locked row is a retry, and the same key works when the lock is gone', async (t) => {
  const forge = await starting(t);
  const request = forge.intention('L1');
  const prior = await priorOf(forge, request);
  forge.target.state.locked = 1;
  const locked = await forge.driver.apply(request, prior);
  assert.deepEqual(locked, {
    type: 'retry',
    detail: 'HTTP 409, locked by another change',
    afterMs: 0,
  });
  assert.equal((await forge.driver.apply(request, prior)).type, 'accepted');
});

test('several tools are one lease: frozen together, and together let go', async (t) => {
  const forge = await starting(t);
  const request = forge.intention('L1', { subject: two });
  const prior = await priorOf(forge, request);
  assert.deepEqual(prior, { on: { send_money: true, read_file: true } });
  assert.deepEqual(await forge.driver.apply(request, prior), {
    type: 'accepted',
    detail: '2 of 2 switched off',
  });
  const release = forge.intention('L1', { step: 'release', subject: two });
  assert.deepEqual(await forge.driver.apply(release, prior), {
    type: 'accepted',
    detail: '2 of 2 switched on again',
  });
});

test('refused half way: what was switched off is on again, and the lease did not happen', async (t) => {
  const forge = await starting(t);
  const before = forge.everything();
  const request = forge.intention('L1', { subject: two });
  const prior = await priorOf(forge, request);
  forge.target.state.foreign.push('t2');
  const outcome = await forge.driver.apply(request, prior);
  assert.equal(outcome.type, 'refused');
  assert.match(outcome.detail, /^ControlAuth: HTTP 403/);
  forge.target.state.foreign.pop();
  assert.equal(forge.everything(), before);
  assert.equal(forge.effects(), 2);
});

test('switched off by an earlier try and refused by a later one: on again all the same', async (t) => {
  const forge = await starting(t);
  const before = forge.everything();
  const request = forge.intention('L1', { subject: two });
  const prior = await priorOf(forge, request);
  forge.target.state.locked = 1;
  assert.equal((await forge.driver.apply(request, prior)).type, 'retry');
  assert.equal(forge.effects(), 1);
  const onlyOther = forge.target.state.tools['t1']?.enabled === true ? 't1' : 't2';
  forge.target.state.foreign.push(onlyOther);
  assert.equal((await forge.driver.apply(request, prior)).type, 'refused');
  forge.target.state.foreign.pop();
  assert.equal(forge.everything(), before);
});

test('nothing is switched off before it is recorded whether it was on', async (t) => {
  const forge = await starting(t);
  assert.equal((await forge.driver.apply(forge.intention('L1'), null)).type, 'refused');
  assert.equal(forge.effects(), 0);
});

test('locked half way: a retry with the same key goes on where it stopped', async (t) => {
  const forge = await starting(t);
  const request = forge.intention('L1', { subject: two });
  const prior = await priorOf(forge, request);
  await forge.driver.apply(forge.intention('L0'), await priorOf(forge, forge.intention('L0')));
  forge.target.state.locked = 1;
  assert.equal((await forge.driver.apply(request, prior)).type, 'retry');
  assert.equal((await forge.driver.apply(request, prior)).detail, '1 of 2 switched off');
});

test('undo switches on only what was on before', async (t) => {
  const forge = await starting(t);
  const file = forge.target.state.tools['t2'];
  assert.ok(file !== undefined);
  file.enabled = false;
  const request = forge.intention('L1', { subject: two });
  const prior = await priorOf(forge, request);
  await forge.driver.apply(request, prior);
  const release = forge.intention('L1', { step: 'release', subject: two });
  assert.equal(forge.driver.plan(request, prior).undo, 'activate=true for 1 of 2 tools');
  await forge.driver.apply(release, prior);
  assert.deepEqual([forge.target.state.tools['t1']?.enabled, file.enabled], [true, false]);
});

test('a tool that was deleted meanwhile needs no undo, and cannot be frozen', async (t) => {
  const forge = await starting(t);
  const request = forge.intention('L1');
  const prior = await priorOf(forge, request);
  await forge.driver.apply(request, prior);
  delete forge.target.state.tools['t1'];
  const release = forge.intention('L1', { step: 'release' });
  assert.equal((await forge.driver.apply(release, prior)).type, 'already');
  assert.equal((await forge.driver.apply(request, prior)).type, 'refused');
});

test('an agent is suspended by the server that is its own; others go on', async (t) => {
  const forge = await starting(t);
  const subject = { ...two, tools: [] };
  const request = forge.intention('L1', { verb: 'suspend_agent', subject });
  const prior = await priorOf(forge, request);
  assert.equal((await forge.driver.apply(request, prior)).type, 'accepted');
  assert.deepEqual([await forge.stops(), await forge.stops('bystander')], [true, false]);
});

test('an unknown token is a mistake to be told of, and no success', async (t) => {
  const forge = await starting(t);
  const revoke = forge.intention('L1', { verb: 'revoke_session', expiresMs: null });
  assert.equal((await forge.driver.apply(revoke, {})).type, 'accepted');
  assert.equal(await forge.driver.readBack?.(revoke, {}), 'applied');
  delete forge.target.state.tokens['k1'];
  assert.equal((await forge.driver.apply(revoke, {})).type, 'refused');
  assert.equal(await forge.driver.readBack?.(revoke, {}), 'unknown');
});

test('a session that is called like an agent does not reach the token of that agent', async (t) => {
  const forge = await starting(t);
  const revoke = (agent: string, session: string | null) =>
    forge.intention('L1', {
      ...{ verb: 'revoke_session', expiresMs: null },
      subject: { tenant: 't1', agent, session, tools: [] },
    });
  const impostor = await forge.driver.apply(revoke('agent-7', 'agent-8'), {});
  assert.deepEqual(
    [impostor.type, impostor.detail],
    ['refused', 'not listed in sessions of this driver, so it is never touched'],
  );
  assert.equal((await forge.driver.apply(revoke('s-1', null), {})).type, 'refused');
  assert.equal(forge.target.state.tokens['k2']?.is_active, true);
  // The older name of the option still means agents.
  assert.equal((await forge.driver.apply(revoke('agent-8', null), {})).type, 'accepted');
  assert.equal(forge.target.state.tokens['k2']?.is_active, false);
});

test('the plan says that everybody who uses the tool is touched', async (t) => {
  const forge = await starting(t);
  const plan = forge.driver.plan(forge.intention('L1'), null);
  assert.equal(plan.reach, 'everybody who uses 1 tool');
  assert.match(plan.url, /\/tools\/t1\/state$/);
  const stranger = forge.intention('L1', { subject: { ...two, tools: ['other'] } });
  assert.match(forge.driver.plan(stranger, null).reach, /^nobody: not listed in tools/);
});

test('options that cannot work are refused with key and reason', () => {
  const problemOf = (options: object) => {
    const result = made(options);
    assert.ok(!result.ok);
    return result.problem;
  };
  assert.match(problemOf({}), /lists nothing to act on: give tools, servers, agents or sessions/);
  assert.equal(problemOf({ tools: { pay: '../x' } }), 'tools.pay is not an id of the gateway');
  assert.match(problemOf({ url: 'http://169.254.169.254/', tools: { a: 'b' } }), /metadata/);
});

test('it is able to do what is listed, and only then touches everybody', () => {
  const able = (options: object) => {
    const result = made(options);
    assert.ok(result.ok);
    const { verbs, blast, irreversible } = result.driver.capabilities();
    return { verbs, blast, irreversible };
  };
  assert.deepEqual(able({ tools: { pay: 'p1' } }), {
    verbs: ['freeze_tool'],
    blast: 'tool-users',
    irreversible: [],
  });
  for (const list of ['agents', 'sessions', 'tokens'])
    assert.deepEqual(able({ [list]: { one: 'k1' } }), {
      verbs: ['revoke_session'],
      blast: 'subject',
      irreversible: ['revoke_session'],
    });
});
