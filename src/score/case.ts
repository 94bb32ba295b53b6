/** Cases: correlated detections of one session, or of one agent, become what people see. */

import type { Case } from '../model/decision.ts';
import { type Detection, LEVELS, type Level } from '../model/detection.ts';
import { idOf } from '../model/ids.ts';
import type { Entity, Slots } from '../state/slots.ts';

interface CaseEntity extends Entity {
  level: Level;
  title: string;
  openedMs: number;
  lastMs: number;
  detections: string[];
  count: number;
}

const LISTED_MAX = 256;
const CASES_MAX = 100_000;
const DAY_MS = 86_400_000;

/** Id of the case a detection belongs to: its session's; without a session, its agent's for the day. */
export function caseIdOf(detection: Detection): string {
  const { tenant, agent, session } = detection.entity;
  return session === null
    ? idOf('case', tenant, agent, null, Math.floor(detection.timeMs / DAY_MS))
    : idOf('case', tenant, agent, session);
}

/** Adds a detection to its case. Returns the case as it stands, or null for a detection it has. */
export function addToCase(
  slots: Slots,
  detection: Detection,
  evicted: (subject: string, detail: string, ms: number) => void,
): Case | null {
  const id = caseIdOf(detection);
  let entity = slots.get<CaseEntity>('C', id);
  if (entity === undefined) {
    if (slots.count('C') >= CASES_MAX) forgetOldest(slots, detection.decidedMs, evicted);
    entity = {
      level: detection.level,
      title: titleOf(detection),
      openedMs: detection.timeMs,
      lastMs: detection.timeMs,
      detections: [],
      count: 0,
    };
    slots.put('C', id, entity);
  }
  if (entity.detections.includes(detection.id)) return null;
  if (entity.detections.length < LISTED_MAX) entity.detections.push(detection.id);
  entity.count += 1;
  entity.openedMs = Math.min(entity.openedMs, detection.timeMs);
  entity.lastMs = Math.max(entity.lastMs, detection.timeMs);
  if (rankOf(detection.level) > rankOf(entity.level)) {
    entity.level = detection.level;
    entity.title = titleOf(detection);
  }
  slots.touch('C', id);
  const { level, title, openedMs, lastMs, detections, count } = entity;
  return {
    id,
    entity: detection.entity,
    level,
    title,
    openedMs,
    lastMs,
    detections: [...detections],
    count,
  };
}

/** Rank of a level, 0 = informational. */
export function rankOf(level: Level): number {
  return LEVELS.indexOf(level);
}

function titleOf(detection: Detection): string {
  const { agent, session } = detection.entity;
  return session === null
    ? `${detection.detector}: ${agent}`
    : `${detection.detector}: ${agent} in session ${session}`;
}

function forgetOldest(
  slots: Slots,
  ms: number,
  evicted: (subject: string, detail: string, ms: number) => void,
): void {
  let oldest: [string, CaseEntity] | undefined;
  for (const candidate of slots.sample<CaseEntity>('C', 32))
    if (oldest === undefined || candidate[1].lastMs < oldest[1].lastMs) oldest = candidate;
  if (oldest === undefined) return;
  slots.remove('C', oldest[0]);
  evicted(oldest[0], 'case evicted from memory (it stays in the store): too many cases', ms);
}
