/** Shared signals in PostgreSQL: streams, wishes of leases, and what is undelivered. */
import type { Database, Query, Row } from '../model/ports.ts';
import {
  type Delivery,
  HELD_MAX,
  type Signal,
  type SignalClaims,
  type SignalState,
  type SignalStore,
  type SignalStream,
  STREAM_EVENTS,
  type StreamChange,
  type StreamStatus,
  type TrackedSignal,
  type Wish,
  type WishContext,
  type Wished,
  type WishStep,
} from '../model/signals.ts';
import { booleanOf, jsonOf, numberOf, numberOrNull, textOf, textOrNull, textsOf } from './row.ts';
import { cleanKey, cleanKeyOrNull, cleanText, storableJson, whole, wholeOrNull } from './text.ts';

/** Streams at most: a store that anybody with a token could fill would be no store. */
const STREAMS_MAX = 1_000;

/** The store over a migrated database. */
export function createSignalStore(db: Database): SignalStore {
  return {
    streams: async () => (await db.query(STREAMS, [STREAMS_MAX])).map(streamOf),
    addStream: async (stream) => (await db.query(ADD, added(stream))).length > 0,
    changeStream: async (id, change) => await changeStream(db, id, change),
    removeStream: async (id) => {
      await db.query(`delete from signal_stream where id = $1`, [cleanKey(id)]);
    },
    wish: async (step, compose, nowMs) =>
      await db.transaction(async (query) => await wish(query, step, compose, nowMs)),
    enqueue: async (signals) => await enqueue(db.query, signals),
    take: async (streamId, nowMs, limit, holdMs, subjectKey) => {
      const subject = subjectKey === undefined ? null : cleanKey(subjectKey);
      const given = [cleanKey(streamId), whole(nowMs), limit, whole(holdMs), subject];
      const rows = await db.query(TAKE, given);
      return [...rows].sort((a, b) => numberOf(a, 'ord') - numberOf(b, 'ord')).map(signalOf);
    },
    hasDue: async (streamId, nowMs) =>
      (await db.query(HAS_DUE, [cleanKey(streamId), whole(nowMs)])).length > 0,
    settle: async (streamId, jti, { state, detail, dueMs }, nowMs) => {
      const said = detail === null ? null : cleanText(detail, 500);
      const due = wholeOrNull(dueMs ?? null);
      const given = [cleanKey(streamId), cleanKey(jti), state, said, due, whole(nowMs)];
      return (await db.query(SETTLE, given)).length > 0;
    },
    ofKey: async (key) => await ofKey(db.query, key),
    tidy: async (nowMs, beforeMs) => {
      const [row] = await db.query(STALE, [whole(nowMs)]);
      await db.query(FORGET, [whole(beforeMs)]);
      await db.query(FORGET_WISHES, [whole(beforeMs)]);
      return row === undefined ? 0 : numberOf(row, 'stale');
    },
  };
}

const STREAMS = `select id, receiver, audience, delivery, events, description, status, reason,
  excluded, heard_ms, verified_ms, last_error, dropped from signal_stream order by ord limit $1`;
const ADD = `insert into signal_stream
    (id, receiver, audience, delivery, events, description, status, reason, excluded)
  select $1, $2, $3, $4::jsonb, $5::text[], $6, $7, $8, $9::text[]
  where (select count(*) from signal_stream) < $10
  on conflict do nothing returning id`;

const added = (stream: SignalStream): readonly unknown[] => [
  cleanKey(stream.id),
  cleanKey(stream.receiver),
  cleanText(stream.audience, 2_000),
  storableJson(stream.delivery),
  stream.eventsRequested.map((event) => cleanText(event, 500)),
  stream.description === null ? null : cleanText(stream.description, 1_000),
  stream.status,
  stream.reason === null ? null : cleanText(stream.reason, 500),
  stream.excluded.map((key) => cleanKey(key)),
  STREAMS_MAX,
];

const LOCK_STREAM = `select id, receiver, audience, delivery, events, description, status, reason,
  excluded, heard_ms, verified_ms, last_error, dropped from signal_stream where id = $1 for update`;
const CHANGE = `update signal_stream set audience = $2, delivery = $3::jsonb, events = $4::text[],
    description = $5, status = $6, reason = $7, excluded = $8::text[], heard_ms = $9,
    verified_ms = $10, dropped = dropped + $11
  where id = $1 returning id, receiver, audience, delivery, events, description, status, reason,
    excluded, heard_ms, verified_ms, last_error, dropped`;
const DROP_WAITING = `with gone as (update signal set state = 'dropped', settled_ms = due_ms,
    detail = 'the stream was disabled'
  where stream_id = $1 and state = 'waiting' and not notice returning 1)
  select count(*)::int as lost from gone`;

const changeStream = async (
  db: Database,
  id: string,
  change: StreamChange,
): Promise<SignalStream | null> =>
  await db.transaction(async (query) => {
    const [row] = await query(LOCK_STREAM, [cleanKey(id)]);
    if (row === undefined) return null;
    const next = { ...streamOf(row), ...change };
    const lost =
      next.status === 'disabled' ? await query(DROP_WAITING, [cleanKey(id)]) : [{ lost: 0 }];
    const given = added(next);
    const [changed] = await query(CHANGE, [
      given[0],
      ...given.slice(2, 9),
      wholeOrNull(next.heardMs),
      wholeOrNull(next.verifiedMs),
      numberOf(lost[0] ?? { lost: 0 }, 'lost'),
    ]);
    return changed === undefined ? null : streamOf(changed);
  });

const TURN = `select pg_advisory_xact_lock(hashtextextended($1, 7009))`;
const WISH = `select released from signal_wish where lease_id = $1 for update`;
const NEW_WISH = `insert into signal_wish
    (lease_id, verb, subject_key, session, tools, expires_ms, released, recorded_ms)
  values ($1, $2, $3, $4, $5::text[], $6, $7, $8) on conflict (lease_id) do nothing`;
const RENEW = `update signal_wish set expires_ms = $2 where lease_id = $1`;
const RENEW_SIGNALS = `update signal set expires_ms = $2
  where lease_id = $1 and state = 'waiting' and expires_ms is not null`;
const RELEASE = `update signal_wish set released = true where lease_id = $1`;
// What nobody has seen yet need not be said and taken back.
const UNSAID = `update signal set state = 'dropped', settled_ms = $2, detail = 'taken back unsent'
  where lease_id = $1 and state = 'waiting' and attempts = 0`;
const TOLD = `select distinct stream_id from signal
  where lease_id = $1 and (attempts > 0 or state = 'delivered') and state <> 'refused'`;
const OTHERS = `select lease_id, verb, subject_key, session, tools, expires_ms from signal_wish
  where subject_key = $1 and lease_id <> $2 and not released
    and (expires_ms is null or expires_ms > $3)
  order by lease_id limit 1000`;

const wish = async (
  query: Query,
  step: WishStep,
  compose: (context: WishContext) => readonly Signal[],
  nowMs: number,
): Promise<Wished> => {
  await query(TURN, [cleanKey(step.subjectKey)]);
  const lease = cleanKey(step.leaseId);
  const [row] = await query(WISH, [lease]);
  const known = row === undefined ? null : booleanOf(row, 'released') ? 'over' : 'standing';
  const noted = async (released: boolean) =>
    await query(NEW_WISH, [
      ...[lease, step.verb, cleanKey(step.subjectKey), cleanKeyOrNull(step.session)],
      ...[step.tools.map((tool) => cleanKey(tool)), wholeOrNull(step.expiresMs), released],
      whole(nowMs),
    ]);
  const stood = async (): Promise<Wished> => ({
    ...{ type: 'queued', isNew: false, signals: await ofKey(query, step.key) },
  });
  if (step.step === 'release') {
    if (known === 'over') return await stood();
    // Noted all the same: a request that comes late is not to begin what is over.
    if (known === null) await noted(true);
    if (known === null) return { type: 'nothing' };
    await query(RELEASE, [lease]);
    await query(UNSAID, [lease, whole(nowMs)]);
  } else {
    if (known === 'over') return { type: 'over' };
    if (step.step === 'renew') {
      if (known === null) return { type: 'nothing' };
      await query(RENEW, [lease, wholeOrNull(step.expiresMs)]);
      await query(RENEW_SIGNALS, [lease, wholeOrNull(step.expiresMs)]);
      return { type: 'queued', isNew: true, signals: [] };
    }
    if (known === 'standing') return await stood();
  }
  const others = await query(OTHERS, [cleanKey(step.subjectKey), lease, whole(nowMs)]);
  const signals = compose({
    others: others.map(wishOf),
    streams: (await query(STREAMS, [STREAMS_MAX])).map(streamOf),
    told: new Set((await query(TOLD, [lease])).map((one) => textOf(one, 'stream_id'))),
  });
  if (step.step === 'request' && signals.length > 0) await noted(false);
  await enqueue(query, signals);
  return { type: 'queued', isNew: true, signals: await ofKey(query, step.key) };
};

const ENQUEUE = `with held as (
    select count(*) >= $10 as is_full from signal where stream_id = $1 and state = 'waiting'),
  new as (insert into signal (stream_id, jti, intention_key, lease_id, subject_key, claims, notice,
      expires_ms, due_ms, state, detail, settled_ms)
    select $1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9,
      case when is_full then 'dropped' else 'waiting' end,
      case when is_full then 'the stream holds too much' end, case when is_full then $9::bigint end
    from held where exists (select from signal_stream where id = $1)
    on conflict do nothing returning state)
  update signal_stream set dropped = dropped + 1
  where id = $1 and exists (select from new where state = 'dropped')`;

const enqueue = async (query: Query, signals: readonly Signal[]): Promise<void> => {
  for (const signal of signals)
    await query(ENQUEUE, [
      cleanKey(signal.streamId),
      cleanKey(signal.jti),
      signal.key === null ? null : cleanKey(signal.key),
      signal.leaseId === null ? null : cleanKey(signal.leaseId),
      cleanKey(signal.subjectKey),
      storableJson(signal.claims),
      Object.hasOwn(signal.claims.events, STREAM_EVENTS.streamUpdated),
      wholeOrNull(signal.expiresMs),
      whole(signal.claims.iat * 1_000),
      HELD_MAX,
    ]);
};

// A row that another member took between our snapshot and its lock is checked again by PostgreSQL
// with its new hold, and is not handed out twice.
const TAKE = `with due as (
    select s.stream_id, s.jti from signal s join signal_stream t on t.id = s.stream_id
    where s.stream_id = $1 and s.state = 'waiting' and s.hold_ms <= $2
      and (($5::text is null and s.due_ms <= $2) or s.subject_key = $5)
      and (s.expires_ms is null or s.expires_ms > $2)
      and (t.status = 'enabled' or s.notice)
      and not exists (select from signal p
        where p.stream_id = s.stream_id and p.subject_key = s.subject_key and p.ord < s.ord
          and p.state = 'waiting' and (p.expires_ms is null or p.expires_ms > $2))
    order by s.ord limit $3 for update of s skip locked)
  update signal set hold_ms = $2 + $4, attempts = attempts + 1
  from due where signal.stream_id = due.stream_id and signal.jti = due.jti
  returning signal.ord, signal.stream_id, signal.jti, intention_key, lease_id, subject_key, claims,
    state, attempts, detail, expires_ms`;
const HAS_DUE = `select 1 as one from signal s join signal_stream t on t.id = s.stream_id
  where s.stream_id = $1 and s.state = 'waiting' and s.hold_ms <= $2 and s.due_ms <= $2
    and (s.expires_ms is null or s.expires_ms > $2) and (t.status = 'enabled' or s.notice)
    and not exists (select from signal p
      where p.stream_id = s.stream_id and p.subject_key = s.subject_key and p.ord < s.ord
        and p.state = 'waiting' and (p.expires_ms is null or p.expires_ms > $2))
  limit 1`;
const SETTLE = `with done as (
    update signal set state = $3, detail = $4, due_ms = coalesce($5, due_ms), hold_ms = 0,
      settled_ms = case when $3 = 'waiting' then null else $6::bigint end
    where stream_id = $1 and jti = $2 and state = 'waiting' returning stream_id),
  heard as (
    update signal_stream set heard_ms = $6,
      last_error = case when $3 = 'refused' then $4 else last_error end
    where id = $1 and $3 in ('delivered', 'refused') and exists (select from done) returning id)
  select stream_id from done`;
const OF_KEY = `select ord, stream_id, jti, intention_key, lease_id, subject_key, claims, state,
  attempts, detail, expires_ms from signal where intention_key = $1 order by ord`;
const STALE = `with gone as (
    update signal set state = 'dropped', detail = 'its time was over', settled_ms = $1
    where state = 'waiting' and expires_ms <= $1 returning stream_id),
  counted as (
    update signal_stream t set dropped = t.dropped + g.lost
    from (select stream_id, count(*) as lost from gone group by stream_id) g
    where t.id = g.stream_id returning t.id)
  select count(*)::int as stale from gone`;
const FORGET = `delete from signal where settled_ms < $1`;
const FORGET_WISHES = `delete from signal_wish where recorded_ms < $1
  and (released or coalesce(expires_ms, recorded_ms) < $1)`;

const ofKey = async (query: Query, key: string): Promise<readonly TrackedSignal[]> =>
  (await query(OF_KEY, [cleanKey(key)])).map(signalOf);

const streamOf = (row: Row): SignalStream => ({
  id: textOf(row, 'id'),
  receiver: textOf(row, 'receiver'),
  audience: textOf(row, 'audience'),
  delivery: jsonOf<Delivery>(row, 'delivery'),
  eventsRequested: textsOf(row, 'events'),
  description: textOrNull(row, 'description'),
  status: textOf(row, 'status') as StreamStatus,
  reason: textOrNull(row, 'reason'),
  excluded: textsOf(row, 'excluded'),
  heardMs: numberOrNull(row, 'heard_ms'),
  verifiedMs: numberOrNull(row, 'verified_ms'),
  lastError: textOrNull(row, 'last_error'),
  dropped: numberOf(row, 'dropped'),
});

const signalOf = (row: Row): TrackedSignal => ({
  jti: textOf(row, 'jti'),
  streamId: textOf(row, 'stream_id'),
  key: textOrNull(row, 'intention_key'),
  leaseId: textOrNull(row, 'lease_id'),
  subjectKey: textOf(row, 'subject_key'),
  claims: jsonOf<SignalClaims>(row, 'claims'),
  state: textOf(row, 'state') as SignalState,
  attempts: numberOf(row, 'attempts'),
  detail: textOrNull(row, 'detail'),
  expiresMs: numberOrNull(row, 'expires_ms'),
});

const wishOf = (row: Row): Wish => ({
  leaseId: textOf(row, 'lease_id'),
  verb: textOf(row, 'verb') as Wish['verb'],
  subjectKey: textOf(row, 'subject_key'),
  session: textOrNull(row, 'session'),
  tools: textsOf(row, 'tools'),
  expiresMs: numberOrNull(row, 'expires_ms'),
});
