/** Workloads of a cluster: where each kind is written, what stops it, when it has stopped. */
import type { ApplyOutcome } from '../../model/action-log.ts';
import type { ReadBack } from '../driver.ts';
import { type Rest, type RestAnswer, refused } from '../rest.ts';
import type { Fields, Read, Swap } from '../swap.ts';

/** Kinds that can be stopped and started again. */
export const KINDS_OF_WORKLOAD = [
  'sandbox',
  'deployment',
  'statefulset',
  'cronjob',
  'pod',
] as const;
/** One of them. `pod` is not stopped but cut off the network. */
export type KindOfWorkload = (typeof KINDS_OF_WORKLOAD)[number];

/** One workload. */
export interface Workload {
  readonly kind: KindOfWorkload;
  readonly namespace: string;
  readonly name: string;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** `kind/namespace/name`, or null where it is not that: only names of one label are taken. */
export function parseWorkload(text: string): Workload | null {
  const [kindText, namespace = '', name = '', ...more] = text.split('/');
  const kind = KINDS_OF_WORKLOAD.find((known) => known === kindText);
  if (kind === undefined || more.length > 0) return null;
  return LABEL.test(namespace) && LABEL.test(name) ? { kind, namespace, name } : null;
}

const GROUPS: Readonly<Record<KindOfWorkload, readonly [root: string, plural: string]>> = {
  sandbox: ['/apis/agents.x-k8s.io/v1beta1', 'sandboxes'],
  deployment: ['/apis/apps/v1', 'deployments'],
  statefulset: ['/apis/apps/v1', 'statefulsets'],
  cronjob: ['/apis/batch/v1', 'cronjobs'],
  pod: ['/api/v1', 'pods'],
};

/** Path of what is read and written: of replicas only the scale, for which fewer rights are enough. */
export function pathOf({ kind, namespace, name }: Workload): string {
  const [root, plural] = GROUPS[kind];
  const isScaled = kind === 'deployment' || kind === 'statefulset';
  return `${root}/namespaces/${namespace}/${plural}/${name}${isScaled ? '/scale' : ''}`;
}

/** Name of the annotation and label that say which lease did it. */
const LEASE_MARK = 'plumbline/lease';
const QUARANTINE_MARK = 'plumbline/quarantine';

/** A lease as a label value, which has at most 63 characters, and as part of a name. */
function markOf(leaseId: string): string {
  return leaseId
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 32);
}

/** The swap that stops a workload for a lease and starts it again. */
export function swapOfWorkload(rest: Rest, workload: Workload, leaseId: string): Swap {
  if (workload.kind === 'pod') return quarantine(rest, workload, leaseId);
  const { fieldsOf, stopped, patch } = STOPPED_BY[workload.kind];
  const mark = markOf(leaseId);
  return {
    read: async () => readOf(await rest.read(pathOf(workload)), fieldsOf),
    // What somebody else has stopped is left as it is, or their starting it again would not show.
    wanted: (prior) => ({ ok: true, fields: isStopped(prior, stopped) ? prior : stopped(mark) }),
    write: (fields, live) => patched(rest, pathOf(workload), patch(fields), live),
  };
}

/** One way to stop a kind of workload. */
interface StoppedBy {
  /** What of the object is ours to set. */
  fieldsOf(object: Fields): Fields;
  /** The same, stopped under a lease. */
  stopped(mark: string): Fields;
  /** The merge patch that sets them. */
  patch(fields: Fields): Fields;
}

const spec = (object: Fields) => memberIn(object, 'spec');
const leaseIn = (object: Fields) => {
  const marks = memberIn(memberIn(object, 'metadata'), 'annotations');
  return typeof marks[LEASE_MARK] === 'string' ? marks[LEASE_MARK] : null;
};
/** A merge patch takes away what is null. */
const marked = (lease: unknown) => ({ metadata: { annotations: { [LEASE_MARK]: lease ?? null } } });

const scaled: StoppedBy = {
  fieldsOf: (object) => ({ replicas: spec(object)['replicas'] ?? 0 }),
  stopped: () => ({ replicas: 0 }),
  patch: ({ replicas }) => ({ spec: { replicas } }),
};
const STOPPED_BY: Readonly<Record<Exclude<KindOfWorkload, 'pod'>, StoppedBy>> = {
  deployment: scaled,
  statefulset: scaled,
  sandbox: {
    fieldsOf: (object) => ({
      operatingMode: spec(object)['operatingMode'] ?? 'Running',
      lease: leaseIn(object),
    }),
    stopped: (lease) => ({ operatingMode: 'Suspended', lease }),
    patch: ({ operatingMode, lease }) => ({ spec: { operatingMode }, ...marked(lease) }),
  },
  cronjob: {
    fieldsOf: (object) => ({ suspend: spec(object)['suspend'] === true, lease: leaseIn(object) }),
    stopped: (lease) => ({ suspend: true, lease }),
    patch: ({ suspend, lease }) => ({ spec: { suspend }, ...marked(lease) }),
  },
};

function isStopped(prior: Fields, stopped: StoppedBy['stopped']): boolean {
  const { lease: _, ...state } = stopped('');
  return Object.entries(state).every(([key, value]) => prior[key] === value);
}

/** What the API server says, `unknown` while it is still stopping. */
export async function readWorkload(rest: Rest, workload: Workload): Promise<ReadBack> {
  const answer = await rest.read(pathOf(workload));
  if (!answer.ok) return 'unknown';
  if (workload.kind === 'pod') return readQuarantine(rest, workload, answer.body);
  const { fieldsOf, stopped } = STOPPED_BY[workload.kind];
  if (!isStopped(fieldsOf(answer.body), stopped)) return 'absent';
  return hasStopped(workload.kind, memberIn(answer.body, 'status')) ? 'applied' : 'unknown';
}

/** Asked for is not done: pods take their time, and running jobs outlive their cron job's stop. */
function hasStopped(kind: KindOfWorkload, status: Fields): boolean {
  if (kind === 'cronjob') return lengthOf(status['active']) === 0;
  if (kind !== 'sandbox') return (status['replicas'] ?? 0) === 0;
  const conditions = Array.isArray(status['conditions']) ? status['conditions'] : [];
  return conditions.some(
    (one: Fields) =>
      one['type'] === 'Suspended' && one['status'] === 'True' && one['reason'] === 'PodTerminated',
  );
}

/** A policy that selects the pod by a label and allows nothing: cut off, but running. */
function quarantine(rest: Rest, workload: Workload, leaseId: string): Swap {
  const mark = markOf(leaseId);
  return {
    read: async () =>
      readOf(
        await rest.read(pathOf(workload)),
        (pod) => ({ quarantine: quarantineIn(pod) }),
        (pod) => ({ hostNetwork: spec(pod)['hostNetwork'] === true }),
      ),
    wanted: (prior, { hostNetwork }) => {
      if (hostNetwork === true)
        return {
          ok: false,
          problem: 'the pod is on the host’s network, where no policy reaches it',
        };
      return { ok: true, fields: prior['quarantine'] === null ? { quarantine: mark } : prior };
    },
    async write(fields, live) {
      const { namespace } = workload;
      const isOn = fields['quarantine'] === mark;
      // The policy stands before anything is selected, and goes after nothing is.
      if (isOn) {
        const policy = await rest.send(policyOf(namespace, mark));
        if (!policy.ok) return missing(policy);
      }
      const label = { metadata: { labels: { [QUARANTINE_MARK]: fields['quarantine'] ?? null } } };
      const labelled = await patched(rest, pathOf(workload), label, live);
      const isOver = isOn ? labelled.type === 'refused' : labelled.type === 'accepted';
      if (!isOver) return labelled;
      const gone = await rest.send({ method: 'DELETE', path: policyPath(namespace, mark) });
      // Without a label the policy selects nobody: the pod is free, what is left over is harmless.
      if (gone.ok || gone.status === 404) return labelled;
      const left = `its policy plumbline-${mark} could not be deleted and selects nobody`;
      return { ...labelled, detail: `${labelled.detail}; ${left}` };
    },
  };
}

function quarantineIn(pod: Fields): string | null {
  const mark = memberIn(memberIn(pod, 'metadata'), 'labels')[QUARANTINE_MARK];
  return typeof mark === 'string' ? mark : null;
}

async function readQuarantine(rest: Rest, { namespace }: Workload, pod: Fields): Promise<ReadBack> {
  const mark = quarantineIn(pod);
  if (mark === null) return 'absent';
  const policy = await rest.read(policyPath(namespace, markOf(mark)));
  if (policy.ok) return 'applied';
  return policy.status === 404 ? 'absent' : 'unknown';
}

function policyPath(namespace: string, mark: string): string {
  return `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies/plumbline-${mark}`;
}

/** Server-side apply: made or made right again; `force` because nobody else may own its fields. */
function policyOf(namespace: string, mark: string) {
  return {
    method: 'PATCH',
    path: `${policyPath(namespace, mark)}?fieldManager=plumbline&force=true`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `plumbline-${mark}`, namespace },
      spec: {
        podSelector: { matchLabels: { [QUARANTINE_MARK]: mark } },
        policyTypes: ['Ingress', 'Egress'],
      },
    },
  } as const;
}

/** Written only over the version that was read: a change in between is 409, and is read again. */
async function patched(
  rest: Rest,
  path: string,
  patch: Fields,
  live: Extract<Read, { ok: true }>,
): Promise<ApplyOutcome> {
  const { resourceVersion } = live.raw ?? {};
  const body = { ...patch, metadata: { ...memberIn(patch, 'metadata'), resourceVersion } };
  const headers = { 'content-type': 'application/merge-patch+json' };
  const answer = await rest.send({ method: 'PATCH', path, headers, body });
  if (!answer.ok) return missing(answer);
  return { type: 'accepted', detail: `HTTP ${answer.status}` };
}

function missing(answer: Extract<RestAnswer, { ok: false }>): ApplyOutcome {
  if (answer.status !== 404) return answer.outcome;
  return refused('HTTP 404, the cluster has no such workload');
}

function readOf(
  answer: RestAnswer,
  fieldsOf: (object: Fields) => Fields,
  more: (object: Fields) => Fields = () => ({}),
): Read {
  if (!answer.ok) return { ok: false, outcome: missing(answer) };
  const { resourceVersion } = memberIn(answer.body, 'metadata');
  const { body } = answer;
  return { ok: true, fields: fieldsOf(body), context: more(body), raw: { resourceVersion } };
}

function memberIn(object: Fields, key: string): Fields {
  const value = object[key];
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Fields) : {};
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}
