/** Detections for tests of what comes after detection. */
import type { Detection } from '../../src/model/detection.ts';
import { idOf } from '../../src/model/ids.ts';

/** Event time of the first finding, ms. */
export const T0 = 1_800_000_000_000;

/** A hard finding about agent `a` in session `s` that may act, but for what is given. */
export function detectionOf(changes: Partial<Detection> = {}): Detection {
  const timeMs = changes.timeMs ?? T0;
  return {
    id: idOf('test', timeMs, changes.detector ?? '', changes.entity?.agent ?? ''),
    detector: 'unstated-action',
    version: 'v1',
    family: 'intent',
    level: 'high',
    evidenceClass: 'hard',
    maturity: 'enforce',
    entity: { tenant: '-', agent: 'a', role: 'clerk', session: 's' },
    timeMs,
    decidedMs: timeMs,
    seq: 3,
    tool: 'send_message',
    witnesses: [],
    explanation: 'a call that nobody stated',
    counterfactual: 'silent if it had been stated',
    strength: 'exact',
    blind: [],
    late: false,
    tags: [],
    ...changes,
  };
}
