/** The action log in memory keeps the promises of every action log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intentionOf } from '../act/intentions.ts';
import { createMemoryActionLog } from '../act/memory-action-log.ts';
import { actionLogContract } from './action-log.ts';

actionLogContract(async () => {
  const memory = createMemoryActionLog();
  return { ...memory, asked: async () => memory.asked, close: async () => undefined };
});

test('action log in memory: it fails on request, as a lost database does', async () => {
  const memory = createMemoryActionLog();
  await memory.insert(intentionOf('L1'));
  memory.failNext('takeDue', 1);
  await assert.rejects(memory.log.takeDue(0, 1, 1), { code: 'DATABASE_TRANSIENT' });
  assert.equal((await memory.log.takeDue(0, 1, 1)).length, 1);
  assert.deepEqual(memory.calls, ['takeDue', 'takeDue']);
});
