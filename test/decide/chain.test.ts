/** Chains: who is asked first, who next, and which rung comes when nobody is left. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstDriver, NO_CONTROL, nextDriver, rungAbove } from '../../src/decide/chain.ts';
import { createDecide, type DecideOptions } from '../../src/decide/decide.ts';
import { judge } from '../../src/decide/judge.ts';
import { CONTAINMENT_LEAK, leakDetection } from '../../src/decide/leak.ts';
import type { LeaseRequest, Operated } from '../../src/decide/operate.ts';
import type { Escalation, Mode, Verb } from '../../src/model/decision.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Detector, Response } from '../../src/model/detector.ts';
import { Slots } from '../../src/state/slots.ts';
import { controlBy } from '../sim/lane-options.ts';
import { detectionOf, T0 } from './findings.ts';

const MINUTE = 60_000;
const NOTHING = {
  blindNow: [],
  changedMs: null,
  shared: null,
  windows: [],
  refusedByUs: new Set<string>(),
} as const;
const FREEZE: Response = { action: 'freeze_tool', scope: 'session', ttlMs: 15 * MINUTE };
const SIZE = { total: 1000, roles: { clerk: 1000 } };

function lab(changes: Partial<DecideOptions> = {}) {
  const options: DecideOptions = {
    modeOf: () => 'autonomous',
    control: controlBy(['one', 'two', 'three']),
    // Of a detector that has proved itself on live units.
    earnedOf: () => ({ tier: 'terminate', live: true, why: 'measured' }),
    guardrails: {
      ...{ neverTouch: new Set(), coolDownMs: 5 * MINUTE, immunityMs: 15 * MINUTE },
      ...{ leaseMaxMs: 4 * 60 * MINUTE, agentPerHour: 100, fleetPerMinute: 100 },
      ...{ breakerFleetShare: 1, breakerRoleShare: 1, breakerWindowMs: 15 * MINUTE },
    },
    ...changes,
  };
  const decider = createDecide(new Slots(), options);
  const decide = (detection: Partial<Detection> = {}, response: Response = FREEZE) =>
    decider.decide(detectionOf(detection), 'case', response, NOTHING, SIZE);
  const ask = (change: Partial<LeaseRequest> & { type: LeaseRequest['type'] }, minutes = 1) => {
    const common = { id: 'r', by: 'user:op', reason: 'looked at it', atMs: 0 };
    return decider.operate({ ...common, ...change } as LeaseRequest, T0 + minutes * MINUTE);
  };
  const escalate = (leaseId: string | null, why: Escalation = 'leaking', minutes = 1) =>
    ask({ type: 'escalate', leaseId: leaseId ?? '', why }, minutes);
  return { decider, decide, ask, escalate };
}

const leaseOf = ({ intentions }: Operated) => intentions[0]?.leaseId ?? null;
const sent = ({ intentions }: Pick<Operated, 'intentions'>) =>
  intentions.map(({ driver, verb, step }) => `${step} ${verb} by ${driver}`);

describe('chain', () => {
  it('names the first, the next, and nobody after the last', () => {
    const plan = controlBy(['one', 'two']);
    assert.equal(firstDriver(plan, 'posture'), 'one');
    assert.equal(nextDriver(plan, 'posture', 'one'), 'two');
    assert.equal(nextDriver(plan, 'posture', 'two'), null);
    assert.equal(nextDriver(plan, 'posture', 'gone from the configuration'), null);
    const three = controlBy(['one', 'two', 'three']);
    assert.equal(nextDriver(three, 'posture', 'one', ['two']), 'three');
    assert.equal(firstDriver(NO_CONTROL, 'posture'), null);
  });

  it('goes up rung by rung, past what nobody can do or nobody may agree to', () => {
    const all = controlBy(['one']);
    const ladder: [Verb, Verb | null][] = [
      ['posture', 'freeze_tool'],
      ['freeze_tool', 'revoke_session'],
      ['revoke_session', 'suspend_agent'],
      ['suspend_agent', null],
    ];
    for (const [verb, above] of ladder) assert.equal(rungAbove(all, verb), above, verb);
    const unasked = { ...all, approvals: new Map() };
    assert.equal(rungAbove(unasked, 'freeze_tool'), 'suspend_agent');
    const { chains } = all;
    const gapped = { ...all, chains: new Map([...chains].filter(([verb]) => verb === 'posture')) };
    assert.equal(rungAbove(gapped, 'posture'), null);
  });
});

describe('escalation', () => {
  it('asks the next driver for the same, and leaves the first one standing', () => {
    const { decide, escalate } = lab();
    const first = decide();
    assert.deepEqual(sent(first), ['request freeze_tool by one']);
    const second = escalate(first.decision.leaseId);
    assert.deepEqual(sent(second), ['request freeze_tool by two']);
    const [intention] = second.intentions;
    assert.equal(intention?.decisionId, first.decision.id);
    assert.equal(intention?.expiresMs, T0 + 15 * MINUTE, 'a next driver is no longer lease');
    const [decision] = second.decisions;
    assert.deepEqual(
      [decision?.outcome, decision?.taken, decision?.detectionId, decision?.leaseId],
      ['act', 'freeze_tool', first.decision.detectionId, intention?.leaseId],
    );
    assert.deepEqual(sent(escalate(leaseOf(second))), ['request freeze_tool by three']);
  });

  it('asks each driver once, however often it is told', () => {
    const { decide, escalate } = lab();
    const { leaseId } = decide().decision;
    assert.equal(escalate(leaseId).intentions.length, 1);
    assert.equal(escalate(leaseId, 'reverted').intentions.length, 0);
  });

  it('says that the chain is at its end, and what stood', () => {
    const { decide, escalate } = lab({ control: controlBy(['only']) });
    const { exhausted, intentions } = escalate(decide().decision.leaseId);
    assert.equal(exhausted?.lease.driver, 'only');
    assert.deepEqual([exhausted?.why, exhausted?.role, intentions], ['leaking', 'clerk', []]);
  });

  it('forgets what was refused: nobody was restrained, so nothing stands and nothing rests', () => {
    const { decide, escalate, ask } = lab({ control: controlBy(['only']) });
    const { leaseId } = decide().decision;
    assert.equal(escalate(leaseId, 'refused').exhausted?.why, 'refused');
    assert.deepEqual(ask({ type: 'undo', leaseId: leaseId ?? '' }).intentions, []);
    assert.equal(decide({ id: 'again' }).decision.outcome, 'act');
  });

  it('forgets what was never sent: it restrains nobody, nobody else is asked, and the next detection acts', () => {
    const { decide, escalate } = lab();
    const { leaseId } = decide().decision;
    const renewed = decide({ id: 'later', timeMs: T0 + 8 * MINUTE, decidedMs: T0 + 8 * MINUTE });
    assert.deepEqual(sent(renewed), ['renew freeze_tool by one'], 'the lane counts on it');
    const told = escalate(leaseId, 'unsent');
    assert.deepEqual([told.intentions, told.decisions, told.exhausted], [[], [], null]);
    const next = decide({ id: 'next', timeMs: T0 + 9 * MINUTE, decidedMs: T0 + 9 * MINUTE });
    assert.deepEqual(sent(next), ['request freeze_tool by one']);
  });

  it('counts the next rung from what everybody refused, though nothing stands', () => {
    const { decider, decide, escalate } = lab({ control: controlBy(['only']) });
    const { exhausted } = escalate(decide().decision.leaseId, 'refused');
    const { lease } = exhausted ?? {};
    const leak = detectionOf({ id: 'leak', detector: CONTAINMENT_LEAK });
    const rules: Response = { action: 'escalate', scope: 'session', ttlMs: MINUTE };
    // Judged again by what was kept of it, it is the same.
    const known = { ...NOTHING, above: lease?.verb ?? null };
    const { decision, inputs } = decider.decide(leak, 'case', rules, known, SIZE);
    assert.equal(decision.taken, 'revoke_session');
    assert.deepEqual(judge(leak, JSON.parse(JSON.stringify(inputs))).decision, decision);
    const other = lab().decider.decide(leak, 'case', rules, NOTHING, SIZE);
    assert.equal(other.decision.taken, 'alert', 'nothing was asked for and nothing stands');
  });

  it('does not ask again who refused, whoever else leaks', () => {
    const { decide, escalate } = lab({ control: controlBy(['one', 'two']) });
    const { leaseId } = decide().decision;
    const second = leaseOf(escalate(leaseId));
    assert.equal(escalate(second, 'refused').exhausted?.lease.driver, 'two');
    assert.equal(escalate(leaseId, 'reverted').exhausted?.lease.driver, 'one');
  });

  it('goes no further while it is paused', () => {
    const { leaseId } = lab().decide().decision;
    for (const scope of ['fleet', 'role', 'agent', 'driver'] as const) {
      const target = { fleet: '', role: 'clerk', agent: 'a', driver: 'two' }[scope];
      const { decide, ask, escalate } = lab();
      decide();
      ask({ type: 'pause', scope, target });
      const stopped = escalate(leaseId);
      assert.deepEqual(stopped.intentions, [], scope);
      assert.equal(stopped.decisions[0]?.outcome, 'withheld', scope);
    }
  });

  it('goes no further in a mode that may not', () => {
    let mode: Mode = 'autonomous';
    const { decide, escalate } = lab({ modeOf: () => mode });
    const { leaseId } = decide().decision;
    mode = 'advise';
    const stopped = escalate(leaseId);
    assert.deepEqual([stopped.intentions, stopped.decisions[0]?.outcome], [[], 'withheld']);
  });

  it('undone once, everything that was tried for it is released', () => {
    const { decide, escalate, ask } = lab();
    const first = decide();
    const second = escalate(first.decision.leaseId);
    const undone = ask({ type: 'undo', leaseId: leaseOf(second) ?? '' }, 2);
    assert.deepEqual(sent(undone).sort(), [
      'release freeze_tool by one',
      'release freeze_tool by two',
    ]);
    assert.equal(new Set(undone.intentions.map(({ key }) => key)).size, 2);
    assert.equal(decide({ id: 'x' }).decision.outcome, 'withheld', 'immunity');
  });

  it('taken back, everything that was tried for it is released', () => {
    const { decider, decide, escalate } = lab();
    const { decision } = decide();
    // The first one was refused and is forgotten: what came after it is found all the same.
    escalate(decision.leaseId, 'refused');
    const because = { reason: 'late', grantsImmunity: false };
    const lifted = decider.retract(decision.detectionId, 'freeze_tool', T0 + MINUTE, because);
    assert.deepEqual(sent({ intentions: lifted }), ['release freeze_tool by two']);
  });

  it('renews all that stands', () => {
    const { decide, escalate } = lab();
    escalate(decide().decision.leaseId);
    const later = { id: 'later', timeMs: T0 + 8 * MINUTE, decidedMs: T0 + 8 * MINUTE };
    assert.deepEqual(sent(decide(later)), ['renew freeze_tool by one', 'renew freeze_tool by two']);
  });

  it('a lease whose time is over is left alone', () => {
    const { decide, escalate } = lab();
    const done = escalate(decide().decision.leaseId, 'leaking', 15);
    assert.deepEqual([done.intentions, done.decisions, done.exhausted], [[], [], null]);
  });
});

describe('approval', () => {
  const REVOKE: Response = { action: 'revoke_session', scope: 'session', ttlMs: MINUTE };

  it('comes with what is asked for and has no end', () => {
    const { decide } = lab();
    const [intention] = decide({}, REVOKE).intentions;
    assert.deepEqual(intention?.approval, { quorum: 1, withinMs: 600_000 });
    assert.equal(intention.expiresMs, null);
  });

  it('is withdrawn by who undoes it, and by who takes the finding back', () => {
    const undone = lab();
    const leaseId = undone.decide({}, REVOKE).decision.leaseId ?? '';
    const [release] = undone.ask({ type: 'undo', leaseId }).intentions;
    assert.deepEqual(
      [release?.step, release?.leaseId, release?.cause, release?.expiresMs],
      ['release', leaseId, 'undone', null],
    );
    const { decider, decide } = lab();
    const { decision } = decide({}, REVOKE);
    const late = { reason: 'late', grantsImmunity: false };
    assert.deepEqual(
      decider
        .retract(decision.detectionId, 'revoke_session', T0, late)
        .map((one) => [one.step, one.leaseId]),
      [['release', decision.leaseId]],
    );
  });

  it('bars on whose behalf the session works', () => {
    const { decider } = lab();
    const known = { ...NOTHING, principal: 'user:ann' };
    const decided = decider.decide(detectionOf(), 'case', REVOKE, known, SIZE);
    assert.deepEqual(decided.intentions[0]?.approval?.barred, ['user:ann']);
  });

  it('is not asked again by the next driver of the chain', () => {
    const { decide, escalate } = lab();
    const { decision } = decide({}, REVOKE);
    const [next] = escalate(decision.leaseId).intentions;
    assert.deepEqual([next?.driver, next?.approval], ['two', null]);
  });

  it('lapsed or declined, the agent is left alone for a while', () => {
    const { decide, ask } = lab();
    const { decision } = decide({}, REVOKE);
    ask({ type: 'lift', leaseId: decision.leaseId ?? '' });
    assert.equal(decide({ id: 'soon' }, REVOKE).decision.outcome, 'withheld');
    const later = { id: 'later', timeMs: T0 + 7 * MINUTE, decidedMs: T0 + 7 * MINUTE };
    assert.equal(decide(later, REVOKE).decision.outcome, 'act');
  });
});

describe('a containment that does not hold', () => {
  const DETECTOR = {
    ...{ stem: CONTAINMENT_LEAK, version: 'v1', family: 'integrity', level: 'critical' },
    ...{ evidenceClass: 'hard', tags: [] },
  } as unknown as Detector;
  const ESCALATE: Response = { action: 'escalate', scope: 'session', ttlMs: 15 * MINUTE };

  it('asks for the next rung above what stands', () => {
    const { decide, escalate } = lab({ control: controlBy(['only']) });
    const { exhausted } = escalate(decide().decision.leaseId);
    assert.ok(exhausted !== null);
    const leak = leakDetection(DETECTOR, 'enforce', exhausted, T0 + MINUTE);
    assert.equal(leak.id, leakDetection(DETECTOR, 'enforce', exhausted, T0 + MINUTE).id);
    const next = decide(leak, ESCALATE);
    assert.equal(next.decision.asked, 'revoke_session');
    assert.deepEqual(sent(next), ['request revoke_session by only']);
  });

  it('asks for nothing where nothing stands, or at the top', () => {
    const { decide } = lab();
    assert.deepEqual(decide({}, ESCALATE).decision.asked, 'alert');
    decide({}, { ...FREEZE, action: 'suspend_agent', scope: 'agent' });
    assert.deepEqual(decide({ id: 'x' }, ESCALATE).decision.asked, 'alert');
  });
});
