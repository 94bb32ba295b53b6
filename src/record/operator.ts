/** Operator requests: written by commands, read by lanes, done once a lane commits them. */
import type { OperatorRequest } from '../model/decision.ts';
import { idOf } from '../model/ids.ts';
import type { Database, Query } from '../model/ports.ts';
import { booleanOf, jsonOf, onlyRow } from './row.ts';
import { cleanKey, storableJson, whole } from './text.ts';

const INSERT = `insert into operator_request (id, type, at_ms, body) values ($1, $2, $3, $4)
  on conflict (id) do nothing`;
const PENDING = `select body from operator_request r
  where not exists (select 1 from operator_request_done d where d.id = r.id and d.lane = $1)
  order by ord limit 1000`;

/** Records what an operator asks for. The same id twice is recorded once. */
export async function insertOperatorRequest(
  db: Pick<Database, 'query'>,
  request: OperatorRequest,
): Promise<void> {
  const body = storableJson(request);
  await db.query(INSERT, [cleanKey(request.id), request.type, whole(request.atMs), body]);
}

/** The lane learns that nothing of these leases stands, within the caller's transaction: they were over before they were sent. */
export async function sayUnsent(
  query: Query,
  leaseIds: Iterable<string>,
  reason: string,
  atMs: number,
): Promise<void> {
  for (const leaseId of leaseIds)
    await insertOperatorRequest(
      { query },
      {
        ...{ type: 'escalate', why: 'unsent', id: idOf('escalate', leaseId, 'unsent') },
        ...{ leaseId, by: 'plumbline', reason, atMs },
      },
    );
}

const TAKEN = `select exists (select 1 from lane) and not exists (select 1 from lane l
  where not exists (select 1 from operator_request_done d where d.id = $1 and d.lane = l.lane)) as taken`;

/** Has every lane there is taken the request up? False where none ever worked. */
export async function isTakenUp(db: Pick<Database, 'query'>, id: string): Promise<boolean> {
  return booleanOf(onlyRow(await db.query(TAKEN, [cleanKey(id)])), 'taken');
}

/**
 * Requests this lane has not committed yet, oldest first, at most 1,000. A lane that puts their ids
 * into `Effects.operatorRequests` does not see them again.
 */
export async function pendingOperatorRequests(
  db: Pick<Database, 'query'>,
  lane: number,
): Promise<readonly OperatorRequest[]> {
  const rows = await db.query(PENDING, [lane]);
  return rows.map((row) => jsonOf<OperatorRequest>(row, 'body'));
}
