/** Posture document: what enforcement points are told, a pure function of standing leases. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import { TOOL_CLASSES } from '../model/event-governance.ts';
import {
  POSTURE_LEVELS,
  type PostureLevel,
  type PostureState,
  type PostureVerb,
  type StandingPosture,
} from '../model/posture.ts';

/** Restrictions of an agent, or of one of its sessions, beside its level. */
export interface PostureRestriction {
  readonly level: PostureLevel;
  /** Lease and case of the strictest of what is combined here: what a denial may name. */
  readonly lease: string;
  readonly case: string;
  readonly reason: string;
  /** Tools that may not be called, sorted. */
  readonly freezeTools: readonly string[];
  /** Classes of tools whose calls a person must approve, sorted. */
  readonly requireApproval: readonly string[];
}

/** What holds for an agent until a moment, in full; `next` says what holds from then on. */
export interface PostureSegment extends PostureRestriction {
  /** ISO 8601. Past it this segment says nothing any more. */
  readonly until: string;
  /** By session: what holds for it beside what holds for the agent. */
  readonly sessions: Readonly<Record<string, PostureRestriction>>;
}

/** An agent's entry. */
export interface PostureEntry extends PostureSegment {
  /** Later segments, each from the `until` of the one before; absent: nothing after this. */
  readonly next?: readonly PostureSegment[];
}

/** The document of one tenant, or of one of its agents. */
export interface PostureDocument {
  readonly schema: 'plumbline.posture/1';
  /** `sha256:` and the hash of everything but itself and `issuedAt`. */
  readonly revision: string;
  readonly issuedAt: string;
  /** Older than this a copy is kept and reported. */
  readonly maxAgeSeconds: number;
  readonly default: { readonly level: 'normal' };
  readonly agents: Readonly<Record<string, PostureEntry>>;
  readonly tools: Readonly<Record<string, never>>;
  /** The kill switch: where the observer itself places nothing new. */
  readonly observer: { readonly paused: readonly { scope: string; target: string }[] };
}

/** How a document is made. */
export interface DocumentOptions {
  readonly tenant: string;
  /** This agent only; null: all of the tenant. */
  readonly agent: string | null;
  readonly maxAgeSeconds: number;
  readonly nowMs: number;
}

/** A document and the leases in it. */
export interface RenderedPosture {
  readonly document: PostureDocument;
  readonly leaseIds: readonly string[];
  /** When it changes by itself, ms; null: it does not. */
  readonly changesMs: number | null;
}

const LEVEL_OF: Readonly<Record<PostureVerb, PostureLevel>> = {
  freeze_tool: 'guarded',
  posture: 'conservative',
  suspend_agent: 'halt',
};
/** Everything but reading: what conservative keeps for a person to decide. */
const NEEDS_APPROVAL = TOOL_CLASSES.filter((one) => one !== 'read').sort();
/** Segments of one agent at most; what would come later comes with a later document. */
const SEGMENTS_MAX = 16;
const REASON_MAX = 200;
/** Tenant of events that name none. */
export const NO_TENANT = '-';

/** The later, so the stricter, of two levels. */
export function stricter(one: PostureLevel, other: PostureLevel): PostureLevel {
  return POSTURE_LEVELS.indexOf(one) >= POSTURE_LEVELS.indexOf(other) ? one : other;
}

/** Makes the document. Leases that are over at `nowMs` are not in it. */
export function renderPosture(state: PostureState, options: DocumentOptions): RenderedPosture {
  const { tenant, agent: only, nowMs } = options;
  const standing = state.leases.filter(
    ({ subject, expiresMs }) =>
      subject.tenant === tenant && (only === null || subject.agent === only) && expiresMs > nowMs,
  );
  const byAgent = new Map<string, StandingPosture[]>();
  for (const lease of standing) {
    const { agent } = lease.subject;
    byAgent.set(agent, [...(byAgent.get(agent) ?? []), lease]);
  }
  const agents = record([...byAgent].map(([agent, leases]) => [agent, entryOf(leases)]));
  const content = {
    schema: 'plumbline.posture/1' as const,
    maxAgeSeconds: options.maxAgeSeconds,
    default: { level: 'normal' as const },
    agents,
    tools: {},
    observer: { paused: pausedIn(state, tenant, only) },
  };
  const revision = `sha256:${hash('sha256', canonicalJson(content), 'hex')}`;
  const { schema, ...rest } = content;
  return {
    document: { schema, revision, issuedAt: isoTime(nowMs), ...rest },
    leaseIds: standing.map(({ leaseId }) => leaseId),
    changesMs: standing.length === 0 ? null : Math.min(...standing.map((one) => one.expiresMs)),
  };
}

/** One segment between any two ends: each is the whole truth of its time. */
function entryOf(leases: readonly StandingPosture[]): PostureEntry {
  const ends = [...new Set(leases.map(({ expiresMs }) => expiresMs))].sort((a, b) => a - b);
  const [first, ...next] = ends.slice(0, SEGMENTS_MAX).map((untilMs) =>
    segmentOf(
      leases.filter(({ expiresMs }) => expiresMs >= untilMs),
      untilMs,
    ),
  );
  const segment = first as PostureSegment;
  return next.length === 0 ? segment : { ...segment, next };
}

function segmentOf(leases: readonly StandingPosture[], untilMs: number): PostureSegment {
  const bySession = new Map<string, StandingPosture[]>();
  const whole: StandingPosture[] = [];
  for (const lease of leases) {
    const { session } = lease.subject;
    if (session === null) whole.push(lease);
    else bySession.set(session, [...(bySession.get(session) ?? []), lease]);
  }
  const sessions = record([...bySession].map(([session, own]) => [session, restrictionOf(own)]));
  return { ...restrictionOf(whole, leases), until: isoTime(untilMs), sessions };
}

/** Combines by maximum; where nothing is said of the agent as a whole its level stays normal. */
function restrictionOf(
  leases: readonly StandingPosture[],
  named: readonly StandingPosture[] = leases,
): PostureRestriction {
  const level = leases.map(({ verb }) => LEVEL_OF[verb]).reduce(stricter, 'normal');
  const strictest =
    named.find(({ verb }) => LEVEL_OF[verb] === level) ?? (named[0] as StandingPosture);
  const frozen = leases.flatMap(({ verb, subject }) =>
    verb === 'freeze_tool' ? subject.tools : [],
  );
  const cautious = level === 'conservative' || level === 'halt';
  return {
    level,
    lease: strictest.leaseId,
    case: strictest.caseId,
    reason: strictest.reason.slice(0, REASON_MAX).toWellFormed(),
    freezeTools: [...new Set(frozen)].sort(),
    requireApproval: cautious ? [...NEEDS_APPROVAL] : [],
  };
}

/** Agents are named without their tenant: only where there are no tenants is such a pause told to all. */
function pausedIn(
  { pauses }: PostureState,
  tenant: string,
  only: string | null,
): { scope: string; target: string }[] {
  return pauses
    .filter(({ scope, target }) => scope !== 'agent' || tenant === NO_TENANT || target === only)
    .map(({ scope, target }) => ({ scope, target }));
}

/** Without a prototype: an agent may call itself `__proto__`. */
function record<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  const made: Record<string, T> = Object.create(null);
  for (const [name, value] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) made[name] = value;
  return made;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
