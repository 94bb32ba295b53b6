/** Guardrails: each brake by itself, with everything else in order. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkGuardrails, type GuardrailInput } from '../../src/decide/guardrail.ts';
import { detectionOf, T0 } from './findings.ts';

const SOUND: GuardrailInput = {
  detection: detectionOf(),
  verb: 'freeze_tool',
  mode: 'autonomous',
  driver: 'webhook',
  approval: null,
  earned: { tier: 'degrade', live: false, why: 'hard evidence' },
  standing: null,
  fleet: { recent: [], pauses: [] },
  size: { total: 100, roles: { clerk: 40 } },
  options: {
    neverTouch: new Set(['control-plane']),
    coolDownMs: 300_000,
    immunityMs: 900_000,
    leaseMaxMs: 14_400_000,
    agentPerHour: 12,
    fleetPerMinute: 30,
    breakerFleetShare: 0.05,
    breakerRoleShare: 0.2,
    breakerWindowMs: 900_000,
  },
};

/** Names of the guardrails that say no. */
function failing(changes: Partial<GuardrailInput>): string[] {
  const answers = checkGuardrails({ ...SOUND, ...changes });
  return answers.filter(({ passed }) => !passed).map(({ check }) => check);
}

const recent = (agents: readonly string[], role = 'clerk', ms = T0 - 1000) =>
  agents.map((agent) => ({ ms, agent, role }));

describe('guardrails', () => {
  it('all answer, never-touch last, and let a sound case through', () => {
    const answers = checkGuardrails(SOUND);
    assert.deepEqual(
      answers.map(({ check }) => check),
      [
        ...['mode', 'maturity', 'evidence', 'earned-tier', 'approval', 'driver'],
        ...['kill-switch', 'cool-down', 'rate-limit', 'fleet-breaker', 'never-touch'],
      ],
    );
    assert.ok(answers.every(({ passed, data }) => passed && data.length > 0));
  });

  it('mode: only constrained and autonomous act, and constrained only what can be undone', () => {
    assert.deepEqual(failing({ mode: 'observe' }), ['mode']);
    assert.deepEqual(failing({ mode: 'advise' }), ['mode']);
    assert.deepEqual(failing({ mode: 'constrained' }), []);
    assert.ok(failing({ mode: 'constrained', verb: 'revoke_session' }).includes('mode'));
    assert.ok(!failing({ mode: 'autonomous', verb: 'revoke_session' }).includes('mode'));
  });

  it('maturity: only a detector that was set to enforce acts', () => {
    assert.deepEqual(failing({ detection: detectionOf({ maturity: 'alert' }) }), ['maturity']);
    assert.deepEqual(failing({ detection: detectionOf({ maturity: 'shadow' }) }), ['maturity']);
  });

  it('evidence: hard, joined exactly or strongly, and in time', () => {
    const of = (changes: Parameters<typeof detectionOf>[0]) =>
      failing({ detection: detectionOf(changes) });
    assert.deepEqual(of({ strength: 'strong' }), []);
    assert.deepEqual(of({ strength: 'weak' }), ['evidence']);
    assert.deepEqual(of({ late: true }), ['evidence']);
    assert.deepEqual(of({ evidenceClass: 'statistical' }), ['evidence']);
  });

  it('earned tier and approval: what cannot be undone needs a person', () => {
    assert.deepEqual(failing({ verb: 'revoke_session' }), ['earned-tier', 'approval']);
    assert.deepEqual(failing({ verb: 'suspend_agent' }), ['earned-tier']);
    const nothing = { tier: 'observe', live: false, why: 'not measured' } as const;
    assert.deepEqual(failing({ earned: nothing }), ['earned-tier']);
    const all = { tier: 'terminate', live: false, why: 'measured' } as const;
    assert.deepEqual(failing({ verb: 'suspend_agent', earned: all }), []);
    assert.deepEqual(failing({ verb: 'revoke_session', earned: all }), ['earned-tier', 'approval']);
  });

  it('approval: who must agree is asked, and what cannot be undone always is', () => {
    const all = { tier: 'terminate', live: true, why: 'measured' } as const;
    const asked = { quorum: 2, withinMs: 600_000 };
    assert.deepEqual(failing({ verb: 'revoke_session', earned: all }), ['approval']);
    assert.deepEqual(failing({ verb: 'revoke_session', earned: all, approval: asked }), []);
    assert.deepEqual(failing({ approval: asked }), []);
  });

  it('rate: so many new actions against one agent in an hour, and in the fleet in a minute', () => {
    const at = (agents: readonly string[], ms: number) =>
      failing({
        size: { total: 1e6, roles: { clerk: 1e6 } },
        fleet: { recent: recent(agents, 'clerk', T0 - ms), pauses: [] },
      });
    const many = (count: number) => Array.from({ length: count }, (_, n) => `agent-${n}`);
    assert.deepEqual(at(new Array(11).fill('a'), 3_000_000), []);
    assert.deepEqual(at(new Array(12).fill('a'), 3_000_000), ['rate-limit']);
    assert.deepEqual(at(new Array(12).fill('a'), 3_600_000), []);
    assert.deepEqual(at(many(29), 59_000), []);
    assert.deepEqual(at(many(30), 59_000), ['rate-limit']);
    assert.deepEqual(at(many(30), 60_000), []);
  });

  it('never-touch: by agent or by role, in words that say which', () => {
    for (const listed of ['a', 'agent:a', 'role:clerk'])
      assert.deepEqual(
        failing({ options: { ...SOUND.options, neverTouch: new Set([listed]) } }),
        ['never-touch'],
        listed,
      );
    for (const other of ['b', 'agent:b', 'role:courier', 'role:a', 'clerk'])
      assert.deepEqual(
        failing({ options: { ...SOUND.options, neverTouch: new Set([other]) } }),
        [],
        other,
      );
  });

  it('driver: nothing is done where nothing can be done', () => {
    assert.deepEqual(failing({ driver: null }), ['driver']);
  });

  it('kill switch: fleet, role, agent and driver, and nobody else’s', () => {
    const paused = (scope: string, target: string) =>
      failing({ fleet: { recent: [], pauses: [{ scope, target, by: 'user:op' }] } });
    for (const [scope, target] of [
      ['fleet', ''],
      ['role', 'clerk'],
      ['agent', 'a'],
      ['driver', 'webhook'],
    ] as const)
      assert.deepEqual(paused(scope, target), ['kill-switch'], scope);
    assert.deepEqual(paused('role', 'courier'), []);
    assert.deepEqual(paused('agent', 'b'), []);
    assert.deepEqual(paused('driver', 'other'), []);
  });

  it('cool-down: the same detector rests, another does not', () => {
    const resting = (detector: string) =>
      failing({
        standing: { quiet: [{ detector, untilMs: T0 + 1000, why: 'cool-down' }] },
      });
    assert.deepEqual(resting('unstated-action'), ['cool-down']);
    assert.deepEqual(resting('phantom-action'), []);
  });

  it('fleet breaker: share of the fleet, counted in agents within the window', () => {
    const after = (agents: readonly string[], ms?: number) =>
      failing({ fleet: { recent: recent(agents, 'courier', ms), pauses: [] } });
    assert.deepEqual(after(['b', 'c', 'd', 'e']), []);
    assert.deepEqual(after(['b', 'c', 'd', 'e', 'f']), ['fleet-breaker']);
    assert.deepEqual(after(['b', 'b', 'b', 'b', 'b', 'b']), []);
    assert.deepEqual(after(['b', 'c', 'd', 'e', 'f'], T0 - 900_000), []);
  });

  it('fleet breaker: share of the role', () => {
    const size = { total: 1000, roles: { clerk: 10, courier: 10 } };
    const after = (role: string) =>
      failing({ size, fleet: { recent: recent(['b', 'c'], role), pauses: [] } });
    assert.deepEqual(after('clerk'), ['fleet-breaker']);
    assert.deepEqual(after('courier'), []);
  });

  it('fleet breaker: one agent is always allowed, in the smallest fleet and an unheard-of role', () => {
    assert.deepEqual(failing({ size: { total: 1, roles: {} } }), []);
    for (const role of ['constructor', '__proto__', 'nobody']) {
      const entity = { ...SOUND.detection.entity, role };
      assert.deepEqual(failing({ detection: detectionOf({ entity }) }), [], role);
    }
  });

  it('never touch: nothing else may let it through', () => {
    const entity = { ...SOUND.detection.entity, agent: 'control-plane' };
    assert.deepEqual(failing({ detection: detectionOf({ entity }) }), ['never-touch']);
  });
});
