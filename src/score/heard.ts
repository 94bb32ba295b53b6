/** Heard: which detections were taken in already, so that a restated fact counts once. */
import type { Detection } from '../model/detection.ts';
import { newTable } from '../model/table.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';

interface HeardEntity extends Entity {
  /** First 16 hexadecimal digits of each id, and the how-many-eth it was. */
  ids: Record<string, number>;
  /** How many `ids` holds, and how many there were in all. */
  held: number;
  all: number;
  lastMs: number;
}

const SPACE = 'heard';
const IDS = 'ids';
const IDS_MAX = 512;
const DIGITS = 16;
const ENTITIES_MAX = 100_000;

/** Hears each detection once. */
export type Hear = (detection: Detection) => boolean;

/**
 * True for a detection that was not heard before. Remembers the last 512 of a session, or of an agent
 * without one, and 100,000 of those; `evicted` is told who was forgotten.
 */
export function createHear(
  slots: Slots,
  evicted: (subject: string, detail: string, ms: number) => void,
): Hear {
  // A delta holds the id that came, not all that were there.
  slots.split(SPACE, [IDS]);
  return (detection) => hear(slots, detection, evicted);
}

function hear(
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
    heard = { ids: newTable(), held: 0, all: 0, lastMs: decidedMs };
    slots.put(SPACE, key, heard);
  }
  if (Object.hasOwn(heard.ids, short)) return false;
  heard.ids[short] = heard.all;
  heard.all += 1;
  heard.held += 1;
  heard.lastMs = Math.max(heard.lastMs, decidedMs);
  slots.touchPart(SPACE, key, IDS, short);
  if (heard.held > IDS_MAX) {
    const oldest = firstOf(heard.ids);
    delete heard.ids[oldest];
    heard.held -= 1;
    slots.touchPart(SPACE, key, IDS, oldest);
  }
  return true;
}

function firstOf(ids: Readonly<Record<string, number>>): string {
  let first = '';
  let least = Number.POSITIVE_INFINITY;
  for (const [id, at] of Object.entries(ids))
    if (at < least) {
      least = at;
      first = id;
    }
  return first;
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
  evicted('heard', 'which detections of an entity were heard is forgotten: too many', ms);
}
