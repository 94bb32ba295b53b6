/** Decisions: from a finding to a lease, its renewal, its undoing, and what stands in the way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_CONTROL } from '../../src/decide/chain.ts';
import { createDecide, type Decided, type DecideOptions } from '../../src/decide/decide.ts';
import type { LeaseRequest } from '../../src/decide/operate.ts';
import type { Mode } from '../../src/model/decision.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Response } from '../../src/model/detector.ts';
import type { Attempt } from '../../src/model/fact.ts';
import { Slots } from '../../src/state/slots.ts';
import { controlBy } from '../sim/lane-options.ts';
import { detectionOf, T0 } from './findings.ts';

const MINUTE = 60_000;
const FREEZE: Response = { action: 'freeze_tool', scope: 'session', ttlMs: 15 * MINUTE };
const NOTHING_EARNED = { tier: 'observe', live: false, why: 'false alarms' } as const;
const NOTHING = {
  ...{ blindNow: [], changedMs: null, shared: null, windows: [] },
  refusedByUs: new Set<string>(),
} as const;

function lab(
  changes: { mode?: Mode; driver?: null; chain?: readonly string[]; share?: number } = {},
) {
  const options: DecideOptions = {
    modeOf: () => changes.mode ?? 'autonomous',
    control: changes.driver === null ? NO_CONTROL : controlBy(changes.chain ?? ['webhook']),
    guardrails: {
      neverTouch: new Set(['control-plane']),
      coolDownMs: 5 * MINUTE,
      immunityMs: 15 * MINUTE,
      leaseMaxMs: 20 * MINUTE,
      agentPerHour: 1000,
      fleetPerMinute: 1000,
      breakerFleetShare: changes.share ?? 1,
      breakerRoleShare: 1,
      breakerWindowMs: 15 * MINUTE,
    },
  };
  const decider = createDecide(new Slots(), options);
  const size = { total: 10, roles: { clerk: 10 } };
  const decide = (
    detection: Partial<Detection> = {},
    response: Response | null = FREEZE,
  ): Decided => decider.decide(detectionOf(detection), 'case', response, NOTHING, size);
  const at = (minutes: number, detection: Partial<Detection> = {}, response?: Response) =>
    decide({ timeMs: T0 + minutes * MINUTE, ...detection }, response);
  return { decider, decide, at, options };
}

const outcomeOf = ({ decision }: Decided) => [decision.outcome, decision.taken] as const;
const failing = ({ decision }: Decided) =>
  decision.guardrails.filter(({ passed }) => !passed).map(({ check }) => check);

const agent = (name: string): Partial<Detection> => ({
  entity: { tenant: '-', agent: name, role: 'clerk', session: `s-${name}` },
});

function request(changes: Record<string, unknown>): LeaseRequest {
  const common = { id: 'r', by: 'user:op', reason: 'looked at it', atMs: 0 };
  return { ...common, ...changes } as LeaseRequest;
}

describe('decide: leases', () => {
  it('places a lease for what was found, and writes down all it looked at', () => {
    const { decide } = lab();
    const { decision, intentions } = decide();
    const [intention] = intentions;
    assert.deepEqual(
      [decision.outcome, decision.taken, decision.asked],
      ['act', 'freeze_tool', 'freeze_tool'],
    );
    assert.equal(decision.wouldAct, true);
    assert.equal(decision.guardrails.length, 11);
    assert.equal(decision.falsification.length, 7);
    assert.equal(intention?.step, 'request');
    assert.equal(intention?.decisionId, decision.id);
    assert.equal(intention?.leaseId, decision.leaseId);
    assert.deepEqual(intention?.subject, {
      tenant: '-',
      agent: 'a',
      session: 's',
      tools: ['send_message'],
    });
    assert.deepEqual([intention?.issuedMs, intention?.expiresMs], [T0, T0 + 15 * MINUTE]);
    assert.match(intention?.reason ?? '', /^unstated-action: /);
  });

  it('reaches no further than was asked, and names no tool where none is frozen', () => {
    const { decide } = lab();
    const posture: Response = { action: 'posture', scope: 'agent', ttlMs: MINUTE };
    const [intention] = decide({}, posture).intentions;
    assert.deepEqual(intention?.subject, { tenant: '-', agent: 'a', session: null, tools: [] });
  });

  it('asks for no longer than the longest lease', () => {
    const { decide } = lab();
    const [intention] = decide({}, { ...FREEZE, ttlMs: 4 * 60 * MINUTE }).intentions;
    assert.equal(intention?.expiresMs, T0 + 20 * MINUTE);
  });

  it('does the same for the same finding, wherever it is decided', () => {
    assert.deepEqual(lab().decide(), lab().decide());
  });

  it('leaves a lease alone that stands long enough, and renews it when half its time is gone', () => {
    const { at } = lab();
    const first = at(0);
    const early = at(7, { id: 'second' });
    assert.deepEqual(outcomeOf(early), ['record', 'alert']);
    assert.equal(early.decision.leaseId, first.decision.leaseId);
    assert.deepEqual(early.intentions, []);
    const later = at(8, { id: 'third' });
    assert.deepEqual(outcomeOf(later), ['renew', 'freeze_tool']);
    assert.equal(later.intentions[0]?.step, 'renew');
    assert.equal(later.intentions[0]?.leaseId, first.decision.leaseId);
    assert.equal(later.intentions[0]?.expiresMs, T0 + 23 * MINUTE);
    assert.notEqual(later.intentions[0]?.key, first.intentions[0]?.key);
  });

  it('renews up to the longest time a rung may stand, and no further', () => {
    const { at } = lab();
    at(0);
    let last = 0;
    for (let minute = 8; minute < 240; minute += 8) {
      const [intention] = at(minute, { id: `r${minute}` }).intentions;
      if (intention !== undefined) last = intention.expiresMs ?? 0;
    }
    assert.equal(last, T0 + 4 * 60 * MINUTE);
    assert.deepEqual(at(239, { id: 'last' }).intentions, []);
  });

  it('keeps leases on other tools, sessions and agents apart', () => {
    const { decide } = lab();
    const leases = [
      decide(),
      decide({ id: 'x', tool: 'write_record' }),
      decide({ id: 'y', entity: { tenant: '-', agent: 'a', role: 'clerk', session: 't' } }),
      decide({ id: 'z', ...agent('b') }),
    ].map(({ decision }) => decision.leaseId);
    assert.equal(new Set(leases).size, 4);
    assert.ok(!leases.includes(null));
  });

  it('rests after a lease has run out', () => {
    const { at } = lab();
    at(0);
    assert.deepEqual(failing(at(16, { id: 'x' })), ['cool-down']);
    assert.deepEqual(outcomeOf(at(20, { id: 'y' }))[0], 'act');
  });
});

describe('decide: less than was asked', () => {
  it('records what asks for nothing', () => {
    const { decide } = lab();
    assert.deepEqual(outcomeOf(decide({}, null)), ['record', 'alert']);
    assert.deepEqual(outcomeOf(decide({ id: 'x', maturity: 'shadow' }, null)), [
      'record',
      'observe',
    ]);
  });

  it('says what would be done in a mode that does less', () => {
    for (const [mode, outcome] of [
      ['observe', 'record'],
      ['advise', 'advise'],
    ] as const) {
      const decided = lab({ mode }).decide();
      assert.deepEqual(outcomeOf(decided), [outcome, 'alert']);
      assert.equal(decided.decision.wouldAct, true);
      assert.deepEqual(decided.intentions, []);
    }
    const withheld = lab({ mode: 'observe' }).decide({ strength: 'weak' });
    assert.equal(withheld.decision.wouldAct, false);
  });

  it('withholds what a guardrail or an innocent explanation forbids', () => {
    const { decide } = lab();
    for (const changes of [
      agent('control-plane'),
      { strength: 'weak' },
      { maturity: 'alert' },
      { blind: ['gateway'] },
    ] as const) {
      const decided = decide({ id: JSON.stringify(changes), ...changes });
      assert.deepEqual(outcomeOf(decided), ['withheld', 'alert'], JSON.stringify(changes));
      assert.deepEqual(decided.intentions, []);
      assert.equal(decided.decision.wouldAct, false);
    }
  });

  it('intends nothing without a driver', () => {
    const decided = lab({ driver: null }).decide();
    assert.deepEqual(failing(decided), ['driver']);
    assert.deepEqual([decided.intentions, decided.decision.wouldAct], [[], true]);
  });
});

describe('decide: the breaker', () => {
  it('latches at its share, says so once, and stays until a person resumes', () => {
    const { decider, at } = lab({ share: 0.2 });
    assert.equal(at(0, agent('b')).decision.outcome, 'act');
    assert.equal(at(0, agent('c')).decision.outcome, 'act');
    const third = at(1, agent('d'));
    assert.deepEqual([failing(third), third.tripped], [['fleet-breaker'], true]);
    const fourth = at(2, agent('e'));
    assert.deepEqual([failing(fourth), fourth.tripped], [['kill-switch', 'fleet-breaker'], false]);
    // The window has long passed, but nobody has looked at it.
    assert.deepEqual(failing(at(300, agent('f'))), ['kill-switch']);
    decider.operate(request({ type: 'resume', scope: 'fleet', target: '' }), T0);
    assert.equal(at(301, agent('f')).decision.outcome, 'act');
  });

  it('starts its window afresh when the fleet is resumed', () => {
    const { decider, at } = lab({ share: 0.1 });
    at(0, agent('b'));
    assert.equal(at(1, agent('c')).tripped, true);
    decider.operate(request({ type: 'resume', scope: 'fleet', target: '' }), T0);
    assert.equal(at(2, agent('c')).decision.outcome, 'act');
    assert.equal(at(3, agent('d')).tripped, true);
  });

  it('is not tripped by what would not have been done anyway', () => {
    const { at } = lab({ share: 0.1 });
    at(0, agent('b'));
    assert.equal(at(1, { ...agent('c'), maturity: 'alert' }).tripped, false);
  });
});

describe('decide: people', () => {
  it('pauses and resumes a role, an agent, the driver', () => {
    for (const [scope, target] of [
      ['role', 'clerk'],
      ['agent', 'a'],
      ['driver', 'webhook'],
    ] as const) {
      const { decider, at } = lab();
      decider.operate(request({ type: 'pause', scope, target }), T0);
      decider.operate(request({ type: 'pause', scope, target }), T0);
      assert.deepEqual(failing(at(0)), ['kill-switch'], scope);
      decider.operate(request({ type: 'resume', scope, target }), T0);
      assert.equal(at(1).decision.outcome, 'act', scope);
    }
  });

  it('undoes a lease: it is released, and the same detector leaves the agent alone for a while', () => {
    const { decider, at } = lab();
    const { decision } = at(0);
    const undo = request({ type: 'undo', leaseId: decision.leaseId });
    const [release] = decider.operate(undo, T0 + MINUTE).intentions;
    assert.deepEqual([release?.step, release?.cause], ['release', 'undone']);
    assert.equal(release?.leaseId, decision.leaseId);
    assert.match(release?.reason ?? '', /undone by user:op: looked at it/);
    assert.deepEqual(decider.operate(undo, T0 + MINUTE).intentions, []);
    assert.deepEqual(failing(at(10, { id: 'x' })), ['cool-down']);
    // Hard evidence of another detector breaks the immunity.
    assert.equal(at(10, { id: 'y', detector: 'tool-mismatch' }).decision.outcome, 'act');
  });

  it('may act again once the immunity is over', () => {
    const { decider, at } = lab();
    decider.operate(request({ type: 'undo', leaseId: at(0).decision.leaseId }), T0 + MINUTE);
    assert.deepEqual(failing(at(15.9, { id: 'x' })), ['cool-down']);
    assert.equal(at(16, { id: 'y' }).decision.outcome, 'act');
  });
});

describe('decide: a verdict, a demotion, a shadow', () => {
  it('leaves the agent alone after a false positive, as after an undo', () => {
    const { decider, at } = lab();
    const { decision } = at(0);
    const wrong = { reason: 'judged a false positive', grantsImmunity: true };
    const lifted = decider.retract(decision.detectionId, 'freeze_tool', T0 + MINUTE, wrong);
    assert.equal(lifted.length, 1);
    assert.deepEqual(failing(at(15.9, { id: 'x' })), ['cool-down']);
    assert.equal(at(16.1, { id: 'y' }).decision.outcome, 'act');
  });

  it('demotes a version once, and until it is reinstated', () => {
    const { demotions } = createDecide(new Slots(), lab().options);
    assert.deepEqual(
      [demotions.demote('d', '1', T0), demotions.demote('d', '1', T0)],
      [true, false],
    );
    assert.deepEqual([demotions.stands('d', '1'), demotions.stands('d', '2')], [true, false]);
    assert.deepEqual([demotions.reinstate('d', '1'), demotions.reinstate('d', '1')], [true, false]);
    assert.equal(demotions.stands('d', '1'), false);
  });

  it('asks a shadow what it would have done, and does nothing', () => {
    const { at } = lab({ mode: 'observe' });
    const shadow = at(0, { maturity: 'shadow' });
    assert.deepEqual(outcomeOf(shadow), ['record', 'observe']);
    assert.deepEqual([shadow.decision.wouldAct, shadow.intentions], [true, []]);
    assert.equal(at(0, { maturity: 'alert' }).decision.wouldAct, false);
    assert.equal(at(0, { maturity: 'shadow', late: true }).decision.wouldAct, false);
  });

  it('says on whose word it acts', () => {
    const [intention] = lab().at(0).intentions;
    assert.deepEqual(intention?.grounds, {
      detector: 'unstated-action',
      version: 'v1',
      role: 'clerk',
    });
  });

  it('takes what was measured of the version for the tier', () => {
    const options = { ...lab().options, earnedOf: () => NOTHING_EARNED };
    const size = { total: 10, roles: { clerk: 10 } };
    const { decision } = createDecide(new Slots(), options).decide(
      detectionOf(),
      'case',
      FREEZE,
      NOTHING,
      size,
    );
    assert.deepEqual([decision.outcome, decision.wouldAct], ['withheld', false]);
  });
});

describe('decide: retraction and verification', () => {
  it('lifts the lease of a finding that was taken back, and only that', () => {
    const { decider, at } = lab();
    const { decision } = at(0);
    const late = { reason: 'late', grantsImmunity: false };
    assert.deepEqual(decider.retract('another', 'freeze_tool', T0, late), []);
    assert.deepEqual(decider.retract(decision.detectionId, null, T0, late), []);
    assert.deepEqual(decider.retract(decision.detectionId, 'posture', T0, late), []);
    const [release] = decider.retract(decision.detectionId, 'freeze_tool', T0 + MINUTE, late);
    assert.deepEqual(
      [release?.step, release?.cause, release?.leaseId],
      ['release', 'lifted', decision.leaseId],
    );
    assert.equal(at(2, { id: 'x' }).decision.outcome, 'act');
  });

  it('tells which standing leases a call concerns', () => {
    const { decider, at } = lab();
    const { decision } = at(0);
    const seen = (changes: Partial<Attempt>, session = 's', who = 'a') =>
      decider
        .activity('-', who, session, attempt(changes), 'event')
        .map(({ leaseId, allowed }) => [leaseId === decision.leaseId, allowed]);
    assert.deepEqual(seen({}), [[true, true]]);
    assert.deepEqual(seen({ decision: 'deny' }), [[true, false]]);
    assert.deepEqual(seen({ outcome: 'error' }), [[true, true]]);
    assert.deepEqual(seen({ decision: 'unknown', outcome: 'unknown' }), []);
    assert.deepEqual(seen({ tool: 'other' }), []);
    assert.deepEqual(seen({}, 'other'), []);
    assert.deepEqual(seen({}, 's', 'b'), []);
    assert.deepEqual(seen({ ms: T0 - 1 }), []);
    assert.deepEqual(seen({ ms: T0 + 15 * MINUTE }), []);
  });

  it('knows whose refusals are our doing: of a call that a standing lease restrains', () => {
    const { decider, at } = lab();
    at(0);
    const call = { session: 's', tool: 'send_message', toolClass: null, ms: T0 + MINUTE };
    assert.equal(decider.restrains('-', 'a', call), true);
    assert.equal(decider.restrains('-', 'a', { ...call, tool: 'other' }), false);
    assert.equal(decider.restrains('-', 'b', call), false);
    assert.equal(decider.restrains('-', 'a', { ...call, ms: T0 + 15 * MINUTE }), false);
  });
});

function attempt(changes: Partial<Attempt>): Attempt {
  return {
    kind: 'gateway',
    topic: 'gateway',
    nativeId: 'n',
    at: { topic: 'gateway', partition: 0, offset: 0, index: 0 },
    ms: T0 + MINUTE,
    seq: 1,
    agent: 'a',
    call: 'c',
    tool: 'send_message',
    digest: null,
    leaves: null,
    decision: 'allow',
    outcome: 'ok',
    policy: null,
    ours: false,
    toolClass: 'communicate',
    tier: null,
    granted: true,
    ...changes,
  };
}
