/** The gate: planted sessions stay out, clean ones get in, and suspicion is not learnt from. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIMENSIONS } from '../../src/baseline/dimensions.ts';
import {
  exclusionOf,
  FOREIGN_BITS,
  firingTraces,
  GATE_P,
  type GateUnit,
  gate,
  gateP,
  genesisP,
  peerP,
  unitTraces,
} from '../../src/baseline/gate.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import { type Random, stream, uniform } from '../../src/simulation/random.ts';
import { conformalP } from '../../src/stats/conformal.ts';
import { unit } from './profiles.ts';

const CLEAN: GateUnit = {
  session: 's1',
  agent: 'a1',
  fromMs: 100,
  toMs: 200,
  p: 0.4,
  roleP: 0.5,
  peerP: null,
  calibration: 2000,
  alertR: 10,
  alertA: 1400,
  hardEvidence: false,
  foreignBits: null,
  traces: [],
};

describe('one unit', () => {
  it('enters unless something speaks against it, and the gravest reason is said', () => {
    assert.equal(exclusionOf(CLEAN, []), null);
    const cases: [Partial<GateUnit>, string][] = [
      [{ p: GATE_P }, 'improbable'],
      [{ roleP: 0.001 }, 'improbable-for-role'],
      [{ peerP: 0.001 }, 'improbable-among-peers'],
      [{ p: null, roleP: null }, 'unscored'],
      [{ alertR: 1400 }, 'agent-under-alert'],
      [{ alertR: Number.NaN }, 'agent-under-alert'],
      [{ hardEvidence: true, p: 0 }, 'hard-evidence'],
      [{ foreignBits: FOREIGN_BITS }, 'foreign-value'],
      [{ foreignBits: Number.NaN }, 'foreign-value'],
      [{ foreignBits: 9, p: 0.001 }, 'foreign-value'],
      [{ p: Number.NaN }, 'improbable'],
    ];
    for (const [more, reason] of cases)
      assert.equal(exclusionOf({ ...CLEAN, ...more }, []), reason, JSON.stringify(more));
    assert.equal(exclusionOf({ ...CLEAN, p: null }, []), null);
    assert.equal(exclusionOf({ ...CLEAN, foreignBits: FOREIGN_BITS - 0.01 }, []), null);
    assert.equal(exclusionOf({ ...CLEAN, alertR: null, alertA: null }, []), null);
  });

  it('is quarantined from the change point of its agent on, and nobody else is', () => {
    const firing = { agent: 'a1', changePointMs: 200, traces: null };
    assert.equal(exclusionOf(CLEAN, [firing]), 'quarantined');
    assert.equal(exclusionOf({ ...CLEAN, fromMs: 300, toMs: 400 }, [firing]), 'quarantined');
    assert.equal(exclusionOf({ ...CLEAN, toMs: 199 }, [firing]), null);
    assert.equal(exclusionOf({ ...CLEAN, agent: 'a2' }, [firing]), null);
  });

  it('is spared where the firing left a trace and it bears none of it', () => {
    const firing = { agent: 'a1', changePointMs: 150, traces: ['pay.to none', 'pay.iban none'] };
    const of = (traces: readonly string[]) => exclusionOf({ ...CLEAN, traces }, [firing]);
    assert.equal(of([]), null);
    assert.equal(of(['pay.to own']), null);
    assert.equal(of(['find.query none', 'pay.iban none']), 'quarantined');
    assert.equal(exclusionOf({ ...CLEAN, toMs: 149, traces: ['pay.to none'] }, [firing]), null);
    assert.equal(exclusionOf(CLEAN, [{ ...firing, traces: [] }]), null);
  });

  it('leaves the trace of what was telling, else of the tool that was named', () => {
    const strong = { bits: 6, trace: 'pay.iban none' };
    const weak = { bits: 2.5, trace: 'pay.ref none' };
    assert.deepEqual(firingTraces([strong, weak], 'pay'), ['pay.iban none']);
    assert.deepEqual(firingTraces([weak], 'pay'), ['tool pay']);
    assert.equal(firingTraces([weak], null), null);
    const traces = unitTraces([strong, weak], new Set(['pay']));
    assert.deepEqual(traces, ['pay.iban none', 'pay.ref none', 'tool pay']);
    for (const fired of [firingTraces([strong, weak], 'pay'), firingTraces([], 'pay')]) {
      const firing = { agent: 'a1', changePointMs: 150, traces: fired };
      assert.equal(exclusionOf({ ...CLEAN, traces }, [firing]), 'quarantined');
      assert.equal(exclusionOf({ ...CLEAN, traces: ['pay.ref none'] }, [firing]), null);
    }
  });

  it('needs about 25 times the evidence that a prior of one in a hundred asks for a fifth', () => {
    assert.ok(Math.abs(2 ** FOREIGN_BITS - 99 / 4) < 1e-9);
  });

  it('takes its whole session with it', () => {
    const chunks = [CLEAN, { ...CLEAN, p: 0.001 }, { ...CLEAN, session: 's2' }];
    assert.deepEqual(gate(chunks, []), {
      admitted: ['s2'],
      excluded: [{ session: 's1', reason: 'improbable' }],
    });
  });

  it('has a floor that small calibrations can reach, and ranks among peers', () => {
    assert.equal(gateP(2000), GATE_P);
    assert.equal(gateP(99), 0.01);
    assert.equal(peerP(3, [1, 2, 5]), 0.5);
    assert.equal(peerP(9, []), 1);
  });
});

const TOOLS = ['get_ticket', 'get_customer', 'get_order', 'update_ticket', 'send_reply'];
const ODD = Array.from({ length: 40 }, (_, at) => `odd_tool_${at}`);
const pick = <T>(list: readonly T[], random: Random): T =>
  list[Math.floor(uniform(random) * list.length)] as T;

/** Honest sessions: reads, sometimes a second one, then a change; one in 40 does something rare. */
const honest = (n: number, random: Random): UnitRecord => {
  const reads = uniform(random) < 0.3 ? [pick(TOOLS.slice(0, 3), random)] : [];
  const last = uniform(random) < 0.025 ? 'escalate_ticket' : pick(TOOLS.slice(3), random);
  return unit(n, ['get_ticket', ...reads, last]);
};
/** Planted ones: an honest beginning, then calls this role never makes. */
const planted = (n: number, random: Random, calls: number): UnitRecord =>
  unit(n, ['get_ticket', ...Array.from({ length: calls }, () => pick(ODD, random))]);

/** Sum over dimensions of the strangest score of a unit. */
const scorer = (
  learnt: readonly UnitRecord[],
  names: readonly string[],
): ((one: UnitRecord) => number) => {
  const scorers = DIMENSIONS.filter(({ name }) => names.includes(name)).map((dimension) =>
    dimension.compile([dimension.learn(learnt)]),
  );
  return ({ head, items }) => {
    let sum = 0;
    for (const one of scorers) {
      let state = one.begin(head);
      let most = 0;
      for (const item of items) {
        const seen = one.see(state, item);
        state = seen.state;
        most = Math.max(most, seen.score ?? 0);
      }
      sum += most;
    }
    return sum;
  };
};
const unitOf = ({ head, lastMs }: UnitRecord, p: number, calibration: number): GateUnit => {
  const { session, agent } = head;
  const own = { session, agent, fromMs: head.openedMs ?? 0, toMs: lastMs, p, calibration };
  return { ...CLEAN, ...own, roleP: null };
};

/** One window of 485 honest and 15 planted sessions, gated by its own scores. */
const genesis = (
  random: Random,
  calls: number,
  sum: { bad: number; caught: number; clean: number; lost: number },
): void => {
  const window = Array.from({ length: 485 }, (_, at) => honest(at, random));
  for (let at = 0; at < 15; at += 1) window.push(planted(9000 + at, random, calls));
  const scores = new Map<string, number>();
  // Five folds stand for leave-one-session-out: no session is scored by what it taught.
  for (let fold = 0; fold < 5; fold += 1) {
    const score = scorer(
      window.filter((_, at) => at % 5 !== fold),
      ['sequence'],
    );
    window.forEach((one, at) => {
      if (at % 5 === fold) scores.set(one.head.session, score(one));
    });
  }
  const ps = genesisP(scores);
  const units = window.map((one) => unitOf(one, ps.get(one.head.session) ?? 0, window.length - 1));
  const out = new Set(gate(units, []).excluded.map(({ session }) => session));
  for (const { head } of window) {
    const isBad = Number(head.session.slice(8)) >= 9000;
    sum[isBad ? 'bad' : 'clean'] += 1;
    if (out.has(head.session)) sum[isBad ? 'caught' : 'lost'] += 1;
  }
};

describe('planted sessions', () => {
  it('are kept out of a window that has a predecessor: at least 95 % of them', (t) => {
    let [bad, caught, clean, lost] = [0, 0, 0, 0];
    for (let seed = 0; seed < 20; seed += 1) {
      const random = stream(seed, 'gate');
      const many = (count: number, from: number) =>
        Array.from({ length: count }, (_, at) => honest(from + at, random));
      const score = scorer(many(400, 0), ['sequence', 'first-seen']);
      const calibration = Float64Array.from(many(1000, 1000).map(score)).sort();
      const window = many(380, 5000);
      for (let at = 0; at < 20; at += 1) window.push(planted(9000 + at, random, 2));
      const { excluded } = gate(
        window.map((one) => unitOf(one, conformalP(calibration, score(one)), calibration.length)),
        [],
      );
      const out = new Set(excluded.map(({ session }) => session));
      for (const { head } of window) {
        const isBad = Number(head.session.slice(8)) >= 9000;
        if (isBad) bad += 1;
        else clean += 1;
        if (out.has(head.session) && isBad) caught += 1;
        if (out.has(head.session) && !isBad) lost += 1;
      }
    }
    t.diagnostic(`${caught} of ${bad} planted kept out, ${lost} of ${clean} clean ones lost`);
    assert.ok(caught >= 0.95 * bad);
    assert.ok(lost <= 0.01 * clean);
  });

  it('are kept out of genesis by scores that leave the session out: at least 95 % of them', (t) => {
    for (const calls of [10, 3]) {
      const sum = { bad: 0, caught: 0, clean: 0, lost: 0 };
      for (let seed = 0; seed < 20; seed += 1) genesis(stream(seed, 'genesis'), calls, sum);
      const { bad, caught, clean, lost } = sum;
      const told = `${caught} of ${bad} planted kept out, ${lost} of ${clean} clean ones lost`;
      t.diagnostic(`${calls} odd calls: ${told}`);
      // Three odd calls among honest rarities are the limit that genesisP states: measured, not claimed.
      if (calls === 10) assert.ok(caught >= 0.95 * bad);
      assert.ok(lost <= 0.02 * clean);
    }
  });

  it('cost few clean sessions whatever honest scores look like, and ranks alone would not do', (t) => {
    const normal = (random: Random): number =>
      Math.sqrt(-2 * Math.log(uniform(random) || 1e-9)) * Math.cos(2 * Math.PI * uniform(random));
    const shapes: Record<string, (random: Random) => number> = {
      normal,
      exponential: (random) => -Math.log(uniform(random) || 1e-9),
      lognormal: (random) => Math.exp(normal(random)),
      uniform,
      discrete: (random) => Math.floor(4 * uniform(random)),
    };
    for (const [shape, draw] of Object.entries(shapes)) {
      const random = stream(7, shape);
      const scores = new Map<string, number>();
      for (let at = 0; at < 4000; at += 1) scores.set(`${at}`, draw(random));
      const clean = [...genesisP(scores).values()].filter((p) => p <= GATE_P).length / 4000;
      const sorted = [...scores.values()].sort((a, b) => a - b);
      const spread = (sorted[3600] ?? 0) - (sorted[2000] ?? 0) || 1;
      for (let at = 0; at < 120; at += 1)
        scores.set(`bad-${at}`, (sorted[3999] ?? 0) + spread * (1.5 + uniform(random)));
      const ps = genesisP(scores);
      const caught = [...ps].filter(([id, p]) => id.startsWith('bad') && p <= GATE_P).length;
      t.diagnostic(
        `${shape}: ${(100 * clean).toFixed(2)} % of clean ones, ${caught} of 120 planted`,
      );
      assert.ok(clean <= 0.02, shape);
      // Where scores come in lumps the quantiles have no slope: ranks alone decide.
      if (shape !== 'discrete') assert.ok(caught >= 114, shape);
      assert.ok([...ps.values()].every((p) => p > 0 && p <= 1));
    }
    const same = genesisP(new Map([['a', 1]]));
    assert.equal(same.get('a'), 1);
  });
});
