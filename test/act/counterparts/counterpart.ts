/** Counterpart: a target over real HTTP that can lie, and what the promises need to know of it. */
import type { Driver } from '../../../src/act/driver.ts';
import type { Intention } from '../../../src/model/decision.ts';
import type { Http } from '../../../src/model/ports.ts';
import type { VirtualClock } from '../../sim/clock.ts';

/** What a target may do instead of its work, from now on. `honest` ends it. */
export const LIES = [
  /** Does it, and the answer never arrives. */
  'lose-reply',
  /** 503, nothing done. */
  'fail',
  /** Will not do it, for good: no right to. */
  'refuse',
  /** Says done and does nothing. */
  'ignore',
  /** Does it and says so, while calls go on as before: an enforcement point has not heard of it. */
  'serve-on',
  /** Answers after the driver has given up, and does it then. */
  'slow',
  /** A person must agree first; nothing done. */
  'approval',
] as const;
/** One of LIES. */
export type Lie = (typeof LIES)[number];

/** Two things an intention may be about: the subject, and somebody like it who is to be left alone. */
export type Who = 'subject' | 'bystander';

/** A driver, its target, and what the contract needs to know of that target. */
export interface Counterpart {
  readonly driver: Driver;
  /** What the driver is asked for: the request of lease `leaseId`, for a subject that the target knows. */
  intention(leaseId: string, change?: Partial<Intention>): Intention;
  /** Requests that must be refused because their subject cannot be addressed. */
  readonly unaddressable: readonly Partial<Intention>[];
  /** Values that must never be seen outside the request itself. */
  readonly secrets: readonly string[];
  /** The lies this target is able to tell. */
  readonly lies: readonly Lie[];
  /** Behaves so for every further request. */
  lie(mode: Lie | 'honest'): Promise<void>;
  /** How often the target has changed what it enforces at a driver's word. */
  effects(): number;
  /** True where calls of the subject, or of somebody like it, do not go through now. */
  stops(who?: Who): Promise<boolean>;
  /** Everything the target knows, as text. */
  everything(): string;
  /** What the target holds for the subject, as text: what undo must bring back. Where a driver snapshots. */
  setting?(): string;
  /** Somebody else has already set what we would ask for. Where a driver snapshots. */
  preset?(): Promise<void>;
  /** Somebody else sets it to something that is neither ours nor what stood. Where a driver snapshots. */
  meddle?(): Promise<void>;
  /** Somebody else puts back what stood before us. Where that can happen. */
  revert?(): Promise<void>;
  /** True: a key that comes again late does not revive what was undone. */
  readonly remembersKeys: boolean;
  close(): Promise<void>;
}

/** What a counterpart is made with. */
export interface CounterpartParts {
  readonly http: Http;
  readonly clock: VirtualClock;
}

/** Starts a target and makes a driver for it. */
export type StartCounterpart = (parts: CounterpartParts) => Promise<Counterpart>;
