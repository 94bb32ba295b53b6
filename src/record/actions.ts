/** The action log: takes what is due, settles what came of it, and ends what is overdue. */
import type {
  ActionLog,
  ApplyOutcome,
  DueIntention,
  Prior,
  WatchedLease,
} from '../model/action-log.ts';
import type { Intention, LeaseState, Subject, Verb, Verification } from '../model/decision.ts';
import { assert } from '../model/errors.ts';
import { idOf } from '../model/ids.ts';
import type { Database, Query, Row } from '../model/ports.ts';
import { expireApprovals } from './approvals.ts';
import { writeIntentions } from './intentions.ts';
import { appendJournal, type JournalEntry } from './journal.ts';
import { insertOperatorRequest, sayUnsent } from './operator.ts';
import { booleanOf, jsonOf, numberOf, numberOrNull, onlyRow, textOf } from './row.ts';
import { type Sent, type Settlement, settled } from './settle.ts';
import { cleanKey, cleanText, storableJson, whole } from './text.ts';

// A row that another executor took between our snapshot and its lock is checked again by
// PostgreSQL with its new values, finds itself `sending`, and is not taken twice.
const TAKE = `with due as (
    select o.key from outbox o
    where o.lane = $1 and ((o.state = 'waiting' and o.due_ms <= $2)
        or (o.state = 'sending' and o.hold_ms <= $2))
      and not exists (select 1 from outbox p
        where p.lease_id = o.lease_id and p.ord < o.ord and p.state <> 'done')
    order by o.ord limit $3 for update of o skip locked)
  update outbox set state = 'sending', hold_ms = $2 + $4, attempts = outbox.attempts + 1,
    first_sent_ms = coalesce(outbox.first_sent_ms, $2),
    unsure = outbox.unsure or outbox.state = 'sending'
  from due where outbox.key = due.key
  returning outbox.ord, outbox.attempts, outbox.intention, outbox.first_sent_ms,
    (select l.prior from lease l where l.id = outbox.lease_id) as prior`;

const takeDue = async (
  db: Database,
  lane: number,
  nowMs: number,
  limit: number,
  holdMs: number,
): Promise<readonly DueIntention[]> => {
  // A single statement is its own transaction: committed before anything is sent.
  const rows = await db.query(TAKE, [lane, whole(nowMs), limit, whole(holdMs)]);
  return [...rows]
    .sort((a, b) => numberOf(a, 'ord') - numberOf(b, 'ord'))
    .map((row) => ({
      intention: jsonOf<Intention>(row, 'intention'),
      attempts: numberOf(row, 'attempts') - 1,
      firstSentMs: numberOf(row, 'first_sent_ms'),
      prior: row['prior'] === null ? null : jsonOf<Prior>(row, 'prior'),
    }));
};

const LEASE_OF = `select lease_id from outbox where key = $1`;
const LOCK_LEASE = `select state, verification, expires_ms from lease where id = $1 for update`;
const LOCK_SENT = `select step, state, attempts, first_sent_ms, unsure, intention from outbox
  where key = $1 for update`;
const SETTLE_SENT = `update outbox set state = $2, due_ms = $3, hold_ms = null, unsure = $4,
  outcome = $5, detail = $6, settled_ms = $7 where key = $1`;
const SETTLE_LEASE = `update lease set state = $2, verification = $3,
  accepted_ms = coalesce(accepted_ms, $4), ended_ms = coalesce($5, ended_ms) where id = $1`;
const SUPERSEDE = `update outbox set state = 'done', outcome = 'superseded'
  where lease_id = $1 and state = 'waiting'`;

const sentOf = (row: Row, lease: Row): Sent => ({
  intention: jsonOf<Intention>(row, 'intention'),
  firstSentMs: numberOrNull(row, 'first_sent_ms') ?? 0,
  unsure: booleanOf(row, 'unsure'),
  leaseState: textOf(lease, 'state') as LeaseState,
  verification: textOf(lease, 'verification') as Verification,
  expiresMs: numberOrNull(lease, 'expires_ms'),
});

const applySettlement = async (
  query: Query,
  lane: number,
  intention: Intention,
  outcome: ApplyOutcome,
  what: Settlement,
  nowMs: number,
): Promise<JournalEntry[]> => {
  const { key, leaseId } = intention;
  const id = cleanKey(leaseId);
  await query(SETTLE_SENT, [
    cleanKey(key),
    what.dueMs === null ? 'done' : 'waiting',
    whole(what.dueMs ?? 0),
    what.unsure,
    outcome.type,
    cleanText(outcome.detail, 1024),
    whole(nowMs),
  ]);
  const { leaseState: state, verification, accepted, over } = what;
  const at = [accepted ? whole(nowMs) : null, over ? whole(nowMs) : null];
  await query(SETTLE_LEASE, [id, state, verification, ...at]);
  if (over) await query(SUPERSEDE, [id]);
  const body = { key, step: intention.step, leaseId, outcome: outcome.type, again: !what.done };
  const entries: JournalEntry[] = [
    { kind: 'outcome', atMs: nowMs, body: { ...body, state, verification } },
  ];
  if (what.release) {
    entries.push(...(await writeIntentions(query, lane, [releaseOf(intention, nowMs)])));
  }
  return entries;
};

/** The release of a lease whose time is over; its key makes it one, whoever writes it. */
const releaseOf = (request: Intention, nowMs: number): Intention => ({
  ...request,
  key: idOf(request.leaseId, 'release', 'expired'),
  step: 'release',
  issuedMs: whole(nowMs),
  cause: 'expired',
  approval: null,
  grounds: null,
});

const settle = async (
  db: Database,
  lane: number,
  key: string,
  outcome: ApplyOutcome,
  nowMs: number,
): Promise<void> =>
  await db.transaction(async (query) => {
    const [known] = await query(LEASE_OF, [cleanKey(key)]);
    assert(known !== undefined, 'an outcome came for an intention that was never recorded');
    const lease = onlyRow(await query(LOCK_LEASE, [textOf(known, 'lease_id')]));
    const row = onlyRow(await query(LOCK_SENT, [cleanKey(key)]));
    // Its hold ran out, somebody else sent it again and was answered first.
    if (textOf(row, 'state') === 'done') return;
    const sent = sentOf(row, lease);
    const what = settled(sent, outcome, nowMs);
    const { intention } = sent;
    const entries = await applySettlement(query, lane, intention, outcome, what, nowMs);
    await appendJournal(query, lane, entries);
  });

const OVERDUE = `select id, state, request from lease
  where lane = $1 and state in ('awaiting', 'requested', 'accepted') and expires_ms <= $2
  order by id limit 500 for update`;
// The state is checked again under the row's lock: what is being sent is not dropped.
const DROP_UNSENT = `update outbox set state = 'done', outcome = 'lapsed', settled_ms = $2
  where lease_id = any ($1::text[]) and step = 'request' and state in ('waiting', 'awaiting') and attempts = 0
  returning lease_id`;
// It was sent, its reply is not known, and its time is over: the release says the last word.
const DROP_UNSURE = `update outbox set state = 'done', outcome = 'lapsed', settled_ms = $2
  where lease_id = any ($1::text[]) and step = 'request' and state = 'waiting' and attempts > 0`;
const LAPSE = `update lease set state = 'lapsed', ended_ms = $2 where id = any ($1::text[])`;
const SUPERSEDE_ALL = `update outbox set state = 'done', outcome = 'superseded'
  where lease_id = any ($1::text[]) and state = 'waiting'`;

const expireSome = async (query: Query, lane: number, nowMs: number): Promise<number> => {
  const rows = await query(OVERDUE, [lane, whole(nowMs)]);
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => textOf(row, 'id'));
  const dropped = await query(DROP_UNSENT, [ids, whole(nowMs)]);
  const lapsed = new Set(dropped.map((row) => textOf(row, 'lease_id')));
  const entries: JournalEntry[] = [];
  if (lapsed.size > 0) {
    await query(LAPSE, [[...lapsed], whole(nowMs)]);
    await query(SUPERSEDE_ALL, [[...lapsed]]);
    await sayUnsent(query, lapsed, 'its time was over before it was sent', nowMs);
    for (const leaseId of lapsed) {
      entries.push({ kind: 'lease', atMs: nowMs, body: { leaseId, state: 'lapsed' } });
    }
  }
  const standing = rows.filter((row) => !lapsed.has(textOf(row, 'id')));
  await query(DROP_UNSURE, [standing.map((row) => textOf(row, 'id')), whole(nowMs)]);
  const releases = standing.map((row) => releaseOf(jsonOf<Intention>(row, 'request'), nowMs));
  entries.push(...(await writeIntentions(query, lane, releases)));
  await appendJournal(query, lane, entries);
  return rows.length;
};

const expireOverdue = async (db: Database, lane: number, nowMs: number): Promise<number> => {
  let total = 0;
  for (;;) {
    const ended = await db.transaction((query) => expireSome(query, lane, nowMs));
    total += ended;
    if (ended < 500) return total;
  }
};

// Calls that went through come first into the bound: a flood of denials must not hide a leak.
const WATCHED = `select l.id, l.agent, l.verb, l.request -> 'subject' as subject, l.state,
    l.verification, l.accepted_ms, l.expires_ms, l.request, l.prior, seen.activity
  from lease l left join lateral (
    select jsonb_agg(jsonb_build_object('timeMs', a.time_ms, 'allowed', a.allowed, 'tool', a.tool)
      order by a.time_ms, a.event_id) as activity
    from (select event_id, time_ms, allowed, tool from lease_activity
      where lease_id = l.id and time_ms >= l.accepted_ms
      order by allowed desc, time_ms desc limit 1000) a) seen on true
  where l.lane = $1 and l.state in ('accepted', 'releasing') and l.accepted_ms is not null
    and (l.expires_ms is not null or l.accepted_ms > $2)
  order by l.accepted_ms, l.id`;

const watched = async (
  db: Database,
  lane: number,
  nowMs: number,
): Promise<readonly WatchedLease[]> => {
  const rows = await db.query(WATCHED, [lane, whole(nowMs - WATCH_MS)]);
  return rows.map((row) => ({
    leaseId: textOf(row, 'id'),
    agent: textOf(row, 'agent'),
    verb: textOf(row, 'verb') as Verb,
    subject: jsonOf<Subject>(row, 'subject'),
    state: textOf(row, 'state') as LeaseState,
    verification: textOf(row, 'verification') as Verification,
    acceptedMs: numberOf(row, 'accepted_ms'),
    expiresMs: numberOrNull(row, 'expires_ms'),
    request: jsonOf<Intention>(row, 'request'),
    prior: row['prior'] === null ? null : jsonOf<Prior>(row, 'prior'),
    activity: row['activity'] === null ? [] : jsonOf<WatchedLease['activity']>(row, 'activity'),
  }));
};

/** How long what has no end is watched after it was accepted, ms. */
const WATCH_MS = 86_400_000;
const REMEMBER = `update lease set prior = $2 where id = $1 and prior is null`;

const VERIFY = `update lease set verification = $2, verified_by = $3, leaked_calls = $4,
    latency_calls = $5, verified_ms = $6
  where id = $1 and (verification, verified_by, leaked_calls, latency_calls)
    is distinct from ($2, $3, $4::bigint, $5::bigint)
  returning id`;

/** The action log of one lane over PostgreSQL. Several executors may share it. */
export function createActionLog(db: Database, options: { readonly lane: number }): ActionLog {
  const { lane } = options;
  return {
    takeDue: (nowMs, limit, holdMs) => takeDue(db, lane, nowMs, limit, holdMs),
    settle: (key, outcome, nowMs) => settle(db, lane, key, outcome, nowMs),
    expireOverdue: (nowMs) => expireOverdue(db, lane, nowMs),
    expireApprovals: (nowMs) => expireApprovals(db, lane, nowMs),
    remember: async (leaseId, prior) => {
      await db.query(REMEMBER, [cleanKey(leaseId), storableJson(prior)]);
    },
    ask: (request) => insertOperatorRequest(db, request),
    watched: (nowMs) => watched(db, lane, nowMs),
    verify: async (leaseId, verification, by, leakedCalls, latencyCalls, nowMs) =>
      await db.transaction(async (query) => {
        const figures = [verification, cleanText(by, 256), whole(leakedCalls), whole(latencyCalls)];
        const changed = await query(VERIFY, [cleanKey(leaseId), ...figures, whole(nowMs)]);
        if (changed.length === 0) return;
        const body = { leaseId, verification, by, leakedCalls, latencyCalls };
        await appendJournal(query, lane, [{ kind: 'verification', atMs: nowMs, body }]);
      }),
  };
}
