/** Legibility: more than one in a hundred within five minutes, and nothing that hides it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Illegible, Legibility } from '../../src/source/legible.ts';
import { Slots } from '../../src/state/slots.ts';

const T0 = 1_700_000_000_000;
const MINUTE = 60_000;

/** `stamp` gives the append time of record n; `isLost` whether it could not be read. */
function told(
  count: number,
  stamp: (n: number) => number,
  isLost: (n: number) => boolean,
): readonly Illegible[] {
  const found: Illegible[] = [];
  const legibility = new Legibility(new Slots(), (one) => found.push(one));
  for (let n = 0; n < count; n += 1)
    legibility.read('gateway', 0, stamp(n), isLost(n) ? 'gateway' : null);
  return found;
}
const every = (ms: number) => (n: number) => T0 + n * ms;

describe('legibility', () => {
  it('says nothing of a log that can be read, and nothing at one in a hundred', () => {
    assert.deepEqual(
      told(100_000, every(10), () => false),
      [],
    );
    // The hundredth, two hundredth, …: never more than 1 %.
    assert.deepEqual(
      told(100_000, every(10), (n) => n % 100 === 99),
      [],
    );
  });

  it('says it at two in a hundred, once a window, with the figures', () => {
    const found = told(30_000, every(10), (n) => n % 50 === 49);
    assert.ok(found.length >= 1);
    for (const { source, lost, of } of found) {
      assert.equal(source, 'gateway');
      assert.ok(lost > of * 0.01 && lost >= 3);
    }
  });

  it('is not led astray by a few at the beginning of many', () => {
    // 0.2 % of 60,000 a window, and all of these at the beginning of each.
    const perWindow = 60_000;
    const found = told(perWindow * 4, every(5), (n) => n >= perWindow && n % perWindow < 120);
    assert.deepEqual(found, []);
  });

  it('leaves one or two alone, and adds them up where the source is quiet', () => {
    assert.deepEqual(
      told(20, every(MINUTE), (n) => n === 3 || n === 15),
      [],
    );
    const found = told(40, every(MINUTE), (n) => n % 13 === 5);
    assert.equal(found.length, 1);
    assert.equal(found[0]?.lost, 3);
  });

  it('is not evaded by stamps from the future between the others', () => {
    const found = told(
      3_000,
      (n) => (n % 2 === 0 ? T0 + n * 10 : T0 + 10 * 365 * 86_400_000),
      (n) => n % 20 === 4,
    );
    assert.ok(found.length > 0);
  });

  it('counts each partition by itself, so that the order between them changes nothing', () => {
    const play = (order: readonly number[]) => {
      const found: string[] = [];
      const legibility = new Legibility(new Slots(), (one) => found.push(JSON.stringify(one)));
      const at = [0, 0];
      for (const partition of order) {
        const n = at[partition] ?? 0;
        at[partition] = n + 1;
        const isLost = partition === 0 && n % 10 === 9;
        legibility.read('gateway', partition, T0 + n * 1_000, isLost ? 'gateway' : null);
      }
      return found;
    };
    const length = 1_000;
    const turns = Array.from({ length }, (_, n) => n % 2);
    const blocks = Array.from({ length }, (_, n) => (n < length / 2 ? 1 : 0));
    assert.ok(play(turns).length > 0);
    assert.deepEqual(play(turns), play(blocks));
  });

  it('goes on after a restart where it stood', () => {
    const whole: Illegible[] = [];
    const parts: Illegible[] = [];
    const slots = [new Slots(), new Slots()] as const;
    const one = new Legibility(slots[0], (found) => whole.push(found));
    let other = new Legibility(slots[1], (found) => parts.push(found));
    for (let n = 0; n < 2_000; n += 1) {
      const lost = n % 40 === 39 ? 'gateway' : null;
      one.read('gateway', 0, T0 + n * 500, lost);
      other.read('gateway', 0, T0 + n * 500, lost);
      if (n % 7 === 0) other = new Legibility(slots[1], (found) => parts.push(found));
    }
    assert.ok(whole.length > 0);
    assert.deepEqual(parts, whole);
  });
});
