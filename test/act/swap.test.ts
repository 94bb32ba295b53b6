/** Swap: set over what was read, put back over what is ours, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Fields,
  type Swap,
  swapApply,
  swapReadBack,
  swapSnapshot,
} from '../../src/act/swap.ts';

/** Something that holds a value, and counts what is asked of it. */
const thing = (value: unknown) => {
  const state = { value, reads: 0, writes: 0 };
  const swap: Swap = {
    read: async () => {
      state.reads += 1;
      return { ok: true, fields: { value: state.value } };
    },
    wanted: () => ({ ok: true, fields: { value: 'ours' } }),
    write: async (fields: Fields) => {
      state.writes += 1;
      state.value = fields['value'];
      return { type: 'accepted', detail: '' };
    },
  };
  const prior = async () => {
    const told = await swapSnapshot(swap);
    assert.ok(told.type === 'prior');
    return told.prior;
  };
  return { state, swap, prior };
};

test('what stood before us is left without a request', async () => {
  const { state, swap, prior } = thing('ours');
  const stood = await prior();
  const { reads } = state;
  assert.equal((await swapApply(swap, 'release', stood, 'it')).type, 'already');
  assert.deepEqual([state.reads, state.writes], [reads, 0]);
});

test('a renewal sets again what was put back, and leaves what became something else', async () => {
  const { state, swap, prior } = thing('theirs');
  const stood = await prior();
  await swapApply(swap, 'request', stood, 'it');
  state.value = 'theirs';
  assert.equal((await swapApply(swap, 'renew', stood, 'it')).type, 'accepted');
  state.value = 'else';
  assert.equal((await swapApply(swap, 'renew', stood, 'it')).type, 'refused');
  assert.deepEqual([state.value, state.writes], ['else', 2]);
});

test('without a record of what stood nothing is set, and nothing put back', async () => {
  const { state, swap } = thing('theirs');
  for (const prior of [null, {}, { fields: 'x' }]) {
    assert.equal((await swapApply(swap, 'request', prior, 'it')).type, 'refused');
    assert.equal((await swapApply(swap, 'release', prior, 'it')).type, 'already');
    assert.equal(await swapReadBack(swap, prior), 'unknown');
  }
  assert.equal(state.writes, 0);
});

test('the order of lists and of keys says nothing', async () => {
  const { state, swap, prior } = thing({ a: ['x', 'y'], b: 1 });
  const stood = await prior();
  state.value = { b: 1, a: ['y', 'x'] };
  assert.equal((await swapApply(swap, 'request', stood, 'it')).type, 'accepted');
});

test('whatever happens in between, only ours is ever replaced', async () => {
  const word = fc.constantFrom('request', 'renew', 'release', 'read', 'theirs', 'else');
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 12 }), async (words) => {
      const { state, swap, prior } = thing('theirs');
      const stood = await prior();
      for (const one of words) {
        const before = state.value;
        if (one === 'theirs' || one === 'else') state.value = one;
        else if (one === 'read') {
          const said = await swapReadBack(swap, stood);
          assert.equal(said, before === 'ours' ? 'applied' : 'absent');
        } else await swapApply(swap, one, stood, 'it');
        if (before === 'else' && one !== 'theirs') assert.equal(state.value, 'else');
        if (one === 'release') assert.notEqual(state.value, 'ours');
      }
    }),
  );
});
