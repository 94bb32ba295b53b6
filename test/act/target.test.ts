/** Targets: how long one that is busy asks us to wait, and whose agents one knows by name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVERS } from '../../src/act/act.ts';
import type { DriverDefinition } from '../../src/act/driver.ts';
import { retryAfterMs } from '../../src/act/target.ts';
import type { Http } from '../../src/model/ports.ts';
import { createVirtualClock } from '../sim/clock.ts';
import { intentionOf } from './intentions.ts';

test('Retry-After is seconds or a date, never more than half a minute and never negative', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  const of = (text: string | undefined) => retryAfterMs(text, nowMs);
  assert.deepEqual([of(undefined), of(''), of('soon'), of('-5')], [0, 0, 0, 0]);
  assert.deepEqual([of('7'), of(' 7 '), of('86400')], [7_000, 7_000, 30_000]);
  assert.equal(of('Thu, 01 Jan 2026 00:00:09 GMT'), 9_000);
  assert.equal(of('Wed, 31 Dec 2025 00:00:00 GMT'), 0);
});

const HASH = 'a'.repeat(64);
const BY_NAME = {
  kubernetes: { token: {}, workloads: { 'agent-7': 'deployment/agents/agent-7' } },
  litellm: { adminKey: {}, agents: { 'agent-7': HASH } },
  contextforge: { token: {}, servers: { 'agent-7': 'v7' } },
} as const;

for (const [type, options] of Object.entries(BY_NAME))
  test(`${type}: an agent of another tenant is nobody, though it bears the name; its release goes`, async () => {
    const asked: string[] = [];
    const http: Http = async ({ url }) => {
      asked.push(url);
      return { status: 404, headers: {}, body: '' };
    };
    const driverFor = (tenants: readonly string[] | undefined) => {
      const made = (DRIVERS as Readonly<Record<string, DriverDefinition<never>>>)[type]?.make({
        ...{ http, clock: createVirtualClock(), name: type, source: 'plumbline' },
        options: { type, url: 'http://127.0.0.1:1', ...options, tenants } as never,
        secret: () => 'token',
      });
      assert.ok(made?.ok, JSON.stringify(made));
      return made.driver;
    };
    const subject = { tenant: 't1', agent: 'agent-7', session: null, tools: [] };
    const request = intentionOf('L1', { verb: 'suspend_agent', subject });
    const other = driverFor(['t2']);
    assert.match(other.plan(request, null).reach, /^nobody: the tenant of the agent/);
    assert.equal((await other.snapshot?.(request))?.type, 'refused');
    assert.equal((await other.apply(request, { fields: {} })).type, 'refused');
    assert.equal(await other.readBack?.(request, { fields: {} }), 'unknown');
    assert.deepEqual(asked, []);
    const release = { ...request, step: 'release' as const };
    await other.apply(release, { fields: {}, on: { 'agent-7': true } });
    assert.notEqual(asked.length, 0, 'what was done before is still undone');
    for (const tenants of [undefined, ['t2', 't1']])
      assert.doesNotMatch(driverFor(tenants).plan(request, null).reach, /^nobody/);
  });
