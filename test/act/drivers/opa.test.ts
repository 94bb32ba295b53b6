/** The OPA driver: every replica, roots that bundles own, and an OPA that has lost its memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { opa } from '../../../src/act/drivers/opa.ts';
import { createHttp } from '../../../src/adapters/control-http.ts';
import { bundleOf } from '../../../src/api/opa-bundle.ts';
import type { Http } from '../../../src/model/ports.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { type Front, startFront } from '../counterparts/front.ts';
import { createOpa, type Opa } from '../counterparts/opa-server.ts';
import { intentionOf } from '../intentions.ts';

const TOKEN = 'opa-token';
const CALL = { agent: 'agent-7', session: 's-1', tool: 'send_money' };
const LEASE = 'plumbline/fast/leases/L1';
const request = intentionOf('L1');

const made = (http: Http, urls: readonly string[], options: object = {}) =>
  opa.make({
    ...{ http, clock: createVirtualClock(), name: 'opa', source: 'plumbline' },
    options: { type: 'opa', urls: [...urls], token: {}, timeout: '500ms', ...options },
    secret: (key) => (key === 'token' ? TOKEN : ''),
  });

const running = async (
  replicas: number,
  use: (
    driver: Extract<ReturnType<typeof made>, { ok: true }>['driver'],
    servers: readonly Opa[],
    fronts: readonly Front[],
  ) => Promise<void>,
): Promise<void> => {
  const servers = Array.from({ length: replicas }, () => createOpa(TOKEN, () => request.issuedMs));
  const fronts = await Promise.all(servers.map(({ target }) => startFront(target)));
  try {
    const result = made(
      createHttp(),
      fronts.map(({ url }) => url),
    );
    assert.ok(result.ok);
    await use(result.driver, servers, fronts);
  } finally {
    await Promise.all(fronts.map((front) => front.close()));
  }
};

describe('OPA driver', () => {
  it('writes what a policy needs, at an address that no agent has chosen', async () => {
    await running(1, async (driver, [server], [front]) => {
      assert.equal((await driver.apply(request, null)).type, 'accepted');
      assert.deepEqual(server?.value(LEASE), {
        ...{ lease: 'L1', case: 'case-L1', tenant: 't1', agent: 'agent-7', session: 's-1' },
        ...{ level: 'guarded', freezeTools: ['send_money'], reason: 'A call nobody announced.' },
        until: '2027-01-15T08:15:00.000Z',
        untilMs: 1_800_000_900_000,
      });
      const [put] = front?.seen ?? [];
      assert.equal(put?.path, '/v1/data/plumbline/fast/leases/L1');
      assert.equal(put?.headers['if-none-match'], '*');
    });
  });

  it('is done when every replica has it', async () => {
    await running(3, async (driver, servers, fronts) => {
      await fronts[2]?.lie('fail');
      const outcome = await driver.apply(request, null);
      // Two have it: that is no plain retry any more.
      assert.equal(outcome.type, 'unknown');
      assert.match(outcome.detail, /^1 of 3: HTTP 503/);
      await fronts[2]?.lie('honest');
      assert.equal((await driver.apply(request, null)).type, 'accepted');
      for (const one of servers) assert.equal(one.allows(CALL), false);
      assert.equal(await driver.readBack?.(request, null), 'applied');
    });
  });

  it('takes back what some took where another refuses for good', async () => {
    await running(2, async (driver, servers) => {
      const bundle = bundleOf(
        { leases: [], pauses: [] },
        { tenant: '-', maxAgeSeconds: 30, nowMs: 0 },
        null,
      );
      await servers[1]?.activate(bundle.body, null);
      const owned = await driver.apply(request, null);
      assert.equal(owned.type, 'accepted', 'our own bundle leaves the fast path alone');
      await driver.apply(intentionOf('L1', { step: 'release' }), null);
    });
    await running(2, async (driver, servers) => {
      await ownEverything(servers[1]);
      const outcome = await driver.apply(request, null);
      assert.equal(outcome.type, 'refused');
      assert.match(outcome.detail, /a bundle owns this path: give every bundle roots/);
      assert.equal(servers[0]?.allows(CALL), true);
    });
  });

  it('pushes again where OPA has lost its memory, and says so where somebody removed it', async () => {
    await running(2, async (driver, servers) => {
      await driver.apply(request, null);
      servers[0]?.restart();
      assert.equal(servers[0]?.allows(CALL), true);
      assert.equal(await driver.readBack?.(request, null), 'applied');
      assert.equal(servers[0]?.allows(CALL), false);
      servers[1]?.remove(LEASE);
      assert.equal(await driver.readBack?.(request, null), 'absent');
      assert.equal(servers[1]?.allows(CALL), true);
    });
  });

  it('heals every lease that a restart took, not only the first it asks for', async () => {
    await running(1, async (driver, [server]) => {
      const others = [1, 2, 3].map((n) => intentionOf(`L${n}`));
      for (const one of others) await driver.apply(one, null);
      server?.restart();
      for (const one of others) assert.equal(await driver.readBack?.(one, null), 'applied');
    });
  });

  it('pushes nothing again that was released, or that it never pushed', async () => {
    await running(1, async (driver, [server]) => {
      await driver.apply(request, null);
      await driver.apply(intentionOf('L1', { step: 'release' }), null);
      server?.restart();
      assert.equal(await driver.readBack?.(request, null), 'absent');
      assert.equal(await driver.readBack?.(intentionOf('L9'), null), 'absent');
      assert.equal(server?.value('plumbline'), undefined);
    });
  });

  it('refuses addresses that cannot be meant', () => {
    const http: Http = async () => assert.fail('nothing is sent');
    const problem = (urls: readonly string[]) => {
      const result = made(http, urls);
      return result.ok ? null : result.problem;
    };
    assert.match(problem(['http://169.254.169.254']) ?? '', /^urls\[0\] points at 169/);
    assert.match(problem(['http://u:p@opa:8181']) ?? '', /^urls\[0\] contains credentials/);
    assert.match(problem(['http://opa:8181', 'http://opa:8181/']) ?? '', /twice/);
    assert.equal(problem(['http://opa-0:8181', 'http://opa-1:8181']), null);
  });
});

/** A bundle whose manifest names no roots owns all data there is. */
async function ownEverything(server: Opa | undefined): Promise<void> {
  const { tarGz } = await import('../../../src/api/tar-file.ts');
  const manifest = Buffer.from(JSON.stringify({ revision: '1', roots: ['plumbline'] }));
  const bundle = tarGz([{ path: '.manifest', bytes: manifest }]);
  assert.equal(await server?.activate(bundle, null), 'activated');
}
