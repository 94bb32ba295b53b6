/** Templates: placeholders keep types, lists repeat, and what is missing is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFacts } from '../../src/simulation/facts.ts';
import { stream } from '../../src/simulation/random.ts';
import { compile, holdsNote, sentence } from '../../src/simulation/template.ts';

const random = () => stream(1, 'template');

test('a lone placeholder keeps its type, others become text', () => {
  const facts = { '#': 0, sum: 12.5, name: 'Ada' };
  const fill = compile({ a: '{sum}', b: '{name} owes {sum}', c: [1, true, null, 'x'], d: {} });
  assert.deepEqual(fill(random(), { facts }), {
    a: 12.5,
    b: 'Ada owes 12.5',
    c: [1, true, null, 'x'],
    d: {},
  });
  assert.equal(sentence('{sum}')(random(), { facts }), '12.5');
});

test('arguments, notes and the n-th of a list are filled in', () => {
  const facts = makeFacts(random(), { id: '3*id:A' });
  assert.equal(facts['id*'], 3);
  const fill = compile(['{@key}', '{note}', '{id#}']);
  const at = (turn: number) => {
    facts['#'] = turn;
    return fill(random(), { facts, args: { key: 7 }, note: 'n' });
  };
  assert.deepEqual(at(0), [7, 'n', facts['id1']]);
  assert.deepEqual(at(2), [7, 'n', facts['id3']]);
  assert.deepEqual(at(3), [7, 'n', facts['id1']]);
});

test('a list that begins with a range repeats what follows, then goes on', () => {
  const fill = compile(['*2-4', '{=id:X}', 'end']);
  const source = random();
  const lengths = new Set<number>();
  for (let i = 0; i < 60; i += 1) {
    const list = fill(source, { facts: {} }) as string[];
    assert.equal(list.at(-1), 'end');
    assert.equal(new Set(list).size, list.length, 'each is made anew');
    lengths.add(list.length);
  }
  assert.deepEqual([...lengths].sort(), [3, 4, 5]);
});

test('missing facts and makers are refused by name', () => {
  assert.throws(() => compile('{nothing}')(random(), { facts: {} }), /no fact is called nothing/);
  assert.throws(() => compile('{=nobody:1}')(random(), { facts: {} }), /maker of facts .*nobody/);
  assert.throws(() => makeFacts(random(), { a: 'nobody' }), RangeError);
  assert.equal(holdsNote({ a: ['x {note}'] }), true);
  assert.equal(holdsNote({ note: 'x' }), false);
});

test('facts are of one making: an address belongs to its person, sums to their range', () => {
  const source = random();
  for (let i = 0; i < 200; i += 1) {
    const specs = { person: 'person', mail: 'email:person', sum: 'money:20-40', link: 'url:docs' };
    const facts = makeFacts(source, specs);
    const first = String(facts['person']).split(' ')[0]?.toLowerCase() ?? '-';
    assert.ok(String(facts['mail']).startsWith(`${first}.`));
    assert.match(String(facts['mail']), /^[a-z.-]+@[a-z-]+\.example$/);
    assert.ok(Number(facts['sum']) >= 20 && Number(facts['sum']) <= 40);
    assert.match(String(facts['link']), /^https:\/\/[a-z-]+\.example\/docs\/\d+$/);
  }
});
