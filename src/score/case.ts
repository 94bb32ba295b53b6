/** Cases: correlated detections of one session or agent, or of a fleet, as people see them. */

import type { Announced, Announcement, Case } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import { idOf } from '../model/ids.ts';
import { Heap } from '../state/heap.ts';
import type { Slots } from '../state/slots.ts';
import {
  announce,
  type CaseEntity,
  caseOf,
  EVICT_AMONG,
  fold,
  LISTED_MAX,
  merge,
  newCase,
  QUIET_MS,
  reopen,
} from './case-entity.ts';
import { type FleetSizes, type Gathered, gather } from './fleet-case.ts';
import { rankOf } from './level.ts';

/** What came of a detection for the people who look at cases. */
export interface Told {
  /** The case it belongs to: its own, or the fleet's. */
  readonly caseId: string;
  /** Cases that changed, the detection's own last. */
  readonly cases: readonly Case[];
  readonly members: readonly { readonly caseId: string; readonly detectionId: string }[];
  /** What people are told; empty where it folded. */
  readonly announcements: readonly Announcement[];
  /** How many agents of the role fired alike within the hour, where that makes a fleet case. */
  readonly shared: { readonly agents: number; readonly of: number } | null;
}

/** What surrounds a detection when its case is put together. */
export interface CaseContext {
  readonly sizes: FleetSizes;
  /** Risk of its agent, points. */
  readonly risk: number;
}

/** Puts cases together. Calls come in the canonical order of the fold. */
export interface Casebook {
  /** Adds a detection that was not heard before. */
  add(detection: Detection, context: CaseContext): Told;
  /** When the next case becomes quiet, event ms. */
  nextMs(): number | undefined;
  /** Resolves what has been quiet for an hour at `ms`. */
  passTime(ms: number): Pick<Told, 'cases' | 'announcements'>;
  /** Finds the quiet deadlines again after a restore, some thousand entities a step. */
  restoring(): Generator<undefined, void>;
}

const SPACE = 'C';
const CASES_MAX = 100_000;
const DAY_MS = 86_400_000;
const STEP_ENTITIES = 10_000;

interface Deadline {
  readonly at: number;
  readonly id: string;
}

/** Id of the case a detection belongs to by itself: its session's, else its agent's for the day. */
export function caseIdOf(detection: Detection): string {
  const { tenant, agent, session } = detection.entity;
  return session === null
    ? idOf('case', tenant, agent, null, Math.floor(detection.timeMs / DAY_MS))
    : idOf('case', tenant, agent, session);
}

/** Makes the casebook over `slots`. */
export function createCasebook(
  slots: Slots,
  evicted: (subject: string, detail: string, ms: number) => void,
): Casebook {
  const deadlines = new Heap<Deadline>((a, b) => (a.at !== b.at ? a.at < b.at : a.id < b.id));
  const watch = (id: string, entity: CaseEntity) => deadlines.push({ at: entity.quietMs, id });
  return {
    add: (detection, context) => add(slots, detection, context, evicted, watch),
    nextMs: () => deadlines.peek()?.at,
    passTime: (ms) => passTime(slots, deadlines, ms),
    *restoring() {
      deadlines.clear();
      let seen = 0;
      for (const [id, entity] of slots.entities(SPACE)) {
        if ((entity as CaseEntity).state === 'open') watch(id, entity as CaseEntity);
        seen += 1;
        if (seen % STEP_ENTITIES === 0) yield;
      }
    },
  };
}

function add(
  slots: Slots,
  detection: Detection,
  context: CaseContext,
  evicted: (subject: string, detail: string, ms: number) => void,
  watch: (id: string, entity: CaseEntity) => void,
): Told {
  const ownId = caseIdOf(detection);
  const gathered = gather(slots, detection, ownId, context.sizes, evicted);
  const id = gathered?.caseId ?? ownId;
  let entity = slots.get<CaseEntity>(SPACE, id);
  const announcements: Announcement[] = [];
  const tell = (why: Announced, at: CaseEntity, caseId: string) =>
    announcements.push(
      announce(caseId, at, why, detection.detector, detection.decidedMs, detection.id),
    );
  const isNew = entity === undefined;
  const isWatched = entity?.state === 'open';
  if (entity === undefined) {
    if (slots.count(SPACE) >= CASES_MAX) forgetLeast(slots, detection.decidedMs, evicted);
    entity = newCase(detection, gathered);
    slots.put(SPACE, id, entity);
  }
  const cases: Case[] = [];
  const members: { caseId: string; detectionId: string }[] = [];
  if (gathered !== null && gathered.joins.length > 0)
    joinCases(slots, id, entity, gathered, cases, members);
  const came = isNew ? null : reopen(entity, detection.decidedMs);
  const broke = fold(entity, detection);
  const why = isNew ? (gathered === null ? 'opened' : 'fleet') : (came ?? broke);
  entity.risk = context.risk;
  entity.quietMs = Math.max(entity.quietMs, detection.decidedMs + QUIET_MS);
  // A fleet case told once covers its agents; only worse news breaks through.
  const isTold =
    why !== null && (gathered === null || isNew || !['detector', 'entity', 'repeat'].includes(why));
  if (isTold && why !== null) {
    entity.saidMs = detection.decidedMs;
    tell(why, entity, id);
  }
  if (!isWatched) watch(id, entity);
  slots.touch(SPACE, id);
  cases.push(caseOf(id, entity));
  members.push({ caseId: id, detectionId: detection.id });
  const shared = gathered === null ? null : { agents: gathered.agents, of: gathered.of };
  return { caseId: id, cases, members, announcements, shared };
}

/** Cases of the agents that made it a fleet's: what they hold goes over, and who has no more folds. */
function joinCases(
  slots: Slots,
  fleetId: string,
  fleet: CaseEntity,
  gathered: Gathered,
  cases: Case[],
  members: { caseId: string; detectionId: string }[],
): void {
  const joined = new Set<string>();
  for (const { caseId, detectionId } of gathered.joins) {
    members.push({ caseId: fleetId, detectionId });
    if (fleet.detections.length < LISTED_MAX) fleet.detections.push(detectionId);
    const own = slots.get<CaseEntity>(SPACE, caseId);
    if (own === undefined || joined.has(caseId)) continue;
    joined.add(caseId);
    for (const one of own.folds) if (one.detector === gathered.detector) merge(fleet, one);
    fleet.openedMs = Math.min(fleet.openedMs, own.openedMs);
    // A case that holds something else as well goes on by itself.
    if (own.folds.some(({ detector }) => detector !== gathered.detector)) continue;
    own.state = 'folded';
    own.into = fleetId;
    slots.touch(SPACE, caseId);
    cases.push(caseOf(caseId, own));
  }
}

function passTime(
  slots: Slots,
  deadlines: Heap<Deadline>,
  ms: number,
): Pick<Told, 'cases' | 'announcements'> {
  const cases: Case[] = [];
  const announcements: Announcement[] = [];
  for (let top = deadlines.peek(); top !== undefined && top.at <= ms; top = deadlines.peek()) {
    deadlines.pop();
    const entity = slots.get<CaseEntity>(SPACE, top.id);
    // It is told elsewhere, or was resolved by a deadline of its own.
    if (entity === undefined || entity.state !== 'open') continue;
    // It grew since: one deadline stands for it, however often it grows.
    if (entity.quietMs > top.at) {
      deadlines.push({ at: entity.quietMs, id: top.id });
      continue;
    }
    entity.state = 'resolved';
    slots.touch(SPACE, top.id);
    cases.push(caseOf(top.id, entity));
    // What comes late may open it again for no longer than it was open before.
    const cause = entity.reopened === 0 ? String(top.at) : `${top.at}/${entity.reopened}`;
    announcements.push(announce(top.id, entity, 'resolved', null, top.at, cause));
  }
  return { cases, announcements };
}

/** Closed before open, slight before grave, long quiet before others. */
function isLess(one: CaseEntity, other: CaseEntity): boolean {
  const open = (each: CaseEntity) => (each.state === 'open' ? 1 : 0);
  const by = open(one) - open(other) || rankOf(one.level) - rankOf(other.level);
  return by === 0 ? one.lastMs < other.lastMs : by < 0;
}

function forgetLeast(
  slots: Slots,
  ms: number,
  evicted: (subject: string, detail: string, ms: number) => void,
): void {
  let least: [string, CaseEntity] | undefined;
  for (const candidate of slots.sample<CaseEntity>(SPACE, EVICT_AMONG))
    if (least === undefined || isLess(candidate[1], least[1])) least = candidate;
  if (least === undefined) return;
  slots.remove(SPACE, least[0]);
  evicted('cases', 'case evicted from memory (it stays in the store): too many cases', ms);
}
