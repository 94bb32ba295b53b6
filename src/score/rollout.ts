/** Rollout: many agents of a role drifting together are one fleet case, not many incidents. */
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import { eBh } from '../stats/fleet-evidence.ts';
import { accumulate, advance, EMPTY, type Onset } from '../stats/shiryaev-roberts.ts';

/** An agent of the role as a snapshot sees it. */
export interface Member {
  readonly agent: string;
  /** E-value of its day so far: R / ticks. */
  readonly e: number;
  /** Its heaviest dimension; null where nothing stands out. */
  readonly dimension: string | null;
  /** When its run began, event time, ms; null where none runs. */
  readonly onsetMs: number | null;
}

/** Something declared or seen that might explain a common drift. */
export interface Change {
  readonly what: 'model' | 'prompt' | 'tool' | 'grant' | 'policy';
  /** Version, tool or change id; no payload text. */
  readonly name: string;
  readonly ms: number;
}

/** A drift that a role shares. */
export interface FleetCase {
  readonly role: string;
  /** accumulator: the role's own R reached A · suspects: e-BH covers enough of the role. */
  readonly cause: 'accumulator' | 'suspects';
  readonly members: readonly string[];
  readonly agents: number;
  /** Dimension on top; null where the members share none. */
  readonly dimension: string | null;
  /** Common change point, event time, ms: median of the members' onsets. */
  readonly onsetMs: number | null;
  /** Changes within a day of it, nearest first. */
  readonly changes: readonly Change[];
}

/** A role's accumulator: one tick per round, fed with the mean evidence of its agents' units. */
interface RoleEntity extends Entity, Onset {
  /** ln R, nats. */
  r: number;
  round: number;
  rounds: number;
  sum: number;
  units: number;
}

const SPACE = 'O';
/** A round: all units of a role within an hour of event time make one tick. */
const ROUND_MS = 3_600_000;
const MEMBERS_MIN = 3;
const MEMBERS_SHARE = 0.3;
const SHARED_SHARE = 0.6;
const NEAR_MS = 86_400_000;

/**
 * Takes the marginal evidence of a closed unit into its role's round. Once the hour is over the mean
 * of the round is one tick; returns the tick's R if it reached `a`, else null. Late units count in the
 * round at hand: a tick is never scored again.
 */
export function tickRole(
  slots: Slots,
  role: string,
  evidence: number,
  ms: number,
  a: number,
): { readonly value: number; readonly onsetMs: number } | null {
  const round = Math.floor(ms / ROUND_MS);
  let state = slots.get<RoleEntity>(SPACE, role);
  if (state === undefined) {
    state = { r: EMPTY, round, rounds: 0, sum: 0, units: 0, gap: 0, tick: 1, ms };
    slots.put(SPACE, role, state);
  }
  let fired: { value: number; onsetMs: number } | null = null;
  if (round > state.round && state.units > 0) {
    const lnE = Math.log(state.sum / state.units);
    state.rounds += 1;
    state.r = accumulate(state.r, lnE);
    advance(state, lnE, state.rounds, state.round * ROUND_MS);
    if (state.r >= Math.log(a)) {
      fired = { value: Math.exp(state.r), onsetMs: state.ms };
      Object.assign(state, { r: EMPTY, gap: 0 });
    }
    state.sum = 0;
    state.units = 0;
  }
  state.round = Math.max(state.round, round);
  state.sum += evidence;
  state.units += 1;
  slots.touch(SPACE, role);
  return fired;
}

/**
 * The fleet case of a role at a snapshot, or null: its accumulator fired (`cause` accumulator), or the
 * e-BH set holds at least three agents and 30 % of the role, at least 60 % of them with one dimension
 * on top. `members` are all agents of the role, each once; times of the snapshot are fixed beforehand.
 */
export function fleetCase(
  role: string,
  members: readonly Member[],
  hasFired: boolean,
  changes: readonly Change[],
  q = 0.1,
): FleetCase | null {
  const suspects = eBh(
    members.map(({ e }) => e),
    q,
  ).map((at) => members[at] as Member);
  const shared = commonest(suspects);
  const isCovered = suspects.length >= Math.max(MEMBERS_MIN, MEMBERS_SHARE * members.length);
  const isShared = shared !== null && shared.count >= SHARED_SHARE * suspects.length;
  if (!hasFired && !(isCovered && isShared)) return null;
  const onsetMs = medianOf(suspects.flatMap(({ onsetMs: ms }) => (ms === null ? [] : [ms])));
  return {
    role,
    cause: hasFired ? 'accumulator' : 'suspects',
    members: suspects.map(({ agent }) => agent),
    agents: members.length,
    dimension: isShared ? shared.dimension : null,
    onsetMs,
    changes: near(changes, onsetMs),
  };
}

/**
 * May an agent of a fleet case still be acted upon by itself? Only where it is strange among its
 * peers too: p = (1 + #{peers at least as strange}) / (peers + 1), exchangeable peers.
 */
export function isStrangeAmongPeers(own: number, peers: readonly number[], alpha: number): boolean {
  let count = 1;
  for (const peer of peers) if (peer >= own) count += 1;
  return count / (peers.length + 1) <= alpha;
}

function commonest(members: readonly Member[]): { dimension: string; count: number } | null {
  const counts = new Map<string, number>();
  for (const { dimension } of members)
    if (dimension !== null) counts.set(dimension, (counts.get(dimension) ?? 0) + 1);
  let best: { dimension: string; count: number } | null = null;
  for (const [dimension, count] of counts)
    if (best === null || count > best.count || (count === best.count && dimension < best.dimension))
      best = { dimension, count };
  return best;
}

function medianOf(times: readonly number[]): number | null {
  const sorted = [...times].sort((one, two) => one - two);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

function near(changes: readonly Change[], ms: number | null): Change[] {
  if (ms === null) return [];
  return changes
    .filter((change) => Math.abs(change.ms - ms) <= NEAR_MS)
    .sort(
      (one, two) => Math.abs(one.ms - ms) - Math.abs(two.ms - ms) || (one.name < two.name ? -1 : 1),
    );
}
