/** A driver that does what a test says, and remembers what it was asked to send. */
import type { Driver, DriverCapabilities } from '../../src/act/driver.ts';
import type { ApplyOutcome, Prior } from '../../src/model/action-log.ts';
import type { Intention } from '../../src/model/decision.ts';

/** A driver and its memory. */
export interface ScriptedDriver extends Driver {
  /** Every intention sent, oldest first. */
  readonly sent: Intention[];
  /** What stood before, as it was handed over with each of `sent`. */
  readonly priors: (Prior | null)[];
  /** How many were being sent at once, at most. */
  readonly mostAtOnce: () => number;
}

/**
 * Answers with what `answer` gives for the n-th sending (from 0); by default, accepted. `more` adds
 * what not every driver has: snapshot, readBack.
 */
export function createScriptedDriver(
  answer: (intention: Intention, nth: number) => ApplyOutcome | Promise<ApplyOutcome> = () => ({
    type: 'accepted',
    detail: 'ok',
  }),
  graceMs = 5_000,
  more: Pick<Driver, 'snapshot' | 'readBack'> & Partial<DriverCapabilities> = {},
): ScriptedDriver {
  const sent: Intention[] = [];
  const priors: (Prior | null)[] = [];
  const { snapshot, readBack, ...can } = more;
  let atOnce = 0;
  let most = 0;
  return {
    sent,
    priors,
    mostAtOnce: () => most,
    capabilities: () => ({
      verbs: ['freeze_tool'],
      irreversible: [],
      subjects: ['agent', 'session', 'tool'],
      blast: 'subject',
      selfExpiring: true,
      readBack: readBack !== undefined,
      graceMs,
      ratePerMin: 600,
      ...can,
    }),
    plan: () => ({
      method: 'POST',
      url: 'http://scripted.invalid/control',
      headers: {},
      body: '',
      undo: null,
      reach: '',
    }),
    async apply(intention, prior) {
      const nth = sent.push(intention) - 1;
      priors.push(prior);
      atOnce += 1;
      most = Math.max(most, atOnce);
      try {
        return await answer(intention, nth);
      } finally {
        atOnce -= 1;
      }
    },
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(readBack === undefined ? {} : { readBack }),
  };
}
