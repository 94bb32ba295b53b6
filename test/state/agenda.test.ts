/** Agenda: gives what a sort would give, however far ahead things lie; no step of it is long. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Agenda } from '../../src/state/agenda.ts';

interface Due {
  readonly at: number;
  readonly name: number;
}

const before = (a: Due, b: Due) => (a.at !== b.at ? a.at < b.at : a.name < b.name);
const order = (a: Due, b: Due) => a.at - b.at || a.name - b.name;
const DAY_MS = 86_400_000;

describe('agenda', () => {
  it('gives what a sort would give, with pushes and pops mixed, near and far', () => {
    const at = fc.oneof(
      fc.integer({ min: -5000, max: 5000 }),
      fc.integer({ min: 0, max: 9 * DAY_MS }),
    );
    const step = fc.oneof(at, fc.constant('pop' as const), fc.constant('fill' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const agenda = new Agenda<Due>(before);
        let model: Due[] = [];
        let name = 0;
        for (const one of steps) {
          name += 1;
          if (one === 'pop') assert.deepEqual(agenda.pop(), model.shift());
          else if (one === 'fill') {
            model = model.slice(0, 10);
            agenda.fill(model.toReversed());
          } else {
            agenda.push({ at: one, name });
            model = [...model, { at: one, name }].sort(order);
          }
          assert.deepEqual(agenda.peek(), model[0]);
          assert.equal(agenda.size, model.length);
        }
      }),
    );
  });

  it('looking at what is far away does not bring it near', () => {
    let compared = 0;
    const agenda = new Agenda<Due>((a, b) => {
      compared += 1;
      return before(a, b);
    });
    agenda.push({ at: 7 * DAY_MS, name: 0 });
    assert.equal(agenda.peek()?.at, 7 * DAY_MS);
    for (let name = 1; name <= 10_000; name += 1) agenda.push({ at: 2000 * name, name });
    assert.equal(agenda.peek()?.at, 2000);
    // Each was compared with the first of its own second, of which there is none.
    assert.equal(compared, 0);
  });

  it('throws away what lost its meaning a few at a time, and holds a bounded number of it', () => {
    const live = new Set<number>();
    let asked = 0;
    const agenda = new Agenda<Due>(before, ({ name }) => {
      asked += 1;
      return live.has(name);
    });
    let most = 0;
    for (let name = 0; name < 200_000; name += 1) {
      live.add(name);
      live.delete(name - 10_000);
      asked = 0;
      agenda.push({ at: 1_000_000 + ((name * 7919) % 600_000), name });
      most = Math.max(most, agenda.size);
      assert.ok(asked <= 16, `${asked} asked in one step`);
    }
    assert.ok(most <= 25_000 + 8192, `${most} held where 10,000 mean something`);
    const popped: Due[] = [];
    for (let one = agenda.pop(); one !== undefined; one = agenda.pop()) popped.push(one);
    assert.deepEqual(popped, popped.toSorted(order));
    const found = popped.filter(({ name }) => live.has(name)).map(({ name }) => name);
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      [...live],
    );
  });

  it('is empty after clear', () => {
    const agenda = new Agenda<Due>(before);
    for (const at of [1, 5000, 3]) agenda.push({ at, name: at });
    agenda.pop();
    agenda.clear();
    assert.equal(agenda.size, 0);
    assert.equal(agenda.pop(), undefined);
  });
});
