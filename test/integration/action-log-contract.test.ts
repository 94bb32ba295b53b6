/** The action log over a real server keeps the promises of every action log. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { OperatorRequest } from '../../src/model/decision.ts';
import { createActionLog } from '../../src/record/actions.ts';
import { vote } from '../../src/record/approvals.ts';
import { commitLane } from '../../src/record/lane.ts';
import { pendingOperatorRequests } from '../../src/record/operator.ts';
import { actionLogContract } from '../conformance/action-log.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres } from './postgres.ts';
import { claim, commit, effects } from './samples.ts';

let provider: ProvidedPostgres;
before(async () => {
  provider = await providePostgres();
});
after(async () => {
  await provider.stop();
});

actionLogContract(async () => {
  const { db, drop } = await freshDatabase(provider);
  const token = (await claim(db)).claim;
  let slice = 0;
  return {
    log: createActionLog(db, { lane: 0 }),
    insert: async (intention) => {
      slice += 1;
      const step = commit({ effects: effects({ intentions: [intention] }) });
      assert.equal(await commitLane(db, token, step), 'done', `slice ${slice}`);
    },
    lease: async (leaseId) => {
      const [row] = await db.query('select state, verification from lease where id = $1', [
        leaseId,
      ]);
      return row === undefined ? null : (row as never);
    },
    vote: (leaseId, voter, said, nowMs) =>
      vote(db, { leaseId, voter, vote: said, note: 'looked at it', nowMs }),
    asked: async (): Promise<readonly OperatorRequest[]> => await pendingOperatorRequests(db, 0),
    close: drop,
  };
});
