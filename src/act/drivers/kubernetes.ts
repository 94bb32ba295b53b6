/** Kubernetes driver: suspends sandboxes, scales down, stops cron jobs, quarantines pods. */
import { type Static, Type } from 'typebox';
import { Secret } from '../../model/config/secret.ts';
import type { Intention } from '../../model/decision.ts';
import { duration, durationMs } from '../../model/duration.ts';
import type { Driver, DriverDefinition, DriverPlan } from '../driver.ts';
import { createRest, type Rest, refused } from '../rest.ts';
import { swapApply, swapSnapshot } from '../swap.ts';
import { parseTarget, RatePerMin, strangerTo, Tenants } from '../target.ts';
import {
  KINDS_OF_WORKLOAD,
  type KindOfWorkload,
  parseWorkload,
  pathOf,
  readWorkload,
  swapOfWorkload,
  type Workload,
} from './kubernetes-workloads.ts';

const Options = Type.Object(
  {
    type: Type.Literal('kubernetes'),
    url: Type.String({ pattern: '^https?://', description: 'Address of the API server.' }),
    token: Secret,
    workloads: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1, maxLength: 200 }), {
        description:
          'What each agent runs as, written kind/namespace/name; kinds: sandbox, deployment, statefulset, cronjob, pod (quarantined).',
      }),
    ),
    template: Type.Optional(
      Type.String({
        pattern: '^[a-z]+/[a-z0-9-]+/[a-z0-9-]*\\{agent\\}[a-z0-9-]*$',
        description:
          'The same for agents that are not listed and whose id may stand in a name, for example sandbox/agents/agent-{agent}.',
      }),
    ),
    tenants: Type.Optional(Tenants),
    grace: Type.Optional(
      duration('terminationGracePeriodSeconds of the workloads and 5 s.', '35s'),
    ),
    timeout: Type.Optional(duration('For each request.', '5s')),
    ratePerMin: Type.Optional(RatePerMin),
  },
  { additionalProperties: false },
);
type Options = Static<typeof Options>;

/** The driver. */
export const kubernetes: DriverDefinition<Options> = {
  type: 'kubernetes',
  claim:
    'The workload an agent runs as: sandbox suspended, replicas scaled to none, cron job stopped, pod cut off the network.',
  verbs: ['suspend_agent'],
  options: Options,
  make({ http, clock, options, secret }) {
    const address = parseTarget(options.url);
    if (!address.ok) return address;
    if (options.workloads === undefined && options.template === undefined)
      return { ok: false, problem: 'knows no workload: give workloads or template' };
    for (const [agent, text] of Object.entries(options.workloads ?? {}))
      if (parseWorkload(text) === null)
        return { ok: false, problem: `workloads.${agent} is not ${SHAPE}` };
    // The placeholder stands for a name that is one: a template that fails then fails always.
    if (options.template !== undefined && parseWorkload(filled(options.template, 'a')) === null)
      return { ok: false, problem: `template is not ${SHAPE}` };
    const base = `${address.url.origin}${address.url.pathname.replace(/\/$/, '')}`;
    const rest = createRest({
      ...{ http, clock, base },
      headers: { authorization: `Bearer ${secret('token')}` },
      timeoutMs: durationMs(options.timeout ?? '5s'),
      credential: 'the token and the rights of its service account (docs/drivers.md lists them)',
      // Somebody else wrote between our reading and our writing.
      statuses: {
        409: (afterMs) => ({ type: 'retry', detail: 'HTTP 409, changed meanwhile', afterMs }),
      },
    });
    return { ok: true, driver: driverOf(rest, base, options) };
  },
};

const SHAPE = `kind/namespace/name with kind one of ${KINDS_OF_WORKLOAD.join(', ')}`;

type Found =
  | { readonly ok: true; readonly workload: Workload }
  | { readonly ok: false; readonly problem: string };

function driverOf(rest: Rest, base: string, options: Options): Driver {
  return {
    capabilities: () => ({
      verbs: ['suspend_agent'],
      irreversible: [],
      subjects: ['agent'],
      blast: 'subject',
      selfExpiring: false,
      readBack: true,
      readBackAfterMs: 2_000,
      graceMs: durationMs(options.grace ?? '35s'),
      ratePerMin: options.ratePerMin ?? 10,
    }),
    plan: (intention) => planOf(base, workloadOf(options, intention)),
    async snapshot(intention) {
      const found = workloadOf(options, intention);
      if (!found.ok) return refused(found.problem);
      return swapSnapshot(swapOfWorkload(rest, found.workload, intention.leaseId));
    },
    async apply(intention, prior) {
      const found = workloadOf(options, intention);
      if (!found.ok) return refused(found.problem);
      const swap = swapOfWorkload(rest, found.workload, intention.leaseId);
      return swapApply(swap, intention.step, prior, `the ${found.workload.kind}`);
    },
    async readBack(intention, prior) {
      const found = workloadOf(options, intention);
      if (!found.ok || prior === null) return 'unknown';
      return readWorkload(rest, found.workload);
    },
  };
}

function filled(template: string, agent: string): string {
  return template.replace('{agent}', () => agent);
}

/** The workload of exactly this agent; a session is only a part of what runs there. */
function workloadOf(options: Options, intention: Intention): Found {
  const { verb, subject } = intention;
  const no = (problem: string): Found => ({ ok: false, problem });
  const stranger = strangerTo(options.tenants, intention);
  if (stranger !== null) return no(stranger);
  if (verb !== 'suspend_agent') return no(`a cluster cannot ${verb}, only suspend_agent`);
  const { agent, session } = subject;
  if (session !== null) return no('a workload is the whole agent, and one session was meant');
  const { workloads = {}, template } = options;
  const listed = Object.hasOwn(workloads, agent) ? workloads[agent] : undefined;
  if (listed === undefined && template === undefined)
    return no('not listed in workloads of this driver');
  // Names of one label only: whatever else an agent calls itself, it stands in no path.
  const workload = parseWorkload(listed ?? filled(template ?? '', agent));
  if (workload === null) return no('not listed in workloads, and its id cannot stand in a name');
  return { ok: true, workload };
}

const SAYS: Readonly<Record<KindOfWorkload, readonly [does: string, undo: string]>> = {
  sandbox: ['{"spec":{"operatingMode":"Suspended"}}', 'operatingMode as it was'],
  deployment: ['{"spec":{"replicas":0}}', 'the replicas it had'],
  statefulset: ['{"spec":{"replicas":0}}', 'the replicas it had'],
  cronjob: ['{"spec":{"suspend":true}}', 'suspend as it was'],
  pod: ['a NetworkPolicy without rules, and the label it selects', 'label and policy taken away'],
};

function planOf(base: string, found: Found): DriverPlan {
  if (!found.ok) {
    const none = { method: 'PATCH', url: `${base}/`, headers: {}, body: '', undo: '' };
    return { ...none, reach: `nobody: ${found.problem}` };
  }
  const { workload } = found;
  const [body, undo] = SAYS[workload.kind];
  return {
    method: 'PATCH',
    url: `${base}${pathOf(workload)}`,
    headers: { authorization: '<masked>', 'content-type': 'application/merge-patch+json' },
    body,
    undo,
    reach: `every session of one agent: ${workload.kind} ${workload.namespace}/${workload.name}`,
  };
}
