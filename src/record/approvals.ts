/** Approvals: who must agree before an action is sent, what they said, what lapsed. */
import type { ApprovalVerdict, VoteResult } from '../model/action-log.ts';
import type { Intention, OperatorRequest, Subject } from '../model/decision.ts';
import { idOf } from '../model/ids.ts';
import type { Database, Query, Row } from '../model/ports.ts';
import { appendJournal, type JournalEntry } from './journal.ts';
import { insertOperatorRequest } from './operator.ts';
import { jsonOf, numberOf, numberOrNull, textOf } from './row.ts';
import { cleanKey, cleanText, whole } from './text.ts';

const NEW = `insert into approval (lease_id, lane, quorum, within_ms, barred)
  select id, $1, quorum, within_ms, array(select jsonb_array_elements_text(barred))
  from unnest($2::text[], $3::int[], $4::bigint[], $5::jsonb[]) as a (id, quorum, within_ms, barred)
  order by id on conflict (lease_id) do nothing`;

/** Writes what is to be agreed to, within the caller's transaction. */
export async function writeApprovals(
  query: Query,
  lane: number,
  requests: readonly Intention[],
): Promise<void> {
  const wanted = requests.flatMap(({ leaseId, subject, approval }) =>
    approval === null ? [] : [{ leaseId, subject, approval }],
  );
  if (wanted.length === 0) return;
  await query(NEW, [
    lane,
    wanted.map(({ leaseId }) => cleanKey(leaseId)),
    wanted.map(({ approval }) => approval.quorum),
    wanted.map(({ approval }) => whole(approval.withinMs)),
    // Whom it is about, and on whose behalf that one works, never agrees to or declines it.
    wanted.map(({ subject, approval }) =>
      JSON.stringify([subject.agent, ...(approval.barred ?? [])].map((name) => cleanKey(name))),
    ),
  ]);
}

const BEGIN = `update approval set requested_ms = $2, expires_ms = $2 + within_ms
  where lane = $1 and state = 'pending' and expires_ms is null`;
const OVERDUE = `select lease_id from approval
  where lane = $1 and state = 'pending' and expires_ms <= $2 order by lease_id limit 500 for update`;
const END = `update approval set state = $2, ended_ms = $3 where lease_id = any ($1::text[])`;
const LAPSE = `update lease set state = 'lapsed', ended_ms = $2
  where id = any ($1::text[]) and state = 'awaiting'`;
const UNSENT = `update outbox set state = 'done', outcome = 'lapsed', settled_ms = $2
  where lease_id = any ($1::text[]) and state in ('waiting', 'awaiting')`;

/** The lane learns that its lease came to nothing; its detector leaves the agent alone for a while. */
const liftOf = (leaseId: string, by: string, reason: string, atMs: number): OperatorRequest => ({
  type: 'lift',
  id: idOf('lift', leaseId, reason),
  ...{ leaseId, by, reason, atMs },
});

/** Ends awaiting leases without anything having been sent, within the caller's transaction. */
const endAwaiting = async (
  query: Query,
  lane: number,
  ids: readonly string[],
  state: 'lapsed' | 'declined',
  by: string,
  nowMs: number,
): Promise<void> => {
  await query(END, [ids, state, whole(nowMs)]);
  await query(LAPSE, [ids, whole(nowMs)]);
  await query(UNSENT, [ids, whole(nowMs)]);
  const reason = state === 'lapsed' ? 'nobody agreed in time' : 'an approver declined';
  for (const leaseId of ids)
    await insertOperatorRequest({ query }, liftOf(leaseId, by, reason, nowMs));
  const entries: JournalEntry[] = ids.map((leaseId) => ({
    kind: 'approval',
    atMs: nowMs,
    body: { leaseId, state, by },
  }));
  await appendJournal(query, lane, entries);
};

/** Starts the clock of new approvals and lapses those unanswered in time. Returns how many lapsed. */
export async function expireApprovals(db: Database, lane: number, nowMs: number): Promise<number> {
  await db.query(BEGIN, [lane, whole(nowMs)]);
  return await db.transaction(async (query) => {
    const ids = (await query(OVERDUE, [lane, whole(nowMs)])).map((row) => textOf(row, 'lease_id'));
    if (ids.length > 0) await endAwaiting(query, lane, ids, 'lapsed', 'plumbline', nowMs);
    return ids.length;
  });
}

const LOCK_LEASE = `select state, lane from lease where id = $1 for update`;
const LOCK = `select quorum, barred, state, expires_ms from approval where lease_id = $1 for update`;
const VOTE = `insert into approval_vote (lease_id, voter, vote, note, at_ms)
  values ($1, $2, $3, $4, $5) on conflict (lease_id, voter) do nothing returning voter`;
const COUNT = `select count(*)::int as agreed from approval_vote
  where lease_id = $1 and vote = 'approve'`;
const RELEASE_HOLD = `update outbox set state = 'waiting' where lease_id = $1 and state = 'awaiting'`;
const REQUESTED = `update lease set state = 'requested' where id = $1 and state = 'awaiting'`;

/**
 * Records one approver's word. The caller has made sure that `voter` is an approver. One that declines
 * ends it; when as many as were asked for agree it is sent. Nobody counts twice.
 */
export async function vote(
  db: Database,
  ballot: {
    readonly leaseId: string;
    readonly voter: string;
    readonly vote: ApprovalVerdict;
    readonly note: string;
    readonly nowMs: number;
  },
): Promise<VoteResult> {
  const { voter, nowMs } = ballot;
  const id = cleanKey(ballot.leaseId);
  return await db.transaction(async (query) => {
    const [lease] = await query(LOCK_LEASE, [id]);
    const [row] = await query(LOCK, [id]);
    if (row === undefined || lease === undefined) return { type: 'unknown' };
    const state = textOf(row, 'state');
    if (state !== 'pending') return { type: 'over', state };
    const expiresMs = numberOrNull(row, 'expires_ms');
    if (expiresMs !== null && nowMs >= expiresMs) return { type: 'over', state: 'lapsed' };
    if ((row['barred'] as readonly string[]).includes(voter)) return { type: 'barred' };
    const lane = numberOf(lease, 'lane');
    const said = [id, cleanKey(voter), ballot.vote, cleanText(ballot.note, 500), whole(nowMs)];
    if ((await query(VOTE, said)).length === 0) return { type: 'voted' };
    if (ballot.vote === 'decline') {
      await endAwaiting(query, lane, [id], 'declined', voter, nowMs);
      return { type: 'declined' };
    }
    const quorum = numberOf(row, 'quorum');
    const [counted] = await query(COUNT, [id]);
    const agreed = Number(counted?.['agreed'] ?? 0);
    const isGranted = agreed >= quorum;
    if (isGranted) {
      await query(END, [[id], 'granted', whole(nowMs)]);
      await query(REQUESTED, [id]);
      await query(RELEASE_HOLD, [id]);
    }
    const body = { leaseId: id, state: isGranted ? 'granted' : 'pending', by: voter };
    await appendJournal(query, lane, [{ kind: 'approval', atMs: nowMs, body }]);
    return isGranted ? { type: 'granted' } : { type: 'counted', agreed, quorum };
  });
}

/** An approval as people see it. */
export interface ListedApproval {
  readonly leaseId: string;
  readonly caseId: string;
  readonly verb: string;
  readonly driver: string;
  readonly subject: Subject;
  readonly reason: string;
  readonly quorum: number;
  readonly state: string;
  readonly requestedMs: number | null;
  readonly expiresMs: number | null;
  readonly votes: readonly {
    readonly voter: string;
    readonly vote: string;
    readonly note: string;
    readonly atMs: number;
  }[];
}

const LIST = `select a.lease_id, a.quorum, a.state, a.requested_ms, a.expires_ms, l.case_id, l.verb,
    l.driver, l.request -> 'subject' as subject, l.reason,
    (select coalesce(jsonb_agg(jsonb_build_object('voter', v.voter, 'vote', v.vote, 'note', v.note,
      'atMs', v.at_ms) order by v.at_ms, v.voter), '[]'::jsonb)
      from approval_vote v where v.lease_id = a.lease_id) as votes
  from approval a join lease l on l.id = a.lease_id
  where ($1::boolean is not true or a.state = 'pending') and ($2::text is null or a.lease_id like $2)
  order by a.state <> 'pending', l.recorded_ms desc, a.lease_id limit $3`;

/** Approvals, those still to be answered first; `prefix`: of the lease's id. */
export async function listApprovals(
  db: Pick<Database, 'query'>,
  filter: { readonly pending?: boolean; readonly prefix?: string; readonly limit: number },
): Promise<readonly ListedApproval[]> {
  const prefix = filter.prefix === undefined ? null : `${filter.prefix.replace(/[^0-9a-z]/g, '')}%`;
  const rows = await db.query(LIST, [filter.pending ?? null, prefix, filter.limit]);
  return rows.map(listedOf);
}

const listedOf = (row: Row): ListedApproval => ({
  leaseId: textOf(row, 'lease_id'),
  caseId: textOf(row, 'case_id'),
  verb: textOf(row, 'verb'),
  driver: textOf(row, 'driver'),
  subject: jsonOf<Subject>(row, 'subject'),
  reason: textOf(row, 'reason'),
  quorum: numberOf(row, 'quorum'),
  state: textOf(row, 'state'),
  requestedMs: numberOrNull(row, 'requested_ms'),
  expiresMs: numberOrNull(row, 'expires_ms'),
  votes: jsonOf<ListedApproval['votes']>(row, 'votes'),
});
