/** The leases a control plane holds, and what they mean for a call. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Whom a lease restrains; no session = every session, no tools = every tool. */
export interface LeaseSubject {
  readonly tenant: string;
  readonly agent: string;
  readonly session: string | null;
  readonly tools: readonly string[];
}

/** One lease as this control plane holds it. */
export interface HeldLease {
  readonly leaseId: string;
  readonly verb: string;
  readonly subject: LeaseSubject;
  readonly expiresAt: string | null;
  readonly state: 'active' | 'released';
  /** Why it is over: it was released, or its time ran out. Null while active. */
  readonly ended: 'released' | 'expired' | null;
}

/** One idempotency key: how often it came in, and how often it took effect (0 or 1). */
export interface KeyCount {
  readonly received: number;
  readonly applied: number;
  /** Digest of the body it came with first; another body under the same key is refused. */
  readonly digest: string;
}

/** Everything the control plane knows, as plain data. */
export interface ControlPlaneState {
  readonly leases: readonly HeldLease[];
  readonly keys: Readonly<Record<string, KeyCount>>;
}

/** What was asked for, read from a verified body. */
export interface ControlRequest {
  readonly step: 'requested' | 'renewed' | 'released';
  readonly leaseId: string;
  readonly verb: string;
  readonly subject: LeaseSubject;
  readonly expiresAt: string | null;
}

/** What the control plane does with it. */
export type Effect = 'applied' | 'already' | 'past' | 'ended' | 'full';

/** What an enforcement point is told about one call. */
export interface Posture {
  readonly allowed: boolean;
  readonly posture: 'normal' | 'conservative' | 'halt';
  readonly leaseIds: readonly string[];
  /** `plumbline:<leaseId>` of the lease that denies; the observer knows its own effect by it. */
  readonly policyId: string | null;
}

const LEASES_MAX = 10_000;
const KEYS_MAX = 100_000;

/** Leases and keys in memory, and in one JSON file where a path is given. */
export class LeaseBook {
  readonly #leases = new Map<string, HeldLease>();
  readonly #keys = new Map<string, KeyCount>();
  readonly #path: string | null;
  readonly #nowMs: () => number;

  constructor(path: string | null, nowMs: () => number) {
    this.#path = path;
    this.#nowMs = nowMs;
    if (path !== null) this.#load(path);
  }

  /** Counts a reception. False when the key came with another body before. */
  receive(key: string, digest: string): boolean {
    const known = this.#keys.get(key);
    if (known === undefined && this.#keys.size >= KEYS_MAX) {
      const oldest = this.#keys.keys().next();
      if (oldest.done !== true) this.#keys.delete(oldest.value);
    }
    const same = known === undefined || known.digest === digest;
    this.#keys.set(key, {
      received: (known?.received ?? 0) + 1,
      applied: known?.applied ?? 0,
      digest: known?.digest ?? digest,
    });
    this.#save();
    return same;
  }

  /** Makes a request effective, once per key. */
  apply(key: string, request: ControlRequest): Effect {
    const count = this.#keys.get(key);
    if (count !== undefined && count.applied > 0) return 'already';
    const effect = this.#effect(request);
    if (effect === 'applied' && count !== undefined) {
      this.#keys.set(key, { ...count, applied: count.applied + 1 });
    }
    this.#save();
    return effect;
  }

  /**
   * What holds for a call right now. Leases past their time have ended by themselves. A conservative
   * posture lets reads go on: a call denied under it is any whose class is not known to be `read`.
   */
  posture(
    agent: string,
    session: string | null,
    tool: string | null,
    toolClass: string | null,
  ): Posture {
    let halted = false;
    let denier: string | null = null;
    const leaseIds: string[] = [];
    for (const lease of this.active()) {
      const { subject } = lease;
      if (subject.agent !== agent) continue;
      if (subject.session !== null && subject.session !== session) continue;
      leaseIds.push(lease.leaseId);
      const halts = lease.verb === 'revoke_session' || lease.verb === 'suspend_agent';
      halted ||= halts;
      const named = tool !== null && subject.tools.includes(tool);
      const denies = halts || (subject.tools.length === 0 ? toolClass !== 'read' : named);
      if (denies) denier ??= lease.leaseId;
    }
    const policyId = denier === null ? null : `plumbline:${denier}`;
    const level = halted ? 'halt' : leaseIds.length > 0 ? 'conservative' : 'normal';
    return { allowed: denier === null, posture: level, leaseIds, policyId };
  }

  /** Leases in force, oldest first. */
  active(): readonly HeldLease[] {
    this.#endOverdue();
    return [...this.#leases.values()].filter((lease) => lease.state === 'active');
  }

  /** A copy of everything. */
  state(): ControlPlaneState {
    this.#endOverdue();
    return { leases: [...this.#leases.values()], keys: Object.fromEntries(this.#keys) };
  }

  #effect(request: ControlRequest): Effect {
    this.#endOverdue();
    const { leaseId, verb, subject, expiresAt } = request;
    const held = this.#leases.get(leaseId);
    if (request.step === 'released') {
      if (held === undefined || held.state === 'released') return 'already';
      this.#leases.set(leaseId, { ...held, state: 'released', ended: 'released' });
      return 'applied';
    }
    if (expiresAt !== null && Date.parse(expiresAt) <= this.#nowMs()) return 'past';
    // A lease somebody lifted stays lifted; one that merely ran out may be extended.
    if (held?.ended === 'released') return 'ended';
    if (held === undefined && !this.#makeRoom()) return 'full';
    this.#leases.set(leaseId, { leaseId, verb, subject, expiresAt, state: 'active', ended: null });
    return 'applied';
  }

  #endOverdue(): void {
    const nowMs = this.#nowMs();
    for (const [leaseId, lease] of this.#leases) {
      if (lease.state !== 'active' || lease.expiresAt === null) continue;
      if (Date.parse(lease.expiresAt) > nowMs) continue;
      this.#leases.set(leaseId, { ...lease, state: 'released', ended: 'expired' });
    }
  }

  /** Forgets the oldest ended lease when the book is full; an active one is never forgotten. */
  #makeRoom(): boolean {
    if (this.#leases.size < LEASES_MAX) return true;
    for (const [leaseId, lease] of this.#leases) {
      if (lease.state === 'active') continue;
      this.#leases.delete(leaseId);
      return true;
    }
    return false;
  }

  #load(path: string): void {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return;
      throw cause;
    }
    // Our own file, written whole by #save: a damaged one is an error for people, not a fresh start.
    const state = JSON.parse(text) as ControlPlaneState;
    for (const lease of state.leases) this.#leases.set(lease.leaseId, lease);
    for (const [key, count] of Object.entries(state.keys)) this.#keys.set(key, count);
  }

  /** Before the reply leaves: an effect that was acknowledged survives a crash. */
  #save(): void {
    if (this.#path === null) return;
    const next = `${this.#path}.next`;
    writeFileSync(next, JSON.stringify(this.state()));
    renameSync(next, this.#path);
  }
}
