/** Sink text: one line each; one that fails is said to fail, and foreign words are escaped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILING_MS, isFailing, sinkLines } from '../../src/commands/sink-text.ts';
import type { SinkStatus } from '../../src/record/alert-read.ts';

const NOW = Date.UTC(2026, 0, 1);
const sinkOf = (more: Partial<SinkStatus> = {}): SinkStatus => ({
  ...{ sink: 'pager', depth: 0, oldestMs: null, failingSinceMs: null, lastSentMs: NOW },
  ...{ lastDetail: 'HTTP 202', dead: 0, standing: 2 },
  ...more,
});

test('a sink that works takes one line', () => {
  assert.deepEqual(sinkLines([sinkOf()], NOW), [
    'Sink pager: 0 on the way, last sent 2026-01-01 00:00:00Z, 2 cases open',
  ]);
});

test('what waits, since when it fails, and what was given up is said', () => {
  const failing = sinkOf({
    depth: 3,
    oldestMs: NOW - 60_000,
    failingSinceMs: NOW - 50_000,
    dead: 1,
  });
  const [line, more] = sinkLines([{ ...failing, lastDetail: 'HTTP 503\u001b[31m' }], NOW);
  assert.match(line ?? '', /3 on the way, the oldest for 60 s/);
  assert.match(
    line ?? '',
    /failing since 2025-12-31 23:59:10Z \(HTTP 503\\u\{1b\}\[31m\), 1 dead letter/,
  );
  assert.equal(more, undefined, 'a minute is no alarm');
});

test('more than ten minutes are an alarm', () => {
  assert.equal(isFailing(sinkOf({ oldestMs: NOW - FAILING_MS }), NOW), false);
  assert.equal(isFailing(sinkOf({ oldestMs: NOW - FAILING_MS - 1 }), NOW), true);
  assert.equal(isFailing(sinkOf({ failingSinceMs: NOW - FAILING_MS - 1 }), NOW), true);
  const lines = sinkLines([sinkOf({ depth: 1, oldestMs: NOW - 3_600_000, lastSentMs: null })], NOW);
  assert.deepEqual(lines[1], 'AlertSinkFailing: pager takes nothing; people are not told there');
  assert.match(lines[0] ?? '', /nothing sent yet/);
});
