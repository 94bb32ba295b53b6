/** A case in memory: how it folds what repeats, and what of it breaks through to people. */
import type { Announced, Announcement, Case, CaseState, Fold } from '../model/decision.ts';
import type { Entity as About, Detection, Level, Maturity } from '../model/detection.ts';
import { idOf } from '../model/ids.ts';
import type { Entity } from '../state/slot.ts';
import { rankOf, weightOf } from './level.ts';

/** A fold as it is kept: a Fold that may change. */
export type KeptFold = { -readonly [Key in keyof Fold]: Fold[Key] } & { evidence: string[] };

/** A case as it is kept; plain JSON. */
export interface CaseEntity extends Entity {
  about: About;
  level: Level;
  maturity: Maturity;
  title: string;
  openedMs: number;
  lastMs: number;
  detections: string[];
  count: number;
  folds: KeptFold[];
  state: CaseState;
  into: string | null;
  reopened: number;
  risk: number;
  /** When it is quiet unless something comes, event ms; deadlines, not `wake`, which is correlation's. */
  quietMs: number;
  /** When people last heard of it, event ms. */
  saidMs: number;
}

/** A case that nothing was added to for so long is resolved (handbook, detection §8.2), ms. */
export const QUIET_MS = 3_600_000;
/** Candidates an eviction looks at. */
export const EVICT_AMONG = 32;
/** Stands for the agents beyond those that are told one by one. */
const OTHERS = '*';
const REPEAT_MS = 4 * 3_600_000;
/** Detections a case lists. */
export const LISTED_MAX = 256;
const FOLDS_MAX = 64;
const EVIDENCE_MAX = 100;
/** Of all folds together: a case is written whole whenever it grows. */
const EVIDENCE_OF_CASE_MAX = 400;

/** A case with nothing in it yet, that of a fleet where one is given. */
export function newCase(
  detection: Detection,
  fleet: { readonly role: string; readonly detector: string; readonly agents: number } | null,
): CaseEntity {
  const { tenant } = detection.entity;
  return {
    about:
      fleet === null ? detection.entity : { tenant, agent: '*', role: fleet.role, session: null },
    level: detection.level,
    maturity: detection.maturity,
    title:
      fleet === null
        ? titleOf(detection)
        : `${fleet.detector}: ${fleet.agents} agents of role ${fleet.role} within an hour`,
    openedMs: detection.timeMs,
    lastMs: detection.timeMs,
    detections: [],
    count: 0,
    folds: [],
    state: 'open',
    into: null,
    reopened: 0,
    risk: 0,
    quietMs: 0,
    saidMs: 0,
  };
}

/** Opens a resolved case again. What came of it for people, or null. */
export function reopen(entity: CaseEntity, nowMs: number): Announced | null {
  if (entity.state === 'open' && nowMs < entity.quietMs) return null;
  if (entity.state === 'folded') {
    // What it was folded into is quiet by now, or something else fired: it speaks for itself again.
    entity.state = 'open';
    entity.into = null;
    return null;
  }
  entity.state = 'open';
  entity.reopened += 1;
  return 'reopened';
}

/**
 * Takes a detection in. Returns what of it people must hear: the first of its detector or agent, a
 * higher level or maturity, a repetition after an hour of silence or four hours of talk; else null.
 */
export function fold(entity: CaseEntity, detection: Detection): Announced | null {
  const { id, detector, level, maturity, timeMs, decidedMs } = detection;
  const { agent } = detection.entity;
  if (entity.detections.length < LISTED_MAX) entity.detections.push(id);
  entity.count += 1;
  entity.openedMs = Math.min(entity.openedMs, timeMs);
  const sinceMs = timeMs - entity.lastMs;
  entity.lastMs = Math.max(entity.lastMs, timeMs);
  const isWorse = rankOf(level) > rankOf(entity.level);
  const isStronger = weightOf(maturity) > weightOf(entity.maturity);
  if (isWorse) {
    entity.level = level;
    if (entity.about.agent !== '*') entity.title = titleOf(detection);
  }
  if (isStronger) entity.maturity = maturity;
  const isKnownDetector = entity.folds.some((one) => one.detector === detector);
  const known = entity.folds.find((one) => one.detector === detector && one.agent === agent);
  count(entity, known ?? roomFor(entity, detection), detection);
  if (isWorse) return 'level';
  if (isStronger) return 'maturity';
  if (known === undefined) return isKnownDetector ? 'entity' : 'detector';
  return sinceMs > QUIET_MS || decidedMs - entity.saidMs >= REPEAT_MS ? 'repeat' : null;
}

/** A new fold; the last of 64 takes in everything that finds none of its own. */
function roomFor(
  entity: CaseEntity,
  detection: Pick<Detection, 'detector' | 'level' | 'maturity'> & {
    readonly timeMs: number;
    readonly entity: { readonly agent: string };
  },
): KeptFold {
  const { detector, level, maturity, timeMs } = detection;
  const isFull = entity.folds.length >= FOLDS_MAX - 1;
  const others = isFull ? entity.folds.find((one) => one.agent === OTHERS) : undefined;
  if (others !== undefined) return others;
  const agent = isFull ? OTHERS : detection.entity.agent;
  const made = { detector, agent, level, maturity, count: 0, ...span(timeMs), ...noEvidence() };
  entity.folds.push(made);
  return made;
}

/** Takes the fold of another case in as it is. */
export function merge(entity: CaseEntity, other: Fold): void {
  const { detector, level, maturity, agent } = other;
  const about = { detector, level, maturity, timeMs: other.firstSeenMs, entity: { agent } };
  const known = entity.folds.find((one) => one.detector === detector && one.agent === agent);
  const into = known ?? roomFor(entity, about);
  into.count += other.count;
  into.firstSeenMs = Math.min(into.firstSeenMs, other.firstSeenMs);
  into.lastSeenMs = Math.max(into.lastSeenMs, other.lastSeenMs);
  into.evidenceTotal += other.evidenceTotal;
  into.evidence.push(...other.evidence.slice(0, roomOf(entity, into)));
  entity.count += other.count;
  entity.lastMs = Math.max(entity.lastMs, other.lastSeenMs);
  if (rankOf(level) > rankOf(entity.level)) entity.level = level;
  if (weightOf(maturity) > weightOf(entity.maturity)) entity.maturity = maturity;
}

function span(ms: number): { firstSeenMs: number; lastSeenMs: number } {
  return { firstSeenMs: ms, lastSeenMs: ms };
}

function noEvidence(): { evidence: string[]; evidenceTotal: number } {
  return { evidence: [], evidenceTotal: 0 };
}

function count(entity: CaseEntity, into: KeptFold, detection: Detection): void {
  const { timeMs, level, maturity, witnesses } = detection;
  into.count += 1;
  into.firstSeenMs = Math.min(into.firstSeenMs, timeMs);
  into.lastSeenMs = Math.max(into.lastSeenMs, timeMs);
  if (rankOf(level) > rankOf(into.level)) into.level = level;
  if (weightOf(maturity) > weightOf(into.maturity)) into.maturity = maturity;
  const room = roomOf(entity, into);
  into.evidenceTotal += witnesses.length;
  into.evidence.push(...witnesses.slice(0, room).map(({ eventId }) => eventId));
}

/** How many more evidence ids a fold may list. */
function roomOf(entity: CaseEntity, into: KeptFold): number {
  let listed = 0;
  for (const one of entity.folds) listed += one.evidence.length;
  return Math.max(0, Math.min(EVIDENCE_MAX - into.evidence.length, EVIDENCE_OF_CASE_MAX - listed));
}

/** The case as it stands: a copy. */
export function caseOf(id: string, entity: CaseEntity): Case {
  const { about, level, maturity, title, openedMs, lastMs, detections, count: n } = entity;
  const { folds, state, into, reopened, risk } = entity;
  return {
    ...{ id, entity: about, level, maturity, title, openedMs, lastMs, count: n },
    ...{ state, reopened, foldedInto: into, risk },
    detections: [...detections],
    folds: folds.map((one) => ({ ...one, evidence: [...one.evidence] })),
  };
}

/** What people are told. `cause` makes its id: the detection, or the deadline. */
export function announce(
  caseId: string,
  { level, title }: CaseEntity,
  why: Announced,
  detector: string | null,
  timeMs: number,
  cause: string,
): Announcement {
  const id = idOf('announcement', caseId, why, cause);
  return { id, caseId, why, level, title, detector, timeMs };
}

function titleOf(detection: Detection): string {
  const { agent, session } = detection.entity;
  return session === null
    ? `${detection.detector}: ${agent}`
    : `${detection.detector}: ${agent} in session ${session}`;
}
