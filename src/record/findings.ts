/** Writes what was found and decided, and says what of it the journal must hold. */
import { hash } from 'node:crypto';
import type { Case, Decision } from '../model/decision.ts';
import type { Amendment, Detection } from '../model/detection.ts';
import type { Effects } from '../model/effects.ts';
import type { Query, Row } from '../model/ports.ts';
import type { JournalEntry } from './journal.ts';
import { textOf } from './row.ts';
import { cleanKey, cleanKeyOrNull, cleanText, storableJson, whole } from './text.ts';

/** The last of each id, ordered by id: one row per key, locks always taken in one order. */
export const byId = <T extends { readonly id: string }>(list: readonly T[]): readonly T[] => {
  const last = new Map(list.map((item) => [cleanKey(item.id), item]));
  return [...last.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
};

/** The column `id` of what a statement returned. */
export const idsOf = (rows: readonly Row[]): ReadonlySet<string> =>
  new Set(rows.map((row) => textOf(row, 'id')));

const DETECTIONS = `insert into detection
  (lane, id, detector, level, evidence_class, maturity, tenant, agent, session, seq, time_ms,
   decided_ms, late, body, exception, blind)
  select $1, id, detector, level, evidence_class, maturity, tenant, agent, session, seq, time_ms,
    decided_ms, late, body, body ->> 'exception', array(select jsonb_array_elements_text(body -> 'blind'))
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::float8[], $11::bigint[], $12::bigint[], $13::boolean[], $14::jsonb[])
    as d (id, detector, level, evidence_class, maturity, tenant, agent, session, seq, time_ms,
      decided_ms, late, body)
  order by id on conflict (id) do update set level = excluded.level, maturity = excluded.maturity,
    seq = excluded.seq, time_ms = excluded.time_ms, decided_ms = excluded.decided_ms,
    late = excluded.late, body = excluded.body, exception = excluded.exception, blind = excluded.blind
  where (detection.body -> 'provisional') is not null and (excluded.body -> 'provisional') is null
  returning id`;

/** Inserts detections that are new, or take the place of a provisional one; journals those, in the order decided. */
export const writeDetections = async (
  query: Query,
  lane: number,
  detections: readonly Detection[],
): Promise<JournalEntry[]> => {
  if (detections.length === 0) return [];
  const list = byId(detections);
  const bodies = list.map((one) => storableJson(one));
  const written = await query(DETECTIONS, [
    lane,
    list.map((one) => cleanKey(one.id)),
    list.map((one) => cleanKey(one.detector)),
    list.map((one) => one.level),
    list.map((one) => one.evidenceClass),
    list.map((one) => one.maturity),
    list.map((one) => cleanKey(one.entity.tenant)),
    list.map((one) => cleanKey(one.entity.agent)),
    list.map((one) => cleanKeyOrNull(one.entity.session)),
    list.map((one) => (Number.isFinite(one.seq) ? one.seq : null)),
    list.map((one) => whole(one.timeMs)),
    list.map((one) => whole(one.decidedMs)),
    list.map((one) => one.late),
    bodies,
  ]);
  const fresh = idsOf(written);
  // In the order decided, which `list` no longer has.
  const digests = new Map(list.map((one, at) => [one.id, hash('sha256', bodies[at] ?? '', 'hex')]));
  return byFirst(detections)
    .filter((one) => fresh.has(cleanKey(one.id)))
    .map((one) => ({
      kind: 'detection',
      atMs: one.decidedMs,
      body: detectionFacts(one, digests.get(one.id) ?? ''),
    }));
};

const byFirst = <T extends { readonly id: string }>(list: readonly T[]): readonly T[] => {
  const seen = new Set<string>();
  return list.filter((item) => !seen.has(item.id) && seen.add(item.id));
};

const detectionFacts = (one: Detection, digest: string): Record<string, unknown> => ({
  id: one.id,
  detector: one.detector,
  version: one.version,
  level: one.level,
  evidenceClass: one.evidenceClass,
  maturity: one.maturity,
  tenant: one.entity.tenant,
  agent: one.entity.agent,
  session: one.entity.session,
  seq: one.seq,
  timeMs: one.timeMs,
  late: one.late,
  blind: one.blind,
  ...(one.exception === undefined ? {} : { exception: one.exception }),
  ...(one.provisional === undefined ? {} : { provisional: true }),
  witnesses: one.witnesses.map((witness) => ({
    eventId: witness.eventId,
    kind: witness.kind,
    position: witness.position,
  })),
  // Of the canonical JSON in the detection's row: ties the row to the chain.
  digest,
});

const BLIND = `update detection set blind = blind || a.source
  from (select distinct tenant, session, source
    from unnest($1::text[], $2::text[], $3::text[]) as a (tenant, session, source)) a
  where detection.session = a.session and detection.tenant = a.tenant
    and not (a.source = any (detection.blind))`;
const RETRACT = `update detection set retracted = true, retracted_reason = a.reason
  from unnest($1::text[], $2::text[]) as a (id, reason)
  where detection.id = a.id and not detection.retracted`;

/** Marks detections as blind or retracted; the body as decided stays as it was. */
export const writeAmendments = async (
  query: Query,
  amendments: readonly Amendment[],
  atMs: number,
): Promise<JournalEntry[]> => {
  // One statement a source: an UPDATE … FROM changes a row once, whatever else would match it.
  const blind = amendments.filter((one) => one.type === 'blind');
  for (const source of new Set(blind.map((one) => one.source))) {
    const list = blind.filter((one) => one.source === source);
    await query(BLIND, [
      list.map((one) => cleanKey(one.tenant)),
      list.map((one) => cleanKey(one.session)),
      list.map((one) => one.source),
    ]);
  }
  const retracted = amendments.filter((one) => one.type === 'retracted');
  if (retracted.length > 0) {
    await query(RETRACT, [
      retracted.map((one) => cleanKey(one.detectionId)),
      retracted.map((one) => cleanText(one.reason, 1024)),
    ]);
  }
  return amendments.map((one) => ({ kind: 'amendment', atMs, body: { ...one } }));
};

const CASES = `insert into case_record
  (lane, id, level, tenant, agent, session, opened_ms, last_ms, detection_count, body, state,
   folded_into)
  select $1, *, body ->> 'state', body ->> 'foldedInto'
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::jsonb[])
    as c (id, level, tenant, agent, session, opened_ms, last_ms, detection_count, body)
  on conflict (id) do update set level = excluded.level, opened_ms = excluded.opened_ms,
    last_ms = excluded.last_ms, detection_count = excluded.detection_count, body = excluded.body,
    state = excluded.state, folded_into = excluded.folded_into`;

/** Inserts cases, or replaces what is there. */
export const writeCases = async (
  query: Query,
  lane: number,
  cases: readonly Case[],
): Promise<void> => {
  if (cases.length === 0) return;
  const list = byId(cases);
  await query(CASES, [
    lane,
    list.map((one) => cleanKey(one.id)),
    list.map((one) => one.level),
    list.map((one) => cleanKey(one.entity.tenant)),
    list.map((one) => cleanKey(one.entity.agent)),
    list.map((one) => cleanKeyOrNull(one.entity.session)),
    list.map((one) => whole(one.openedMs)),
    list.map((one) => whole(one.lastMs)),
    list.map((one) => whole(one.count)),
    list.map((one) => storableJson(one)),
  ]);
};

const DECISIONS = `insert into decision
  (lane, id, case_id, detection_id, tenant, agent, asked, taken, outcome, would_act, time_ms,
   lease_id, body, inputs)
  select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::boolean[], $11::bigint[], $12::text[], $13::jsonb[], $14::text[])
  on conflict (id) do update set case_id = excluded.case_id, asked = excluded.asked,
    taken = excluded.taken, outcome = excluded.outcome, would_act = excluded.would_act,
    time_ms = excluded.time_ms, lease_id = excluded.lease_id, body = excluded.body,
    inputs = excluded.inputs
  where (decision.body -> 'provisional') is not null and (excluded.body -> 'provisional') is null
  returning id`;

/** Inserts decisions that are new, or take the place of a provisional one; journals those, in the order decided. */
export const writeDecisions = async (
  query: Query,
  lane: number,
  { decisions, decisionInputs }: Pick<Effects, 'decisions' | 'decisionInputs'>,
): Promise<JournalEntry[]> => {
  if (decisions.length === 0) return [];
  const inputs = new Map(
    decisionInputs.map((one) => [one.decisionId, storableJson(one.inputs)] as const),
  );
  const list = byId(decisions);
  const bodies = list.map((one) => storableJson(one));
  const written = await query(DECISIONS, [
    lane,
    list.map((one) => cleanKey(one.id)),
    list.map((one) => cleanKey(one.caseId)),
    list.map((one) => cleanKey(one.detectionId)),
    list.map((one) => cleanKey(one.entity.tenant)),
    list.map((one) => cleanKey(one.entity.agent)),
    list.map((one) => one.asked),
    list.map((one) => one.taken),
    list.map((one) => one.outcome),
    list.map((one) => one.wouldAct),
    list.map((one) => whole(one.timeMs)),
    list.map((one) => cleanKeyOrNull(one.leaseId)),
    bodies,
    list.map((one) => inputs.get(one.id) ?? null),
  ]);
  const fresh = idsOf(written);
  const digests = new Map(list.map((one, at) => [one.id, hash('sha256', bodies[at] ?? '', 'hex')]));
  return byFirst(decisions)
    .filter((one) => fresh.has(cleanKey(one.id)))
    .map((one) => {
      const kept = inputs.get(one.id);
      const facts = decisionFacts(one, digests);
      const judgedBy = kept === undefined ? {} : { inputs: hash('sha256', kept, 'hex') };
      return { kind: 'decision', atMs: one.timeMs, body: { ...facts, ...judgedBy } };
    });
};

const decisionFacts = (
  one: Decision,
  digests: ReadonlyMap<string, string>,
): Record<string, unknown> => ({
  id: one.id,
  caseId: one.caseId,
  detectionId: one.detectionId,
  tenant: one.entity.tenant,
  agent: one.entity.agent,
  session: one.entity.session,
  asked: one.asked,
  taken: one.taken,
  outcome: one.outcome,
  mode: one.mode,
  maturity: one.maturity,
  evidenceClass: one.evidenceClass,
  wouldAct: one.wouldAct,
  guardrails: one.guardrails.map(({ check, passed }) => ({ check, passed })),
  falsification: one.falsification.map(({ explanation, verdict }) => ({ explanation, verdict })),
  leaseId: one.leaseId,
  ...(one.provisional === undefined ? {} : { provisional: true }),
  digest: digests.get(one.id) ?? '',
});
