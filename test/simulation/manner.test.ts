/** Manners: figures of a session move together as asked, agents differ, and models have habits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Manner, mannerOf, shifted, successorOf } from '../../src/simulation/manner.ts';

const BENT = { model: 'atlas-large-2', prompt: '', drift: 0 };

function mannersOf(rho: number, agent = 'a-1', bent = BENT): Manner[] {
  return Array.from({ length: 2_000 }, (_, n) => mannerOf(1, agent, `session/${n}`, bent, rho));
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const [ma, mb] = [mean(a), mean(b)];
  const product = mean(a.map((x, i) => (x - ma) * ((b[i] ?? 0) - mb)));
  const spread = (list: readonly number[], m: number) =>
    Math.sqrt(mean(list.map((x) => (x - m) ** 2)));
  return product / (spread(a, ma) * spread(b, mb));
}

test('factors of tokens, latency, bytes and cost correlate by rho', () => {
  for (const rho of [0, 0.36, 0.64, 0.8, 1]) {
    const manners = mannersOf(rho);
    const logs = (name: 'tokens' | 'latency' | 'bytes' | 'cost') =>
      manners.map((manner) => Math.log(manner[name]));
    for (const [one, other] of [
      ['tokens', 'latency'],
      ['latency', 'bytes'],
      ['bytes', 'cost'],
    ] as const) {
      const found = correlation(logs(one), logs(other));
      assert.ok(Math.abs(found - rho) < 0.06, `${rho}: ${one} ${other} ${found}`);
    }
  }
});

test('the temperament belongs to the agent: the same every day, another for another', () => {
  const [one, two] = mannersOf(0.5);
  assert.deepEqual([one?.thorough, one?.taste], [two?.thorough, two?.taste]);
  assert.notEqual(one?.tokens, two?.tokens);
  const [other] = mannersOf(0.5, 'a-2');
  assert.notEqual(other?.thorough, one?.thorough);
  const [prompted] = mannersOf(0.5, 'a-1', { ...BENT, prompt: 'change/1' });
  assert.notEqual(prompted?.taste, one?.taste);
});

test('a successor answers otherwise, and a drift moves what it says', () => {
  const before = mannersOf(0)[0];
  const after = mannersOf(0, 'a-1', { ...BENT, model: successorOf('atlas-large-2') })[0];
  assert.ok(before !== undefined && after !== undefined);
  assert.ok(after.tokens > 1.4 * before.tokens && after.rereads > 2 * before.rereads);
  assert.notEqual(after.style, before.style);
  const drifted = mannersOf(0, 'a-1', { ...BENT, drift: 1 })[0];
  assert.ok(Math.abs((drifted?.bytes ?? 0) / before.bytes - 3) < 1e-9);
  assert.ok(Math.abs(shifted(2, 0) - 2) < 1e-12 && shifted(1, 3) > 1.8);
});
