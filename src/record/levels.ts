/** Evidence levels in PostgreSQL: the last completed hour of each source and agent. */
import { EVIDENCE_LEVELS } from '../model/event.ts';
import type { LevelWindow } from '../model/evidence.ts';
import type { Database, Query } from '../model/ports.ts';
import { numberOf, textOf } from './row.ts';
import { cleanKey, whole } from './text.ts';

const WRITE = `insert into evidence_level (source, tenant, agent, hour_ms, l0, l1, l2, l3)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::bigint[]) as e (source, tenant, agent) order by 1, 2, 3
  on conflict (source, tenant, agent) do update set hour_ms = excluded.hour_ms, l0 = excluded.l0,
    l1 = excluded.l1, l2 = excluded.l2, l3 = excluded.l3
  where evidence_level.hour_ms <= excluded.hour_ms`;

/** Notes hours that were completed; of one pair the latest stays. */
export const writeLevels = async (query: Query, windows: readonly LevelWindow[]): Promise<void> => {
  if (windows.length === 0) return;
  const latest = new Map<string, LevelWindow>();
  for (const window of windows) {
    const key = [window.source, window.tenant, window.agent].map(cleanKey).join('\u0001');
    const known = latest.get(key);
    if (known === undefined || known.hourMs <= window.hourMs) latest.set(key, window);
  }
  const rows = [...latest.values()];
  await query(WRITE, [
    rows.map((row) => cleanKey(row.source)),
    rows.map((row) => cleanKey(row.tenant)),
    rows.map((row) => cleanKey(row.agent)),
    rows.map((row) => whole(row.hourMs)),
    ...EVIDENCE_LEVELS.map((_, at) => rows.map((row) => whole(row.counts[at] ?? 0))),
  ]);
};

/** What a source carries. */
export interface SourceLevels {
  readonly source: string;
  /** Hour it is about: the last that was completed by any of its agents, ms. */
  readonly hourMs: number;
  /** Events of that hour at L0 to L3. */
  readonly counts: readonly number[];
  readonly agents: number;
  /** Agents of that hour whose most frequent level is below the source's, at most ten, most events first. */
  readonly below: readonly { readonly agent: string; readonly counts: readonly number[] }[];
}

const READ = `with latest as (select source, max(hour_ms) as hour_ms from evidence_level group by source)
  select e.source, e.tenant, e.agent, e.hour_ms, e.l0, e.l1, e.l2, e.l3
  from evidence_level e join latest using (source, hour_ms)
  order by e.source, e.l0 + e.l1 + e.l2 + e.l3 desc, e.tenant, e.agent limit $1`;
const ROWS_MAX = 20_000;
const BELOW_MAX = 10;

/** The level most events have; of equally many the higher. 0 to 3. */
export function usualOf(counts: readonly number[]): number {
  return counts.reduce((best, count, at) => (count >= (counts[best] ?? 0) ? at : best), 0);
}

/** Levels of every source in its last completed hour, by name. */
export async function readLevels(db: Database): Promise<readonly SourceLevels[]> {
  const rows = (await db.query(READ, [ROWS_MAX])).map((row) => ({
    source: textOf(row, 'source'),
    agent: textOf(row, 'agent'),
    hourMs: numberOf(row, 'hour_ms'),
    counts: ['l0', 'l1', 'l2', 'l3'].map((name) => numberOf(row, name)),
  }));
  const bySource = Map.groupBy(rows, ({ source }) => source);
  return [...bySource].map(([source, own]): SourceLevels => {
    const counts = EVIDENCE_LEVELS.map((_, at) =>
      own.reduce((sum, row) => sum + (row.counts[at] ?? 0), 0),
    );
    const usual = usualOf(counts);
    const below = own
      .filter((row) => usualOf(row.counts) < usual)
      .slice(0, BELOW_MAX)
      .map(({ agent, counts: few }) => ({ agent, counts: few }));
    return { source, hourMs: own[0]?.hourMs ?? 0, counts, agents: own.length, below };
  });
}
