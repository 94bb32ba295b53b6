/** Exceptions at work: which one, if any, excuses a detection. */
import type { Detection } from '../model/detection.ts';
import { type Exception, MATCH_FIELDS, type MatchField } from '../model/exception.ts';
import { isUntouchable } from '../model/power.ts';

/** What of a detection an exception can match. */
export type Excusable = Pick<Detection, 'detector' | 'family' | 'entity' | 'tool' | 'timeMs'>;

/** Finds the exception that excuses a detection. */
export interface Exceptions {
  /**
   * The first one by id that matches and has not lapsed at the event time of the evidence; null where
   * there is none. Detections of the family integrity, and those about agents that must never be
   * touched, are never excused: they are about the ground everything else stands on.
   */
  excusing(detection: Excusable): Exception | null;
}

/** Makes the lookup; exceptions are indexed by detector, so that most detections cost one lookup. */
export function createExceptions(
  list: readonly Exception[],
  neverTouch: ReadonlySet<string>,
): Exceptions {
  const byDetector = new Map<string, Exception[]>();
  const sorted = [...list].sort((one, two) => (one.id < two.id ? -1 : 1));
  for (const exception of sorted)
    for (const stem of exception.detectors) {
      const known = byDetector.get(stem);
      if (known === undefined) byDetector.set(stem, [exception]);
      else known.push(exception);
    }
  return {
    excusing(detection) {
      const candidates = byDetector.get(detection.detector);
      if (candidates === undefined) return null;
      const { agent, role } = detection.entity;
      if (detection.family === 'integrity' || isUntouchable(neverTouch, agent, role)) return null;
      const found = candidates.find(
        (one) => detection.timeMs < one.expiresMs && matches(one, detection),
      );
      return found ?? null;
    },
  };
}

function matches({ match }: Exception, detection: Excusable): boolean {
  return MATCH_FIELDS.every((field) => {
    const wanted = match[field];
    if (wanted === undefined) return true;
    const value = fieldOf(detection, field);
    return value !== null && wanted.includes(value);
  });
}

function fieldOf(detection: Excusable, field: MatchField): string | null {
  return field === 'tool' ? detection.tool : detection.entity[field];
}
