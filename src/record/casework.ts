/** Writes casework: members, announcements, chains, verdicts, demotions; live units apart. */
import type { CausalChain } from '../model/chain.ts';
import type { Announcement, Demotion, Verdict } from '../model/decision.ts';
import type { Effects } from '../model/effects.ts';
import type { Query } from '../model/ports.ts';
import { byId, idsOf } from './findings.ts';
import type { JournalEntry } from './journal.ts';
import { numberOf } from './row.ts';
import { cleanKey, cleanKeyOrNull, cleanText, storableJson, whole } from './text.ts';

const MEMBERS = `insert into case_member (case_id, detection_id)
  select distinct * from unnest($1::text[], $2::text[]) as m (case_id, detection_id) order by 1, 2
  on conflict do nothing`;

const writeMembers = async (query: Query, members: Effects['members']): Promise<void> => {
  if (members.length === 0) return;
  await query(MEMBERS, [
    members.map((one) => cleanKey(one.caseId)),
    members.map((one) => cleanKey(one.detectionId)),
  ]);
};

const ANNOUNCEMENTS = `insert into announcement
  (lane, id, case_id, why, level, detector, time_ms, body)
  select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::bigint[], $8::jsonb[])
  on conflict (id) do nothing returning id`;

const writeAnnouncements = async (
  query: Query,
  lane: number,
  announcements: readonly Announcement[],
): Promise<JournalEntry[]> => {
  if (announcements.length === 0) return [];
  const list = byId(announcements);
  const written = await query(ANNOUNCEMENTS, [
    lane,
    list.map((one) => cleanKey(one.id)),
    list.map((one) => cleanKey(one.caseId)),
    list.map((one) => one.why),
    list.map((one) => one.level),
    list.map((one) => cleanKeyOrNull(one.detector)),
    list.map((one) => whole(one.timeMs)),
    list.map((one) => storableJson(one)),
  ]);
  const fresh = idsOf(written);
  return announcements
    .filter((one) => fresh.has(cleanKey(one.id)))
    .map(({ id, caseId, why, level, detector, timeMs }) => ({
      kind: 'announcement',
      atMs: timeMs,
      body: { id, caseId, why, level, detector },
    }));
};

const CHAINS = `insert into case_chain (case_id, body)
  select * from unnest($1::text[], $2::jsonb[])
  on conflict (case_id) do update set body = excluded.body`;

const writeChains = async (query: Query, chains: readonly CausalChain[]): Promise<void> => {
  if (chains.length === 0) return;
  const list = byId(chains.map((chain) => ({ id: chain.caseId, chain })));
  await query(CHAINS, [
    list.map((one) => cleanKey(one.id)),
    list.map((one) => storableJson(one.chain)),
  ]);
};

// The same word of the same analyst again adds nothing; another word is added, and counts from now on.
const VERDICTS = `insert into verdict (detection_id, detector, version, verdict, analyst, note, at_ms)
  select v.* from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
      $7::bigint[]) as v (detection_id, detector, version, verdict, analyst, note, at_ms)
  where v.verdict is distinct from (select c.verdict from verdict_current c
    where c.detection_id = v.detection_id and c.analyst = v.analyst)
  returning detection_id as id, ord`;

const writeVerdicts = async (
  query: Query,
  verdicts: readonly Verdict[],
  atMs: number,
): Promise<JournalEntry[]> => {
  const entries: JournalEntry[] = [];
  // One round per word: within one statement the second word on a detection would not see the first.
  for (const list of rounds(verdicts)) {
    const written = await query(VERDICTS, [
      list.map((one) => cleanKey(one.detectionId)),
      list.map((one) => cleanKey(one.detector)),
      list.map((one) => cleanKey(one.version)),
      list.map((one) => one.verdict),
      list.map((one) => cleanKey(one.by)),
      list.map((one) => cleanText(one.note, 2000)),
      list.map((one) => whole(one.atMs)),
    ]);
    const fresh = idsOf(written);
    for (const one of list)
      if (fresh.has(cleanKey(one.detectionId)))
        entries.push({ kind: 'verdict', atMs, body: { ...one, note: cleanText(one.note, 2000) } });
  }
  return entries;
};

/** Lists in each of which no detection stands twice, in the order given. */
function rounds(verdicts: readonly Verdict[]): Verdict[][] {
  const lists: Verdict[][] = [];
  const times = new Map<string, number>();
  for (const one of verdicts) {
    const round = times.get(one.detectionId) ?? 0;
    times.set(one.detectionId, round + 1);
    const list = lists[round];
    if (list === undefined) lists.push([one]);
    else list.push(one);
  }
  return lists;
}

const DEMOTION = `insert into demotion
  (detector, version, stands, detection_id, by_whom, reason, time_ms)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (detector, version) do update set stands = excluded.stands,
    detection_id = excluded.detection_id, by_whom = excluded.by_whom, reason = excluded.reason,
    time_ms = excluded.time_ms`;

const writeDemotions = async (
  query: Query,
  demotions: readonly Demotion[],
): Promise<JournalEntry[]> => {
  for (const one of demotions)
    await query(DEMOTION, [
      cleanKey(one.detector),
      cleanKey(one.version),
      one.stands,
      cleanKeyOrNull(one.detectionId),
      cleanKey(one.by),
      cleanText(one.reason, 2000),
      whole(one.timeMs),
    ]);
  return demotions.map((one) => ({ kind: 'demotion', atMs: one.timeMs, body: { ...one } }));
};

const UNITS = `insert into role_units (role, units)
  select role, sum(units)::bigint from unnest($1::text[], $2::bigint[]) as u (role, units)
  group by role order by role
  on conflict (role) do update set units = role_units.units + excluded.units`;

/**
 * Adds units to those of their roles. Roles are those of every lane: whoever adds to one after us waits until
 * our transaction is over, so this comes last in it.
 */
export const writeUnits = async (query: Query, units: Effects['closedUnits']): Promise<void> => {
  if (units.length === 0) return;
  await query(UNITS, [
    units.map((one) => cleanKey(one.role)),
    units.map((one) => whole(one.units)),
  ]);
};

/** Writes it all but units within the caller's transaction, and returns what is to be journalled. */
export async function writeCasework(
  query: Query,
  lane: number,
  effects: Effects,
  atMs: number,
): Promise<JournalEntry[]> {
  await writeMembers(query, effects.members);
  const entries = await writeAnnouncements(query, lane, effects.announcements);
  await writeChains(query, effects.chains);
  entries.push(...(await writeVerdicts(query, effects.verdicts, atMs)));
  entries.push(...(await writeDemotions(query, effects.demotions)));
  return entries;
}

const BEGIN = `insert into detector_live (detector, version, since_ms, units_before)
  select d.detector, d.version, $3, u.units
  from unnest($1::text[], $2::text[]) as d (detector, version), (select coalesce(jsonb_object_agg(role, units), '{}') as units from role_units) u
  on conflict (detector, version) do nothing`;

/** Notes from when on live units count for the versions that run now; the first time stays. */
export async function beginVersions(
  query: Query,
  detectors: readonly { readonly stem: string; readonly version: string }[],
  nowMs: number,
): Promise<void> {
  await query(BEGIN, [
    detectors.map((one) => cleanKey(one.stem)),
    detectors.map((one) => cleanKey(one.version)),
    whole(nowMs),
  ]);
}

/** How many live units each version has seen of each role, and in how many of them it was not right. */
export interface LiveUnits {
  readonly detector: string;
  readonly version: string;
  readonly role: string;
  readonly units: number;
  readonly falseAlarms: number;
}

// Nobody said it was right: until somebody does, a firing counts as a false alarm. Units are those of all
// tenants, and each gives its own names to its sessions.
const LIVE = `select l.detector, l.version, u.role,
    u.units - coalesce((l.units_before ->> u.role)::bigint, 0) as units,
    (select count(distinct (d.tenant, coalesce(d.session, d.agent))) from detection d
      where d.detector = l.detector and d.body ->> 'version' = l.version
        and d.body -> 'entity' ->> 'role' = u.role and not d.retracted and d.exception is null
        and not exists (select 1 from verdict_current v where v.detection_id = d.id
          and v.verdict in ('true_positive', 'benign_true_positive'))) as wrong
  from detector_live l cross join role_units u
  where (l.detector, l.version) in (select * from unnest($1::text[], $2::text[]))
  order by 1, 2, 3`;

/** Live units of the versions that run now. */
export async function liveUnits(
  query: Query,
  detectors: readonly { readonly stem: string; readonly version: string }[],
): Promise<readonly LiveUnits[]> {
  const rows = await query(LIVE, [
    detectors.map((one) => cleanKey(one.stem)),
    detectors.map((one) => cleanKey(one.version)),
  ]);
  return rows.map((row) => ({
    detector: String(row['detector']),
    version: String(row['version']),
    role: String(row['role']),
    units: numberOf(row, 'units'),
    falseAlarms: numberOf(row, 'wrong'),
  }));
}
