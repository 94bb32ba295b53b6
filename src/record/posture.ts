/** Posture: the leases that documents are made of; who polls, and what each of them has. */
import type { LeaseState, Subject } from '../model/decision.ts';
import { idOf } from '../model/ids.ts';
import type { Database, Row } from '../model/ports.ts';
import {
  POSTURE_VERBS,
  type Poller,
  type PostureBook,
  type PostureState,
  type PostureVerb,
  silentAfterMs,
} from '../model/posture.ts';
import { appendJournal } from './journal.ts';
import { readOrders } from './power.ts';
import { booleanOf, jsonOf, numberOf, textOf } from './row.ts';
import { cleanKey, whole } from './text.ts';

type Reads = Pick<Database, 'query'>;

/** More leases at once than documents are made for; the fleet breaker stops long before. */
export const STANDING_MAX = 10_000;

// Only what was accepted and is not on its way out: what people undid is gone with the next answer.
const STANDING = `select id, case_id, verb, request -> 'subject' as subject, reason, expires_ms
  from lease where ($1::int is null or lane = $1) and state = 'accepted' and driver = any ($2::text[])
    and verb = any ($3::text[]) and expires_ms > $4
  order by id limit $5`;

/** Leases of these drivers that stand at `nowMs`, in one lane or, for null, in all; and the kill switch. */
export async function readPosture(
  db: Reads,
  lane: number | null,
  drivers: readonly string[],
  nowMs: number,
): Promise<PostureState> {
  const bounds = [lane, drivers, [...POSTURE_VERBS], whole(nowMs), STANDING_MAX];
  const rows = await db.query(STANDING, bounds);
  const { pauses } = await readOrders(db);
  return {
    leases: rows.map((row) => ({
      leaseId: textOf(row, 'id'),
      caseId: textOf(row, 'case_id'),
      verb: textOf(row, 'verb') as PostureVerb,
      subject: jsonOf<Subject>(row, 'subject'),
      reason: textOf(row, 'reason'),
      expiresMs: numberOf(row, 'expires_ms'),
    })),
    pauses,
  };
}

const POLLERS = `select p.consumer, p.tenant, p.about, p.last_ms + p.wait_ms as last_ms, p.gap_ms,
    p.revision, p.silent_ms,
    exists (select 1 from posture_fetch f where f.lease_id = $2 and f.consumer = p.consumer) as holds
  from posture_consumer p
  where $1::text is null or (p.tenant = $1 and (p.about = '' or p.about = $3))
  order by p.consumer, p.about`;

const pollerOf = (row: Row): Poller => ({
  consumer: textOf(row, 'consumer'),
  tenant: textOf(row, 'tenant'),
  about: textOf(row, 'about'),
  lastMs: numberOf(row, 'last_ms'),
  gapMs: numberOf(row, 'gap_ms'),
  revision: textOf(row, 'revision'),
  isSilent: row['silent_ms'] !== null,
});

const LEASE = `select state from lease where id = $1`;

/** What the posture driver asks, over PostgreSQL. Only consumers that are configured count. */
export function createPostureBook(db: Reads, consumers: readonly string[]): PostureBook {
  return {
    lease: async (leaseId) => {
      const [row] = await db.query(LEASE, [cleanKey(leaseId)]);
      return row === undefined ? null : { state: textOf(row, 'state') as LeaseState };
    },
    pollers: async ({ tenant, agent }, leaseId) => {
      const about = [cleanKey(leaseId), cleanKey(agent)];
      const rows = await db.query(POLLERS, [cleanKey(tenant), ...about]);
      return rows
        .map((row) => ({ ...pollerOf(row), holds: booleanOf(row, 'holds') }))
        .filter(({ consumer }) => consumers.includes(consumer));
    },
  };
}

/** Everybody who ever polled, for `status`. */
export async function listPollers(db: Reads): Promise<readonly Poller[]> {
  return (await db.query(POLLERS, [null, '', ''])).map(pollerOf);
}

/** What somebody who polls was given, and how it asks. */
export interface Polled {
  readonly consumer: string;
  readonly tenant: string;
  /** The agent it asked about; empty: all of its tenant. */
  readonly about: string;
  readonly revision: string;
  /** Leases of what it was given that it did not have before. */
  readonly leaseIds: readonly string[];
  /** Time since its last answer where that is an interval and not an absence, ms; else 0. */
  readonly gapMs: number;
  /** How long it may wait for its next answer, ms. */
  readonly waitMs: number;
}

const POLLED = `insert into posture_consumer
    (consumer, about, tenant, first_ms, last_ms, gap_ms, wait_ms, revision)
  values ($1, $2, $3, $4, $4, $5, $6, $7)
  on conflict (consumer, about) do update set tenant = excluded.tenant,
    last_ms = greatest(posture_consumer.last_ms, excluded.last_ms),
    gap_ms = greatest(posture_consumer.gap_ms, excluded.gap_ms),
    wait_ms = excluded.wait_ms, revision = excluded.revision, silent_ms = null`;
const FETCHED = `insert into posture_fetch (lease_id, consumer, at_ms)
  select id, $2, $3 from unnest($1::text[]) as l (id) order by id on conflict do nothing`;

/** Keeps that somebody polled. */
export async function recordPoll(db: Reads, polled: Polled, nowMs: number): Promise<void> {
  const { consumer, tenant, about, revision, leaseIds, gapMs, waitMs } = polled;
  const figures = [whole(nowMs), whole(gapMs), whole(waitMs), revision];
  // What it holds first: a crash in between asks it for the same again, and does not claim too much.
  if (leaseIds.length > 0) await db.query(FETCHED, [leaseIds, consumer, whole(nowMs)]);
  await db.query(POLLED, [consumer, cleanKey(about), cleanKey(tenant), ...figures]);
}

const SILENCE = `update posture_consumer set silent_ms = $2 where consumer = $1
  and about = '' and silent_ms is null returning consumer`;
const NOTICE = `insert into notice (id, code, subject, detail, count, first_ms, last_ms)
  values ($1, 'enforcement.silent', $2, $3, 1, $4, $4)
  on conflict (id) do update set detail = excluded.detail, count = notice.count + 1,
    last_ms = greatest(notice.last_ms, excluded.last_ms)`;
const NOTICE_TOTAL = `insert into notice_total (code, count) values ('enforcement.silent', 1)
  on conflict (code) do update set count = notice_total.count + 1`;

/**
 * Notes who has stopped polling: what they enforce is what they last heard. Each silence is told
 * once, by a notice and in the journal. Returns the names.
 */
export async function noteSilence(
  db: Database,
  lane: number,
  consumers: readonly string[],
  nowMs: number,
): Promise<readonly string[]> {
  const late = (await listPollers(db)).filter(
    ({ consumer, about, isSilent, lastMs, gapMs }) =>
      // Who asks for one agent only may have nothing to ask for.
      !isSilent &&
      about === '' &&
      consumers.includes(consumer) &&
      nowMs - lastMs > silentAfterMs(gapMs),
  );
  const noted: string[] = [];
  for (const { consumer, lastMs } of late) {
    const first = await db.transaction(async (query) => {
      const changed = await query(SILENCE, [consumer, whole(nowMs)]);
      if (changed.length === 0) return false;
      const seconds = Math.round((nowMs - lastMs) / 1000);
      const detail = `asked for no posture for ${seconds} s: what it enforces is what it last heard`;
      const id = idOf('enforcement.silent', consumer);
      await query(NOTICE, [id, consumer, detail, whole(nowMs)]);
      await query(NOTICE_TOTAL);
      const body = { code: 'enforcement.silent', consumer, lastMs };
      await appendJournal(query, lane, [{ kind: 'notice', atMs: nowMs, body }]);
      return true;
    });
    if (first) noted.push(consumer);
  }
  return noted;
}
