/** Heard: which detections were taken in already, so that a restated fact counts once. */
import type { Detection } from '../model/detection.ts';
import type { Entity, Slots } from '../state/slots.ts';

interface HeardEntity extends Entity {
  /** First 16 hexadecimal digits of the ids, the latest last. */
  ids: string[];
  lastMs: number;
}

const SPACE = 'heard';
const IDS_MAX = 512;
const DIGITS = 16;
const ENTITIES_MAX = 100_000;

/**
 * True for a detection that was not heard before. Remembers the last 512 of a session, or of an agent
 * without one, and 100,000 of those; `evicted` is told who was forgotten.
 */
export function hear(
  slots: Slots,
  { id, entity, decidedMs }: Detection,
  evicted: (subject: string, detail: string, ms: number) => void,
): boolean {
  const { tenant, agent, session } = entity;
  const key = `${tenant.length}:${tenant}:${agent.length}:${agent}:${session ?? ''}`;
  const short = id.slice(0, DIGITS);
  let heard = slots.get<HeardEntity>(SPACE, key);
  if (heard === undefined) {
    if (slots.count(SPACE) >= ENTITIES_MAX) forgetStalest(slots, decidedMs, evicted);
    heard = { ids: [], lastMs: decidedMs };
    slots.put(SPACE, key, heard);
  }
  if (heard.ids.includes(short)) return false;
  heard.ids.push(short);
  if (heard.ids.length > IDS_MAX) heard.ids.shift();
  heard.lastMs = Math.max(heard.lastMs, decidedMs);
  slots.touch(SPACE, key);
  return true;
}

function forgetStalest(
  slots: Slots,
  ms: number,
  evicted: (subject: string, detail: string, ms: number) => void,
): void {
  let stalest: [string, HeardEntity] | undefined;
  for (const candidate of slots.sample<HeardEntity>(SPACE, 32))
    if (stalest === undefined || candidate[1].lastMs < stalest[1].lastMs) stalest = candidate;
  if (stalest === undefined) return;
  slots.remove(SPACE, stalest[0]);
  evicted(stalest[0], 'which of its detections were heard is forgotten: too many', ms);
}
