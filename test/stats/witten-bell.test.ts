/** Witten–Bell: figures by hand, back-off over levels, sessions kept apart, pruning. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  compileContexts,
  contextCounts,
  contextKeys,
  countContexts,
  firstOrderBits,
  probability,
  rememberedBits,
  START,
  secondOrderBits,
  surprisalBits,
  UNKNOWN,
} from '../../src/stats/witten-bell.ts';

const ABA = countContexts([['a', 'b', 'a']], 1);
const [A, B] = [2, 3];

describe('witten-bell', () => {
  it('computes what one computes by hand', () => {
    const model = compileContexts([{ counts: ABA, order: 1 }]);
    // Order 0: n = 3, T = 2, floor 1/3. P(a) = (2 + 2/3)/5, P(b) = (1 + 2/3)/5, unknown (2/3)/5.
    const flat = compileContexts([{ counts: ABA, order: 0 }]);
    const expected = [2 + 2 / 3, 1 + 2 / 3, 2 / 3].map((x) => x / 5);
    [A, B, UNKNOWN].forEach((id, at) => {
      assert.ok(Math.abs(probability(flat, [], id) - (expected[at] ?? 0)) < 1e-12);
    });
    // After b came a, once: n = 1, T = 1. At the start likewise.
    assert.ok(Math.abs(probability(model, [B], A) - (1 + (expected[0] ?? 0)) / 2) < 1e-12);
    assert.ok(Math.abs(probability(model, [START], B) - (expected[1] ?? 0) / 2) < 1e-12);
  });

  it('passes a context it never saw on to the shorter one', () => {
    const model = compileContexts([{ counts: ABA, order: 1 }]);
    assert.equal(probability(model, [UNKNOWN], A), probability(model, [], A));
    assert.equal(probability(model, [77], A), probability(model, [], A));
  });

  it('does not let contexts cross sessions', () => {
    const apart = countContexts([['a'], ['b']], 1);
    const model = compileContexts([{ counts: apart, order: 1 }]);
    assert.equal(probability(model, [A], B), probability(model, [], B));
  });

  it('names every counter of an occurrence, the start once', () => {
    const keys: string[] = [];
    contextKeys([5, 6], 5, (key) => keys.push([...key].map((c) => c.charCodeAt(0)).join('.')));
    assert.deepEqual(keys, ['5', '0.5', '6', '5.6', '0.5.6']);
    contextKeys([5, 6], 0, (key) => keys.push(key));
    assert.equal(keys.length, 7);
  });

  it('backs off from agent to role to fleet, each symbol known to any of them', () => {
    const role = countContexts([['c', 'c', 'a']], 5);
    const model = compileContexts([
      { counts: ABA, order: 1 },
      { counts: role, order: 5 },
      { counts: role, order: 0 },
    ]);
    assert.deepEqual(model.names, ['a', 'b', 'c']);
    const alone = compileContexts([{ counts: ABA, order: 1 }]);
    const c = model.ids.get('c') ?? UNKNOWN;
    assert.ok(probability(model, [START], c) > probability(alone, [START], UNKNOWN));
  });

  it('drops contexts of two and more symbols that occurred once', () => {
    const seen = [
      ['a', 'b', 'c'],
      ['a', 'b', 'd'],
      ['x', 'y', 'z'],
    ];
    const contexts = countContexts(seen, 2).rows.map(([context]) => context);
    assert.ok(contexts.some((context) => context.length === 2 && context[0] === 2));
    assert.ok(!contexts.some((context) => context.length === 2 && context[0] === 6));
    const counters = new Map([[String.fromCharCode(2, 3, 2), 1]]);
    assert.equal(contextCounts(['a', 'b'], 2, counters).rows.length, 0);
    assert.equal(contextCounts(['a', 'b'], 2, counters, { prune: false }).rows.length, 1);
  });

  it('finds what is rare more surprising than what is common', () => {
    const counts = countContexts([['a', 'a', 'a', 'b']], 0);
    const model = compileContexts([{ counts, order: 0 }]);
    const bits = [A, B, UNKNOWN].map((id) => surprisalBits(model, [], id));
    assert.deepEqual(
      bits,
      bits.toSorted((p, q) => p - q),
    );
  });

  it('answers alike whatever the order of the sessions', () => {
    const sessions = [['a', 'b'], ['c'], ['b', 'b', 'a']];
    assert.deepEqual(countContexts(sessions.toReversed(), 3), countContexts(sessions, 3));
  });
});

describe('surprisal worked out beforehand', () => {
  const symbol = fc.constantFrom('a', 'b', 'c', '__proto__');
  const sequences = fc.array(fc.array(symbol, { maxLength: 8 }), { minLength: 1, maxLength: 5 });
  const levels = (order: number, given: readonly (readonly string[])[][]) =>
    compileContexts(given.map((some) => ({ counts: countContexts(some, order), order })));

  it('is to the bit what it is otherwise, after one symbol and after two', () => {
    const given = fc.array(sequences, { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(given, fc.array(fc.nat(6), { minLength: 3, maxLength: 12 }), (some, ids) => {
        const [one, two] = [levels(1, some), levels(2, some)];
        const [first, second] = [firstOrderBits(one), secondOrderBits(two)];
        const known = ids.map((id) => Math.min(id, one.names.length + 1));
        for (let at = 2; at < known.length; at += 1) {
          const [older, before, id] = known.slice(at - 2, at + 1) as [number, number, number];
          for (let again = 0; again < 2; again += 1) {
            assert.equal(first(before, id), surprisalBits(one, [before], id));
            assert.equal(second(older, before, id), surprisalBits(two, [older, before], id));
          }
          assert.equal(second(-1, before, id), surprisalBits(two, [before], id));
        }
      }),
    );
  });

  it('is remembered to the bit, whatever shares a slot and however long the history', () => {
    // More questions than there are slots: answers are overtaken and asked for again.
    const model = levels(3, [
      [
        ['a', 'b', 'c', 'a', 'b'],
        ['c', 'a'],
      ],
    ]);
    const remembered = rememberedBits(model);
    const ids = [0, 1, 2, 3, 4];
    const histories = ids.flatMap((a) =>
      ids.flatMap((b) =>
        ids.flatMap((c) => [[a], [a, b], [a, b, c], [c, c, a, b, c], [a, 9, b, 9, c, 9, a, 9, b]]),
      ),
    );
    for (let again = 0; again < 2; again += 1)
      for (const history of histories)
        for (let id = 1; id < 20; id += 1)
          assert.equal(remembered(history, id), surprisalBits(model, history, id));
  });
});
