/** The candidate index never loses a rule: random rules and events, index against full scan. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCandidateIndex } from '../../../src/detect/sigma/candidate-index.ts';
import { compileRule } from '../../../src/detect/sigma/compile.ts';
import { recordView } from '../../../src/detect/sigma/view.ts';
import { stream } from '../../../src/simulation/random.ts';
import { randomRecord, randomRule } from './random-rules.ts';
import { ruleOf } from './rules.ts';

// biome-ignore lint/style/noProcessEnv: a night may try many more pairs
const PAIRS = Number(process.env['PLUMBLINE_INDEX_PAIRS'] ?? '20000');
const RULES = 100;
const RECORDS = 50;

function candidatesOf(texts: readonly string[], record: object): number[] {
  const rules = texts.map((text) => ruleOf(text));
  const index = createCandidateIndex(
    rules,
    rules.map((_, at) => at),
  );
  const found: number[] = [];
  index.candidates(recordView(record), (rule) => found.push(rule));
  return found.sort((a, b) => a - b);
}

describe('candidate index', () => {
  it(`finds what a full scan finds, on ${PAIRS} pairs of random rules and events`, () => {
    let matched = 0;
    let spared = 0;
    for (let seed = 1; seed <= Math.ceil(PAIRS / (RULES * RECORDS)); seed += 1) {
      const random = stream(seed, 'index');
      const rules = Array.from({ length: RULES }, (_, at) => randomRule(random, at));
      const compiled = rules.map(compileRule);
      const members = rules.map((_, at) => at);
      const index = createCandidateIndex(rules, members);
      for (let n = 0; n < RECORDS; n += 1) {
        const record = randomRecord(random);
        const view = recordView(record);
        const found = new Set<number>();
        index.candidates(view, (rule) => {
          assert.ok(!found.has(rule), 'a candidate is named once');
          found.add(rule);
        });
        for (const [at, holds] of compiled.entries()) {
          if (!found.has(at)) spared += 1;
          if (!holds(view)) continue;
          matched += 1;
          const said = `seed ${seed}: ${JSON.stringify(record)} by ${JSON.stringify(rules[at])}`;
          assert.ok(found.has(at), said);
        }
      }
    }
    // The generator is worth something only if rules do match, and the index only if it spares some.
    assert.ok(matched > PAIRS / 20, `${matched} matches`);
    assert.ok(spared > PAIRS / 20, `${spared} spared`);
  });

  it('names only rules whose witness the event holds', () => {
    const texts = [
      'sel: { f: abc }\ncondition: sel',
      'sel: { f|contains: secret }\ncondition: sel',
      'sel: { g: 4625 }\ncondition: sel',
      'sel: { h|gt: 5 }\ncondition: sel',
      'sel: [keyword]\ncondition: sel',
      'sel: { f: abc }\ncondition: not sel',
      'sel: { f: abc }\nother: { g: x }\ncondition: other or not sel',
    ];
    assert.deepEqual(candidatesOf(texts, {}), [5, 6]);
    assert.deepEqual(candidatesOf(texts, { f: 'ABC' }), [0, 5, 6]);
    assert.deepEqual(candidatesOf(texts, { f: 'a Secret b' }), [1, 5, 6]);
    assert.deepEqual(candidatesOf(texts, { g: '4625.0', h: 1 }), [2, 3, 5, 6]);
    assert.deepEqual(candidatesOf(texts, { z: ['a KEYWORD'] }), [4, 5, 6]);
  });
});
