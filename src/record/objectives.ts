/** Service levels in PostgreSQL: added in the lane's transaction, read for people. */
import { idOf } from '../model/ids.ts';
import type { ObjectiveCount, UsageCount } from '../model/objective.ts';
import type { Database, Query, Row } from '../model/ports.ts';
import { numberOf, textOf } from './row.ts';
import { cleanKey, whole } from './text.ts';

const OBJECTIVES = `insert into objective_hour (objective, tenant, hour_ms, good, bad)
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
    as o (objective, tenant, hour_ms) order by 1, 2, 3
  on conflict (objective, tenant, hour_ms) do update set
    good = objective_hour.good + excluded.good, bad = objective_hour.bad + excluded.bad`;

/** Adds what objectives counted. */
export const writeObjectiveCounts = async (
  query: Query,
  counts: readonly ObjectiveCount[],
): Promise<void> => {
  if (counts.length === 0) return;
  await query(OBJECTIVES, [
    counts.map((one) => cleanKey(one.objective)),
    counts.map((one) => cleanKey(one.tenant)),
    counts.map((one) => whole(one.hourMs)),
    counts.map((one) => whole(one.good)),
    counts.map((one) => whole(one.bad)),
  ]);
};

const USAGE = `insert into usage_day (id, day_ms, tenant, agent, role, workflow, model, sessions, turns,
    refusals, calls, failures, denials, tokens, cost)
  select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
    $13::bigint[], $14::float8[], $15::float8[]) as u (id) order by 1
  on conflict (id) do update set sessions = usage_day.sessions + excluded.sessions,
    turns = usage_day.turns + excluded.turns, refusals = usage_day.refusals + excluded.refusals,
    calls = usage_day.calls + excluded.calls, failures = usage_day.failures + excluded.failures,
    denials = usage_day.denials + excluded.denials, tokens = usage_day.tokens + excluded.tokens,
    cost = usage_day.cost + excluded.cost`;

/** Adds what agents used. Rows whose names become equal when bounded are added up first. */
export const writeUsage = async (query: Query, rows: readonly UsageCount[]): Promise<void> => {
  if (rows.length === 0) return;
  const list = joined(rows);
  const column = (name: keyof UsageCount) => list.map(({ row }) => row[name]);
  await query(USAGE, [
    list.map(({ id }) => id),
    column('dayMs'),
    ...(['tenant', 'agent', 'role', 'workflow', 'model'] as const).map(column),
    ...(['sessions', 'turns', 'refusals', 'calls', 'failures', 'denials'] as const).map(column),
    ...(['tokens', 'cost'] as const).map(column),
  ]);
};

const NAMES = ['tenant', 'agent', 'role', 'workflow', 'model'] as const;
const SUMS = [
  ...(['sessions', 'turns', 'refusals', 'calls'] as const),
  ...(['failures', 'denials', 'tokens', 'cost'] as const),
] as const;

function joined(rows: readonly UsageCount[]): readonly { id: string; row: UsageCount }[] {
  const byId = new Map<string, UsageCount>();
  for (const given of rows) {
    const names = Object.fromEntries(NAMES.map((name) => [name, cleanKey(given[name])]));
    const row = { ...given, ...names, ...boundedSums(given), dayMs: whole(given.dayMs) };
    const id = idOf('usage', String(row.dayMs), ...NAMES.map((name) => row[name]));
    const before = byId.get(id);
    const summed = before === undefined ? {} : sumOf(before, row);
    byId.set(id, { ...row, ...summed });
  }
  return [...byId].map(([id, row]) => ({ id, row }));
}

/** The database refuses a sum of doubles that overflows: no step comes near, and none is not a number. */
const STEP_MAX = 1e24;

function boundedSums({ tokens, cost }: UsageCount): Pick<UsageCount, 'tokens' | 'cost'> {
  const bounded = (value: number) =>
    Number.isNaN(value) ? 0 : Math.max(-STEP_MAX, Math.min(STEP_MAX, value));
  return { tokens: bounded(tokens), cost: bounded(cost) };
}

function sumOf(a: UsageCount, b: UsageCount): Partial<UsageCount> {
  return Object.fromEntries(SUMS.map((name) => [name, a[name] + b[name]]));
}

type Reads = Pick<Database, 'query'>;

/** What an objective counted. */
export interface ObjectiveSum {
  readonly objective: string;
  readonly tenant: string;
  readonly good: number;
  readonly bad: number;
}

/** Sums of every objective from a time on, by name and tenant. */
export async function sumObjectives(db: Reads, sinceMs: number): Promise<readonly ObjectiveSum[]> {
  const rows = await db.query(
    `select objective, tenant, sum(good)::float8 as good, sum(bad)::float8 as bad
      from objective_hour where hour_ms >= $1 group by 1, 2 order by 1, 2`,
    [sinceMs],
  );
  return rows.map((row) => ({
    objective: textOf(row, 'objective'),
    tenant: textOf(row, 'tenant'),
    good: numberOf(row, 'good'),
    bad: numberOf(row, 'bad'),
  }));
}

/** Time of the newest hour any objective counted, ms; null where nothing was counted. */
export async function newestHour(db: Reads): Promise<number | null> {
  const [row] = await db.query('select max(hour_ms)::float8 as newest from objective_hour');
  return row === undefined || row['newest'] === null ? null : numberOf(row, 'newest');
}

/** What people may group usage by. */
export const USAGE_KEYS = ['agent', 'role', 'workflow', 'model', 'tenant', 'day'] as const;
/** One of USAGE_KEYS. */
export type UsageKey = (typeof USAGE_KEYS)[number];

/** Usage of one group. */
export interface UsageSum {
  readonly key: string;
  readonly agents: number;
  readonly sessions: number;
  readonly turns: number;
  readonly refusals: number;
  readonly calls: number;
  readonly failures: number;
  readonly denials: number;
  readonly tokens: number;
  readonly cost: number;
}

// One statement for every grouping: column names are never put together from words of a user.
const USAGE_SUM = `select case $1::text when 'agent' then agent when 'role' then role
      when 'workflow' then workflow when 'model' then model when 'tenant' then tenant
      else day_ms::text end as key,
    count(distinct (tenant, agent))::float8 as agents, sum(sessions)::float8 as sessions,
    sum(turns)::float8 as turns, sum(refusals)::float8 as refusals, sum(calls)::float8 as calls,
    sum(failures)::float8 as failures, sum(denials)::float8 as denials, sum(tokens) as tokens,
    sum(cost) as cost
  from usage_day where day_ms >= $2 and day_ms < $3
  group by 1 order by sum(cost) desc, sum(tokens) desc, 1 limit $4`;

/** Usage from one time up to another by one key, the dearest first. */
export async function sumUsage(
  db: Reads,
  by: UsageKey,
  range: { readonly fromMs: number; readonly toMs: number; readonly limit: number },
): Promise<readonly UsageSum[]> {
  const rows = await db.query(USAGE_SUM, [by, range.fromMs, range.toMs, range.limit]);
  return rows.map((row) => ({ key: textOf(row, 'key'), ...figuresOf(row) }));
}

function figuresOf(row: Row): Omit<UsageSum, 'key'> {
  const figure = (name: string) => numberOf(row, name);
  return {
    agents: figure('agents'),
    sessions: figure('sessions'),
    turns: figure('turns'),
    refusals: figure('refusals'),
    calls: figure('calls'),
    failures: figure('failures'),
    denials: figure('denials'),
    tokens: figure('tokens'),
    cost: figure('cost'),
  };
}
