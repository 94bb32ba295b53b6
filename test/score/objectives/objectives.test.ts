/** Service levels: what counts, once and for whom; usage; the same after a restart. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventFact } from '../../../src/model/fact.ts';
import { METERS, type Objective } from '../../../src/model/objective.ts';
import { createObjectiveStage } from '../../../src/score/objectives/objectives.ts';
import { Slots } from '../../../src/state/slots.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';

const BASE = {
  title: 'A promise',
  scope: {},
  target: 0.9,
  windowMs: 28 * 86_400_000,
  leastBad: 3,
} as const;
const CALLS: Objective = { ...BASE, name: 'calls', indicator: { of: 'calls' } };
const COST: Objective = { ...BASE, name: 'cost', indicator: { of: 'cost', atMost: 1 } };

function factOf(
  kind: 'gateway' | 'metrics' | 'reasoning' | 'governance',
  ms: number,
  body: object,
  more: Partial<EventFact> = {},
): EventFact {
  return {
    type: 'event',
    event: eventOf({ kind, ms, body }),
    session: {
      ...{ tenant: '-', id: 's', agent: 'a', ownedBy: 'witness', role: 'r', openedMs: null },
      ...{ closedMs: null, parent: null, blind: [] },
    },
    ...{ tenant: '-', agent: 'a', role: 'r', argsDigest: null, toolClass: null, granted: null },
    ...{ ours: false, model: 'm-1', late: false },
    ...known(),
    ...more,
  };
}

const call = (ms: number, outcome: string, more: object = {}) =>
  factOf('gateway', ms, {
    action: { phase: 'result', tool: 't', decision: 'allow', outcome, ...more },
  });
const cost = (ms: number, value: number, name = 'cost', temporality = 'delta') =>
  factOf('metrics', ms, { metric: { name, type: 'counter', temporality, value } });

function stageOf(objectives: readonly Objective[], slots = new Slots()) {
  return createObjectiveStage(slots, { objectives, meters: METERS }, () => assert.fail('evicted'));
}

describe('service levels', () => {
  it('counts executed calls, and neither refusals by policy nor those of our own leases', () => {
    const stage = stageOf([CALLS]);
    stage.see(call(1, 'ok'));
    stage.see(call(2, 'error'));
    stage.see(call(3, 'unknown'));
    stage.see(call(4, 'error', { decision: 'deny' }));
    stage.see({ ...call(5, 'error'), ours: true });
    assert.deepEqual(stage.takeCounts(), [
      { objective: 'calls', tenant: '-', hourMs: 0, good: 1, bad: 1 },
    ]);
    assert.deepEqual(stage.takeCounts(), []);
  });

  it('says once that a budget burns, and again after it stopped', () => {
    const stage = stageOf([CALLS]);
    const outcomes = (fromMs: number, list: string) =>
      [...list].flatMap((each, at) =>
        stage.see(call(fromMs + at * 1000, each === 'x' ? 'error' : 'ok')),
      );
    const burnt = outcomes(0, 'xxxxxxxx');
    assert.deepEqual(
      burnt.map(({ pace, long, factor }) => [pace, factor, long.bad]),
      [['fast', 6, 3]],
    );
    assert.ok((burnt[0]?.budgetLeft ?? 1) < 0);
    // Half an hour of sound work: the short window no longer burns.
    const sound = 2_400_000;
    for (let at = 0; at < 200; at += 1) outcomes(sound + at * 1000, '.');
    const again = outcomes(3 * 3_600_000, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'.repeat(30));
    assert.ok(again.some(({ pace }) => pace === 'fast'));
  });

  it('counts a session once by its total, and takes its good word back', () => {
    const stage = stageOf([COST]);
    stage.see(cost(1, 0.6));
    assert.equal(stage.takeCounts()[0]?.good, 1);
    stage.see(cost(2, 0.6));
    const [second] = stage.takeCounts();
    assert.deepEqual([second?.good, second?.bad], [-1, 1]);
    stage.see(cost(3, 9));
    assert.deepEqual(stage.takeCounts(), []);
  });

  it('reads the best metric a session has, and counters that go on or begin anew', () => {
    const stage = stageOf([]);
    stage.see(cost(1, 5, 'agent.session.cost'));
    stage.see(cost(2, 2, 'cost', 'cumulative'));
    stage.see(cost(3, 3, 'cost', 'cumulative'));
    stage.see(cost(4, 1, 'cost', 'cumulative'));
    stage.see(cost(5, 100, 'agent.session.cost'));
    assert.equal(stage.takeUsage()[0]?.cost, 4);
  });

  it('keeps to the scope: role, workflow as governance declared it, agent', () => {
    const scoped = { ...CALLS, scope: { role: 'r', workflow: 'refund', agent: 'a' } };
    const stage = stageOf([scoped]);
    stage.see(call(1, 'ok'));
    assert.deepEqual(stage.takeCounts(), []);
    const detail = { taskType: 'refund' };
    stage.see(factOf('governance', 2, { governance: { change: 'session.opened', detail } }));
    stage.see(call(3, 'ok'));
    stage.see({ ...call(4, 'ok'), role: 'other' });
    stage.see({ ...call(5, 'ok'), agent: 'b' });
    assert.equal(stage.takeCounts()[0]?.good, 1);
    const [usage] = stage.takeUsage().filter(({ workflow }) => workflow === 'refund');
    assert.deepEqual([usage?.workflow, usage?.calls, usage?.model], ['refund', 1, 'm-1']);
  });

  it('goes on after a restart as if there had been none', () => {
    const facts = Array.from({ length: 60 }, (_, at) =>
      at % 3 === 0 ? cost(at * 60_000, 0.3) : call(at * 60_000, at % 5 === 0 ? 'error' : 'ok'),
    );
    const run = (restartEach: number) => {
      let slots = new Slots();
      let stage = stageOf([CALLS, COST], slots);
      const deltas: { seq: number; bytes: Buffer }[] = [];
      const said: unknown[] = [];
      facts.forEach((fact, at) => {
        said.push(...stage.see(fact));
        said.push(...stage.takeCounts(), ...stage.takeUsage());
        if (at % restartEach !== restartEach - 1) return;
        const bytes = slots.takeDelta();
        if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
        slots = new Slots();
        stage = stageOf([CALLS, COST], slots);
        slots.restore([], deltas);
      });
      return said;
    };
    const whole = run(1000);
    assert.ok(whole.length > facts.length);
    for (const each of [1, 7]) assert.deepEqual(run(each), whole);
  });

  it('says of a reading that no session can have that it was dropped, and adds nothing', () => {
    const said: string[] = [];
    const levels = { objectives: [COST], meters: METERS };
    const stage = createObjectiveStage(new Slots(), levels, (_, detail) => said.push(detail));
    for (const name of ['unmetered', METERS.cost[0] as string]) stage.see(cost(1, 1e300, name));
    assert.deepEqual(said, ['a reading larger than any can be: dropped']);
    assert.deepEqual([stage.takeCounts(), stage.takeUsage()], [[], []]);
  });

  it('keeps counts of as many tenants as it may, and says which it let go', () => {
    const slots = new Slots();
    let said = 0;
    const levels = { objectives: [CALLS], meters: METERS };
    const stage = createObjectiveStage(slots, levels, () => {
      said += 1;
    });
    for (let at = 0; at < 20_100; at += 1)
      stage.see({ ...call(at, 'ok'), session: null, tenant: `t${at}` });
    assert.equal(slots.count('V'), 20_000);
    assert.equal(said, 100);
  });
});
