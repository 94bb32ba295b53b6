/** Early leases: asked for before their turn, until the fold confirms or withdraws them. */
import type { Intention, OperatorRequest } from '../model/decision.ts';
import type { Detection, Entity as Who } from '../model/detection.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import { type Ending, releaseOf } from './intend.ts';
import { isRestrained, type RestrainedCall } from './own-effects.ts';
import {
  type AgentStanding,
  type FleetStanding,
  type StandingLease,
  sameSubject,
} from './standing.ts';

/** A lease that the fold has not come to yet, or that it did not confirm. Plain JSON. */
interface EarlyLease extends Entity {
  readonly lease: StandingLease;
  /** Whom the detection is about. */
  readonly entity: Who;
  /** Event time at which the fold comes to it, ms. */
  readonly dueMs: number;
  /** The fold has come to the same detection, and decided otherwise. */
  heard?: true;
  /** A person took it back before its turn. */
  lifted?: true;
  /** The fold begins it by a detection that comes before it in event time. */
  adopted?: true;
  /** Not confirmed: event time until which it is remembered, ms. */
  untilMs?: number;
}

/** What is withdrawn: an action that its turn in event time did not confirm. */
export interface Withdrawn {
  readonly leaseId: string;
  readonly detectionId: string;
  /** The detection itself did not come true. */
  readonly isUnheard: boolean;
  /** False: the lease stands by another detection, and only this one is taken back. */
  readonly isLease: boolean;
  readonly reason: string;
  /** Null where it was taken back before. */
  readonly release: Intention | null;
}

/** A lease that the fold begins, and that was asked for before. */
export interface Taken {
  readonly leaseId: string;
  /** The detection by which it was asked for. */
  readonly detectionId: string;
  /** False: another detection, earlier in event time, asks for the same. */
  readonly isOwn: boolean;
  /** It was taken before, by another, whose lease is over. */
  readonly isSettled: boolean;
}

const SPACE = 'early';
/** Leases that wait for the fold, at most; beyond, nothing is early. */
const WAITING_MAX = 2000;
/** How long refusals count as the doing of a lease after it was withdrawn, ms. */
const LINGERS_MS = 60_000;
/** How long nothing more is early by a detector against an agent it was wrong about, ms. */
const BARRED_MS = 600_000;

/** Every early lease of a lane, by its id. The fold never reads them to decide. */
export class EarlyLeases {
  readonly #slots: Slots;
  readonly #known = new Map<string, EarlyLease>();
  #waiting = 0;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** Finds them again after a restore. */
  *restoring(): Generator<undefined, void> {
    this.#known.clear();
    this.#waiting = 0;
    for (const [key, one] of this.#slots.entities<EarlyLease>(SPACE)) {
      this.#known.set(key, one);
      if (one.untilMs === undefined) this.#waiting += 1;
    }
    yield;
  }

  /** None waits, and none is remembered. */
  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  /** Is there room for another, and was the detector not wrong about this agent a while ago? */
  admits({ detector, entity: { tenant, agent } }: Detection): boolean {
    if (this.#waiting >= WAITING_MAX) return false;
    for (const { lease, untilMs } of this.#known.values()) {
      if (untilMs === undefined || lease.detector !== detector) continue;
      if (lease.subject.agent === agent && lease.subject.tenant === tenant) return false;
    }
    return true;
  }

  add(lease: StandingLease, { entity, timeMs }: Detection): void {
    const one: EarlyLease = { lease, entity, dueMs: timeMs };
    this.#known.set(lease.leaseId, one);
    this.#slots.put(SPACE, lease.leaseId, one);
    this.#waiting += 1;
  }

  /** What stands against an agent, with what was asked for early. Changes nothing. */
  standing(known: AgentStanding, nowMs: number): AgentStanding {
    const { tenant, agent } = known;
    const leases = [...known.leases];
    for (const { lease, lifted, adopted, untilMs } of this.#known.values())
      if (
        untilMs === undefined &&
        adopted === undefined &&
        lifted === undefined &&
        lease.expiresMs > nowMs &&
        lease.subject.agent === agent &&
        lease.subject.tenant === tenant
      )
        leases.push(lease);
    return { ...known, leases };
  }

  /** The brakes of a tenant's fleet, with what was asked for early counted. Changes nothing. */
  fleet(known: FleetStanding, tenant: string): FleetStanding {
    const recent = [...known.recent];
    for (const { lease, entity, adopted, untilMs } of this.#known.values())
      if (untilMs === undefined && adopted === undefined && entity.tenant === tenant)
        recent.push({ ms: lease.issuedMs, agent: entity.agent, role: entity.role });
    return { ...known, recent };
  }

  /** The fold came to this detection. */
  hear(detectionId: string): void {
    for (const one of this.#known.values())
      if (one.lease.detectionId === detectionId && one.untilMs === undefined) one.heard = true;
  }

  /**
   * The fold begins a lease: that of the early action which asked for just this, its own or another's.
   * It need not be asked for again; null where none did.
   */
  takes(begun: StandingLease): Taken | null {
    let found: EarlyLease | null = null;
    for (const one of this.#known.values()) {
      const { lease, untilMs, adopted } = one;
      if (untilMs !== undefined) continue;
      // What another took over and let run out, its own detection may still begin.
      if (adopted === true && lease.leaseId !== begun.leaseId) continue;
      if (lease.subject.agent !== begun.subject.agent) continue;
      if (lease.subject.tenant !== begun.subject.tenant || lease.driver !== begun.driver) continue;
      if (sameSubject(lease, begun.verb, begun.subject)) found = one;
      if (found?.lease.leaseId === begun.leaseId) break;
    }
    if (found === null) return null;
    const { leaseId, detectionId } = found.lease;
    const isOwn = leaseId === begun.leaseId;
    const isSettled = found.adopted === true;
    if (found.lifted === true) {
      // Whoever took it back is heard once more, by the fold: the release went out before.
      found.untilMs = found.dueMs + BARRED_MS;
      this.#waiting -= 1;
    } else if (isOwn) {
      this.#forget(leaseId);
      this.#waiting -= 1;
    } else found.adopted = true;
    if (!isOwn || found.lifted === true) this.#slots.touch(SPACE, leaseId);
    return { leaseId, detectionId, isOwn, isSettled };
  }

  /** Was its release sent before its turn? */
  wasLifted(leaseId: string): boolean {
    return this.#known.get(leaseId)?.lifted === true;
  }

  /**
   * Everything up to `ms` has been folded: withdraws what was not confirmed by then, and forgets what was
   * withdrawn long enough ago. `newestMs`: highest event time seen.
   */
  settle(ms: number, newestMs: number): Withdrawn[] {
    const withdrawn: Withdrawn[] = [];
    for (const [leaseId, one] of this.#known) {
      if (one.untilMs !== undefined) {
        if (one.untilMs <= ms) this.#forget(leaseId);
      } else if (one.dueMs <= ms && one.adopted === true) {
        this.#forget(leaseId);
        this.#waiting -= 1;
        if (one.heard !== true)
          withdrawn.push({ ...withdrawnOf(one, Math.max(0, ms)), isLease: false, release: null });
      } else if (one.dueMs <= ms) {
        one.untilMs = Math.max(ms, newestMs) + BARRED_MS;
        this.#slots.touch(SPACE, leaseId);
        this.#waiting -= 1;
        withdrawn.push(withdrawnOf(one, Math.max(0, ms)));
      }
    }
    return withdrawn;
  }

  /** Was the call to be stopped by a lease that waits, or that was withdrawn a moment before? */
  restrains(tenant: string, agent: string, call: RestrainedCall): boolean {
    for (const { lease, untilMs } of this.#known.values()) {
      const { subject, expiresMs } = lease;
      if (subject.agent !== agent || subject.tenant !== tenant || call.ms >= expiresMs) continue;
      if (untilMs !== undefined && call.ms > untilMs - BARRED_MS + LINGERS_MS) continue;
      if (isRestrained(lease, call)) return true;
    }
    return false;
  }

  /**
   * Is the request about something whose turn has not come? Then it waits for that, but what frees the
   * agent is sent at once: `releases`. Null: it is not.
   */
  defers(request: OperatorRequest, nowMs: number): { readonly releases: Intention[] } | null {
    const concerned = [...this.#known.values()].filter(
      (one) => one.untilMs === undefined && !one.adopted && isAbout(request, one.lease),
    );
    if (concerned.length === 0) return null;
    const ending = endingBy(request);
    const releases: Intention[] = [];
    for (const one of concerned) {
      if (ending === null || one.lifted === true) continue;
      one.lifted = true;
      this.#slots.touch(SPACE, one.lease.leaseId);
      releases.push(releaseOf(one.lease, nowMs, ending));
    }
    return { releases };
  }

  #forget(leaseId: string): void {
    this.#known.delete(leaseId);
    this.#slots.remove(SPACE, leaseId);
  }
}

function withdrawnOf({ lease, heard, lifted }: EarlyLease, nowMs: number): Withdrawn {
  const reason =
    heard === true
      ? 'when its turn came in event time the decision was another one'
      : 'when its turn came in event time the detection did not come true';
  const { leaseId, detectionId } = lease;
  const release = lifted === true ? null : releaseOf(lease, nowMs, { cause: 'withdrawn', reason });
  return { leaseId, detectionId, isUnheard: heard !== true, isLease: true, reason, release };
}

function isAbout(request: OperatorRequest, lease: StandingLease): boolean {
  if (request.type === 'verdict')
    return request.detections.some(({ id }) => id === lease.detectionId);
  return 'leaseId' in request && request.leaseId === lease.leaseId;
}

/** How a request frees somebody; null where it does not. */
function endingBy(request: OperatorRequest): Ending | null {
  if (request.type === 'undo' || request.type === 'lift') {
    const cause = request.type === 'undo' ? 'undone' : 'lifted';
    return { cause, reason: `${cause} by ${request.by}: ${request.reason}` };
  }
  if (request.type !== 'verdict' || request.verdict !== 'false_positive') return null;
  return {
    cause: 'lifted',
    reason: `judged a false positive by ${request.by}: ${request.reason}`,
  };
}
