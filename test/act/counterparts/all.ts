/** A counterpart for every kind of driver: the type refuses a table that forgets one. */
import type { DRIVERS } from '../../../src/act/act.ts';
import type { StartCounterpart } from './counterpart.ts';
import { startOauth } from './oauth.ts';
import { startOpa } from './opa.ts';
import { startPosture } from './posture.ts';
import { startPull } from './pull.ts';
import { startSsf } from './ssf.ts';
import { startWebhook } from './webhook.ts';

/** By type of driver; enrolling a driver is one line. */
export const COUNTERPARTS: Readonly<Record<keyof typeof DRIVERS, StartCounterpart>> = {
  opa: startOpa,
  posture: startPosture,
  pull: startPull,
  oauth: startOauth,
  ssf: startSsf,
  webhook: startWebhook,
};
