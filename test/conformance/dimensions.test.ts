/** Every dimension: repeatable, restorable, finite, abstaining, bounded, silent about content. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Dimension, Json, Scorer } from '../../src/baseline/dimension.ts';
import { DIMENSIONS } from '../../src/baseline/dimensions.ts';
import { canonicalJson } from '../../src/model/canonical-json.ts';
import { EVIDENCE_LEVELS, KINDS } from '../../src/model/event.ts';
import type { UnitItem, UnitRecord } from '../../src/model/unit.ts';
import { shuffled, stream } from '../../src/simulation/random.ts';
import { hostileUnit, ordinaryUnits, SECRET, unitOf } from './units.ts';

const LEARNT = ordinaryUnits(120, 1);
const SCORED = ordinaryUnits(40, 2);
const HOSTILE = hostileUnit();
const STATE_BYTES_MAX = 16 * 1_024;
const SENTENCE_MAX = 1_000;

/** What a unit gave: its scores in order, the closing one, and the sentence. */
interface Outcome {
  readonly scores: readonly (number | null)[];
  readonly close: number | null;
  readonly sentence: string;
  readonly stateBytes: number;
}

/** Scores a unit; with `restart` the state goes through JSON after every item. */
function scoreUnit(scorer: Scorer, unit: UnitRecord, restart = false): Outcome {
  let state = scorer.begin(unit.head);
  let stateBytes = 0;
  const scores = unit.items.map((item) => {
    const seen = scorer.see(state, item);
    const text = JSON.stringify(seen.state);
    stateBytes = Math.max(stateBytes, Buffer.byteLength(text));
    state = restart ? (JSON.parse(text) as Json) : seen.state;
    return seen.score;
  });
  return { scores, close: scorer.close(state), sentence: scorer.say(state), stateBytes };
}

function refuseBroken(dimension: Dimension, { scores, close }: Outcome): void {
  for (const score of [...scores, close])
    assert.ok(score === null || Number.isFinite(score), `${dimension.name} gives ${score}`);
  if (dimension.timing === 'running') assert.equal(close, null);
  else assert.ok(scores.every((score) => score === null));
}

/** Items that the dimension's source has no part in. */
function foreignItems({ source }: Dimension, items: readonly UnitItem[]): UnitItem[] {
  const own = { gateway: 'call', reasoning: 'say', governance: 'change', metrics: 'metric' }[
    source
  ];
  // Dimensions that join sources judge calls: without any of them nobody has anything to say.
  return items.filter(({ type }) => type !== own && type !== 'call' && type !== 'say');
}

const levelsOf = (dimension: Dimension): Json[][] => {
  const role = dimension.learn(LEARNT);
  const agent = dimension.learn(LEARNT.filter(({ head }) => head.agent === 'a1'));
  return [[role], [role, role], [agent, role, role], [dimension.learn([])]];
};

describe('dimensions', () => {
  it('bear different names, and name a source and a level', () => {
    assert.equal(new Set(DIMENSIONS.map(({ name }) => name)).size, DIMENSIONS.length);
    for (const { source, needs } of DIMENSIONS)
      assert.ok(KINDS.includes(source) && EVIDENCE_LEVELS.includes(needs));
  });

  for (const dimension of DIMENSIONS) describe(dimension.name, () => enrol(dimension));
});

function enrol(dimension: Dimension): void {
  const levels = levelsOf(dimension);
  const scorers = levels.map((counts) => dimension.compile(counts));
  const [role] = scorers;
  assert.ok(role !== undefined);

  it('learns the same from the same units in any order, as plain JSON', () => {
    const counts = dimension.learn(LEARNT);
    const other = dimension.learn(shuffled(stream(3, dimension.name), LEARNT));
    assert.equal(JSON.stringify(other), JSON.stringify(counts));
    assert.equal(canonicalJson(JSON.parse(JSON.stringify(counts))), canonicalJson(counts));
  });

  it('scores the same when its state or its counts went through JSON', () => {
    const counts = JSON.parse(JSON.stringify(dimension.learn(LEARNT))) as Json;
    const restored = dimension.compile([counts]);
    for (const unit of [...SCORED, HOSTILE]) {
      const once = scoreUnit(role, unit);
      assert.deepEqual(scoreUnit(role, unit, true), once);
      assert.deepEqual(scoreUnit(restored, unit), once);
    }
  });

  it('gives finite scores at every level, and some on ordinary units', () => {
    for (const scorer of scorers)
      for (const unit of SCORED) refuseBroken(dimension, scoreUnit(scorer, unit));
    const outcomes = SCORED.map((unit) => scoreUnit(role, unit));
    assert.ok(
      outcomes.some(
        ({ scores, close }) => close !== null || scores.some((score) => score !== null),
      ),
    );
  });

  it('abstains where its evidence is absent', () => {
    for (const unit of [unitOf([]), ...SCORED]) {
      const bare = { ...unit, items: foreignItems(dimension, unit.items) };
      const { scores, close } = scoreUnit(role, bare);
      assert.deepEqual(
        [...scores, close].filter((score) => score !== null),
        [],
      );
    }
  });

  it('neither learns nor scores calls that a lease of ours refused', () => {
    const ours = (unit: UnitRecord): UnitRecord => ({
      ...unit,
      items: unit.items.map((item) => (item.type === 'call' ? { ...item, ours: true } : item)),
    });
    if (dimension.source !== 'gateway') return;
    for (const unit of SCORED) {
      const { scores, close } = scoreUnit(role, ours(unit));
      assert.deepEqual(
        [...scores, close].filter((score) => score !== null),
        [],
      );
    }
  });

  it('stays bounded and total on hostile input', () => {
    for (const scorer of scorers) {
      const outcome = scoreUnit(scorer, HOSTILE);
      refuseBroken(dimension, outcome);
      assert.ok(outcome.stateBytes <= STATE_BYTES_MAX, `state of ${outcome.stateBytes} bytes`);
      assert.ok(outcome.sentence.length <= SENTENCE_MAX, outcome.sentence.slice(0, 200));
    }
    const poisoned = dimension.learn([...LEARNT, HOSTILE]);
    assert.ok(!JSON.stringify(poisoned).includes(`${SECRET} ${SECRET}`));
    const scorer = dimension.compile([poisoned, dimension.learn([HOSTILE])]);
    for (const unit of [...SCORED, HOSTILE]) refuseBroken(dimension, scoreUnit(scorer, unit));
  });

  it('says one sentence without payload text', () => {
    for (const scorer of scorers)
      for (const unit of [unitOf([]), ...SCORED, HOSTILE]) {
        const { sentence } = scoreUnit(scorer, unit);
        assert.ok(sentence.length > 0 && sentence.length <= SENTENCE_MAX);
        assert.ok(!sentence.includes('\n') && !sentence.includes(SECRET), sentence);
        assert.ok(!/NaN|undefined|Infinity|\[object/.test(sentence), sentence);
      }
  });

  it('names its symbols with finite weights', () => {
    for (const [symbol, weight] of dimension.symbols(dimension.learn(LEARNT)))
      assert.ok(symbol.length > 0 && Number.isFinite(weight) && weight >= 0, symbol);
    assert.ok([...dimension.symbols(dimension.learn([])).values()].every((n) => n >= 0));
  });
}
