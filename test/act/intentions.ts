/** Intentions for tests: whole, valid, and different only where a test says so. */
import type { Intention } from '../../src/model/decision.ts';
import { idOf } from '../../src/model/ids.ts';

/** A request to freeze one tool of one session, or what `change` makes of it. */
export function intentionOf(leaseId: string, change: Partial<Intention> = {}): Intention {
  const step = change.step ?? 'request';
  return {
    key: idOf(leaseId, step, change.expiresMs ?? 0),
    step,
    leaseId,
    caseId: `case-${leaseId}`,
    decisionId: `decision-${leaseId}`,
    driver: 'webhook',
    verb: 'freeze_tool',
    subject: { tenant: 't1', agent: 'agent-7', session: 's-1', tools: ['send_money'] },
    level: 'high',
    mode: 'autonomous',
    reason: 'A call nobody announced.',
    issuedMs: 1_800_000_000_000,
    expiresMs: 1_800_000_900_000,
    cause: null,
    approval: null,
    evidenceMs: 1_799_999_999_000,
    grounds:
      step === 'release' ? null : { detector: 'unstated-action', version: 'v1', role: 'clerk' },
    ...change,
  };
}
