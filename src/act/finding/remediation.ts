/** Remediation: one step of containment as OCSF Remediation Activity 7001. */
import type { Alert, AlertLease, AlertStep } from '../../model/alert.ts';
import type { Verb } from '../../model/decision.ts';
import { plain } from '../plain.ts';
import { metadataOf, type OcsfEvent, type OcsfOptions, SEVERITY, whole } from './ocsf.ts';

const ISOLATE = [1, 'Isolate'] as const;
const EVICT = [2, 'Evict'] as const;
const RESTORE = [3, 'Restore'] as const;
const HARDEN = [4, 'Harden'] as const;
const BY_VERB: Readonly<Record<Verb, readonly [id: number, caption: string]>> = {
  posture: HARDEN,
  freeze_tool: ISOLATE,
  suspend_agent: ISOLATE,
  revoke_session: EVICT,
};
const WORKED: ReadonlySet<string> = new Set(['accepted', 'already', 'verified', 'superseded']);
const FAILED: ReadonlySet<string> = new Set([
  'refused',
  'failed',
  'lapsed',
  'withheld',
  'unverified',
]);

/** One step of containment; `command_uid` is the lease. */
export function remediationActivity(
  alert: Omit<Alert, 'event'>,
  step: AlertStep,
  lease: AlertLease,
  options: OcsfOptions,
): OcsfEvent {
  const [activity_id, activity_name] = step.step === 'release' ? RESTORE : BY_VERB[lease.verb];
  const [severity_id, severity] = SEVERITY[alert.level];
  const [status_id, status] = statusOf(step);
  return {
    ...{ activity_id, activity_name, category_uid: 7, category_name: 'Remediation' },
    ...{ class_uid: 7001, class_name: 'Remediation Activity', type_uid: 700_100 + activity_id },
    type_name: `Remediation Activity: ${activity_name}`,
    ...{ severity_id, severity, status_id, status, status_detail: alert.summary },
    time: whole(step.atMs),
    command_uid: lease.id,
    message: alert.summary,
    metadata: metadataOf(alert, options, []),
    remediation: { desc: alert.summary },
    unmapped: {
      ...{ case: alert.caseId, agent: alert.agent, role: alert.role, session: alert.session },
      ...{ driver: plain(lease.driver, 64), verb: lease.verb, step: step.step },
      tools: lease.subject.tools.slice(0, 16).map((tool) => plain(tool, 256)),
      ...{ outcome: plain(step.outcome, 64), verification: plain(step.verification, 64) },
      ...{ leaked_calls: step.leakedCalls, accepted: lease.acceptedMs, expires: lease.expiresMs },
    },
  };
}

/** Success is what holds; a lease that leaks is partial, whatever its target said. */
function statusOf({ outcome }: AlertStep): readonly [id: number, caption: string] {
  if (outcome === 'leaking') return [4, 'Partial'];
  if (WORKED.has(outcome)) return [1, 'Success'];
  return FAILED.has(outcome) ? [2, 'Failure'] : [0, 'Unknown'];
}

/** The step in one sentence. */
export function stepSummary(step: AlertStep, lease: AlertLease): string {
  const tools = lease.subject.tools.slice(0, 4).map((tool) => plain(tool, 64));
  const on = tools.length === 0 ? '' : ` on ${tools.join(', ')}`;
  const who = `agent ${plain(lease.subject.agent, 128)}`;
  const what = step.step === 'verification' ? 'at the gateway' : step.step;
  const leaked = step.leakedCalls > 0 ? `, ${step.leakedCalls} calls leaked` : '';
  return `${lease.verb}${on} for ${who}: ${what} ${plain(step.outcome, 64)}${leaked}`;
}
