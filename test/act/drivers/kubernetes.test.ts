/** The Kubernetes driver: asked for is not stopped, rights, races, and who can be addressed. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DriverResult } from '../../../src/act/driver.ts';
import { kubernetes } from '../../../src/act/drivers/kubernetes.ts';
import type { KindOfWorkload } from '../../../src/act/drivers/kubernetes-workloads.ts';
import { createHttp } from '../../../src/adapters/control-http.ts';
import type { Prior } from '../../../src/model/action-log.ts';
import type { Http } from '../../../src/model/ports.ts';
import { createVirtualClock, type VirtualClock } from '../../sim/clock.ts';
import { type Cluster, startCluster } from '../counterparts/kubernetes.ts';

const starting = async (
  t: TestContext,
  kind: KindOfWorkload,
  http: Http = createHttp(),
): Promise<Cluster & { readonly clock: VirtualClock }> => {
  const clock = createVirtualClock();
  const cluster = await startCluster({ http, clock }, kind);
  t.after(() => cluster.close());
  return { ...cluster, clock };
};
const priorOf = async ({ driver, intention }: Cluster): Promise<Prior> => {
  const told = await driver.snapshot?.(intention('L1'));
  assert.ok(told?.type === 'prior', JSON.stringify(told));
  return told.prior;
};
const made = (options: object): DriverResult =>
  kubernetes.make({
    http: createHttp(),
    ...{ clock: createVirtualClock(), name: 'cluster', source: 'plumbline' },
    options: { type: 'kubernetes', url: 'http://127.0.0.1:1', token: {}, ...options },
    secret: () => 'token',
  });

for (const kind of ['sandbox', 'deployment', 'statefulset', 'cronjob'] as const)
  test(`${kind}: asked to stop is not stopped; while its pods end nothing is said`, async (t) => {
    const cluster = await starting(t, kind);
    cluster.target.state.terminationMs = 30_000;
    const prior = await priorOf(cluster);
    const request = cluster.intention('L1');
    assert.equal((await cluster.driver.apply(request, prior)).type, 'accepted');
    assert.equal(await cluster.stops(), false);
    assert.equal(await cluster.driver.readBack?.(request, prior), 'unknown');
    await cluster.clock.advance(30_000);
    assert.equal(await cluster.stops(), true);
    assert.equal(await cluster.driver.readBack?.(request, prior), 'applied');
  });

test('each kind is written where it lives, and replicas only by their scale', async (t) => {
  const sent = async (kind: KindOfWorkload) => {
    const cluster = await starting(t, kind);
    await cluster.driver.apply(cluster.intention('L1'), await priorOf(cluster));
    const writes = cluster.target.front.seen.filter(({ method }) => method !== 'GET');
    return writes.map(({ method, path }) => `${method} ${path}`);
  };
  const at = (root: string) => `PATCH /api${root}`;
  assert.deepEqual(await sent('sandbox'), [
    at('s/agents.x-k8s.io/v1beta1/namespaces/agents/sandboxes/agent-7'),
  ]);
  assert.deepEqual(await sent('deployment'), [
    at('s/apps/v1/namespaces/agents/deployments/agent-7/scale'),
  ]);
  assert.deepEqual(await sent('cronjob'), [at('s/batch/v1/namespaces/agents/cronjobs/agent-7')]);
  assert.deepEqual(await sent('pod'), [
    at('s/networking.k8s.io/v1/namespaces/agents/networkpolicies/plumbline-l1'),
    at('/v1/namespaces/agents/pods/agent-7'),
  ]);
});

test('replicas come back as many as there were', async (t) => {
  const cluster = await starting(t, 'deployment');
  cluster.object.spec = { replicas: 7 };
  const prior = await priorOf(cluster);
  await cluster.driver.apply(cluster.intention('L1'), prior);
  assert.deepEqual(cluster.object.spec, { replicas: 0 });
  await cluster.driver.apply(cluster.intention('L1', { step: 'release' }), prior);
  assert.deepEqual(cluster.object.spec, { replicas: 7 });
});

test('the lease stands on the object while it is stopped, and not after', async (t) => {
  const cluster = await starting(t, 'sandbox');
  const prior = await priorOf(cluster);
  await cluster.driver.apply(cluster.intention('L1'), prior);
  assert.deepEqual(cluster.object.metadata.annotations, { 'plumbline/lease': 'l1' });
  await cluster.driver.apply(cluster.intention('L1', { step: 'release' }), prior);
  assert.deepEqual(cluster.object.metadata.annotations, {});
});

test('written by somebody else between reading and writing: a retry that reads again', async (t) => {
  let meddle: (() => void) | null = null;
  const plain = createHttp();
  const http: Http = async (request) => {
    if (request.method === 'PATCH') meddle?.();
    return plain(request);
  };
  const cluster = await starting(t, 'sandbox', http);
  const prior = await priorOf(cluster);
  meddle = () => {
    cluster.object.metadata.resourceVersion = '999';
  };
  const request = cluster.intention('L1');
  const raced = await cluster.driver.apply(request, prior);
  assert.deepEqual(raced, { type: 'retry', detail: 'HTTP 409, changed meanwhile', afterMs: 0 });
  meddle = null;
  assert.equal((await cluster.driver.apply(request, prior)).type, 'accepted');
});

test('without the right it is refused, and says where the rights stand', async (t) => {
  const cluster = await starting(t, 'sandbox');
  const prior = await priorOf(cluster);
  await cluster.lie('refuse');
  const outcome = await cluster.driver.apply(cluster.intention('L1'), prior);
  assert.match(outcome.detail, /^ControlAuth: HTTP 403.*service account/);
});

test('a quarantine is a policy without rules and its label; both are gone afterwards', async (t) => {
  const cluster = await starting(t, 'pod');
  const prior = await priorOf(cluster);
  await cluster.driver.apply(cluster.intention('L1'), prior);
  assert.deepEqual(cluster.target.state.policies, {
    'plumbline-l1': {
      manager: 'plumbline',
      spec: {
        podSelector: { matchLabels: { 'plumbline/quarantine': 'l1' } },
        policyTypes: ['Ingress', 'Egress'],
      },
    },
  });
  await cluster.driver.apply(cluster.intention('L1', { step: 'release' }), prior);
  assert.deepEqual([cluster.target.state.policies, cluster.object.metadata.labels], [{}, {}]);
});

test('the policy that somebody deleted: absent, and the renewal is no lie', async (t) => {
  const cluster = await starting(t, 'pod');
  const prior = await priorOf(cluster);
  const request = cluster.intention('L1');
  await cluster.driver.apply(request, prior);
  cluster.target.state.policies = {};
  assert.equal(await cluster.stops(), false);
  assert.equal(await cluster.driver.readBack?.(request, prior), 'absent');
});

test('refused at the label: the policy goes again; one that cannot go is told of', async (t) => {
  const plain = createHttp();
  let refuses: RegExp = /PATCH .*\/pods\//;
  const http: Http = async (request) =>
    refuses.test(`${request.method} ${request.url}`)
      ? { status: 403, headers: {}, body: '' }
      : plain(request);
  const cluster = await starting(t, 'pod', http);
  const prior = await priorOf(cluster);
  const first = await cluster.driver.apply(cluster.intention('L1'), prior);
  assert.match(first.detail, /^ControlAuth/);
  assert.deepEqual([first.type, cluster.target.state.policies], ['refused', {}]);
  refuses = /PATCH .*\/pods\/|DELETE/;
  const second = await cluster.driver.apply(cluster.intention('L1'), prior);
  assert.match(second.detail, /plumbline-l1 could not be deleted and selects nobody$/);
  assert.equal(await cluster.stops(), false);
});

test('fields of the policy that another manager took are taken back', async (t) => {
  const cluster = await starting(t, 'pod');
  const spec = { podSelector: {}, egress: [{}] };
  cluster.target.state.policies['plumbline-l1'] = { manager: 'somebody', spec };
  await cluster.driver.apply(cluster.intention('L1'), await priorOf(cluster));
  assert.equal(cluster.target.state.policies['plumbline-l1']?.manager, 'plumbline');
  assert.equal(await cluster.stops(), true);
});

test('a pod on the host’s network is refused, because no policy reaches it', async (t) => {
  const cluster = await starting(t, 'pod');
  cluster.object.spec = { hostNetwork: true };
  const told = await cluster.driver.snapshot?.(cluster.intention('L1'));
  assert.deepEqual(told, {
    type: 'refused',
    detail: 'the pod is on the host’s network, where no policy reaches it',
  });
});

test('a long lease id becomes a mark that a label can hold', async (t) => {
  const cluster = await starting(t, 'pod');
  const leaseId = 'ab'.repeat(32);
  const request = cluster.intention(leaseId);
  const told = await cluster.driver.snapshot?.(request);
  assert.ok(told?.type === 'prior');
  await cluster.driver.apply(request, told.prior);
  assert.equal(cluster.object.metadata.labels['plumbline/quarantine'], 'ab'.repeat(16));
});

test('options that cannot work are refused with key and reason', () => {
  const problemOf = (options: object) => {
    const result = made(options);
    return result.ok ? '' : result.problem;
  };
  assert.match(problemOf({}), /knows no workload: give workloads or template/);
  const shape = /is not kind\/namespace\/name with kind one of sandbox, deployment/;
  for (const wrong of ['pod/x', 'vm/a/b', 'pod/a/b/c', 'pod/A/b', 'pod/../b', 'pod/a/', ''])
    assert.match(problemOf({ workloads: { a: wrong } }), shape, wrong);
  assert.match(problemOf({ template: 'vm/a/{agent}' }), shape);
  assert.equal(problemOf({ template: 'sandbox/agents/agent-{agent}' }), '');
});
