/** Conditions: precedence, quantifiers, and mistakes in words. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isReserved, readCondition } from '../../../src/detect/sigma/condition.ts';
import type { Clause } from '../../../src/model/sigma.ts';

const NAMES = ['sel', 'sel_a', 'sel_b', 'filter', '_hidden'];

function shown(clause: Clause): string {
  if (clause.type === 'selection') return clause.name;
  if (clause.type === 'not') return `!${shown(clause.item)}`;
  assert.ok(clause.type !== 'match');
  return `(${clause.items.map(shown).join(clause.type === 'and' ? '&' : '|')})`;
}

function read(text: string, names: readonly string[] = NAMES): string {
  const said: string[] = [];
  const clause = readCondition(text, names, (message) => said.push(message));
  if (clause === null) {
    assert.equal(said.length, 1, said.join());
    return `refused: ${said[0]}`;
  }
  assert.deepEqual(said, []);
  return shown(clause);
}

describe('condition', () => {
  it('binds or < and < not < quantifier < parentheses', () => {
    assert.equal(read('sel or sel_a and not filter'), '(sel|(sel_a&!filter))');
    assert.equal(read('(sel or sel_a) and not (filter or sel_b)'), '((sel|sel_a)&!(filter|sel_b))');
    assert.equal(read('not 1 of sel_* and sel'), '(!(sel_a|sel_b)&sel)');
    assert.equal(read('not not sel'), 'sel');
    assert.equal(read('((sel))'), 'sel');
    assert.equal(read('sel and sel_a and sel_b'), '(sel&sel_a&sel_b)');
    assert.equal(read('  sel\n  and not filter '), '(sel&!filter)');
  });

  it('quantifies over names and patterns; `them` leaves out those that begin with _', () => {
    assert.equal(read('1 of them'), '(sel|sel_a|sel_b|filter)');
    assert.equal(read('all of them'), '(sel&sel_a&sel_b&filter)');
    assert.equal(read('any of sel_*'), '(sel_a|sel_b)');
    assert.equal(read('all of *hid*'), '(_hidden)');
    assert.equal(read('1 of sel*_b'), '(sel_b)');
    assert.equal(read('_hidden'), '_hidden');
  });

  it('says what to write instead', () => {
    assert.match(
      read('sel and filtr'),
      /`filtr`, which is no selection; did you mean `filter`\?.*sel_a/,
    );
    assert.match(read('2 of sel_*'), /`2 of` is not Sigma: only `1 of`, `any of` and `all of`/);
    assert.match(read('most of them'), /`most of` is unknown/);
    assert.match(read('1 of nothing*'), /no selection is like `nothing\*`; there are: sel, /);
    assert.match(read('1 of'), /wants `them` or a pattern/);
    assert.match(read('sel AND filter'), /expected `and` or `or` before `AND`/);
    assert.match(read('NOT sel'), /write `not` in lower case/);
    assert.match(read('sel |count() > 5'), /`\|` aggregations are gone.*correlation/);
    assert.match(read('(sel'), /lacks a closing `\)`/);
    assert.match(read('sel)'), /expected `and` or `or` before `\)`/);
    assert.match(read('sel and'), /ends where a selection was expected/);
    assert.match(read('sel filter'), /expected `and` or `or` before `filter`/);
    assert.match(read(''), /is empty/);
    assert.match(read('()'), /`\)` where a selection was expected/);
    assert.match(read('and sel'), /`and` where a selection was expected/);
    assert.match(read(`${'('.repeat(100)}sel`), /nests deeper than 64/);
  });

  it('knows the names a condition cannot speak of', () => {
    for (const name of ['and', 'OR', 'not', 'of', 'them', 'all', 'any'])
      assert.ok(isReserved(name));
    assert.ok(!isReserved('selection'));
  });
});
