/** Lanes: which of several each event belongs to, and a decoder that gives one lane its own. */
import type { Event } from '../model/event.ts';
import type { Rec } from '../model/ports.ts';
import { partitionOfKey } from '../state/murmur2.ts';
import { arrivedBy } from './arrival.ts';
import type { Decode, Decoded } from './source.ts';

/** Tenants remembered with their lane; beyond that all are worked out anew. */
const TENANTS_MAX = 65_536;
/** Whom events belong to that bear no tenant, and everything that is about no event. */
const NO_TENANT = '-';
const NOTHING: Decoded['flags'] = { duplicateKeys: 0, clamped: 0, ignored: 0, nonconforming: 0 };

/** Which lane a tenant is folded in. */
export type LaneOf = (tenant: string) => number;

/** Lanes by tenant: whatever is folded together bears one tenant, so it is in one lane. */
export function createLaneOf(count: number): LaneOf {
  const known = new Map<string, number>();
  return (tenant) => {
    const found = known.get(tenant);
    if (found !== undefined) return found;
    if (known.size >= TENANTS_MAX) known.clear();
    const lane = partitionOfKey(tenant, count);
    known.set(tenant, lane);
    return lane;
  };
}

/** The lane of what bears no tenant: records that cannot be read, and the observer's own affairs. */
export function commonLane(laneOf: LaneOf): number {
  return laneOf(NO_TENANT);
}

/**
 * Lanes that need a record: those of its events, and the common one where it has none or where some
 * of it cannot be read. Ascending, each once; never empty.
 */
export function lanesOf(
  { events, deadLetters }: Pick<Decoded, 'events' | 'deadLetters'>,
  laneOf: LaneOf,
): readonly number[] {
  const [first, ...rest] = events;
  if (first !== undefined && rest.length === 0 && deadLetters.length === 0)
    return [laneOfEvent(first, laneOf)];
  const lanes = new Set(events.map((event) => laneOfEvent(event, laneOf)));
  if (deadLetters.length > 0 || lanes.size === 0) lanes.add(commonLane(laneOf));
  return [...lanes].sort((a, b) => a - b);
}

/** Lanes that need a record that was read at `nowMs`, and its highest event time; null where it has none. */
export function addressed(
  decode: Decode,
  laneOf: LaneOf,
  rec: Rec,
  nowMs: number,
): { lanes: readonly number[]; newestMs: number | null } {
  const decoded = decode(arrivedBy(rec, nowMs));
  let newestMs: number | null = null;
  for (const { time } of decoded.events)
    if (!time.clamped && (newestMs === null || time.eventMs > newestMs)) newestMs = time.eventMs;
  return { lanes: lanesOf(decoded, laneOf), newestMs };
}

/**
 * A decoder that keeps what is one lane's: its events, in the common lane also what cannot be read.
 * What is counted of a record as a whole is counted in the first of its lanes.
 */
export function decodeFor(lane: number, laneOf: LaneOf, decode: Decode): Decode {
  return (rec) => {
    const decoded = decode(rec);
    const { events, deadLetters, flags } = decoded;
    const lanes = lanesOf(decoded, laneOf);
    if (lanes.length === 1 && lanes[0] === lane) return decoded;
    return {
      events: events.filter((event) => laneOfEvent(event, laneOf) === lane),
      deadLetters: lane === commonLane(laneOf) ? deadLetters : [],
      flags: lanes[0] === lane ? flags : NOTHING,
    };
  };
}

function laneOfEvent(event: Event, laneOf: LaneOf): number {
  return laneOf(event.tenant ?? NO_TENANT);
}
