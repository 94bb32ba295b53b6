/** Everything a run leaves behind that must not depend on crashes, as comparable data. */
import type { ControlPlaneState } from '../../../examples/control-plane/leases.ts';
import type { Database } from '../../../src/model/ports.ts';
import { verifyJournal } from '../../../src/record/journal.ts';

/** Rows by id, each as one line of text. */
export type Rows = Readonly<Record<string, string>>;

/** What one run found, decided, did and kept of itself. */
export interface Outcome {
  readonly detections: Rows;
  readonly decisions: Rows;
  readonly cases: Rows;
  readonly intentions: Rows;
  readonly leases: Rows;
  readonly coverage: Rows;
  readonly activity: Rows;
  readonly notices: Rows;
  /** Journal entries by kind, without kinds whose number depends on retries and on slicing. */
  readonly journal: Rows;
  /** What governance said of agents, and sessions it opened and closed. */
  readonly agents: Rows;
  readonly sessions: Rows;
  readonly counters: Rows;
}

// Bodies are compared whole: `to_jsonb` of the row without what the wall clock wrote.
const QUERIES: Readonly<Record<keyof Outcome, string>> = {
  detections: `select id, (to_jsonb(d) - 'recorded_at')::text as line from detection d`,
  // What live units earned a detector is read at each start: more starts have read more of them.
  decisions: `select id, (to_jsonb(d) - 'inputs' - 'inputs_hash')::text || ' ' ||
    (coalesce(d.inputs::jsonb, '{}'::jsonb) - 'earned')::text as line from decision d`,
  cases: `select id, to_jsonb(c)::text as line from case_record c`,
  // A release that expiry writes bears the executor's time, which is not the same in two runs.
  intentions: `select key as id, concat_ws(' ', step, lease_id, state, case
    when intention->>'cause' = 'expired' then intention - 'issuedMs' else intention end) as line
    from outbox`,
  leases: `select id, concat_ws(' ', verb, agent, session, tools, state, issued_ms, expires_ms,
    cause) as line from lease`,
  coverage: `select id, to_jsonb(g)::text as line from coverage_gap g`,
  activity: `select lease_id || ' ' || event_id as id, concat_ws(' ', time_ms, allowed, tool) as line
    from lease_activity`,
  notices: `select code as id, count::text as line from notice_total`,
  journal: `select kind as id, count(*)::text as line from journal
    where kind not in ('outcome', 'verification', 'notice', 'agent') group by kind`,
  agents: `select id, (to_jsonb(a) - 'ord')::text as line from agent_change a`,
  sessions: `select key as id, to_jsonb(s)::text as line from agent_session s`,
  counters: `select c.key as id, c.value::text as line
    from lane, jsonb_each_text(lane.counters) c`,
};

/** Reads it. Rejects where the journal's chain is broken. */
export async function readOutcome(db: Database): Promise<Outcome> {
  const outcome: Record<string, Rows> = {};
  for (const [name, sql] of Object.entries(QUERIES)) {
    const rows = await db.query(sql);
    outcome[name] = Object.fromEntries(rows.map((row) => [String(row['id']), String(row['line'])]));
  }
  const verdict = await verifyJournal(db, 0);
  if (!verdict.ok) throw new Error(`the journal is broken at ${verdict.brokenAt}: ${verdict.why}`);
  return outcome as unknown as Outcome;
}

/** What the control plane holds, without how often it was asked. */
export function planeRows(state: ControlPlaneState): Rows {
  return Object.fromEntries(
    state.leases.map((lease) => [lease.leaseId, JSON.stringify({ ...lease })]),
  );
}

/** Every difference of one kind, in words, at most `most` of them. */
export function differences(
  what: string,
  expected: Rows,
  actual: Rows,
  most = 5,
): readonly string[] {
  const found: string[] = [];
  for (const [id, line] of Object.entries(expected)) {
    const now = actual[id];
    if (now === undefined) found.push(cut(`${what} lost: ${id} ${line}`));
    else if (now !== line) found.push(`${what} ${id} differs: ${whereDiffer(line, now)}`);
  }
  for (const [id, line] of Object.entries(actual)) {
    if (expected[id] === undefined) found.push(cut(`${what} too many: ${id} ${line}`));
  }
  const rest = found.length - most;
  return rest > 0 ? [...found.slice(0, most), `… and ${rest} more differences of ${what}`] : found;
}

const SHOWN = 240;

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** The first place where two lines differ, with what surrounds it. */
function whereDiffer(expected: string, actual: string): string {
  let at = 0;
  while (expected[at] === actual[at]) at += 1;
  const from = Math.max(0, at - SHOWN / 4);
  const part = (line: string) => line.slice(from, from + SHOWN / 2);
  return `expected …${part(expected)}…, is …${part(actual)}…`;
}
