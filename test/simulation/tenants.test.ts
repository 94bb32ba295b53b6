/** Tenants: one stream in order of time, no id twice, and each tenant's part the fleet it would be alone. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFleet } from '../../src/simulation/fleet.ts';
import { createTenants } from '../../src/simulation/tenants.ts';

const OPTIONS = {
  seed: 's',
  agents: 12,
  startMs: 1_800_000_000_000,
  sessionsPerHour: 900,
  badShare: 0.2,
};

it('mixes fleets in order of time, each of a tenant, with ids of its own', () => {
  const records = createTenants({ ...OPTIONS, sessions: 6 }, 3).take(100_000);
  const times = records.map(({ atMs }) => atMs);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
  const tenants = new Set(records.map(({ event }) => event.tenant ?? '-'));
  assert.deepEqual([...tenants].sort(), ['-', 'tenant-1', 'tenant-2']);
  const ids = records.flatMap(({ topic, event }) =>
    event.id === undefined ? [] : `${topic} ${event.id}`,
  );
  assert.equal(new Set(ids).size, ids.length);
  const alone = createFleet({
    ...OPTIONS,
    ...{ agents: 4, sessionsPerHour: 300, seed: 's-2', sessions: 6 },
    tenant: 'tenant-2',
  });
  const own = records.filter(({ event }) => event.tenant === 'tenant-2');
  assert.deepEqual(
    own.map(({ atMs }) => atMs),
    alone.take(100_000).map(({ atMs }) => atMs),
  );
});

it('is the fleet itself where there is one tenant, and refuses more tenants than agents', () => {
  const one = createTenants(OPTIONS, 1).take(200);
  assert.deepEqual(one, createFleet(OPTIONS).take(200));
  assert.throws(() => createTenants(OPTIONS, 13), /too few for 13 tenants/);
});

it('gives what it has up to a time', () => {
  const fleet = createTenants(OPTIONS, 3);
  const early = fleet.until(OPTIONS.startMs + 5_000);
  assert.ok(early.length > 0 && early.every(({ atMs }) => atMs <= OPTIONS.startMs + 5_000));
  assert.ok((fleet.next()?.atMs ?? 0) > OPTIONS.startMs + 5_000);
});
