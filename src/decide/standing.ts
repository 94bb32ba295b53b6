/** What stands: leases, immunities, pauses and the breaker, as the lane remembers them. */
import type { Subject, Verb } from '../model/decision.ts';
import type { Entity, Slots } from '../state/slots.ts';

/** A lease as decisions know it; times are event time, ms. */
export interface StandingLease {
  readonly leaseId: string;
  readonly caseId: string;
  readonly decisionId: string;
  readonly detector: string;
  readonly verb: Verb;
  readonly subject: Subject;
  readonly level: string;
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

/** The fleet's own brakes. */
export interface FleetStanding extends Entity {
  /** New leases in the breaker's window. */
  recent: { readonly ms: number; readonly agent: string; readonly role: string | null }[];
  pauses: { readonly scope: string; readonly target: string; readonly by: string }[];
}

const SPACE = 'D';

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

  /** Records a new lease. */
  place(lease: StandingLease, role: string | null): void {
    const { tenant, agent } = lease.subject;
    const key = agentKey(tenant, agent);
    let standing = this.#slots.get<AgentStanding>(SPACE, key);
    if (standing === undefined) {
      standing = { tenant, agent, role, leases: [], quiet: [] };
      this.#slots.put(SPACE, key, standing);
    }
    standing.leases.push(lease);
    this.#slots.put('I', lease.leaseId, { tenant, agent } as Entity);
    this.#slots.touch(SPACE, key);
  }

  /** The lease was changed in place. */
  changed(lease: StandingLease): void {
    this.#slots.touch(SPACE, agentKey(lease.subject.tenant, lease.subject.agent));
  }

  /** Takes a lease away by its id; its detector stays quiet for the agent until `quietUntilMs`. */
  lift(leaseId: string, quietUntilMs: number, why: string): StandingLease | null {
    const owner = this.#slots.get<Entity & { tenant: string; agent: string }>('I', leaseId);
    if (owner === undefined) return null;
    const standing = this.#slots.get<AgentStanding>(SPACE, agentKey(owner.tenant, owner.agent));
    const lease = standing?.leases.find((candidate) => candidate.leaseId === leaseId);
    if (standing === undefined || lease === undefined) return null;
    standing.leases = standing.leases.filter((candidate) => candidate !== lease);
    this.#ended(standing, lease, quietUntilMs, why);
    this.#slots.touch(SPACE, agentKey(owner.tenant, owner.agent));
    return lease;
  }

  /** The fleet's brakes. */
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

  #ended(standing: AgentStanding, lease: StandingLease, untilMs: number, why: string): void {
    standing.quiet.push({ detector: lease.detector, untilMs, why });
    this.#slots.remove('I', lease.leaseId);
  }
}

function agentKey(tenant: string, agent: string): string {
  return `agent ${tenant.length}:${tenant}:${agent}`;
}
