/** Correlations: chains, retractions, bounds and restarts of the engine as a whole. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Kind } from '../../../../src/model/event.ts';
import {
  between,
  chance,
  integer,
  type Random,
  stream,
} from '../../../../src/simulation/random.ts';
import {
  inOrder,
  type LaneEvent,
  type LaneOptions,
  type LaneResult,
  rulesOf,
  runLane,
} from './lane.ts';
import { randomEvents, randomRules } from './random-cases.ts';

const BASES: Readonly<Record<string, Kind>> = { a: 'gateway', b: 'gateway', c: 'governance' };

/** `a1 b5.5/y` : events by rule and second, with the group after the slash (default x). */
function events(text: string): LaneEvent[] {
  return text.split(' ').map((word, at) => {
    const [, rule, seconds, group] = /^([a-z]+)([0-9.]+)(?:\/(\w+))?$/.exec(word) as string[];
    return {
      id: `${String(at).padStart(3, '0')}-${word}`,
      at: Number(seconds),
      rules: [rule as string],
      fields: { g: group ?? 'x' },
    };
  });
}

/** Words of the evidence of every firing, in order, with the second it was decided. */
function fired(text: string, document: object, options: Partial<LaneOptions> = {}): string[] {
  const rules = rulesOf([document], BASES);
  return runLane(events(text), { rules, ...options }).firings.map(
    ({ evidence, decidedMs, retracts }) =>
      `${retracts === null ? '' : 'not '}${evidence.map(({ eventId }) => eventId.slice(4)).join(' ')} @${decidedMs / 1000}`,
  );
}

function count(condition: object, plumbline: object = {}) {
  return {
    name: 'many',
    correlation: {
      type: 'event_count',
      rules: ['a'],
      'group-by': ['g'],
      timespan: '10s',
      condition,
    },
    plumbline,
  };
}

function ordered(rules: readonly string[], condition?: string) {
  const correlation = { type: 'temporal_ordered', rules, 'group-by': ['g'], timespan: '10s' };
  return {
    name: 'chain',
    correlation: condition === undefined ? correlation : { ...correlation, condition },
  };
}

describe('event_count', () => {
  it('fires with the event that completes the count; the window is open at its start', () => {
    assert.deepEqual(fired('a0 a5 a10', count({ gte: 3 })), []);
    assert.deepEqual(fired('a0 a5 a9.9', count({ gte: 3 })), ['a0 a5 a9.9 @9.9']);
  });

  it('counts each group by itself', () => {
    assert.deepEqual(
      fired('a0/x a1/y a2/x a3/y', count({ gt: 1 })),
      ['a0 a2 @2', 'a1 a3 @3'].map((one, at) =>
        one.replaceAll(/(a\d)/g, `$1/${at === 0 ? 'x' : 'y'}`),
      ),
    );
  });

  it('fires once an episode, and again after a timespan or an empty window', () => {
    assert.deepEqual(fired('a0 a1 a2 a3', count({ gte: 2 })), ['a0 a1 @1']);
    assert.deepEqual(fired('a0 a1 a30 a31', count({ gte: 2 })), ['a0 a1 @1', 'a30 a31 @31']);
    assert.deepEqual(fired('a0 a1 a5 a9 a11', count({ gte: 2 })).at(-1), 'a5 a9 a11 @11');
  });

  it('decides an upper bound when the window closes', () => {
    assert.deepEqual(fired('a0 a1', count({ lte: 2 })), ['a0 a1 @10']);
    assert.deepEqual(fired('a0 a1 a2', count({ lte: 2 })), []);
    assert.deepEqual(fired('a0 a1 a10', count({ lte: 2 })), ['a0 a1 @10', 'a10 @20']);
  });
});

describe('temporal_ordered', () => {
  it('wants the order', () => {
    assert.deepEqual(fired('a0 b5', ordered(['a', 'b'])), ['a0 b5 @5']);
    assert.deepEqual(fired('b0 a5', ordered(['a', 'b'])), []);
    assert.deepEqual(fired('a0 b10', ordered(['a', 'b'])), []);
  });

  it('takes the newest beginning', () => {
    assert.deepEqual(fired('a0 a4 b5', ordered(['a', 'b'])), ['a4 b5 @5']);
  });

  it('decides that nothing followed when the deadline passes', () => {
    const alone = ordered(['a', 'b'], 'a and not b');
    assert.deepEqual(fired('a0', alone), ['a0 @10']);
    assert.deepEqual(fired('a0 b10', alone), []);
    assert.deepEqual(fired('a0 b10.1', alone), ['a0 @10']);
  });

  it('decides that nothing stood between or before', () => {
    const between = ordered(['a', 'c', 'b'], 'a and not c and b');
    assert.deepEqual(fired('a0 b5', between), ['a0 b5 @5']);
    assert.deepEqual(fired('a0 c3 b5', between), []);
    assert.deepEqual(fired('a0 c3 a4 b5', between), ['a4 b5 @5']);
    const before = ordered(['c', 'a'], 'not c and a');
    assert.deepEqual(fired('c0 a10', before), []);
    assert.deepEqual(fired('c0 a10.1', before), ['a10.1 @10.1']);
  });

  it('takes back what a late event contradicts', () => {
    const alone = ordered(['a', 'b'], 'a and not b');
    assert.deepEqual(fired('a0 a50/y b5', alone), ['a0 @10', 'not a0 @10', 'a50/y @60']);
  });
});

// biome-ignore lint/style/noProcessEnv: the number of seeds is the one thing a person may raise.
const SEEDS = Number(process.env['PLUMBLINE_SEEDS'] ?? 300);
const LATENESS = 5;

/** The same events as they may arrive within the lateness, with repeats. */
function disordered(random: Random, all: readonly LaneEvent[]): LaneEvent[] {
  const repeated = all.filter(() => chance(random, 0.2));
  return [...all, ...repeated]
    .map((event) => ({ event, at: event.at + between(random, 0, LATENESS - 0.1) }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
}

describe('property', () => {
  it(`order within lateness, repeats, cuts and crashes change nothing: ${SEEDS} seeds`, () => {
    let fired = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const random = stream(seed, 'correlations');
      const rules = randomRules(random);
      const all = randomEvents(random).sort(inOrder);
      const blind = chance(random, 0.2)
        ? [{ kind: 'gateway' as const, from: integer(random, 0, 20), to: integer(random, 21, 60) }]
        : [];
      const options = { rules, lateness: LATENESS, blind };
      const plain = runLane(all, options);
      const crash = () => chance(random, 0.15);
      const other = runLane(disordered(random, all), { ...options, crash });
      const said = ({ firings, undecided }: LaneResult) => ({
        firings: firings.map(({ id, decidedMs, retracts }) => `${id} ${decidedMs} ${retracts?.ms}`),
        undecided,
      });
      assert.deepEqual(said(other), said(plain), `seed ${seed}`);
      fired += plain.firings.length;
    }
    assert.ok(fired > SEEDS, `${fired} firings are too few to prove anything`);
  });
});

describe('restart', () => {
  it('decides what was waiting', () => {
    const crash = () => true;
    assert.deepEqual(fired('a0 b30', ordered(['a', 'b'], 'a and not b'), { crash }), ['a0 @10']);
    assert.deepEqual(fired('a0 a5 a9.9', count({ gte: 3 }), { crash }), ['a0 a5 a9.9 @9.9']);
  });
});

describe('what is said of a group', () => {
  const said = (field: string, limits: object) => {
    const document = count({ gte: 3 }, { limits });
    document.correlation['group-by'] = [field];
    const lane = runLane(
      Array.from({ length: 9 }, (_, at) => ({
        ...{ id: `e${at}`, at, rules: ['a'] },
        fields: { [field]: `hunter2-${at}` },
      })),
      { rules: rulesOf([document], BASES) },
    );
    assert.ok(lane.evicted.length > 0);
    return lane.evicted.join(' ');
  };

  it('repeats no value that an explanation may not repeat', () => {
    const text = said('action.args.password', { groups: 2 });
    assert.doesNotMatch(text, /hunter2/);
    assert.match(text, /one action\.args\.password/);
    assert.match(said('session.id', { groups: 2 }), /hunter2-0/);
  });
});
