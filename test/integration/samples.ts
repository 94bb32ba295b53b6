/** Small whole things to record: detections, cases, decisions, intentions, commits. */
import type { Case, Decision, Intention } from '../../src/model/decision.ts';
import type { Detection, Entity } from '../../src/model/detection.ts';
import { type Effects, type LaneCommit, noEffects } from '../../src/model/effects.ts';
import { idOf } from '../../src/model/ids.ts';
import type { Database } from '../../src/model/ports.ts';
import { type ClaimedLane, claimLane } from '../../src/record/lane.ts';

export const START_MS = Date.UTC(2026, 0, 1);

export function entity(n: number): Entity {
  return { tenant: 'acme', agent: `agent-${n}`, role: 'billing', session: `session-${n}` };
}

export function detection(n: number, more: Partial<Detection> = {}): Detection {
  return {
    id: idOf('detection', n),
    detector: 'unstated-action',
    version: idOf('version'),
    family: 'intent',
    level: 'high',
    evidenceClass: 'hard',
    maturity: 'enforce',
    entity: entity(n),
    timeMs: START_MS + n,
    decidedMs: START_MS + n + 30_000,
    seq: n,
    tool: 'send_money',
    witnesses: [
      {
        eventId: idOf('event', n),
        kind: 'gateway',
        position: { topic: 'gateway', partition: 0, offset: n, index: 0 },
        timeMs: START_MS + n,
        seq: n,
        says: 'attempted send_money',
      },
    ],
    explanation: 'The agent did what it had not said.',
    counterfactual: 'Had it said so.',
    strength: 'exact',
    blind: [],
    late: false,
    tags: ['atlas.t0086'],
    ...more,
  };
}

export function caseOf(n: number, more: Partial<Case> = {}): Case {
  return {
    id: idOf('case', n),
    entity: entity(n),
    level: 'high',
    title: 'Unstated action',
    openedMs: START_MS + n,
    lastMs: START_MS + n,
    detections: [idOf('detection', n)],
    count: 1,
    ...{ state: 'open', maturity: 'enforce', reopened: 0, foldedInto: null, risk: 40 },
    folds: [],
    ...more,
  };
}

export function decision(n: number, more: Partial<Decision> = {}): Decision {
  return {
    id: idOf('decision', n),
    caseId: idOf('case', n),
    detectionId: idOf('detection', n),
    entity: entity(n),
    asked: 'freeze_tool',
    taken: 'freeze_tool',
    outcome: 'act',
    mode: 'autonomous',
    maturity: 'enforce',
    evidenceClass: 'hard',
    wouldAct: true,
    guardrails: [{ check: 'mode', passed: true, data: 'autonomous' }],
    falsification: [{ explanation: 'declared-change', verdict: 'ruled-out', data: 'none' }],
    timeMs: START_MS + n,
    leaseId: idOf('lease', n),
    ...more,
  };
}

export function intention(n: number, more: Partial<Intention> = {}): Intention {
  const step = more.step ?? 'request';
  return {
    key: idOf('key', n, step),
    step,
    leaseId: idOf('lease', n),
    caseId: idOf('case', n),
    decisionId: idOf('decision', n),
    driver: 'webhook',
    verb: 'freeze_tool',
    subject: { tenant: 'acme', agent: `agent-${n}`, session: null, tools: ['send_money'] },
    level: 'high',
    mode: 'autonomous',
    reason: 'unstated action',
    issuedMs: START_MS + n,
    expiresMs: START_MS + 600_000,
    cause: step === 'release' ? 'undone' : null,
    approval: null,
    evidenceMs: START_MS,
    grounds:
      step === 'release' ? null : { detector: 'unstated-action', version: 'v1', role: 'billing' },
    ...more,
  };
}

export function effects(more: Partial<Effects> = {}): Effects {
  return { ...noEffects(), ...more };
}

export function commit(more: Partial<LaneCommit> = {}): LaneCommit {
  return {
    moves: [],
    delta: null,
    pages: [],
    effects: noEffects(),
    watermarkMs: START_MS,
    counters: {},
    ...more,
  };
}

/** Claims lane 0 of group `plumbline`, with one partition of one topic and four pages. */
export async function claim(db: Database, owner = 'first'): Promise<ClaimedLane> {
  const topicPartitions = [{ topic: 'gateway', partition: 0 }];
  return await claimLane(db, { group: 'plumbline', lane: 0, owner, topicPartitions, pages: 4 });
}
