/** The alert log: takes what is due, keeps what was rendered, settles what came of it. */
import type {
  Alert,
  AlertActivity,
  AlertKind,
  AlertMatter,
  AlertStep,
  ToldCase,
} from '../model/alert.ts';
import type { AlertLog, DueAlert, SendOutcome } from '../model/alert-log.ts';
import type { Level } from '../model/detection.ts';
import { OperatingError } from '../model/errors.ts';
import type { Database, Query, Row } from '../model/ports.ts';
import { routeEnds, routeNews } from './alert-routing.ts';
import { writeNotices } from './effects.ts';
import { appendJournal, type JournalEntry } from './journal.ts';
import { readCase } from './read.ts';
import {
  booleanOf,
  jsonOf,
  numberOf,
  numberOrNull,
  onlyRow,
  textOf,
  textOrNull,
  textsOf,
} from './row.ts';
import { cleanText, storableJson, whole } from './text.ts';

/** An alert that was first sent so long ago is given up, ms. */
export const GIVE_UP_AFTER_MS = 24 * 3_600_000;

// A row that another notifier took between our snapshot and its lock is checked again by PostgreSQL
// with its new values, finds itself `sending`, and is not taken twice.
const TAKE = `with due as (
    select a.ord from alert a
    where a.sink = $1 and ((a.state = 'waiting' and a.due_ms <= $2)
        or (a.state = 'sending' and a.hold_ms <= $2))
      and not exists (select 1 from alert p where p.case_id = a.case_id and p.sink = a.sink
        and p.kind = a.kind and p.ord < a.ord and p.state in ('waiting', 'sending'))
    order by a.ord limit $3 for update of a skip locked)
  update alert set state = 'sending', hold_ms = $2 + $4, attempts = alert.attempts + 1,
    first_sent_ms = coalesce(alert.first_sent_ms, $2)
  from due where alert.ord = due.ord
  returning alert.ord, alert.uid, alert.kind, alert.activity, alert.case_id, alert.level,
    alert.sequence, alert.why, alert.says, alert.attempts, alert.step, alert.body`;
const TOLD = `select body, thread, closed from alert_told where sink = $1 and case_id = $2`;

const toldOf = (row: Row): ToldCase => ({
  alert: jsonOf<Alert>(row, 'body'),
  thread: textOrNull(row, 'thread'),
  closed: booleanOf(row, 'closed'),
});

const dueOf = async (db: Database, sink: string, row: Row): Promise<DueAlert> => {
  const caseId = textOf(row, 'case_id');
  const alert = row['body'] === null ? null : jsonOf<Alert>(row, 'body');
  const [told] = await db.query(TOLD, [sink, caseId]);
  return {
    ord: numberOf(row, 'ord'),
    uid: textOf(row, 'uid'),
    kind: textOf(row, 'kind') as AlertKind,
    activity: textOf(row, 'activity') as AlertActivity,
    caseId,
    level: textOf(row, 'level') as Level,
    sequence: numberOf(row, 'sequence'),
    why: textsOf(row, 'why'),
    says: textsOf(row, 'says'),
    attempts: numberOf(row, 'attempts') - 1,
    alert,
    matter: alert === null ? await matterOf(db, caseId) : null,
    step: row['step'] === null ? null : jsonOf<AlertStep>(row, 'step'),
    told: told === undefined ? null : toldOf(told),
  };
};

/** The case as the record has it now; null where it is gone. */
const matterOf = async (db: Database, caseId: string): Promise<AlertMatter | null> => {
  try {
    const file = await readCase(db, caseId);
    return {
      case: file.case,
      open: file.open,
      detections: file.detections,
      decisions: file.decisions,
      leases: file.leases,
      verdicts: file.verdicts,
    };
  } catch (cause) {
    if (cause instanceof OperatingError && cause.code === 'NOT_FOUND') return null;
    throw cause;
  }
};

const takeDue = async (
  db: Database,
  sink: string,
  nowMs: number,
  limit: number,
  holdMs: number,
): Promise<readonly DueAlert[]> => {
  // A single statement is its own transaction: committed before anything is sent.
  const rows = await db.query(TAKE, [sink, whole(nowMs), limit, whole(holdMs)]);
  const list: DueAlert[] = [];
  for (const row of [...rows].sort((a, b) => numberOf(a, 'ord') - numberOf(b, 'ord')))
    list.push(await dueOf(db, sink, row));
  return list;
};

// Read back: jsonb orders keys, and the second try is to carry the bytes of the first.
const FREEZE = `update alert set body = coalesce(body, $2) where ord = $1 returning body`;
const HASTEN = `update alert set due_ms = $1
  where state = 'waiting' and attempts = 0 and due_ms > $1`;
// It was not sent: neither the try nor the time counts.
const RELEASE = `update alert set state = 'waiting', hold_ms = null, attempts = attempts - 1,
    first_sent_ms = case when attempts = 1 then null else first_sent_ms end
  where ord = any ($1::bigint[]) and state = 'sending'`;

const LOCK = `select ord, sink, uid, lane, kind, activity, case_id, state, first_sent_ms, body
  from alert where ord = $1 for update`;
const SETTLE = `update alert set state = $2, due_ms = $3, hold_ms = null, outcome = $4, detail = $5,
    settled_ms = $6 where ord = $1`;
const TELL = `insert into alert_told
    (sink, case_id, uid, told_ms, refreshed_ms, closed, thread, body)
  values ($1, $2, $3, $4, $4, $5, $6, $7)
  on conflict (sink, case_id) do update set uid = excluded.uid, told_ms = excluded.told_ms,
    refreshed_ms = excluded.refreshed_ms, closed = excluded.closed, body = excluded.body,
    thread = coalesce(alert_told.thread, excluded.thread)`;
const WORKED = `insert into alert_sink (sink, failing_since_ms, last_sent_ms, last_detail)
  values ($1, null, $2, $3)
  on conflict (sink) do update set failing_since_ms = null, last_sent_ms = excluded.last_sent_ms,
    last_detail = excluded.last_detail`;
const FAILED = `insert into alert_sink (sink, failing_since_ms, last_sent_ms, last_detail)
  values ($1, $2, null, $3)
  on conflict (sink) do update set last_detail = excluded.last_detail,
    failing_since_ms = coalesce(alert_sink.failing_since_ms, excluded.failing_since_ms)`;

interface Settled {
  readonly state: 'waiting' | 'sent' | 'silenced' | 'dead';
  readonly dueMs: number;
}

/** What an outcome does to an alert. */
const settledBy = (outcome: SendOutcome, firstSentMs: number, nowMs: number): Settled => {
  switch (outcome.type) {
    case 'sent':
      return { state: 'sent', dueMs: 0 };
    case 'silenced':
      return { state: 'silenced', dueMs: 0 };
    case 'refused':
      return { state: 'dead', dueMs: 0 };
    case 'retry':
    case 'unknown': {
      const isOver = nowMs - firstSentMs >= GIVE_UP_AFTER_MS;
      return isOver
        ? { state: 'dead', dueMs: 0 }
        : { state: 'waiting', dueMs: nowMs + outcome.afterMs };
    }
    default:
      return outcome satisfies never;
  }
};

const settle = async (
  db: Database,
  ord: number,
  outcome: SendOutcome,
  nowMs: number,
): Promise<void> =>
  await db.transaction(async (query) => {
    const [row] = await query(LOCK, [ord]);
    // Its hold ran out, and somebody else who sent it again was answered first.
    if (row === undefined || !['waiting', 'sending'].includes(textOf(row, 'state'))) return;
    const what = settledBy(outcome, numberOrNull(row, 'first_sent_ms') ?? nowMs, nowMs);
    const detail = cleanText(outcome.detail, 512);
    await query(SETTLE, [
      ...[ord, what.state, whole(what.dueMs), outcome.type, detail],
      what.state === 'waiting' ? null : whole(nowMs),
    ]);
    const sink = textOf(row, 'sink');
    if (outcome.type === 'sent') {
      await query(WORKED, [sink, whole(nowMs), detail]);
      if (textOf(row, 'kind') === 'finding') await tell(query, row, outcome.thread ?? null, nowMs);
    } else if (outcome.type !== 'silenced') await query(FAILED, [sink, whole(nowMs), detail]);
    if (what.state === 'waiting') return;
    await appendJournal(
      query,
      numberOf(row, 'lane'),
      await entriesOf(query, row, what, detail, nowMs),
    );
  });

const tell = async (
  query: Query,
  row: Row,
  thread: string | null,
  nowMs: number,
): Promise<void> => {
  const told = [textOf(row, 'sink'), textOf(row, 'case_id'), textOf(row, 'uid'), whole(nowMs)];
  const closed = textOf(row, 'activity') === 'close';
  await query(TELL, [...told, closed, thread, storableJson(jsonOf(row, 'body'))]);
};

/** Who was told what is a fact like others; what nobody will hear is also a notice. */
const entriesOf = async (
  query: Query,
  row: Row,
  { state }: Settled,
  detail: string,
  atMs: number,
): Promise<JournalEntry[]> => {
  const sink = textOf(row, 'sink');
  const about = { uid: textOf(row, 'uid'), sink, caseId: textOf(row, 'case_id') };
  const body = { ...about, kind: textOf(row, 'kind'), activity: textOf(row, 'activity'), state };
  const entry: JournalEntry = { kind: 'alert', atMs, body };
  if (state !== 'dead') return [entry];
  const notice = { code: 'alert.dead-letter', subject: sink, detail, timeMs: atMs } as const;
  return [entry, ...(await writeNotices(query, [notice], atMs))];
};

// Of sinks that are no longer configured: nobody will ever take it.
const ORPHANS = `update alert set state = 'dead', settled_ms = $2::bigint, outcome = 'refused',
    detail = 'the sink is no longer configured'
  where state in ('waiting', 'sending') and sink <> all ($1::text[]) and created_ms <= $2::bigint - $3::bigint
  returning ord`;
// It had a day to come back for the end of the case, and nobody asks whether it knows of it any more.
const FORGET = `delete from alert_told t where t.sink <> all ($1::text[]) and not t.closed
  and exists (select 1 from alert a where a.case_id = t.case_id and a.sink = t.sink
    and a.kind = 'finding' and a.activity = 'close' and a.state = 'dead')
  and not exists (select 1 from alert a where a.case_id = t.case_id and a.sink = t.sink
    and a.kind = 'finding' and a.state in ('waiting', 'sending'))`;

const STANDING = `select body, thread, closed from alert_told
  where sink = $1 and not closed and refreshed_ms <= $2 order by refreshed_ms, case_id limit $3`;
const REFRESHED = `update alert_told set refreshed_ms = greatest(refreshed_ms, $3)
  where sink = $1 and case_id = any ($2::text[])`;

/** The alert log over PostgreSQL. Several notifiers may share it. */
export function createAlertLog(db: Database): AlertLog {
  return {
    route: (routing, nowMs) => routeNews(db, routing, nowMs),
    tidy: async (sinks, nowMs) => {
      const orphans = await db.query(ORPHANS, [[...sinks], whole(nowMs), GIVE_UP_AFTER_MS]);
      await db.query(FORGET, [[...sinks]]);
      return orphans.length + (await routeEnds(db, nowMs));
    },
    takeDue: (sink, nowMs, limit, holdMs) => takeDue(db, sink, nowMs, limit, holdMs),
    freeze: async (ord, alert) => {
      return jsonOf<Alert>(onlyRow(await db.query(FREEZE, [ord, storableJson(alert)])), 'body');
    },
    hasten: async (nowMs) => {
      await db.query(HASTEN, [whole(nowMs)]);
    },
    release: async (ords) => {
      await db.query(RELEASE, [[...ords]]);
    },
    settle: (ord, outcome, nowMs) => settle(db, ord, outcome, nowMs),
    standing: async (sink, beforeMs, limit) =>
      (await db.query(STANDING, [sink, whole(beforeMs), limit])).map(toldOf),
    refreshed: async (sink, caseIds, nowMs) => {
      await db.query(REFRESHED, [sink, [...caseIds], whole(nowMs)]);
    },
  };
}
