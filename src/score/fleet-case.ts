/** Fleet cases: many agents of a role firing alike within an hour are one case, not many. */
import type { Detection } from '../model/detection.ts';
import { idOf } from '../model/ids.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';

/** Agents registered, by role. */
export interface FleetSizes {
  readonly roles: Readonly<Record<string, number>>;
}

/** The fleet case a detection belongs to. */
export interface Gathered {
  readonly caseId: string;
  readonly role: string;
  readonly detector: string;
  /** Agents of the role that fired within the hour, and how many the role has. */
  readonly agents: number;
  readonly of: number;
  /** Where it becomes a fleet case now: what the agents' own cases hold of it. */
  readonly joins: readonly { readonly caseId: string; readonly detectionId: string }[];
}

/** Firing of one detector in one agent's case: case, detection, agent, when decided. */
type Recent = [caseId: string, detectionId: string, agent: string, ms: number];

interface FleetEntity extends Entity {
  recent: Recent[];
  /** The fleet case that stands; null: the agents' own cases tell it. */
  caseId: string | null;
  lastMs: number;
}

const SPACE = 'F';
const HOUR_MS = 3_600_000;
const AGENTS_MIN = 3;
const AGENTS_SHARE = 0.3;
const RECENT_MAX = 1024;
const ENTITIES_MAX = 20_000;

/**
 * Notes a firing and says which fleet case it belongs to; null where its own tells it. A fleet case
 * begins with `max(3, 30 % of the role)` agents within an hour and ends after an hour of quiet.
 */
export function gather(
  slots: Slots,
  detection: Detection,
  ownCase: string,
  sizes: FleetSizes,
  evicted: (subject: string, detail: string, ms: number) => void,
): Gathered | null {
  const { tenant, agent, role } = detection.entity;
  const { detector, decidedMs } = detection;
  if (role === null) return null;
  const key = idOf(tenant, role, detector);
  let state = slots.get<FleetEntity>(SPACE, key);
  if (state === undefined) {
    if (slots.count(SPACE) >= ENTITIES_MAX) forgetStalest(slots, decidedMs, evicted);
    state = { recent: [], caseId: null, lastMs: decidedMs };
    slots.put(SPACE, key, state);
  }
  const isQuiet = decidedMs - state.lastMs >= HOUR_MS;
  if (isQuiet) state.caseId = null;
  state.lastMs = Math.max(state.lastMs, decidedMs);
  state.recent = state.recent.filter(([, , , ms]) => decidedMs - ms < HOUR_MS);
  const before = state.recent.map(([caseId, detectionId]) => ({ caseId, detectionId }));
  state.recent.push([ownCase, detection.id, agent, decidedMs]);
  if (state.recent.length > RECENT_MAX) state.recent.shift();
  slots.touch(SPACE, key);
  const agents = new Set(state.recent.map(([, , name]) => name)).size;
  const of = Object.hasOwn(sizes.roles, role) ? (sizes.roles[role] as number) : 0;
  const common = { role, detector, agents, of };
  if (state.caseId !== null) return { ...common, caseId: state.caseId, joins: [] };
  if (agents < Math.max(AGENTS_MIN, Math.ceil(AGENTS_SHARE * of))) return null;
  const first = state.recent[0]?.[1] ?? detection.id;
  state.caseId = idOf('fleet-case', tenant, role, detector, first);
  return { ...common, caseId: state.caseId, joins: before };
}

function forgetStalest(
  slots: Slots,
  ms: number,
  evicted: (subject: string, detail: string, ms: number) => void,
): void {
  let stalest: [string, FleetEntity] | undefined;
  for (const candidate of slots.sample<FleetEntity>(SPACE, 32))
    if (stalest === undefined || candidate[1].lastMs < stalest[1].lastMs) stalest = candidate;
  if (stalest === undefined) return;
  slots.remove(SPACE, stalest[0]);
  evicted('fleet-cases', 'firings of a role forgotten: too many roles and detectors', ms);
}
