/** Authority: whether an intention may still be sent, asked again at the moment of acting. */
import type { Intention, Mode } from '../model/decision.ts';
import type { Maturity } from '../model/detection.ts';
import { allowsMode, type Earned, isEarned, isUntouchable, VERB_NEEDS } from '../model/power.ts';

/** A detector as it stands now, not as it stood when it fired. */
export interface StandingDetector {
  readonly version: string;
  /** Overrides applied. */
  readonly maturity: Maturity;
  readonly earned: Earned;
}

/** What a person stopped. */
export interface Pause {
  readonly scope: 'fleet' | 'role' | 'agent' | 'driver';
  /** Empty for the fleet. */
  readonly target: string;
}

/** What is in force when somebody is about to be restrained. */
export interface StandingOrders {
  readonly detectors: ReadonlyMap<string, StandingDetector>;
  readonly modeOf: (role: string | null) => Mode;
  readonly neverTouch: ReadonlySet<string>;
  /** `stem version` of those that a false positive demoted to alert. */
  readonly demoted: ReadonlySet<string>;
  readonly pauses: readonly Pause[];
}

/**
 * Why an intention may not be sent now; null where it may. A release is always sent. The checks are
 * those of the decision that may have changed since: maturity, demotion, mode, earned tier, kill
 * switch, and last the never-touch list.
 */
export function withheldBecause(intention: Intention, orders: StandingOrders): string | null {
  if (intention.step === 'release') return null;
  const { grounds, verb, subject, driver } = intention;
  if (grounds === null) return 'nobody knows any more which detector asked for it';
  const detector = orders.detectors.get(grounds.detector);
  if (detector === undefined) return `detector ${grounds.detector} is no longer there`;
  if (detector.version !== grounds.version)
    return `detector ${grounds.detector} was edited since: version ${grounds.version} is void`;
  if (orders.demoted.has(demotionKey(grounds.detector, grounds.version)))
    return `detector ${grounds.detector} was demoted to alert by a false positive`;
  if (detector.maturity !== 'enforce')
    return `maturity of ${grounds.detector} is ${detector.maturity}`;
  const mode = orders.modeOf(grounds.role);
  if (!allowsMode(mode, verb)) return `mode of role ${grounds.role ?? '(none)'} is ${mode}`;
  if (!isEarned(verb, detector.earned))
    return `${grounds.detector} earned ${detector.earned.tier}; ${verb} needs ${VERB_NEEDS[verb].tier}`;
  const pause = orders.pauses.find(
    ({ scope, target }) =>
      scope === 'fleet' ||
      (scope === 'role' && target === (grounds.role ?? '')) ||
      (scope === 'agent' && target === subject.agent) ||
      (scope === 'driver' && target === driver),
  );
  if (pause !== undefined) return `the ${pause.scope} is paused`;
  return isUntouchable(orders.neverTouch, subject.agent, grounds.role)
    ? 'the agent is on the never-touch list'
    : null;
}

/** Key of a demotion. */
export function demotionKey(detector: string, version: string): string {
  return `${detector} ${version}`;
}
