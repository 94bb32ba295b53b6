/** A counterpart for every kind of driver: the type refuses a table that forgets one. */
import type { DRIVERS } from '../../../src/act/act.ts';
import { startForge } from './contextforge.ts';
import type { StartCounterpart } from './counterpart.ts';
import { startKubernetes } from './kubernetes.ts';
import { startLiteLLM } from './litellm.ts';
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
  contextforge: startForge,
  kubernetes: startKubernetes('sandbox'),
  litellm: startLiteLLM('suspend_agent'),
  webhook: startWebhook,
};

/** Further things that a driver does in a way of its own, held to the same promises. */
export const VARIANTS: Readonly<Record<string, StartCounterpart>> = {
  'litellm, all tools': startLiteLLM('freeze_tool'),
  'litellm, one tool': startLiteLLM('freeze_tool', ['send_money']),
  'litellm, limits': startLiteLLM('posture'),
  'kubernetes, scaled': startKubernetes('deployment'),
  'kubernetes, stateful': startKubernetes('statefulset'),
  'kubernetes, cron job': startKubernetes('cronjob'),
  'kubernetes, quarantine': startKubernetes('pod'),
};
