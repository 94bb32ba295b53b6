/** Evidence: ticks, lanes, gates, early firing, the day, restore, order, bounds, explanations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KINDS } from '../../src/model/event.ts';
import { createEvidence } from '../../src/score/evidence.ts';
import type { Firing } from '../../src/score/firing.ts';
import { judge } from '../../src/score/judge.ts';
import { stream } from '../../src/simulation/random.ts';
import { Slots } from '../../src/state/slots.ts';
import { EMPTY } from '../../src/stats/shiryaev-roberts.ts';
import { drawn, readingsOf, standardOf, threshold } from './books.ts';

const MINUTE = 60_000;
const RUNGS = [
  threshold({ rung: 'alert', a: 300, alpha: 0.01 }),
  threshold({ rung: 'posture', a: 2_000, alpha: 0.005, sources: 2 }),
  threshold({ rung: 'freeze_tool', a: 1e5, table: 'certified', sources: 2 }),
  threshold({ rung: 'revoke_session', a: 1e6, table: 'wilson', sources: 2 }),
  threshold({ rung: 'suspend_agent', a: 3e6, table: 'wilson', sources: 2 }),
];
const ALERT = [threshold({ a: 1_000 })];
const WILD = [9, 9, 9, 9] as const;

test('evidence: R is (R + 1)·E and starts anew after a firing', () => {
  const standard = standardOf(ALERT);
  const evidence = createEvidence(new Slots());
  const random = stream(5, 'units');
  let plain = 0;
  let fired = 0;
  for (let at = 0; at < 300; at += 1) {
    const readings = drawn(random, at * MINUTE, at > 150 ? 2 : 0);
    const e = judge(readings, standard.tables, null, false).evidence[0] as number;
    plain = (plain + 1) * e;
    const { firings, evidence: ticked } = evidence.close(
      { agent: 'a', unit: `${at}` },
      readings,
      standard,
    );
    assert.equal(ticked, e);
    assert.equal(firings.length > 0, plain >= 1_000, `tick ${at}`);
    if (firings.length > 0) {
      assert.ok(Math.abs((firings[0]?.value ?? 0) / plain - 1) < 1e-9);
      plain = 0;
      fired += 1;
      assert.equal(evidence.level('a', 'alert'), EMPTY);
    } else assert.ok(Math.abs(evidence.level('a', 'alert') - Math.log(plain)) < 1e-9);
  }
  assert.ok(fired > 3, `${fired} firings`);
});

test('evidence: a dimension that abstains counts as one, also beside one that does not', () => {
  const { tables } = standardOf(ALERT);
  const all = judge(readingsOf([9, null, null, null], null, 0), tables, null, false);
  assert.deepEqual(all.sources.slice(1), [1, 1, 1]);
  const wild = all.sources[0] as number;
  assert.ok(Math.abs((all.evidence[0] as number) - (0.5 * (0.25 * wild + 0.75) + 0.5)) < 1e-12);
  const unknown = readingsOf(WILD, 9, 0);
  const dimensions = unknown.dimensions.map((reading) => ({ ...reading, cell: 'L3/unseen' }));
  const abstained = judge({ ms: 0, dimensions, joint: null }, tables, null, false);
  assert.deepEqual(abstained.evidence, [1, 1, 1]);
});

test('evidence: two dimensions of a source share its weight', () => {
  const { tables } = standardOf(ALERT);
  const one = readingsOf([9, 0, 0, 0], 0, 0);
  const twin = { ...(one.dimensions[0] as (typeof one.dimensions)[0]), score: null };
  const two = judge({ ...one, dimensions: [...one.dimensions, twin] }, tables, null, false);
  const alone = judge(one, tables, null, false);
  assert.equal(two.sources[0], ((alone.sources[0] as number) + 1) / 2);
  assert.equal(two.parts()[0]?.weight, 0.0625);
});

test('evidence: what a running unit shows is never more than it comes to', () => {
  const { tables } = standardOf(ALERT);
  const score = fc.option(fc.double({ min: -4, max: 6, noNaN: true }), { nil: null });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(score, fc.double({ min: 0, max: 5, noNaN: true })), {
        minLength: 5,
        maxLength: 5,
      }),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      (final, said) => {
        // Running scores only grow; some dimensions have said nothing yet, some never will.
        const early = final.map(([value, less], at) =>
          value === null || said[at] !== true ? null : value - less,
        );
        const whole = final.map(([value]) => value);
        const before = judge(readingsOf(early, early[4] ?? null, 0), tables, null, true);
        const after = judge(readingsOf(whole, whole[4] ?? null, 0), tables, null, false);
        before.evidence.forEach((e, table) => {
          assert.ok(e <= (after.evidence[table] as number) + 1e-12);
        });
        before.sources.forEach((e, at) => {
          assert.ok(e <= (after.sources[at] as number) + 1e-12);
        });
      },
    ),
  );
});

test('evidence: a session fires at the first prefix whose joint p is low enough, and once', () => {
  const standard = standardOf([threshold({ a: null, alpha: 0.02 })]);
  const evidence = createEvidence(new Slots());
  const key = { agent: 'a', unit: 'u' };
  assert.deepEqual(evidence.running(key, readingsOf([0, 0, 0, 0], 0, 1), standard), []);
  const [firing, ...more] = evidence.running(key, readingsOf([0, 0, 0, 9], 9, 2), standard);
  assert.equal(more.length, 0);
  assert.ok(firing !== undefined);
  assert.deepEqual(
    [firing.lane, firing.early, firing.ms, firing.value, firing.threshold],
    ['session', true, 2, 1 / 401, 0.02],
  );
  assert.equal(firing.shares[0]?.dimension, 'd.metrics');
  const silentAt = firing.counterfactual?.silentAt ?? Number.NaN;
  assert.deepEqual(evidence.running(key, readingsOf(WILD, 10, 3), standard), []);
  assert.deepEqual(evidence.close(key, readingsOf(WILD, 10, 4), standard).firings, []);
  const next = { agent: 'a', unit: 'v' };
  assert.deepEqual(evidence.running(next, readingsOf([0, 0, 0, 0], silentAt, 5), standard), []);
  const above = readingsOf([0, 0, 0, 0], silentAt + 1e-9, 6);
  assert.equal(
    evidence.close(next, above, standard).firings.length,
    1,
    'the counterfactual is exact',
  );
});

test('evidence: an accumulator fires early, and its unit is spent', () => {
  const standard = standardOf(ALERT);
  const slots = new Slots();
  const evidence = createEvidence(slots);
  let at = 0;
  const close = (scores: readonly number[], joint: number) =>
    evidence.close(
      { agent: 'a', unit: `${at}` },
      readingsOf(scores, joint, ++at * MINUTE),
      standard,
    );
  while (evidence.level('a', 'alert') < Math.log(120)) close([9, 0, 0, 0], 9);
  const before = evidence.level('a', 'alert');
  const key = { agent: 'a', unit: 'live' };
  assert.deepEqual(evidence.running(key, readingsOf([0, 0, 0, 0], 0, 99), standard), []);
  assert.equal(evidence.level('a', 'alert'), before, 'looking does not tick');
  const found = evidence.running(key, readingsOf(WILD, 9, 100), standard);
  assert.deepEqual(
    found.map(({ lane, early }) => [lane, early]),
    [['accumulator', true]],
  );
  assert.equal(evidence.level('a', 'alert'), EMPTY);
  assert.deepEqual(evidence.close(key, readingsOf(WILD, 9, 101), standard).firings, []);
  assert.equal(evidence.level('a', 'alert'), EMPTY);
});

test('evidence: units open at once share R, so none of them fires on what all may spend', () => {
  const standard = standardOf(ALERT);
  const evidence = createEvidence(new Slots());
  let at = 0;
  while (evidence.level('a', 'alert') < Math.log(150))
    evidence.close({ agent: 'a', unit: `${at}` }, readingsOf([9, 0, 0, 0], 9, ++at), standard);
  for (let unit = 0; unit < 12; unit += 1)
    evidence.running(
      { agent: 'a', unit: `open${unit}` },
      readingsOf([0, 0, 0, 0], 0, 99),
      standard,
    );
  const wild = readingsOf(WILD, 9, 100);
  assert.deepEqual(evidence.running({ agent: 'a', unit: 'open3' }, wild, standard), []);
  assert.equal(evidence.close({ agent: 'a', unit: 'open3' }, wild, standard).firings.length, 1);
});

test('evidence: rungs above alert wait for a second source', () => {
  const standard = standardOf([
    threshold({ rung: 'alert', a: 1_000 }),
    threshold({ rung: 'posture', a: 1_000, alpha: 0.02, sources: 2 }),
  ]);
  const run = (scores: readonly number[]) => {
    const evidence = createEvidence(new Slots());
    const found: Firing[] = [];
    for (let at = 0; at < 40; at += 1)
      found.push(
        ...evidence.close({ agent: 'a', unit: `${at}` }, readingsOf(scores, 9, at), standard)
          .firings,
      );
    return new Set(found.map(({ rung, lane }) => `${rung} ${lane}`));
  };
  assert.deepEqual(run([9, 0, 0, 0]), new Set(['alert accumulator']));
  assert.deepEqual(
    run([9, 9, 0, 0]),
    new Set(['posture session', 'alert accumulator', 'posture accumulator']),
  );
});

test('evidence: a firing says who, since when, and what would have kept it silent', () => {
  const standard = standardOf(ALERT);
  const evidence = createEvidence(new Slots());
  const began = 60;
  let found: Firing | undefined;
  for (let at = 1; found === undefined; at += 1) {
    const ms = at * MINUTE;
    const readings = at < began ? readingsOf([0, 0, 0, 0], 0, ms) : readingsOf([0, 0, 6, 0], 4, ms);
    found = evidence.close({ agent: 'a', unit: `${at}` }, readings, standard).firings[0];
    assert.ok(at < 200);
  }
  assert.deepEqual(found.onset, { tick: began, ms: began * MINUTE });
  assert.equal(found.shares[0]?.dimension, 'd.governance');
  const sum = found.shares.reduce((total, { share }) => total + share, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9);
  assert.ok(found.counterfactual !== null);
});

test('evidence: the counterfactual of an accumulator keeps it silent', () => {
  const { tables } = standardOf([]);
  const standard = { ...standardOf([]), tables, thresholds: [threshold({ a: 40 })] };
  const replayed = (last: number) => {
    const evidence = createEvidence(new Slots());
    for (let at = 0; at < 4; at += 1)
      evidence.close({ agent: 'a', unit: `${at}` }, readingsOf([3, 0, 0, 0], 1, at), standard);
    return evidence.close({ agent: 'a', unit: 'x' }, readingsOf([9, 0, 0, 0], last, 9), standard);
  };
  const [firing] = replayed(9).firings;
  assert.equal(firing?.counterfactual?.dimension, 'joint');
  const silentAt = firing?.counterfactual?.silentAt;
  assert.ok(typeof silentAt === 'number');
  assert.deepEqual(replayed(silentAt).firings, []);
});

test('evidence: the day is one more R over its ticks, and ends at midnight UTC', () => {
  const standard = standardOf([threshold({ a: 2 })]);
  const evidence = createEvidence(new Slots());
  const day = 86_400_000;
  let plain = 0;
  for (let at = 0; at < 5; at += 1) {
    const readings = readingsOf([3, 0, 0, 0], 2, 10 * day + at);
    plain =
      (plain + 1) *
      (evidence.close({ agent: 'a', unit: `${at}` }, readings, standard).evidence ?? 0);
  }
  const seen = evidence.day('a');
  assert.deepEqual([seen?.day, seen?.ticks], [10, 5]);
  assert.ok(Math.abs((seen?.e ?? 0) / (plain / 5) - 1) < 1e-9, 'firing does not reset the day');
  evidence.close({ agent: 'a', unit: 'next' }, readingsOf([0, 0, 0, 0], 0, 11 * day), standard);
  assert.deepEqual([evidence.day('a')?.day, evidence.day('a')?.ticks], [11, 1]);
  evidence.close({ agent: 'a', unit: 'late' }, readingsOf([0, 0, 0, 0], 0, 10 * day), standard);
  assert.deepEqual([evidence.day('a')?.day, evidence.day('a')?.ticks], [11, 2]);
  assert.equal(evidence.day('nobody'), null);
});

const STANDARD = standardOf(RUNGS);

/** A run of interleaved agents; `cut` writes the state down and reads it back at that step. */
function story(order: readonly number[], cut: number | null): readonly Firing[] {
  const standard = STANDARD;
  let slots = new Slots();
  let evidence = createEvidence(slots);
  const streams = [0, 1, 2].map((agent) => stream(agent, 'story'));
  const steps = [0, 0, 0];
  const found: Firing[] = [];
  order.forEach((agent, index) => {
    if (index === cut) {
      const pages = Array.from({ length: 256 }, (_, page) => ({
        page,
        uptoSeq: 0,
        bytes: slots.pageBytes(page),
      }));
      slots = new Slots();
      slots.restore(pages, []);
      evidence = createEvidence(slots);
    }
    const at = steps[agent] as number;
    steps[agent] = at + 1;
    const random = streams[agent];
    assert.ok(random !== undefined);
    const readings = drawn(random, at * MINUTE, agent === 0 ? 0 : 2.5);
    const key = { agent: `agent${agent}`, unit: `u${at >> 1}` };
    if (at % 2 === 0) found.push(...evidence.running(key, readings, standard));
    else found.push(...evidence.close(key, readings, standard).firings);
  });
  return found;
}

test('evidence: agents do not disturb each other, whatever the order their units come in', () => {
  const own = (found: readonly Firing[], agent: string) =>
    found.filter((firing) => firing.agent === agent);
  const base = [
    ...new Array<number>(60).fill(0),
    ...new Array<number>(60).fill(1),
    ...new Array<number>(60).fill(2),
  ];
  const expected = story(base, null);
  assert.ok(own(expected, 'agent1').length > 0 && own(expected, 'agent2').length > 0);
  fc.assert(
    fc.property(fc.shuffledSubarray(base, { minLength: base.length }), (order) => {
      const found = story(order, null);
      for (const agent of ['agent0', 'agent1', 'agent2'])
        assert.deepEqual(own(found, agent), own(expected, agent));
    }),
    { numRuns: 15 },
  );
});

test('evidence: restored in the middle it goes on as if nothing had been', () => {
  const order = Array.from({ length: 180 }, (_, at) => at % 3);
  const expected = story(order, null);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 179 }), (cut) => {
      assert.deepEqual(story(order, cut), expected);
    }),
    { numRuns: 25 },
  );
});

test('evidence: an agent is at most half a kilobyte of numbers', () => {
  const standard = standardOf(RUNGS);
  const slots = new Slots();
  const evidence = createEvidence(slots);
  const random = stream(3, 'bounded');
  const names = Array.from({ length: 12 }, (_, at) => `dimension${at}`);
  for (let at = 0; at < 400; at += 1) {
    const readings = drawn(random, at * MINUTE, 1.5);
    const many = names.map((dimension, of) => ({
      ...(readings.dimensions[of % 4] as (typeof readings.dimensions)[0]),
      dimension,
    }));
    evidence.close(
      { agent: 'a', unit: `${at}` },
      { ...readings, dimensions: [...readings.dimensions, ...many] },
      standard,
    );
    const numbers: number[] = [];
    JSON.stringify(slots.get('E', 'a'), (_, value: unknown) => {
      if (typeof value === 'number') numbers.push(value);
      return value;
    });
    assert.ok(numbers.every(Number.isFinite) && 8 * numbers.length <= 512, `${numbers.length}`);
  }
});

test('evidence: a block of units makes one tick, with the mean of what they came to', () => {
  const standard = standardOf([threshold({ a: 1e9 })], 400, 4);
  const evidence = createEvidence(new Slots());
  const single = standardOf([threshold({ a: 1e9 })]);
  const random = stream(9, 'block');
  let [sum, strict] = [0, 0];
  for (let at = 0; at < 4; at += 1) {
    const readings = drawn(random, at);
    const { evidence: e } = judge(readings, single.tables, null, false);
    sum += e[0] as number;
    strict += e[1] as number;
    const closed = evidence.close({ agent: 'a', unit: `${at}` }, readings, standard);
    if (at < 3) assert.equal(closed.evidence, null);
    else assert.ok(Math.abs((closed.evidence ?? 0) - sum / 4) < 1e-12);
  }
  assert.ok(Math.abs(evidence.level('a', 'alert') - Math.log(strict / 4)) < 1e-12);
});

test('evidence: names that agents choose are only names', () => {
  const standard = standardOf(ALERT);
  const evidence = createEvidence(new Slots());
  for (const unit of ['__proto__', 'constructor', 'toString', '']) {
    const key = { agent: '__proto__', unit };
    assert.deepEqual(evidence.running(key, readingsOf([0, 0, 0, 0], 0, 1), standard), []);
    assert.deepEqual(evidence.close(key, readingsOf([0, 0, 0, 0], 0, 2), standard).firings, []);
  }
  assert.equal(KINDS.length, 4);
});
