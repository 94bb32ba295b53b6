/** Decisions as recorded, with what each was judged by and what the journal says of it. */
import type { Decision } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Database, Row } from '../model/ports.ts';
import { jsonOf, numberOf, textOf, textOrNull } from './row.ts';

type Reads = Pick<Database, 'query'>;

/** A decision and all that belongs to it. */
export interface RecordedDecision {
  readonly decision: Decision;
  /** Canonical JSON of what it was judged by; null: none was kept. */
  readonly inputs: string | null;
  /** As decided; null: its row is gone. */
  readonly detection: Detection | null;
}

/** Digests that the journal holds of a decision; null where it holds none (any more). */
export interface JournalledDigests {
  readonly decision: string | null;
  readonly inputs: string | null;
  readonly detection: string | null;
}

const SOME = `select c.id, c.time_ms, c.body, c.inputs, d.body as detection
  from decision c left join detection d on d.id = c.detection_id
  where (c.time_ms, c.id) > ($1, $2) and ($3::text is null or c.id = $3)
    and ($4::text is null or c.case_id = $4)
  order by c.time_ms, c.id limit 200`;

/** Decisions by time, then id; read in batches. */
export async function* recordedDecisions(
  db: Reads,
  filter: { readonly id?: string; readonly caseId?: string; readonly sinceMs?: number },
): AsyncGenerator<RecordedDecision, void> {
  const { id = null, caseId = null, sinceMs = Number.MIN_SAFE_INTEGER } = filter;
  let after: readonly [number, string] = [sinceMs, ''];
  for (;;) {
    const rows = await db.query(SOME, [...after, id, caseId]);
    for (const row of rows) {
      after = [numberOf(row, 'time_ms'), textOf(row, 'id')];
      yield recordedOf(row);
    }
    if (rows.length < 200) return;
  }
}

function recordedOf(row: Row): RecordedDecision {
  return {
    decision: jsonOf<Decision>(row, 'body'),
    inputs: textOrNull(row, 'inputs'),
    detection: row['detection'] === null ? null : jsonOf<Detection>(row, 'detection'),
  };
}

const JOURNALLED = `select kind, body from journal
  where kind in ('decision', 'detection') and at_ms = $1 order by lane, n`;

/** What the journal holds of a decision and its detection: of what was provisional first, the final. */
export async function journalledDigests(
  db: Reads,
  { id, detectionId, timeMs }: Decision,
): Promise<JournalledDigests> {
  let found: JournalledDigests = { decision: null, inputs: null, detection: null };
  for (const row of await db.query(JOURNALLED, [timeMs])) {
    const body = JSON.parse(textOf(row, 'body')) as Readonly<Record<string, unknown>>;
    const isDecision = textOf(row, 'kind') === 'decision';
    if (body['id'] !== (isDecision ? id : detectionId)) continue;
    const digest = String(body['digest']);
    if (!isDecision) found = { ...found, detection: digest };
    else {
      const inputs = body['inputs'] === undefined ? null : String(body['inputs']);
      found = { ...found, decision: digest, inputs };
    }
  }
  return found;
}
