/** Alerts of our own, about nobody: the test of a sink, and the heartbeat. */
import type { DueAlert } from '../model/alert-log.ts';
import type { Case, Fold } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import { idOf } from '../model/ids.ts';

/** What such an alert says. */
export interface OwnMatter {
  /** Same id, same alert: a heartbeat is one alert for as long as it beats. */
  readonly caseId: string;
  /** Stands where a case names its detector. */
  readonly detector: string;
  /** Stands where a case names its agent. */
  readonly agent: string;
  readonly title: string;
  readonly explanation: string;
  readonly counterfactual: string;
  readonly sequence: number;
  readonly openedMs: number;
  readonly nowMs: number;
}

/** A case of nobody: level informational, and every text says what it is. */
export function ownAlert(own: OwnMatter): DueAlert {
  const { caseId, detector, agent, sequence, openedMs, nowMs } = own;
  const entity = { tenant: 'plumbline', agent, role: null, session: null };
  const activity = sequence === 1 ? 'create' : 'update';
  const detection: Detection = {
    ...{ id: idOf('own detection', caseId), detector, version: 'none' },
    ...{ family: 'integrity', level: 'informational', evidenceClass: 'hard', maturity: 'alert' },
    ...{ entity, timeMs: openedMs, decidedMs: nowMs, seq: null, tool: null, witnesses: [] },
    ...{ explanation: own.explanation, counterfactual: own.counterfactual },
    ...{ strength: 'exact', blind: [], late: false, tags: [] },
  };
  const fold: Fold = {
    ...{ detector, agent, level: 'informational', maturity: 'alert' },
    ...{ count: sequence, firstSeenMs: openedMs, lastSeenMs: nowMs, evidence: [] },
    evidenceTotal: 0,
  };
  const one: Case = {
    ...{ id: caseId, entity, level: 'informational', title: own.title },
    ...{ openedMs, lastMs: nowMs, detections: [detection.id], count: sequence, state: 'open' },
    ...{ maturity: 'alert', folds: [fold], reopened: 0, foldedInto: null, risk: 0 },
  };
  return {
    ...{ ord: 0, uid: idOf(caseId, activity, sequence), kind: 'finding', activity, caseId },
    ...{ level: 'informational', sequence, why: ['test'], says: [], attempts: 0, alert: null },
    matter: {
      ...{ case: one, open: true, detections: [{ detection, retracted: false }] },
      ...{ decisions: [], leases: [], verdicts: [] },
    },
    ...{ step: null, told: null },
  };
}

/** Sent because somebody asked for it. */
export function testAlert(nowMs: number): DueAlert {
  return ownAlert({
    ...{ caseId: idOf('test alert', nowMs), detector: 'test-alert', agent: 'test-agent' },
    title: 'Plumbline test alert',
    explanation: 'This is a test of the sink. Nothing happened and nothing is to be done.',
    counterfactual: 'not sent without somebody asking for it',
    ...{ sequence: 1, openedMs: nowMs, nowMs },
  });
}

/** Sent again and again while the observer does its work. */
export function heartbeatAlert(
  instance: string,
  sequence: number,
  openedMs: number,
  nowMs: number,
): DueAlert {
  return ownAlert({
    ...{ caseId: idOf('heartbeat', instance), detector: 'heartbeat', agent: instance },
    title: 'Plumbline heartbeat',
    explanation:
      'The observer does its work. Nothing is to be done while this comes; alarm when it stops.',
    counterfactual: 'not sent where the observer is down, stuck, behind, or without its database',
    ...{ sequence, openedMs, nowMs },
  });
}
