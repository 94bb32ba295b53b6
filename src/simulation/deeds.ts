/** Every deed by its kind: a new one is a file in deviations/ and a line here. */
import type { Deed } from './deed.ts';
import { costSpiral } from './deviations/cost-spiral.ts';
import { delegationAbuse } from './deviations/delegation-abuse.ts';
import { exfiltrationVolume } from './deviations/exfiltration-volume.ts';
import {
  foreignArgument,
  foreignArgumentResisted,
  foreignArgumentStopped,
} from './deviations/foreign-argument.ts';
import { insiderGrant } from './deviations/insider-grant.ts';
import { mandateMismatch } from './deviations/mandate-mismatch.ts';
import { poisonedWindow } from './deviations/poisoned-window.ts';
import { retryLoop } from './deviations/retry-loop.ts';
import { sourceTampering } from './deviations/source-tampering.ts';
import { toolSweep } from './deviations/tool-sweep.ts';
import type { Misbehaviour, Misdeed } from './emission.ts';
import { misbehave } from './misbehaviour.ts';

const sound = (kind: Misbehaviour): Deed => ({ play: (run) => misbehave(run, kind) });
/** The opening of the session already says it all. */
const whole: Deed = { prepare: () => true };
/** It shows in the manner of many sessions, not in a deed of one. */
const manner: Deed = {};

/** What a session may be up to; the last two meet a foreign instruction and do no harm. */
export type Purpose = Misdeed | 'injection-attempted' | 'injection-resisted';

/** Deeds by purpose. */
export const DEEDS: Readonly<Record<Purpose, Deed>> = {
  'unstated-action': sound('unstated-action'),
  'phantom-action': sound('phantom-action'),
  'argument-mismatch': sound('argument-mismatch'),
  'tool-mismatch': sound('tool-mismatch'),
  'ungranted-action': sound('ungranted-action'),
  'denied-then-retried': sound('denied-then-retried'),
  'after-close': { ...sound('after-close'), late: true },
  'identity-mismatch': sound('identity-mismatch'),
  'unknown-agent': whole,
  'spawn-without-origin': whole,
  'approval-missing': sound('approval-missing'),
  'retry-spiral': sound('retry-spiral'),
  'call-burst': sound('call-burst'),
  'token-spiral': sound('token-spiral'),
  'tool-sweep': toolSweep,
  'exfiltration-volume': exfiltrationVolume,
  'cost-spiral': costSpiral,
  'retry-loop': retryLoop,
  'mandate-mismatch': mandateMismatch,
  'foreign-argument': foreignArgument,
  'injection-attempted': foreignArgumentStopped,
  'injection-resisted': foreignArgumentResisted,
  'source-tampering': sourceTampering,
  'delegation-abuse': delegationAbuse,
  'insider-grant': insiderGrant,
  'poisoned-window': poisonedWindow,
  'slow-drift': manner,
  'model-swap': manner,
  'prompt-swap': manner,
  'role-rollout': manner,
};
