/** A case as the record has it, for tests of what is told about it. */

import type { FindingOptions } from '../../src/act/finding/finding.ts';
import type { AlertLease, AlertMatter, AlertStep } from '../../src/model/alert.ts';
import type { DueAlert } from '../../src/model/alert-log.ts';
import type { Case, Decision, Fold } from '../../src/model/decision.ts';
import type { Detection, Level } from '../../src/model/detection.ts';

/** Event time of the first evidence. */
export const BEGAN_MS = 1_800_000_000_000;
/** Id of the case. */
export const CASE = '7f3a'.repeat(16);

/** Rendering as tests want it. */
export const FINDING: FindingOptions = {
  version: '1.8.0',
  product: { version: '0.1.0', instance: 'observer-1' },
  link: 'https://plumbline.example/cases/{case}',
  tagOf: (tag) => ({ name: `name of ${tag}`, version: '5.6.0' }),
};

/** A detection with two witnesses. */
export function detectionOf(more: Partial<Detection> = {}): Detection {
  return {
    ...{ id: 'd-1', detector: 'unstated-action', version: 'v1', family: 'intent', level: 'high' },
    ...{ evidenceClass: 'hard', maturity: 'enforce', timeMs: BEGAN_MS, decidedMs: BEGAN_MS + 40 },
    entity: { tenant: 'acme', agent: 'agent-7', role: 'billing', session: 's-91' },
    ...{ seq: 4, tool: 'send_money', strength: 'exact', blind: [], late: false },
    witnesses: (['gateway', 'metrics'] as const).map((kind, at) => ({
      ...{ eventId: `e-${at}`, kind, timeMs: BEGAN_MS + at, seq: at, says: 'executed the call' },
      position: { topic: kind, partition: 0, offset: at, index: 0 },
    })),
    explanation: 'The agent called send_money and had announced nothing of the kind.',
    counterfactual: 'silent, had the call been announced',
    tags: ['atlas.t0053', 'atlas.t0010.005', 'attack.t1485', 'owasp-asi.asi02', 'owasp-mcp.mcp03'],
    ...more,
  };
}

/** The case. */
export function caseOf(more: Partial<Case> = {}): Case {
  const fold: Fold = {
    ...{ detector: 'unstated-action', agent: 'agent-7', level: 'high', maturity: 'enforce' },
    ...{ count: 2, firstSeenMs: BEGAN_MS, lastSeenMs: BEGAN_MS + 5_000, evidence: ['e-0'] },
    evidenceTotal: 4,
  };
  return {
    ...{ id: CASE, entity: detectionOf().entity, level: 'high', openedMs: BEGAN_MS },
    title: 'unstated-action: agent-7 in session s-91',
    ...{ lastMs: BEGAN_MS + 5_000, detections: ['d-1'], count: 2, state: 'open' },
    ...{ maturity: 'enforce', folds: [fold], reopened: 0, foldedInto: null, risk: 72.5 },
    ...more,
  };
}

/** A lease that stands. */
export function leaseOf(more: Partial<AlertLease> = {}): AlertLease {
  return {
    ...{ id: 'lease-1', driver: 'webhook', verb: 'freeze_tool', state: 'accepted' },
    subject: { tenant: 'acme', agent: 'agent-7', session: 's-91', tools: ['send_money'] },
    ...{ verification: 'verified', leakedCalls: 0, issuedMs: BEGAN_MS + 50 },
    ...{ acceptedMs: BEGAN_MS + 90, expiresMs: BEGAN_MS + 900_000, endedMs: null },
    ...more,
  };
}

const DECISION: Decision = {
  ...{ id: 'x-1', caseId: CASE, detectionId: 'd-1', entity: detectionOf().entity },
  ...{ asked: 'freeze_tool', taken: 'freeze_tool', outcome: 'act', mode: 'constrained' },
  ...{ maturity: 'enforce', evidenceClass: 'hard', wouldAct: true, guardrails: [] },
  falsification: [
    { explanation: 'declared-change', verdict: 'ruled-out', data: 'none in an hour' },
  ],
  ...{ timeMs: BEGAN_MS + 40, leaseId: 'lease-1' },
};

/** Everything an alert is rendered from. */
export function matterOf(more: Partial<AlertMatter> = {}): AlertMatter {
  return {
    ...{ case: caseOf(), open: true, detections: [{ detection: detectionOf(), retracted: false }] },
    ...{ decisions: [DECISION], leases: [leaseOf()], verdicts: [] },
    ...more,
  };
}

/** One step of containment. */
export function stepOf(more: Partial<AlertStep> = {}): AlertStep {
  return {
    ...{ leaseId: 'lease-1', step: 'request', outcome: 'accepted', state: 'accepted' },
    ...{ verification: 'pending', leakedCalls: 0, atMs: BEGAN_MS + 90 },
    ...more,
  };
}

/** An alert that is due. */
export function dueOf(more: Partial<DueAlert> = {}): DueAlert {
  return {
    ...{ ord: 1, uid: 'ab12'.repeat(16), kind: 'finding', activity: 'create', caseId: CASE },
    ...{ level: 'high' as Level, sequence: 1, why: ['opened'], says: [], attempts: 0, alert: null },
    ...{ matter: matterOf(), step: null, told: null },
    ...more,
  };
}

/** Text of an agent that would like to be more than text. */
export const HOSTILE =
  '<!channel> <@U1> *bold* `x` & <script>alert(1)</script> {{ .Labels }} \u202Egpj.exe\u0000\u001b[31m\n\ud800' +
  '\u{e0041}\u{fe01} $\u{7b}jndi:ldap://x} %s \' " ; drop table alert; --';
