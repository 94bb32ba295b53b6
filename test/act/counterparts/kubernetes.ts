/** Counterpart of a cluster: an API server, rights, and controllers that take their time or undo. */
import assert from 'node:assert/strict';
import { kubernetes } from '../../../src/act/drivers/kubernetes.ts';
import type { KindOfWorkload } from '../../../src/act/drivers/kubernetes-workloads.ts';
import type { Intention } from '../../../src/model/decision.ts';
import { intentionOf } from '../intentions.ts';
import type { Counterpart, CounterpartParts, StartCounterpart, Who } from './counterpart.ts';
import type { TargetReply, TargetRequest } from './front.ts';
import { type StateTarget, startStateTarget } from './state-target.ts';

const TOKEN = 'service-account-token-0123456789';

type Json = Record<string, unknown>;

/** One workload as the cluster keeps it. */
export interface ClusterObject {
  metadata: {
    resourceVersion: string;
    annotations: Record<string, string>;
    labels: Record<string, string>;
  };
  spec: Record<string, unknown>;
  /** When it was last told to stop, ms; null: it was not, or was started since. */
  stoppedMs: number | null;
}

/** Everything it knows. */
export interface ClusterState {
  /** By `plural/name`, all in one namespace. */
  objects: Record<string, ClusterObject>;
  /** Network policies by name: whom they select, and who manages them. */
  policies: Record<string, { manager: string; spec: Json }>;
  /** How long pods take to end, ms. */
  terminationMs: number;
  version: number;
}

/** A counterpart, and the target behind it. */
export interface Cluster extends Counterpart {
  readonly target: StateTarget<ClusterState>;
  /** The object that the agent under test runs as. */
  readonly object: ClusterObject;
}

const SPECS: Readonly<
  Record<KindOfWorkload, readonly [plural: string, spec: Json, stopped: Json]>
> = {
  sandbox: ['sandboxes', { operatingMode: 'Running' }, { operatingMode: 'Suspended' }],
  deployment: ['deployments', { replicas: 3 }, { replicas: 0 }],
  statefulset: ['statefulsets', { replicas: 2 }, { replicas: 0 }],
  cronjob: ['cronjobs', { schedule: '* * * * *' }, { suspend: true }],
  pod: ['pods', { hostNetwork: false }, {}],
};
const QUARANTINE = 'plumbline/quarantine';

/** A cluster whose agents run as `kind`. */
export function startKubernetes(kind: KindOfWorkload): StartCounterpart {
  return (parts) => startCluster(parts, kind);
}

/** The same, with the target itself for tests of this driver alone. */
export async function startCluster(
  { http, clock }: CounterpartParts,
  kind: KindOfWorkload,
): Promise<Cluster> {
  const [plural, spec, stopped] = SPECS[kind];
  const paths = { subject: `${plural}/agent-7`, bystander: `${plural}/agent-8` };
  const target = await startStateTarget<ClusterState>({
    state: {
      objects: { [paths.subject]: objectOf(spec), [paths.bystander]: objectOf(spec) },
      policies: {},
      terminationMs: 0,
      version: 100,
    },
    handle: (state, request) => handle(state, request, clock.nowMs()),
    stops: (state, who: Who) => hasStopped(state, paths[who], clock.nowMs()),
    setting: ({ objects }) => settingOf(objects[paths.subject]),
  });
  const made = kubernetes.make({
    ...{ http, clock, name: 'kubernetes', source: 'plumbline' },
    options: {
      type: 'kubernetes',
      url: target.front.url,
      token: {},
      timeout: '500ms',
      template: `${kind}/agents/{agent}`,
      workloads: { 'Agent Nine': `${kind}/agents/agent-9` },
    },
    secret: () => TOKEN,
  });
  assert.ok(made.ok);
  const object = target.state.objects[paths.subject];
  assert.ok(object !== undefined);
  const subject = { tenant: 't1', agent: 'agent-7', session: null, tools: [] };
  const change = (next: Partial<ClusterObject>) => {
    Object.assign(object, next);
    object.metadata.resourceVersion = String(++target.state.version);
  };
  return {
    ...target,
    target,
    object,
    driver: made.driver,
    intention: (leaseId: string, more: Partial<Intention> = {}) =>
      intentionOf(leaseId, { driver: 'kubernetes', verb: 'suspend_agent', subject, ...more }),
    unaddressable: [
      { subject: { ...subject, agent: 'agent-99' } },
      { subject: { ...subject, agent: 'Agent_7' } },
      { subject: { ...subject, agent: 'agent-7/scale' } },
      { subject: { ...subject, agent: '__proto__' } },
      { subject: { ...subject, agent: 'Agent Nine' } },
      { subject: { ...subject, session: 's-1' } },
      { verb: 'freeze_tool' },
    ],
    secrets: [TOKEN],
    lies: ['lose-reply', 'fail', 'refuse', 'ignore', 'serve-on', 'slow'],
    preset: async () => {
      if (kind === 'pod') {
        target.state.policies['theirs'] = policyOn('theirs');
        change({ metadata: { ...object.metadata, labels: { [QUARANTINE]: 'theirs' } } });
      } else change({ spec: { ...object.spec, ...stopped }, stoppedMs: clock.nowMs() });
    },
    // Who may have taken it over: another number, or stopped, and without our mark.
    meddle: async () => {
      if (kind === 'deployment' || kind === 'statefulset') change({ spec: { replicas: 5 } });
      const labels = kind === 'pod' ? { [QUARANTINE]: 'theirs' } : {};
      change({ metadata: { ...object.metadata, annotations: {}, labels } });
    },
    // As a GitOps controller does it: what it manages is as in its repository, marks stay.
    revert: async () => {
      const metadata = { ...object.metadata, ...(kind === 'pod' ? { labels: {} } : {}) };
      change({ spec: structuredClone(spec), stoppedMs: null, metadata });
    },
    remembersKeys: false,
  };
}

function objectOf(spec: Json): ClusterObject {
  const metadata = { resourceVersion: '100', annotations: {}, labels: {} };
  return { metadata, spec: structuredClone(spec), stoppedMs: null };
}

function policyOn(mark: string): ClusterState['policies'][string] {
  const spec = {
    podSelector: { matchLabels: { [QUARANTINE]: mark } },
    policyTypes: ['Ingress', 'Egress'],
  };
  return { manager: 'theirs', spec };
}

function settingOf(object: ClusterObject | undefined): unknown {
  const { spec, metadata } = object ?? {};
  const isSuspended = spec?.['suspend'] === true;
  return [{ ...spec, suspend: isSuspended }, metadata?.annotations, metadata?.labels];
}

/** Are its pods gone, or is it cut off? */
function hasStopped(state: ClusterState, path: string, nowMs: number): boolean {
  const object = state.objects[path];
  if (object === undefined) return true;
  if (path.startsWith('pods/')) {
    const mark = object.metadata.labels[QUARANTINE];
    return Object.values(state.policies).some(({ spec }) => {
      const selects = (spec['podSelector'] as { matchLabels?: Json } | undefined)?.matchLabels;
      return mark !== undefined && selects?.[QUARANTINE] === mark && spec['egress'] === undefined;
    });
  }
  return object.stoppedMs !== null && nowMs >= object.stoppedMs + state.terminationMs;
}

function handle(state: ClusterState, request: TargetRequest, nowMs: number): TargetReply {
  const { headers, path } = request;
  if (headers['authorization'] !== `Bearer ${TOKEN}`) return status(401, 'Unauthorized');
  const parts = /^\/apis?\/(.*)\/namespaces\/agents\/([a-z]+)\/([a-z0-9-]+)(\/scale)?$/.exec(path);
  if (parts === null) return status(404, 'the server could not find the requested resource');
  const [, group = '', plural = '', name = '', scale] = parts;
  if (plural === 'networkpolicies') return policy(state, request, name);
  if (group !== GROUPS[plural]) return status(404, 'the server could not find the resource');
  const key = `${plural}/${name}`;
  const object = Object.hasOwn(state.objects, key) ? state.objects[key] : undefined;
  if (object === undefined) return status(404, `${key} not found`);
  const isScale = scale !== undefined;
  if (request.method === 'PATCH') {
    const refused = patch(state, object, request, isScale, nowMs);
    if (refused !== null) return refused;
  } else if (request.method !== 'GET') return status(405, 'method not allowed');
  return { status: 200, body: shown(state, key, object, isScale, nowMs) };
}

const GROUPS: Readonly<Record<string, string>> = {
  sandboxes: 'agents.x-k8s.io/v1beta1',
  deployments: 'apps/v1',
  statefulsets: 'apps/v1',
  cronjobs: 'batch/v1',
  pods: 'v1',
};

/** RFC 7396, and the check of the version where the patch names one. */
function patch(
  state: ClusterState,
  object: ClusterObject,
  { headers, body }: TargetRequest,
  isScale: boolean,
  nowMs: number,
): TargetReply | null {
  if (headers['content-type'] !== 'application/merge-patch+json')
    return status(415, 'the body of the request was in an unknown format');
  const asked = JSON.parse(body) as { metadata?: Json; spec?: Json };
  const version = asked.metadata?.['resourceVersion'];
  if (version !== undefined && version !== object.metadata.resourceVersion)
    return status(409, 'the object has been modified; please apply your changes to the latest');
  if (isScale && typeof asked.spec?.['replicas'] !== 'number') return status(422, 'replicas');
  merge(object.spec, asked.spec ?? {});
  if (!isScale) {
    merge(object.metadata.annotations, (asked.metadata?.['annotations'] ?? {}) as Json);
    merge(object.metadata.labels, (asked.metadata?.['labels'] ?? {}) as Json);
  }
  const { spec } = object;
  const isStopped =
    spec['replicas'] === 0 || spec['operatingMode'] === 'Suspended' || spec['suspend'] === true;
  object.stoppedMs = isStopped ? (object.stoppedMs ?? nowMs) : null;
  object.metadata.resourceVersion = String(++state.version);
  return null;
}

function merge(into: Record<string, unknown>, change: Json): void {
  for (const [key, value] of Object.entries(change))
    if (value === null) delete into[key];
    else into[key] = value;
}

function shown(
  state: ClusterState,
  key: string,
  object: ClusterObject,
  isScale: boolean,
  nowMs: number,
): Json {
  const { metadata, spec } = object;
  const gone = hasStopped(state, key, nowMs);
  if (isScale) {
    const { resourceVersion } = metadata;
    const replicas = gone ? 0 : Math.max(1, Number(spec['replicas']));
    const { replicas: wanted } = spec;
    return { metadata: { resourceVersion }, spec: { replicas: wanted }, status: { replicas } };
  }
  if (key.startsWith('cronjobs/'))
    return { metadata, spec, status: gone ? {} : { active: [{ name: 'job-1' }] } };
  const reason = gone ? 'PodTerminated' : 'PodNotTerminated';
  const condition = { type: 'Suspended', status: gone ? 'True' : 'False', reason };
  const isSuspended = spec['operatingMode'] === 'Suspended';
  return { metadata, spec, status: { conditions: isSuspended ? [condition] : [] } };
}

/** Server-side apply: fields that another manager owns are a conflict, unless forced. */
function policy(state: ClusterState, request: TargetRequest, name: string): TargetReply {
  const held = Object.hasOwn(state.policies, name) ? state.policies[name] : undefined;
  const { method, query, headers, body } = request;
  if (method === 'PATCH') {
    if (headers['content-type'] !== 'application/apply-patch+yaml') return status(415, 'format');
    const manager = query.get('fieldManager');
    if (manager === null) return status(400, 'fieldManager is required for apply patch');
    if (held !== undefined && held.manager !== manager && query.get('force') !== 'true')
      return status(409, `Apply failed with 1 conflict: conflict with "${held.manager}"`);
    state.policies[name] = { manager, spec: (JSON.parse(body) as { spec: Json }).spec };
    return { status: held === undefined ? 201 : 200, body: { metadata: { name } } };
  }
  if (held === undefined) return status(404, `networkpolicies "${name}" not found`);
  if (method === 'DELETE') delete state.policies[name];
  return { status: 200, body: { metadata: { name }, spec: held.spec } };
}

function status(code: number, message: string): TargetReply {
  return { status: code, body: { kind: 'Status', status: 'Failure', message, code } };
}
