/** Options of a simulated fleet, and what is refused in them. */
import type { Change } from './changes.ts';
import type { Purpose } from './deeds.ts';
import type { Misbehaviour, SessionLabel } from './emission.ts';
import type { RoleSpec } from './role.ts';
import type { GateAnswer, GateCall } from './running.ts';

/** What a fleet is made of. The same options give the same bytes. */
export interface FleetOptions {
  readonly seed: number | string;
  /** How many agents, ≥ 1. */
  readonly agents: number;
  /** Time of the first record, whole ms since 1970. */
  readonly startMs: number;
  /**
   * Sessions that the whole fleet opens in an hour, on average. An agent runs one at a time (its
   * children aside); while all are busy none is opened.
   */
  readonly sessionsPerHour: number;
  /** Share of sessions that misbehave, 0..1. */
  readonly badShare: number;
  /** Ways to misbehave, taken in turn in an order of the seed. Default: all of MISBEHAVIOURS. */
  readonly misbehaviours?: readonly Misbehaviour[];
  /** Shares of sessions, 0..1 together, beside badShare; left out where the role is not suited. */
  readonly rates?: Readonly<Partial<Record<Purpose, number>>>;
  /** Planted sessions serve a stranger each rather than one together. Default: one. */
  readonly manyStrangers?: boolean;
  /** Changes to agents in the course of time: see planChanges. Default: none. */
  readonly changes?: readonly Change[];
  /**
   * Gives agents a temperament and prose, and the figures of a session a common factor of
   * correlation `rho`, 0..1. Default: all alike.
   */
  readonly temper?: { readonly rho: number };
  /** Sessions follow the hours of their role, in UTC. Default: the same load at all times. */
  readonly seasons?: boolean;
  /**
   * Names a period: two fleets of one seed have the same agents with the same temperaments, and
   * other sessions. Default: empty.
   */
  readonly period?: string;
  /** Default: ROLES. */
  readonly roles?: readonly RoleSpec[];
  readonly tenant?: string;
  /**
   * An unregistered agent comes back so long after, ms, under the same name, three times at most.
   * Default: it does not.
   */
  readonly relapseMs?: number;
  /** Sessions to open before the fleet comes to rest, children aside. Default: it never does. */
  readonly sessions?: number;
  /** No session is opened after this time, ms; those under way are finished. Default: no end. */
  readonly untilMs?: number;
  /**
   * Asked before each call reaches its gateway, at the call's own time and not before. A refused
   * call is recorded with decision `deny`; after one or two more refusals in a row the agent closes
   * its session. Default: everything is allowed.
   */
  readonly gate?: (call: GateCall) => GateAnswer;
  /** Told of each session when its last record is out. */
  readonly onLabel?: (label: SessionLabel) => void;
}

/** Throws RangeError on options no fleet can be made of. */
export function checkOptions(options: FleetOptions): void {
  if (!Number.isSafeInteger(options.agents) || options.agents < 1) {
    throw new RangeError('agents must be a whole number of at least 1');
  }
  if (!Number.isSafeInteger(options.startMs) || options.startMs < 0) {
    throw new RangeError('startMs must be whole milliseconds since 1970');
  }
  if (!(options.sessionsPerHour > 0)) throw new RangeError('sessionsPerHour must be above 0');
  if (!(options.badShare >= 0 && options.badShare <= 1)) {
    throw new RangeError('badShare must lie between 0 and 1');
  }
  const rho = options.temper?.rho ?? 0;
  if (!(rho >= 0 && rho <= 1)) throw new RangeError('rho must lie between 0 and 1');
  const rates = Object.values(options.rates ?? {});
  const sum = rates.reduce((total, rate) => total + rate, 0);
  if (rates.some((rate) => !(rate >= 0)) || sum > 1) {
    throw new RangeError('rates must not be negative, nor above 1 together');
  }
}
