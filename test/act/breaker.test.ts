/** The breaker opens on many failures in a short time, and lets one request find out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Breaker, createBreaker } from '../../src/act/breaker.ts';

const fail = (breaker: Breaker, ...times: number[]) => {
  for (const at of times) {
    assert.deepEqual(breaker.admit(at), { type: 'send', probe: false });
    breaker.record(at, true, false);
  }
};

test('five failures in 30 s open it for 30 s', () => {
  const breaker = createBreaker();
  fail(breaker, 0, 1_000, 2_000, 3_000, 4_000);
  assert.deepEqual(breaker.admit(4_001), { type: 'wait', waitMs: 29_999 });
  assert.deepEqual(breaker.admit(34_000), { type: 'send', probe: true });
});

test('five failures spread over more than 30 s do not', () => {
  const breaker = createBreaker();
  fail(breaker, 0, 10_000, 20_000, 25_000, 30_000);
  assert.equal(breaker.admit(30_001).type, 'send');
});

test('successes in between do not hide failures', () => {
  const breaker = createBreaker();
  fail(breaker, 0, 1, 2, 3);
  breaker.record(4, false, false);
  fail(breaker, 5);
  assert.equal(breaker.admit(6).type, 'wait');
});

test('half open: one probe at a time; its success closes, its failure opens again', () => {
  const breaker = createBreaker();
  fail(breaker, 0, 0, 0, 0, 0);
  assert.deepEqual(breaker.admit(30_000), { type: 'send', probe: true });
  assert.deepEqual(breaker.admit(30_001), { type: 'wait', waitMs: 1_000 });
  breaker.record(30_500, true, true);
  assert.deepEqual(breaker.admit(30_501), { type: 'wait', waitMs: 29_999 });
  assert.deepEqual(breaker.admit(60_500), { type: 'send', probe: true });
  breaker.record(60_600, false, true);
  fail(breaker, 60_601, 60_602, 60_603, 60_604);
  assert.equal(breaker.admit(60_605).type, 'send');
});

test('stragglers sent before the opening change nothing', () => {
  const breaker = createBreaker();
  fail(breaker, 0, 0, 0, 0, 0);
  breaker.record(10, true, false);
  breaker.record(11, false, false);
  assert.deepEqual(breaker.admit(29_999), { type: 'wait', waitMs: 1 });
});
