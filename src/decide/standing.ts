/** What stands: leases, immunities, pauses and the breaker, as the lane remembers them. */
import type { Subject, Verb } from '../model/decision.ts';
import type { Level } from '../model/detection.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';

/** A lease as decisions know it; times are event time, ms. */
export interface StandingLease {
  readonly leaseId: string;
  readonly caseId: string;
  readonly decisionId: string;
  readonly detectionId: string;
  readonly detector: string;
  readonly version: string;
  readonly driver: string;
  readonly verb: Verb;
  readonly subject: Subject;
  readonly level: Level;
  readonly reason: string;
  /** Drivers further down the chain that would not do it: they are not asked again. */
  refusedBy: readonly string[];
  /** Event time of the evidence it answers. */
  readonly evidenceMs: number;
  readonly issuedMs: number;
  expiresMs: number;
}

/** Everything that stands against one agent. */
export interface AgentStanding extends Entity {
  readonly tenant: string;
  readonly agent: string;
  readonly role: string | null;
  leases: StandingLease[];
  /** Detector → until when it may not act again on this agent, and why. */
  quiet: { readonly detector: string; readonly untilMs: number; readonly why: string }[];
}

/** A new lease of late, of the breaker's window or of an hour where that is longer. */
export interface RecentLease {
  readonly ms: number;
  readonly agent: string;
  readonly role: string | null;
  /** Absent: the agent bears none. */
  readonly tenant?: string;
}

/** Something is paused. */
export interface Pause {
  readonly scope: string;
  readonly target: string;
  readonly by: string;
  /** For whom; absent: for everybody, as operators ask for it. */
  readonly tenant?: string;
}

/** The brakes of all tenants. */
export interface FleetStanding extends Entity {
  recent: RecentLease[];
  pauses: Pause[];
}

const SPACE = 'D';
/** A lease that is over is remembered 30 days longer where nobody asks: cool-downs are shorter. */
const KEPT_MS = 30 * 86_400_000;
/** Agents that are looked at with each new lease: what is over goes, whether or not anybody asks again. */
const LOOKED_AT = 4;
const NO_TENANT = '-';

/** Does this lease already do that? */
export function sameSubject(
  lease: Pick<StandingLease, 'verb' | 'subject'>,
  verb: Verb,
  subject: Subject,
): boolean {
  const held = lease.subject;
  return (
    lease.verb === verb &&
    held.session === subject.session &&
    held.tools.join() === subject.tools.join()
  );
}

/** Reads and changes what stands. */
export class Standing {
  readonly #slots: Slots;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** What stands against the agent, without what is over at `nowMs`; null where nothing does. */
  of(tenant: string, agent: string, nowMs: number, coolDownMs: number): AgentStanding | null {
    const key = agentKey(tenant, agent);
    const standing = this.#slots.get<AgentStanding>(SPACE, key);
    if (standing === undefined) return null;
    const over = standing.leases.filter((lease) => lease.expiresMs <= nowMs);
    if (over.length > 0) {
      standing.leases = standing.leases.filter((lease) => lease.expiresMs > nowMs);
      for (const lease of over)
        this.#ended(standing, lease, lease.expiresMs + coolDownMs, 'cool-down');
    }
    standing.quiet = standing.quiet.filter((quiet) => quiet.untilMs > nowMs);
    if (standing.leases.length === 0 && standing.quiet.length === 0) this.#slots.remove(SPACE, key);
    else if (over.length > 0) this.#slots.touch(SPACE, key);
    return standing;
  }

  /** The same as it will be at `nowMs`, if nothing comes in between. Changes nothing. */
  ahead(tenant: string, agent: string, nowMs: number, coolDownMs: number): AgentStanding {
    const standing = this.#slots.get<AgentStanding>(SPACE, agentKey(tenant, agent));
    const { role = null, leases = [], quiet = [] } = standing ?? {};
    const over = leases.filter((lease) => lease.expiresMs <= nowMs);
    const ended = over.map(({ detector, expiresMs }) => {
      return { detector, untilMs: expiresMs + coolDownMs, why: 'cool-down' };
    });
    return {
      ...{ tenant, agent, role },
      leases: leases.filter((lease) => lease.expiresMs > nowMs),
      quiet: [...quiet, ...ended].filter(({ untilMs }) => untilMs > nowMs),
    };
  }

  /** Is there a lease that does just this, be its time over by the next event or not? Changes nothing. */
  holds(verb: Verb, subject: Subject): boolean {
    const { tenant, agent } = subject;
    const leases = this.#slots.get<AgentStanding>(SPACE, agentKey(tenant, agent))?.leases ?? [];
    return leases.some((lease) => sameSubject(lease, verb, subject));
  }

  /** Records a new lease. */
  place(lease: StandingLease, role: string | null): void {
    const { tenant, agent } = lease.subject;
    this.#sweep(lease.issuedMs);
    const key = agentKey(tenant, agent);
    let standing = this.#slots.get<AgentStanding>(SPACE, key);
    if (standing === undefined) {
      standing = { tenant, agent, role, leases: [], quiet: [] };
      this.#slots.put(SPACE, key, standing);
    }
    standing.leases.push(lease);
    this.#slots.put('I', lease.leaseId, { tenant, agent } as Entity);
    this.#slots.put('I', lease.decisionId, { tenant, agent } as Entity);
    this.#slots.touch(SPACE, key);
  }

  /** The lease was changed in place. */
  changed(lease: StandingLease): void {
    this.#slots.touch(SPACE, agentKey(lease.subject.tenant, lease.subject.agent));
  }

  /** A standing lease by its id, and the role it was placed for; null where it does not stand. */
  find(leaseId: string): { readonly lease: StandingLease; readonly role: string | null } | null {
    const standing = this.#holding(leaseId);
    const lease = standing?.leases.find((candidate) => candidate.leaseId === leaseId);
    return standing === undefined || lease === undefined ? null : { lease, role: standing.role };
  }

  /** Leases that stand by one decision: one for each driver that was tried. */
  together(decisionId: string): readonly StandingLease[] {
    const leases = this.#holding(decisionId)?.leases ?? [];
    return leases.filter((lease) => lease.decisionId === decisionId);
  }

  /** Forgets a lease that came to nothing: nobody was restrained, so nobody is left alone for it. */
  drop(leaseId: string): void {
    const standing = this.#holding(leaseId);
    if (standing === undefined) return;
    const { tenant, agent } = standing;
    const gone = standing.leases.find((candidate) => candidate.leaseId === leaseId);
    if (gone === undefined) return;
    standing.leases = standing.leases.filter((candidate) => candidate !== gone);
    this.#forget(standing, gone);
    const key = agentKey(tenant, agent);
    if (standing.leases.length === 0 && standing.quiet.length === 0) this.#slots.remove(SPACE, key);
    else this.#slots.touch(SPACE, key);
  }

  /** Takes a lease away by its id; its detector stays quiet for the agent until `quietUntilMs`. */
  lift(leaseId: string, quietUntilMs: number, why: string): StandingLease | null {
    const standing = this.#holding(leaseId);
    const lease = standing?.leases.find((candidate) => candidate.leaseId === leaseId);
    if (standing === undefined || lease === undefined) return null;
    standing.leases = standing.leases.filter((candidate) => candidate !== lease);
    this.#ended(standing, lease, quietUntilMs, why);
    this.#slots.touch(SPACE, agentKey(standing.tenant, standing.agent));
    return lease;
  }

  /** The brakes as far as they concern a tenant: what others did or had paused is none of its business. */
  fleetOf(tenant: string): FleetStanding {
    const { recent, pauses } = this.fleet();
    return {
      recent: recent.filter((one) => (one.tenant ?? NO_TENANT) === tenant),
      pauses: pauses.filter((one) => one.tenant === undefined || one.tenant === tenant),
    };
  }

  /** The brakes of all. */
  fleet(): FleetStanding {
    let fleet = this.#slots.get<FleetStanding>(SPACE, 'fleet');
    if (fleet === undefined) {
      fleet = { recent: [], pauses: [] };
      this.#slots.put(SPACE, 'fleet', fleet);
    }
    return fleet;
  }

  /** The brakes were changed in place. */
  fleetChanged(): void {
    this.#slots.touch(SPACE, 'fleet');
  }

  /** A lease never outlasts its end, nor a cool-down its own: agents nobody asks about again go here. */
  #sweep(nowMs: number): void {
    for (const [key, standing] of this.#slots.sample<AgentStanding>(SPACE, LOOKED_AT)) {
      if (key === 'fleet' || standing.quiet.some(({ untilMs }) => untilMs > nowMs)) continue;
      if (standing.leases.some(({ expiresMs }) => expiresMs + KEPT_MS > nowMs)) continue;
      for (const lease of standing.leases) this.#forget({ ...standing, leases: [] }, lease);
      this.#slots.remove(SPACE, key);
    }
  }

  #holding(id: string): AgentStanding | undefined {
    const owner = this.#slots.get<Entity & { tenant: string; agent: string }>('I', id);
    if (owner === undefined) return undefined;
    return this.#slots.get<AgentStanding>(SPACE, agentKey(owner.tenant, owner.agent));
  }

  #ended(standing: AgentStanding, lease: StandingLease, untilMs: number, why: string): void {
    standing.quiet.push({ detector: lease.detector, untilMs, why });
    this.#forget(standing, lease);
  }

  #forget(standing: AgentStanding, lease: StandingLease): void {
    this.#slots.remove('I', lease.leaseId);
    const { decisionId } = lease;
    const stands = standing.leases.some((one) => one !== lease && one.decisionId === decisionId);
    if (!stands) this.#slots.remove('I', decisionId);
  }
}

function agentKey(tenant: string, agent: string): string {
  return `agent ${tenant.length}:${tenant}:${agent}`;
}
