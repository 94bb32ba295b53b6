/** A driver that does what a test says, and remembers what it was asked to send. */
import type { Driver } from '../../src/act/driver.ts';
import type { ApplyOutcome } from '../../src/model/action-log.ts';
import type { Intention } from '../../src/model/decision.ts';

/** A driver and its memory. */
export interface ScriptedDriver extends Driver {
  /** Every intention sent, oldest first. */
  readonly sent: Intention[];
  /** How many were being sent at once, at most. */
  readonly mostAtOnce: () => number;
}

/** Answers with what `answer` gives for the n-th sending (from 0); by default, accepted. */
export function createScriptedDriver(
  answer: (intention: Intention, nth: number) => ApplyOutcome | Promise<ApplyOutcome> = () => ({
    type: 'accepted',
    detail: 'ok',
  }),
  graceMs = 5_000,
): ScriptedDriver {
  const sent: Intention[] = [];
  let atOnce = 0;
  let most = 0;
  return {
    sent,
    mostAtOnce: () => most,
    capabilities: () => ({
      name: 'webhook',
      verbs: ['freeze_tool'],
      irreversible: [],
      subjects: ['agent'],
      selfExpiring: true,
      readBack: false,
      graceMs,
    }),
    plan: () => ({ method: 'POST', url: '', headers: {}, body: '', undo: null, reach: '' }),
    async apply(intention) {
      const nth = sent.push(intention) - 1;
      atOnce += 1;
      most = Math.max(most, atOnce);
      try {
        return await answer(intention, nth);
      } finally {
        atOnce -= 1;
      }
    },
  };
}
