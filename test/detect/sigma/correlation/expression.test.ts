/** Expressions: conditions over rule names become ORs of ANDs, or are refused in words. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { namesIn, readExpression } from '../../../../src/detect/sigma/correlation/expression.ts';
import { chance, integer, pick, type Random, stream } from '../../../../src/simulation/random.ts';

/** `a,!b|c` for `a and not b or c`. */
function ways(text: string, order?: readonly string[]): string {
  const { expression, problem } = readExpression(text, order);
  if (expression === null) return `refused: ${problem}`;
  const name = (at: number) => expression.names[at];
  return expression.conjuncts
    .map(({ seen, absent }) => [...seen.map(name), ...absent.map((at) => `!${name(at)}`)].join())
    .join('|');
}

describe('expression', () => {
  it('binds not tighter than and, and tighter than or', () => {
    assert.equal(ways('a and not b or c'), 'a,!b|c');
    assert.equal(ways('a and (b or c)'), 'a,b|a,c');
    assert.equal(ways('a and not (b or c)'), 'a,!b,!c');
    assert.equal(ways('a and not (b and c)'), 'a,!b|a,!c');
    assert.equal(ways('not not a'), 'a');
  });

  it('numbers names by the order that is given', () => {
    assert.equal(ways('b and a', ['a', 'b']), 'a,b');
    assert.deepEqual(readExpression('b and a', ['a', 'b']).expression?.names, ['a', 'b']);
  });

  it('leaves out what another way implies, and what contradicts itself', () => {
    assert.equal(ways('a or a and b'), 'a');
    assert.equal(ways('a and b or b and a'), 'a,b');
    assert.equal(ways('a and not a or b'), 'b');
  });

  it('refuses in words', () => {
    const refused = [
      ['a and', 'ends where'],
      ['(a or b', 'not closed'],
      ['a b', 'unexpected "b"'],
      ['a and 1b', 'unexpected "1"'],
      ['1 of them', 'unexpected "1"'],
      ['all and a', 'cannot stand here'],
      ['not a', 'kind silence'],
      ['a or not b', 'kind silence'],
      ['a and not a', 'never hold'],
      ['a or b or c or d or e or f or g or h or i', 'at most 8'],
      ['(a or b or c) and (d or e or f) and (g or h)', 'more than 16 ways'],
      [`${'('.repeat(40)}a${')'.repeat(40)}`, 'too deeply'],
      ['a and '.repeat(200), 'longer than'],
    ];
    for (const [text, words] of refused) {
      const said = ways(text as string);
      assert.ok(said.startsWith('refused') && said.includes(words as string), `${text}: ${said}`);
    }
  });

  it('finds names without reading the condition', () => {
    assert.deepEqual(namesIn('b and not (a or b) ) of'), ['b', 'a']);
  });

  it('means the same as the text, for every assignment of 500 random conditions', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const random = stream(seed, 'expression');
      const text = randomText(random, 3);
      const { expression } = readExpression(text);
      if (expression === null) continue;
      for (let bits = 0; bits < 16; bits += 1) {
        const isSeen = (name: string) => ((bits >> 'abcd'.indexOf(name)) & 1) === 1;
        const isTrue: boolean = expression.conjuncts.some(
          ({ seen, absent }) =>
            seen.every((at) => isSeen(expression.names[at] as string)) &&
            !absent.some((at) => isSeen(expression.names[at] as string)),
        );
        assert.equal(isTrue, meaning(text, isSeen), `${text} at ${bits.toString(2)}`);
      }
    }
  });
});

function randomText(random: Random, depth: number): string {
  if (depth === 0 || chance(random, 0.3)) {
    const name = pick(random, ['a', 'b', 'c', 'd']);
    return chance(random, 0.3) ? `not ${name}` : name;
  }
  const parts = Array.from({ length: integer(random, 2, 3) }, () => randomText(random, depth - 1));
  const text = `(${parts.join(pick(random, [' and ', ' or ']))})`;
  return chance(random, 0.3) ? `not ${text}` : text;
}

/** Another way to the same answer: names are replaced, then the innermost parts are worked out. */
function meaning(text: string, isSeen: (name: string) => boolean): boolean {
  let rest = text.replaceAll(/\b[abcd]\b/g, (name) => (isSeen(name) ? '1' : '0'));
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest
      .replaceAll(/not ([01])/g, (_, bit) => (bit === '1' ? '0' : '1'))
      .replaceAll(/\(([01])\)/g, '$1')
      .replaceAll(/\(([01](?: and [01])+)\)/g, (_, list) => (list.includes('0') ? '0' : '1'))
      .replaceAll(/\(([01](?: or [01])+)\)/g, (_, list) => (list.includes('1') ? '1' : '0'));
  }
  assert.match(rest, /^[01]$/, text);
  return rest === '1';
}
