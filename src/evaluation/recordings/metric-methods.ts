/** Metric methods: 3 sigma, EWMA, PSI and an isolation forest over the figures of sessions. */
import type { UnitRecord } from '../../model/unit.ts';
import { forestOf } from '../comparators/isolation-forest.ts';
import { momentsOf } from '../comparators/moments.ts';
import { index, sharesOf } from '../comparators/psi.ts';
import { atEnd, type Contest, perRole, type RecordingMethod } from './contest.ts';
import { featureRow, metricNames, metricRows } from './features.ts';
import type { Outcome } from './quality.ts';

const SIGMAS = 3;
const LAMBDA = 0.2;
const PSI_LIMIT = 0.25;
const PSI_BINS = 10;
const PSI_WINDOW = 100;
/** Share of benign sessions that may be alerted, as the product declares it. */
const BUDGET = 0.01;

const present = (column: readonly number[]): Float64Array =>
  Float64Array.from(column.filter((value) => !Number.isNaN(value)));

function columnsOf(rows: readonly Float64Array[], width: number): Float64Array[] {
  return Array.from({ length: width }, (_, at) =>
    present(rows.map((row) => row[at] ?? Number.NaN)),
  );
}

/** What a role's metrics usually are, and the sessions to judge as rows of the same metrics. */
function figures(learnt: readonly UnitRecord[], scored: readonly UnitRecord[]) {
  const names = metricNames(learnt);
  const columns = columnsOf(metricRows(learnt, names), names.length);
  return { columns, moments: columns.map(momentsOf), rows: metricRows(scored, names) };
}

/** The rule most dashboards have, on every metric; it has no rate of its own to be set. */
export const threeSigmaOnMetrics: RecordingMethod = {
  name: '3 sigma on any metric',
  setting: 'mean + 3 sd',
  judge: (contest) =>
    perRole(contest, (learnt, scored) => {
      const { moments, rows } = figures(learnt, scored);
      return scored.map(({ head }, at) => {
        let most = Number.NEGATIVE_INFINITY;
        moments.forEach(({ mean, sd }, metric) => {
          const value = rows[at]?.[metric] ?? Number.NaN;
          if (sd > 0 && !Number.isNaN(value)) most = Math.max(most, (value - mean) / sd);
        });
        return atEnd(head.session, most, most > SIGMAS);
      });
    }),
};

/** Roberts 1959, over the sessions of each agent in time order, begun anew after an alarm. */
export const ewmaOnMetrics: RecordingMethod = {
  name: 'EWMA chart on any metric',
  setting: 'lambda .2, 3 sigma, per agent',
  judge: (contest) =>
    perRole(contest, (learnt, scored) => {
      const inOrder = inTime(scored);
      const { moments, rows } = figures(learnt, inOrder);
      const width = SIGMAS * Math.sqrt(LAMBDA / (2 - LAMBDA));
      const levels = new Map<string, number[]>();
      const fresh = () => moments.map(({ mean }) => mean);
      return inOrder.map(({ head }, at) => {
        const level = levels.get(head.agent) ?? fresh();
        let most = 0;
        moments.forEach(({ mean, sd }, metric) => {
          const value = rows[at]?.[metric] ?? Number.NaN;
          if (!(sd > 0) || Number.isNaN(value)) return;
          const next = LAMBDA * value + (1 - LAMBDA) * (level[metric] ?? mean);
          level[metric] = next;
          most = Math.max(most, Math.abs(next - mean) / (width * sd));
        });
        levels.set(head.agent, most > 1 ? fresh() : level);
        return atEnd(head.session, most, most > 1);
      });
    }),
};

/** The folklore of model monitoring: it names a window, so all of its sessions are flagged. */
export const psiOnMetrics: RecordingMethod = {
  name: 'PSI above .25 on any metric',
  setting: '10 decile bins, windows of 100 sessions of a role',
  judge: (contest) =>
    perRole(contest, (learnt, scored) => {
      const inOrder = inTime(scored);
      const { columns, rows } = figures(learnt, inOrder);
      const edges = columns.map(decilesOf);
      const expected = columns.map((column, at) => sharesOf(column, edges[at] ?? []));
      const found: Outcome[] = [];
      for (let from = 0; from < inOrder.length; from += PSI_WINDOW) {
        const window = rows.slice(from, from + PSI_WINDOW);
        // A window that is not full says nothing yet.
        const isFull = window.length === PSI_WINDOW;
        const most = columns.reduce((highest, _, at) => {
          const values = present(window.map((row) => row[at] ?? Number.NaN));
          if (!isFull || values.length === 0) return highest;
          return Math.max(highest, index(sharesOf(values, edges[at] ?? []), expected[at] ?? []));
        }, 0);
        for (const { head } of inOrder.slice(from, from + PSI_WINDOW))
          found.push(atEnd(head.session, most, most > PSI_LIMIT));
      }
      return found;
    }),
};

/** Liu, Ting and Zhou 2008: half of what is learnt trains, the other half sets the threshold. */
export const forestOnSessions: RecordingMethod = {
  name: 'isolation forest on sessions',
  setting: '100 trees of 256, 99 % quantile of held-out sessions',
  judge: (contest) =>
    perRole(contest, (learnt, scored) => {
      const names = metricNames(learnt);
      const rows = shuffledOf(learnt, contest).map((unit) => featureRow(unit, names));
      const half = Math.ceil(rows.length / 2);
      const score = forestOf(rows.slice(0, half), contest.uniform);
      const held = Float64Array.from(rows.slice(half), score).sort();
      const limit = cutOf(held);
      return scored.map((unit) => {
        const value = score(featureRow(unit, names));
        return atEnd(unit.head.session, value, value > limit);
      });
    }),
};

/** The score that at most the budget's share of ascending held-out scores may exceed. */
export function cutOf(held: Float64Array): number {
  const rank = Math.max(1, Math.floor((held.length + 1) * BUDGET));
  return held[held.length - rank] ?? Number.POSITIVE_INFINITY;
}

function shuffledOf(units: readonly UnitRecord[], { uniform }: Contest): UnitRecord[] {
  return units
    .map((unit): [number, UnitRecord] => [uniform(), unit])
    .sort(([one], [two]) => one - two)
    .map(([, unit]) => unit);
}

function decilesOf(column: Float64Array): number[] {
  const sorted = column.toSorted();
  return Array.from(
    { length: PSI_BINS - 1 },
    (_, bin) => sorted[Math.floor(((bin + 1) * sorted.length) / PSI_BINS)] ?? 0,
  );
}

function inTime(units: readonly UnitRecord[]): UnitRecord[] {
  return [...units].sort(
    (one, two) => one.lastMs - two.lastMs || (one.head.session < two.head.session ? -1 : 1),
  );
}
