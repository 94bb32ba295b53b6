/** What a run found, decided and intended, whoever did it and in which lane. */
import type { Database } from '../../../src/model/ports.ts';
import { verifyJournal } from '../../../src/record/journal.ts';
import type { Rows } from '../crash/outcome.ts';

// `lane` says where, `recorded_at` when by the wall clock; everything else must be the same.
const QUERIES: Readonly<Record<string, string>> = {
  detections: `select id, (to_jsonb(d) - 'recorded_at' - 'lane')::text as line from detection d`,
  // What live units earned a detector is read at each start: more starts have read more of them.
  decisions: `select id, (to_jsonb(d) - 'inputs' - 'inputs_hash' - 'lane')::text || ' ' ||
    (coalesce(d.inputs::jsonb, '{}'::jsonb) - 'earned')::text as line from decision d`,
  cases: `select id, (to_jsonb(c) - 'lane')::text as line from case_record c`,
  intentions: `select key as id, concat_ws(' ', step, lease_id, case
    when intention->>'cause' = 'expired' then intention - 'issuedMs' else intention end) as line
    from outbox`,
  leases: `select id, concat_ws(' ', verb, tenant, agent, session, tools, issued_ms, expires_ms)
    as line from lease`,
  coverage: `select id, (to_jsonb(g) - 'lane')::text as line from coverage_gap g`,
  announcements: `select id, (to_jsonb(a) - 'lane')::text as line from announcement a`,
  members: `select case_id || ' ' || detection_id as id, '' as line from case_member`,
  chains: `select case_id as id, body::text as line from case_chain`,
  agents: `select id, (to_jsonb(a) - 'ord' - 'lane')::text as line from agent_change a`,
  sessions: `select key as id, to_jsonb(s)::text as line from agent_session s`,
  units: `select role as id, units::text as line from role_units`,
};

/** Reads it. Rejects where the chain of any lane's journal is broken. */
export async function readMembersOutcome(db: Database): Promise<Readonly<Record<string, Rows>>> {
  const outcome: Record<string, Rows> = {};
  for (const [name, sql] of Object.entries(QUERIES)) {
    const rows = await db.query(sql);
    outcome[name] = Object.fromEntries(rows.map((row) => [String(row['id']), String(row['line'])]));
  }
  for (const row of await db.query('select lane from journal_head order by lane')) {
    const lane = Number(row['lane']);
    const verdict = await verifyJournal(db, lane);
    if (!verdict.ok) throw new Error(`lane ${lane}: broken at ${verdict.brokenAt}: ${verdict.why}`);
  }
  return outcome;
}
