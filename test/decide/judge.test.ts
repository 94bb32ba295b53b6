/** Judge: what is kept with a decision is all it depends on, whatever had happened before. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDecide, type Decided, type DecideOptions } from '../../src/decide/decide.ts';
import { type DecisionInputs, judge } from '../../src/decide/judge.ts';
import { MODES, type Verb } from '../../src/model/decision.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Response } from '../../src/model/detector.ts';
import { storableJson } from '../../src/record/text.ts';
import { Slots } from '../../src/state/slots.ts';
import { generator } from '../record/made-record.ts';
import { detectionOf, T0 } from './findings.ts';

const MINUTE = 60_000;
const SEED = 51_129;
const ACTIONS = ['freeze_tool', 'freeze_tool', 'posture', 'revoke_session', 'escalate'] as const;
const AGENTS = ['a', 'a', 'a', 'b', 'untouchable', '__proto__'];
const SESSIONS = ['s', 's', 's', 't', null];
const ROLES = ['clerk', 'clerk', 'clerk', 'courier', '__proto__', null];

const optionsOf = (random: () => number): DecideOptions => ({
  modeOf: () => (random() < 0.5 ? 'autonomous' : (MODES[Math.floor(random() * 4)] ?? 'observe')),
  control: {
    chains: new Map<Verb, readonly string[]>([
      ['freeze_tool', ['webhook', 'opa']],
      ['posture', ['posture']],
      ...(random() < 0.5 ? ([['revoke_session', ['ssf']]] as const) : []),
    ]),
    approvals: new Map([['revoke_session', { quorum: 2, withinMs: 60_000, barred: [] }]]) as never,
  },
  guardrails: {
    neverTouch: new Set(['untouchable', 'role:courier']),
    coolDownMs: 5 * MINUTE,
    immunityMs: 15 * MINUTE,
    leaseMaxMs: 20 * MINUTE,
    agentPerHour: 5,
    fleetPerMinute: 4,
    breakerFleetShare: 0.4,
    breakerRoleShare: 0.5,
    breakerWindowMs: 15 * MINUTE,
  },
});

interface Acted {
  readonly asks: Response | null;
  readonly seen: Partial<Detection>;
}

/** Decides a history drawn by chance: detections, undoing, pauses, time passing. */
const historyOf = (seed: number, length: number) => {
  const random = generator(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const decider = createDecide(new Slots(), optionsOf(random));
  const decided: { readonly detection: Detection; readonly done: Decided }[] = [];
  let nowMs = T0;
  let acted = null as Acted | null;
  for (let n = 0; n < length; n += 1) {
    const before: Acted | null = acted !== null && random() < 0.5 ? acted : null;
    // Half of the time what was acted upon goes on, when about half of its lease is over.
    nowMs += before === null ? Math.floor(random() * 8 * MINUTE) : 9 * MINUTE;
    const agent = pick(AGENTS);
    const detection = detectionOf({
      ...{ timeMs: nowMs, late: random() < 0.1, detector: pick(['x', 'y', 'z', 'w']) },
      maturity: pick(['enforce', 'enforce', 'alert', 'shadow'] as const),
      evidenceClass: pick(['hard', 'hard', 'statistical'] as const),
      entity: { tenant: '-', agent, role: pick(ROLES), session: pick(SESSIONS) },
      ...(before === null ? {} : { ...before.seen, timeMs: nowMs }),
    });
    const asks: Response | null =
      before !== null
        ? before.asks
        : random() < 0.1
          ? null
          : { action: pick(ACTIONS), scope: 'session', ttlMs: 15 * MINUTE };
    const circumstances = {
      blindNow: random() < 0.1 ? (['gateway'] as const) : [],
      changedMs: random() < 0.5 ? nowMs - Math.floor(random() * 2 * MINUTE) : null,
      shared: random() < 0.1 ? { agents: 3, of: 4 } : null,
      windows:
        random() < 0.1
          ? [{ type: 'change' as const, name: 'w', tools: null, fromMs: T0, toMs: nowMs + MINUTE }]
          : [],
      refusedByUs: new Set(random() < 0.1 ? ['e2', 'e1'] : []),
    };
    const size = { total: 12, roles: { clerk: 6, courier: 6 } };
    const done = decider.decide(detection, 'case', asks, circumstances, size);
    decided.push({ detection, done });
    const id = { id: `r${n}`, by: 'ann', reason: 'x', atMs: nowMs };
    const [intention] = done.intentions;
    const { detector, entity, maturity, evidenceClass } = detection;
    acted =
      intention === undefined
        ? null
        : { asks, seen: { detector, entity, maturity, evidenceClass } };
    if (intention !== undefined && random() < 0.15)
      decider.operate({ ...id, type: 'undo', leaseId: intention.leaseId }, nowMs);
    if (random() < 0.1)
      decider.operate(
        { ...id, type: pick(['pause', 'resume']), scope: 'agent', target: pick(AGENTS) },
        nowMs,
      );
    if (random() < 0.4)
      decider.operate({ ...id, type: 'resume', scope: 'fleet', target: '' }, nowMs);
  }
  return decided;
};

describe('judge: again, from what was kept', () => {
  it(`gives the same decision to the byte, in 200 histories of 30 decisions (seed ${SEED})`, () => {
    const outcomes = new Map<string, number>();
    for (let seed = SEED; seed < SEED + 200; seed += 1)
      for (const { detection, done } of historyOf(seed, 30)) {
        // As the database gives it back: through canonical JSON, long after everything moved on.
        const kept = JSON.parse(storableJson(done.inputs)) as DecisionInputs;
        const found = JSON.parse(storableJson(detection)) as Detection;
        const again = judge(found, kept).decision;
        assert.equal(storableJson(again), storableJson(done.decision), `seed ${seed}`);
        const { outcome } = done.decision;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    // A history in which nothing is done would prove nothing.
    for (const outcome of ['act', 'renew', 'advise', 'withheld', 'record'])
      assert.ok((outcomes.get(outcome) ?? 0) > 20, `${outcome}: ${outcomes.get(outcome) ?? 0}`);
  });

  it('depends on each part of what is kept: another mode or pause, another decision', () => {
    const acted = historyOf(SEED, 60).find(({ done }) => done.decision.outcome === 'act');
    assert.ok(acted !== undefined);
    const { detection, done } = acted;
    const outcome = (changes: Partial<DecisionInputs>) =>
      judge(detection, { ...done.inputs, ...changes }).decision.outcome;
    assert.equal(outcome({}), 'act');
    assert.equal(outcome({ mode: 'observe' }), 'record');
    assert.equal(outcome({ mode: 'advise' }), 'advise');
    const pauses = [{ scope: 'fleet', target: '', by: 'ann' }];
    assert.equal(outcome({ pauses }), 'withheld');
    assert.equal(outcome({ untouchable: [detection.entity.agent] }), 'withheld');
    assert.equal(outcome({ chains: [] }), 'withheld');
    assert.equal(outcome({ asks: null }), 'record');
  });

  it('keeps nothing of leases that no longer count, and names no agent it is not about', () => {
    const decided = historyOf(SEED + 1, 60);
    for (const { detection, done } of decided) {
      for (const { ms } of done.inputs.recent) assert.ok(ms > detection.decidedMs - 60 * MINUTE);
      for (const { scope, target } of done.inputs.pauses)
        assert.ok(scope !== 'agent' || target === detection.entity.agent);
    }
  });
});
