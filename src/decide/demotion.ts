/** Demotions: versions of detectors that one needless action cost the power to act. */
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';

interface DemotionEntity extends Entity {
  readonly sinceMs: number;
}

const SPACE = 'demoted';

/** Who may only alert, whatever their files say; an edited detector is another version. */
export interface Demotions {
  stands(detector: string, version: string): boolean;
  /** False where it stood already. */
  demote(detector: string, version: string, nowMs: number): boolean;
  /** A person gives it back. False where nothing stood. */
  reinstate(detector: string, version: string): boolean;
}

/** Makes the demotions over `slots`. They are as many as people judged, and end with the version. */
export function createDemotions(slots: Slots): Demotions {
  const keyOf = (detector: string, version: string) => `${detector} ${version}`;
  const stands = (key: string) => slots.get<DemotionEntity>(SPACE, key) !== undefined;
  return {
    stands: (detector, version) => stands(keyOf(detector, version)),
    demote(detector, version, nowMs) {
      const key = keyOf(detector, version);
      if (stands(key)) return false;
      slots.put(SPACE, key, { sinceMs: nowMs } as DemotionEntity);
      return true;
    },
    reinstate(detector, version) {
      const key = keyOf(detector, version);
      if (!stands(key)) return false;
      slots.remove(SPACE, key);
      return true;
    },
  };
}
