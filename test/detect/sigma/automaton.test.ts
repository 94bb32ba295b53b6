/** The automaton finds every text that lies in another, and says each at least once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createAutomaton, nextTurn } from '../../../src/detect/sigma/automaton.ts';

function find(texts: readonly string[], text: string): number[] {
  const automaton = createAutomaton(texts.map((one, at) => [one, [at]] as const));
  const found = new Set<number>();
  automaton.scan(text, (owners) => {
    for (const owner of owners) found.add(owner);
  });
  assert.equal(automaton.some(text), found.size > 0);
  return [...found].sort((a, b) => a - b);
}

describe('automaton', () => {
  it('finds texts within texts, and at both ends', () => {
    assert.deepEqual(find(['he', 'she', 'his', 'hers'], 'ushers'), [0, 1, 3]);
    assert.deepEqual(find(['a', 'ab', 'bab', 'bc'], 'abccab'), [0, 1, 3]);
    assert.deepEqual(find(['Ä', '😀', 'x'], 'grüße 😀'), [1]);
    assert.deepEqual(find([], 'abc'), []);
  });

  it('agrees with looking for each by itself', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'Ā'), minLength: 1, maxLength: 4 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'Ā', 'z'), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), text, (words, one) => {
        const wanted = words.flatMap((each, at) => (one.includes(each) ? [at] : []));
        assert.deepEqual(find(words, one), wanted);
      }),
      { numRuns: 2000 },
    );
  });

  it('says a text once however often it stands there', () => {
    const automaton = createAutomaton([['aaa', [1, 2, 3]]]);
    let told = 0;
    automaton.scan('a'.repeat(100_000), () => {
      told += 1;
    });
    assert.equal(told, 1);
  });

  it('wipes its marks when the turns are used up', () => {
    const marks = new Uint32Array([5, 0xffff_ffff]);
    assert.equal(nextTurn(5, marks), 6);
    assert.equal(nextTurn(0xffff_ffff, marks), 1);
    assert.deepEqual([...marks], [0, 0]);
  });
});
