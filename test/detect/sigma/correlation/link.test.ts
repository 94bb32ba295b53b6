/** Links: names and ids become keys; cycles, depth and broken bases are refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCorrelation } from '../../../../src/detect/sigma/correlation/definition.ts';
import {
  type LinkBase,
  type LinkDocument,
  linkCorrelations,
  silentBases,
} from '../../../../src/detect/sigma/correlation/link.ts';

const ID = '0e95725d-7320-415d-80f7-004da920fc11';
const BASES: readonly LinkBase[] = [
  { key: 'f/a', name: 'a', id: ID, kinds: ['gateway'] },
  { key: 'f/b', name: 'b', id: null, kinds: ['reasoning', 'gateway'] },
];

function document(name: string, rules: readonly string[], more: object = {}): LinkDocument {
  const head = { type: 'event_count', rules, 'group-by': ['g'], timespan: '1m' };
  const correlation = { ...head, condition: { gte: 2 }, ...more };
  const where = { file: `${name}.yaml`, lineOf: () => 3 };
  const { rule } = readCorrelation({ name, correlation }, where);
  assert.ok(rule !== null);
  return { rule, where };
}

describe('link', () => {
  it('finds rules by name and id, and gives correlations a scope', () => {
    const { rules, problems } = linkCorrelations([document('x', ['b', ID])], BASES, 'f');
    assert.deepEqual(problems, []);
    assert.deepEqual([rules[0]?.key, rules[0]?.bases], ['f/x', ['f/b', 'f/a']]);
  });

  it('knows the sources of each base, through chains too', () => {
    const documents = [document('y', ['x']), document('x', ['a', 'b'])];
    const { rules } = linkCorrelations(documents, BASES, 'f');
    const kinds = Object.fromEntries(rules.map((rule) => [rule.name, rule.kinds]));
    assert.deepEqual(kinds, {
      x: [['gateway'], ['gateway', 'reasoning']],
      y: [['gateway', 'reasoning']],
    });
  });

  it('prefers the own file to what lies outside', () => {
    const outside = [{ key: 'g/a', name: 'a', id: null, kinds: [] }];
    const { rules } = linkCorrelations([document('x', ['a'])], BASES, 'f', outside);
    assert.deepEqual(rules[0]?.bases, ['f/a']);
  });

  it('names what it cannot find, and what is built on that', () => {
    const documents = [document('x', ['nobody']), document('y', ['x'])];
    const { rules, problems } = linkCorrelations(documents, BASES, 'f');
    assert.deepEqual(rules, []);
    assert.deepEqual(
      problems.map(({ file, line, key }) => `${file}:${line}:${key}`),
      ['x.yaml:3:correlation.rules.0', 'y.yaml:3:correlation.rules.0'],
    );
    assert.match(problems[0]?.message ?? '', /there are: a, b, x, y/);
  });

  it('refuses cycles and what stands on them', () => {
    const documents = [document('x', ['y']), document('y', ['x']), document('z', ['y'])];
    const { rules, problems } = linkCorrelations(documents, BASES, 'f');
    assert.deepEqual(rules, []);
    assert.ok(problems.length >= 3);
  });

  it('takes five levels and no sixth', () => {
    const chain = (levels: number) =>
      Array.from({ length: levels }, (_, at) =>
        document(`l${at}`, [at === 0 ? 'a' : `l${at - 1}`]),
      );
    assert.equal(linkCorrelations(chain(5), BASES, '').problems.length, 0);
    const { rules, problems } = linkCorrelations(chain(6), BASES, '');
    assert.equal(rules.length, 5);
    assert.match(problems[0]?.message ?? '', /at most 5/);
  });

  it('is not slowed down by many ways through a chain', () => {
    const wide = [document('l0_0', ['a']), document('l0_1', ['a'])];
    for (let level = 1; level < 12; level += 1)
      for (const side of [0, 1])
        wide.push(document(`l${level}_${side}`, [`l${level - 1}_0`, `l${level - 1}_1`]));
    assert.ok(linkCorrelations(wide, BASES, '').problems.length > 0);
  });

  it('says which bases are silent', () => {
    const documents = [document('x', ['a']), document('y', ['x'], { generate: true })];
    const { rules } = linkCorrelations(documents, BASES, 'f');
    assert.deepEqual([...silentBases(rules)], ['f/a']);
  });
});
