/** Writes intentions: the leases they make or move, and the outbox rows the executor sends. */
import type { Intention, LeaseState } from '../model/decision.ts';
import type { Query } from '../model/ports.ts';
import { VERB_NEEDS } from '../model/power.ts';
import { writeApprovals } from './approvals.ts';
import type { JournalEntry } from './journal.ts';
import { sayUnsent } from './operator.ts';
import { textOf } from './row.ts';
import { cleanKey, cleanKeyOrNull, cleanText, storableJson, whole, wholeOrNull } from './text.ts';

const NEW_LEASES = `insert into lease
  (lane, id, case_id, decision_id, driver, verb, tenant, agent, session, level, mode, reason,
   issued_ms, expires_ms, request, role, evidence_ms, state, tools)
  select $1, id, case_id, decision_id, driver, verb, tenant, agent, session, level, mode, reason,
    issued_ms, expires_ms, request, request -> 'grounds' ->> 'role',
    (request ->> 'evidenceMs')::bigint,
    case when jsonb_typeof(request -> 'approval') = 'object' then 'awaiting' else 'requested' end,
    array(select jsonb_array_elements_text(request -> 'subject' -> 'tools'))
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::jsonb[])
    as l (id, case_id, decision_id, driver, verb, tenant, agent, session, level, mode, reason,
      issued_ms, expires_ms, request)
  order by id on conflict (id) do nothing`;

const writeLeases = async (
  query: Query,
  lane: number,
  requests: readonly Intention[],
): Promise<void> => {
  if (requests.length === 0) return;
  await query(NEW_LEASES, [
    lane,
    requests.map((one) => cleanKey(one.leaseId)),
    requests.map((one) => cleanKey(one.caseId)),
    requests.map((one) => cleanKey(one.decisionId)),
    requests.map((one) => cleanKey(one.driver)),
    requests.map((one) => one.verb),
    requests.map((one) => cleanKey(one.subject.tenant)),
    requests.map((one) => cleanKey(one.subject.agent)),
    requests.map((one) => cleanKeyOrNull(one.subject.session)),
    requests.map((one) => one.level),
    requests.map((one) => one.mode),
    requests.map((one) => cleanText(one.reason, 1024)),
    requests.map((one) => whole(one.issuedMs)),
    requests.map((one) => wholeOrNull(one.expiresMs)),
    requests.map((one) => storableJson(one)),
  ]);
};

const LOCK_LEASES = `select id, state from lease where id = any ($1::text[]) order by id for update`;
const NEW_OUTBOX = `insert into outbox (lane, key, lease_id, step, state, outcome, intention)
  select $1, key, lease_id, step, state, case when state = 'done' then 'superseded' end, intention
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
    with ordinality as o (key, lease_id, step, state, intention, at)
  order by at on conflict (key) do nothing returning key`;
const EXTEND = `update lease set expires_ms = greatest(lease.expires_ms, r.expires_ms)
  from (select id, max(expires_ms) as expires_ms
    from unnest($1::text[], $2::bigint[]) as r (id, expires_ms) group by id) r
  where lease.id = r.id and lease.expires_ms is not null`;
// Nobody had agreed yet: there is nothing to take back.
const DROP_AWAITING = `with gone as (
    update lease set state = 'lapsed' where id = any ($1::text[]) and state = 'awaiting' returning id),
  unasked as (update approval set state = 'withdrawn' from gone where lease_id = gone.id)
  update outbox set state = 'done', outcome = 'lapsed' from gone
  where lease_id = gone.id and outbox.state = 'awaiting'`;
// What is final and has certainly not been done is not done any more; what is being sent goes on.
const DROP_UNSENT = `with gone as (
    update outbox set state = 'done', outcome = 'lapsed' where lease_id = any ($1::text[])
      and step = 'request' and state = 'waiting' and not unsure returning lease_id)
  update lease set state = 'lapsed' from gone where lease.id = gone.lease_id`;
const RELEASING = `update lease set state = 'releasing', cause = r.cause
  from unnest($1::text[], $2::text[]) as r (id, cause) where lease.id = r.id`;
// A renewal that was not sent yet has lost its meaning.
const DROP_RENEWALS = `update outbox set state = 'done', outcome = 'superseded'
  where lease_id = any ($1::text[]) and step = 'renew' and state = 'waiting' and attempts = 0`;

/** States in which a lease stands, or may stand, at the target. */
const STANDING: ReadonlySet<LeaseState> = new Set(['requested', 'accepted']);
/** A failed lease may stand as well: nobody knows. Its release is worth sending. */
const RELEASABLE: ReadonlySet<LeaseState> = new Set([...STANDING, 'releasing', 'failed']);
const isFinal = ({ verb }: Intention): boolean => !VERB_NEEDS[verb].reversible;

/**
 * What is to be sent of a list of intentions for leases in these states: a renewal of a lease that is
 * over, or a release of one that ended by itself or cannot be undone, is recorded and not sent.
 */
const worthSending = (
  intentions: readonly Intention[],
  states: ReadonlyMap<string, LeaseState>,
): ReadonlySet<string> => {
  const now = new Map(states);
  const send = new Set<string>();
  for (const one of intentions) {
    const { key, leaseId, step } = one;
    const state = now.get(cleanKey(leaseId));
    if (state === undefined) continue;
    if (step === 'request' && (state === 'requested' || state === 'awaiting')) send.add(key);
    if (step === 'renew' && STANDING.has(state)) send.add(key);
    if (step === 'release' && RELEASABLE.has(state) && !isFinal(one)) {
      send.add(key);
      now.set(cleanKey(leaseId), 'releasing');
    }
  }
  return send;
};

const applyToLeases = async (query: Query, sent: readonly Intention[]): Promise<void> => {
  const renewals = sent.filter((one) => one.step === 'renew');
  if (renewals.length > 0) {
    const ids = renewals.map((one) => cleanKey(one.leaseId));
    await query(EXTEND, [ids, renewals.map((one) => wholeOrNull(one.expiresMs))]);
  }
  const causes = new Map<string, string>();
  for (const { step, leaseId, cause } of sent) {
    const id = cleanKey(leaseId);
    if (step === 'release' && !causes.has(id)) causes.set(id, cleanText(cause ?? 'expired', 256));
  }
  if (causes.size > 0) {
    await query(RELEASING, [[...causes.keys()], [...causes.values()]]);
    await query(DROP_RENEWALS, [[...causes.keys()]]);
  }
};

const intentionFacts = (one: Intention, sent: boolean): Record<string, unknown> => ({
  key: one.key,
  step: one.step,
  leaseId: one.leaseId,
  caseId: one.caseId,
  decisionId: one.decisionId,
  driver: one.driver,
  verb: one.verb,
  subject: one.subject,
  mode: one.mode,
  expiresMs: one.expiresMs,
  cause: one.cause,
  sent,
});

/** People are asked first; the rest goes out at once, or never. */
const stateOf = ({ key, step, approval }: Intention, send: ReadonlySet<string>): string => {
  if (!send.has(key)) return 'done';
  return step === 'request' && approval !== null ? 'awaiting' : 'waiting';
};

/**
 * Records intentions in the order given, within the caller's transaction, and returns their journal
 * entries. A key that is there already is left alone. Leases are locked before outbox rows, as
 * everywhere in this folder: lock order is deadlock order.
 */
export async function writeIntentions(
  query: Query,
  lane: number,
  intentions: readonly Intention[],
): Promise<JournalEntry[]> {
  if (intentions.length === 0) return [];
  const requests = new Map<string, Intention>();
  for (const one of intentions) {
    if (one.step === 'request' && !requests.has(one.leaseId)) requests.set(one.leaseId, one);
  }
  await writeLeases(query, lane, [...requests.values()]);
  await writeApprovals(query, lane, [...requests.values()]);
  const ends = intentions.filter(({ step }) => step === 'release');
  if (ends.length > 0) await query(DROP_AWAITING, [ends.map(({ leaseId }) => cleanKey(leaseId))]);
  const locked = await query(LOCK_LEASES, [intentions.map((one) => cleanKey(one.leaseId))]);
  const states = new Map(
    locked.map((row) => [textOf(row, 'id'), textOf(row, 'state') as LeaseState]),
  );
  const list = [...new Map(intentions.map((one) => [one.key, one])).values()];
  const send = worthSending(list, states);
  const rows = await query(NEW_OUTBOX, [
    lane,
    list.map((one) => cleanKey(one.key)),
    list.map((one) => cleanKey(one.leaseId)),
    list.map((one) => one.step),
    list.map((one) => stateOf(one, send)),
    list.map((one) => storableJson(one)),
  ]);
  const final = ends.filter(isFinal);
  if (final.length > 0) await query(DROP_UNSENT, [final.map(({ leaseId }) => cleanKey(leaseId))]);
  const fresh = new Set(rows.map((row) => textOf(row, 'key')));
  const written = list.filter((one) => fresh.has(cleanKey(one.key)));
  await applyToLeases(
    query,
    written.filter((one) => send.has(one.key)),
  );
  // By the clock it was over when it was renewed by event time, which lies behind.
  const renewedInVain = written.filter(
    ({ key, step, leaseId }) =>
      step === 'renew' && !send.has(key) && states.get(cleanKey(leaseId)) !== 'awaiting',
  );
  for (const { leaseId, issuedMs } of renewedInVain)
    await sayUnsent(query, [leaseId], 'it was over when it was renewed', issuedMs);
  return written.map((one) => ({
    kind: 'intention',
    atMs: one.issuedMs,
    body: intentionFacts(one, send.has(one.key)),
  }));
}
