/** OPA driver: pushes leases into the data of every replica; the fast path beside the bundle. */
import { type Static, Type } from 'typebox';
import type { ApplyOutcome } from '../../model/action-log.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Intention } from '../../model/decision.ts';
import { duration, durationMs } from '../../model/duration.ts';
import { OperatingError } from '../../model/errors.ts';
import type { Clock, Http, HttpResponse } from '../../model/ports.ts';
import { POSTURE_VERBS } from '../../model/posture.ts';
import type { Driver, DriverDefinition, ReadBack } from '../driver.ts';
import {
  objectOf,
  outcomeOfFailure,
  outcomeOfRefusal,
  parseTarget,
  pathSegment,
  RatePerMin,
  reachOf,
} from '../target.ts';

const Options = Type.Object(
  {
    type: Type.Literal('opa'),
    urls: Type.Array(Type.String({ pattern: '^https?://' }), {
      minItems: 1,
      maxItems: 64,
      description: 'Address of every replica: a push through a balancer reaches one of them.',
    }),
    token: Type.Optional(Secret),
    root: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)+$',
        maxLength: 128,
        default: 'plumbline/fast',
        description: 'Where leases are put; no bundle may own it, not ours either.',
      }),
    ),
    grace: Type.Optional(duration('How long a pushed lease may take to work.', '2s')),
    timeout: Type.Optional(duration('For each request.', '5s')),
    ratePerMin: Type.Optional(RatePerMin),
  },
  { additionalProperties: false },
);
type Options = Static<typeof Options>;

/** A replica, and what a driver needs to speak to it. */
interface Reach {
  readonly http: Http;
  readonly clock: Clock;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Level of the entry, in the words of the posture document. */
const LEVEL_OF = {
  freeze_tool: 'guarded',
  posture: 'conservative',
  suspend_agent: 'halt',
} as const;
const CREDENTIAL = 'token, and that the policy of system.authz lets it write data';

/** The driver. */
export const opa: DriverDefinition<Options> = {
  type: 'opa',
  claim:
    'Open Policy Agent: a lease in the data of every replica, at once; pushed again after a restart of OPA.',
  verbs: [...POSTURE_VERBS],
  options: Options,
  make({ http, clock, options, secret }) {
    const bases: string[] = [];
    for (const [at, text] of options.urls.entries()) {
      const parsed = parseTarget(text, `urls[${at}]`);
      if (!parsed.ok) return parsed;
      bases.push(`${parsed.url.origin}${parsed.url.pathname.replace(/\/$/, '')}`);
    }
    const twice = bases.find((base, at) => bases.indexOf(base) !== at);
    if (twice !== undefined)
      return { ok: false, problem: `urls names ${twice} twice; each replica has its own address` };
    const root = options.root ?? 'plumbline/fast';
    const authorization =
      options.token === undefined ? {} : { authorization: `Bearer ${secret('token')}` };
    const reach: Reach = {
      ...{ http, clock, headers: authorization },
      timeoutMs: durationMs(options.timeout ?? '5s'),
    };
    const replicas = bases.map((base) => createReplica(`${base}/v1/data/${root}`, reach));
    return { ok: true, driver: driverOver(replicas, `${bases[0]}/v1/data/${root}`, options) };
  },
};

function driverOver(replicas: readonly Replica[], shown: string, options: Options): Driver {
  return {
    capabilities: () => ({
      verbs: [...POSTURE_VERBS],
      irreversible: [],
      subjects: ['agent', 'session', 'tool'],
      blast: 'subject',
      // The policy compares `until` with its own clock: an entry that nobody removes restrains nobody.
      selfExpiring: true,
      readBack: true,
      graceMs: durationMs(options.grace ?? '2s'),
      ratePerMin: options.ratePerMin ?? 10,
    }),
    plan: (intention) => ({
      method: 'PUT',
      url: `${shown}/leases/${pathSegment(intention.leaseId) ?? 'refused'}`,
      headers: options.token === undefined ? {} : { authorization: '<masked>' },
      body: entryOf(intention),
      undo: 'DELETE of the same path, at every replica',
      reach: reachOf(intention.subject),
    }),
    async apply(intention) {
      const { leaseId, step } = intention;
      const unfit = unfitBecause(intention);
      if (unfit !== null) return { type: 'refused', detail: unfit };
      const work = (replica: Replica) =>
        step === 'release' ? replica.remove(leaseId) : replica.put(intention);
      const outcomes = await Promise.all(replicas.map(work));
      const all = together(outcomes);
      // Refused by one is refused: what others took meanwhile is taken back, and ends in any case.
      if (all.type === 'refused' && step === 'request')
        await Promise.all(
          replicas.map(async (replica, at) =>
            outcomes[at]?.type === 'accepted' ? await replica.remove(leaseId) : null,
          ),
        );
      return all;
    },
    async readBack(intention) {
      if (unfitBecause(intention) !== null) return 'unknown';
      const said = await Promise.all(replicas.map((replica) => replica.holds(intention)));
      if (said.includes('absent')) return 'absent';
      return said.includes('unknown') ? 'unknown' : 'applied';
    },
  };
}

/** Why data cannot express it; null: it can. */
function unfitBecause({ verb, expiresMs, leaseId }: Intention): string | null {
  if (expiresMs === null || !POSTURE_VERBS.some((one) => one === verb))
    return `data cannot say ${verb} without an end`;
  return pathSegment(leaseId) === null ? 'the id of the lease cannot stand in a path' : null;
}

/** One OPA. */
interface Replica {
  put(intention: Intention): Promise<ApplyOutcome>;
  remove(leaseId: string): Promise<ApplyOutcome>;
  /** Whether it has the lease; pushes it again where OPA has lost everything since it was pushed. */
  holds(intention: Intention): Promise<ReadBack>;
}

/**
 * OPA keeps pushed data in memory only. A mark beside the leases tells a restart, after which it is
 * another one or gone, from somebody who removed the lease while the mark stayed: the first is healed
 * by pushing again, the second is a reversal and is told.
 */
function createReplica(base: string, reach: Reach): Replica {
  /** Mark under which a lease was pushed. Gone with us: then an absence is told, not healed. */
  const marks = new Map<string, string>();
  let pushes = 0;
  const leaseAt = (leaseId: string) => `${base}/leases/${pathSegment(leaseId) ?? ''}`;
  const push = async (intention: Intention, unlessThere: boolean): Promise<ApplyOutcome> => {
    const { leaseId, key } = intention;
    const put = await send(reach, 'PUT', leaseAt(leaseId), entryOf(intention), unlessThere);
    if (put.type !== 'accepted' && put.type !== 'already') return put;
    pushes += 1;
    const mark = await markOf(reach, base, `${key}@${reach.clock.nowMs()}#${pushes}`);
    if (mark !== null) remember(marks, leaseId, mark);
    return put;
  };
  return {
    put: (intention) => push(intention, intention.step === 'request'),
    remove: async (leaseId) => {
      marks.delete(leaseId);
      return await send(reach, 'DELETE', leaseAt(leaseId));
    },
    async holds(intention) {
      const { leaseId } = intention;
      const found = await read(reach, leaseAt(leaseId));
      if (found.type === 'unknown') return 'unknown';
      if (found.value !== undefined) return 'applied';
      const pushed = marks.get(leaseId);
      const mark = await read(reach, `${base}/mark`);
      if (mark.type === 'unknown') return 'unknown';
      if (pushed === undefined || mark.value === pushed) return 'absent';
      await push(intention, false);
      const again = await read(reach, leaseAt(leaseId));
      if (again.type === 'unknown') return 'unknown';
      return again.value === undefined ? 'absent' : 'applied';
    },
  };
}

/** Leases remembered for one replica; more do not stand at once. */
const MARKS_MAX = 10_000;

function remember(marks: Map<string, string>, leaseId: string, mark: string): void {
  marks.set(leaseId, mark);
  const [oldest] = marks.keys();
  if (marks.size > MARKS_MAX && oldest !== undefined) marks.delete(oldest);
}

/** The mark that is there, or the one we put where there was none; null: that could not be learnt. */
async function markOf(reach: Reach, base: string, ours: string): Promise<string | null> {
  const there = await read(reach, `${base}/mark`);
  if (there.type === 'known' && typeof there.value === 'string') return there.value;
  const put = await send(reach, 'PUT', `${base}/mark`, JSON.stringify(ours), true);
  return put.type === 'accepted' ? ours : null;
}

/** What the policy reads: everything it needs, and nothing in the path that an agent has named. */
function entryOf({ verb, subject, expiresMs, leaseId, caseId, reason }: Intention): string {
  return JSON.stringify({
    ...{ lease: leaseId, case: caseId, tenant: subject.tenant, agent: subject.agent },
    ...(subject.session === null ? {} : { session: subject.session }),
    level: LEVEL_OF[verb as keyof typeof LEVEL_OF] ?? 'guarded',
    freezeTools: verb === 'freeze_tool' ? [...subject.tools].sort() : [],
    until: expiresMs === null ? null : new Date(expiresMs).toISOString(),
    // What Rego compares without reading a date: time.now_ns() / 1000000.
    untilMs: expiresMs,
    reason,
  });
}

async function send(
  { http, clock, headers, timeoutMs }: Reach,
  method: 'PUT' | 'DELETE',
  url: string,
  body?: string,
  unlessThere = false,
): Promise<ApplyOutcome> {
  const kept = body === undefined ? {} : { body };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const only = unlessThere ? { 'if-none-match': '*' } : {};
  try {
    const reply = await http({
      ...{ method, url, timeoutMs, headers: { ...headers, ...type, ...only } },
      ...kept,
    });
    return outcomeOf(reply, method, clock.nowMs());
  } catch (cause) {
    return outcomeOfFailure(cause);
  }
}

function outcomeOf(reply: HttpResponse, method: 'PUT' | 'DELETE', nowMs: number): ApplyOutcome {
  const { status } = reply;
  if (status === 304) return { type: 'already', detail: 'HTTP 304, it is there' };
  if (status >= 200 && status < 300) return { type: 'accepted', detail: `HTTP ${status}` };
  if (status === 404 && method === 'DELETE')
    return { type: 'already', detail: 'HTTP 404, it is gone' };
  if (status === 400 && /owned by bundle/.test(reply.body)) {
    const detail =
      'HTTP 400, a bundle owns this path: give every bundle roots in its manifest, and none above ours';
    return { type: 'refused', detail };
  }
  return outcomeOfRefusal(reply, CREDENTIAL, nowMs);
}

/** `value` undefined: the path is not there. */
type Found = { readonly type: 'known'; readonly value: unknown } | { readonly type: 'unknown' };

async function read({ http, headers, timeoutMs }: Reach, url: string): Promise<Found> {
  try {
    const reply = await http({ method: 'GET', url, headers, timeoutMs });
    const body = reply.status === 200 ? objectOf(reply.body) : null;
    return body === null ? { type: 'unknown' } : { type: 'known', value: body['result'] };
  } catch (cause) {
    if (cause instanceof OperatingError) return { type: 'unknown' };
    throw cause;
  }
}

/** All must have it. A part that failed before sending is no plain retry where another part acted. */
function together(outcomes: readonly ApplyOutcome[]): ApplyOutcome {
  const of = (type: ApplyOutcome['type']) => outcomes.filter((one) => one.type === type);
  const [refused] = of('refused');
  if (refused !== undefined) return refused;
  const open = [...of('unknown'), ...of('retry')];
  const [first] = open;
  if (first !== undefined) {
    const detail =
      outcomes.length === 1
        ? first.detail
        : `${open.length} of ${outcomes.length}: ${first.detail}`;
    const afterMs = Math.max(...open.map((one) => ('afterMs' in one ? one.afterMs : 0)));
    const isPlain = of('retry').length === outcomes.length;
    return { type: isPlain ? 'retry' : 'unknown', detail, afterMs };
  }
  const [accepted] = of('accepted');
  return accepted ?? (outcomes[0] as ApplyOutcome);
}
