/** Baseline texts: a review as people read it; every foreign text is escaped. */
import type {
  DimensionReview,
  QuantileReview,
  ReviewReport,
  SymbolShare,
} from '../baseline/review.ts';
import { criterionText } from '../baseline/window.ts';
import { short } from '../model/ids.ts';
import type { Criterion, LearningWindow } from '../model/window.ts';
import { hashShort } from './baseline-acts.ts';
import { count, safe, table, timeOf, typed } from './output.ts';

const SHOWN = 8;

/** The whole report, in the order a reviewer decides by. */
export function reviewText(report: ReviewReport, window: LearningWindow): string[] {
  const { meta, previous, proposed } = report;
  return [
    `${report.level} ${safe(report.subject)}: ${previous === null ? 'first baseline' : `${hashShort(previous)} → `}${previous === null ? ` ${hashShort(proposed)}` : hashShort(proposed)}`,
    ...windowText(window),
    `Learnt from ${count(meta.sessions, 'session')} of ${count(meta.agents, 'agent')} on ${count(meta.days, 'day')}, ${timeOf(meta.fromMs)} to ${timeOf(meta.toMs)}, ${count(meta.templates, 'mandate template')}.`,
    ...section('Exit criteria', report.criteria.map(criterionLine)),
    ...section(
      'Not measured',
      report.missing.map((one) => `- ${one}`),
    ),
    ...section('Kept out', excludedLines(report)),
    ...section('What changes, by dimension', dimensionLines(report.dimensions)),
    ...section('New origins of argument values', report.origins.map(shareLine)),
    ...section(
      'Literals that become known',
      report.literals.slice(0, SHOWN).map((one) => `- ${safe(one, 120)}`),
    ),
    ...section('Calibration scores, old → new', quantileLines(report.quantiles)),
    ...section('Influence', influenceLines(report)),
    ...section('Drift since the last full approval', ledgerLines(report)),
    ...section('If 1 % of the calibration were planted', maskingLines(report)),
    ...section('Backtest', backtestLines(report)),
    ...section('Predicted firings per day', predictedLines(report)),
  ];
}

/** A diff alone: dimensions, scores and ledger, without what concerns the approval. */
export function diffText(report: ReviewReport): string[] {
  return [
    `${report.level} ${safe(report.subject)}: ${report.previous === null ? 'nothing' : hashShort(report.previous)} → ${hashShort(report.proposed)}`,
    ...section('By dimension', dimensionLines(report.dimensions)),
    ...section('New origins of argument values', report.origins.map(shareLine)),
    ...section('Calibration scores, old → new', quantileLines(report.quantiles)),
    ...section('Drift', ledgerLines(report)),
  ];
}

/** What a window permits and how it stands. */
export function windowText(window: LearningWindow): string[] {
  const { id, state, change, rule, dimensions, tools, opensMs, expiresMs, ended } = window;
  const why = change === null ? `rule ${rule}` : `change ${safe(change, 80)}`;
  const about = tools === null ? '' : `, tools ${tools.map((tool) => safe(tool, 60)).join(', ')}`;
  const lines = [
    `Window ${short(id)} · ${state} · ${why} · opened by ${safe(window.openedBy, 80)}`,
    `   ${dimensions.map((one) => safe(one, 60)).join(', ')}${about}; ${timeOf(opensMs)} to ${timeOf(expiresMs)}${window.extended ? ' (extended)' : ''}`,
  ];
  if (window.proposedBy !== null) {
    const given = window.approvals.map(({ by }) => safe(by, 80)).join(', ');
    const full = window.fullNeeded ? ', as a full re-approval' : '';
    lines.push(
      `   proposed by ${safe(window.proposedBy, 80)}; ${window.approvals.length} of ${count(window.approvalsNeeded, 'approval')}${full}${given === '' ? '' : `: ${given}`}`,
    );
  }
  if (ended !== null)
    lines.push(`   ended ${timeOf(ended.atMs)} by ${safe(ended.by, 80)}: ${safe(ended.why, 200)}`);
  return lines;
}

/** What a reviewer may do next. */
export function nextSteps(report: ReviewReport, window: LearningWindow): string[] {
  if (window.state !== 'REVIEW') return [];
  const hash = hashShort(report.proposed);
  const full = window.fullNeeded ? ' --full' : '';
  return [
    '',
    `Approve:  ${typed(`baseline approve ${hash}${full} --by YOU --reason WHY`)}`,
    `Reject:   ${typed(`baseline reject ${hash} --by YOU --reason WHY`)}`,
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function criterionLine(criterion: Criterion): string {
  const { met, waived } = criterion;
  const mark = met ? 'met   ' : waived === null ? 'NOT   ' : 'waived';
  const why = waived === null ? '' : ` (${safe(waived, 160)})`;
  return `${mark}  ${criterionText(criterion)}${why}`;
}

function excludedLines({ excluded }: ReviewReport): string[] {
  return excluded.map(({ reason, count: n, sessions }) => {
    const some = sessions.slice(0, 3).map((session) => safe(session, 40));
    return `${n} ${safe(reason, 320)}: ${some.join(', ')}${n > some.length ? ', …' : ''}`;
  });
}

function dimensionLines(dimensions: readonly DimensionReview[]): string[] {
  const head = ['DIMENSION', 'SYMBOLS', 'JS BITS', 'BY CHANCE', 'PSI', 'BY CHANCE', 'P'];
  const rows = dimensions.map((one) => [
    safe(one.dimension, 40),
    one.status === 'kept' ? `${one.oldSymbols} → ${one.newSymbols}` : one.status,
    figure(one.jsBits),
    figure(one.expectedBits),
    figure(one.psi),
    figure(one.expectedPsi),
    figure(one.p),
  ]);
  const lines = dimensions.length === 0 ? [] : table([head, ...rows]);
  for (const one of dimensions) {
    if (one.appearedCount > 0)
      lines.push(`${safe(one.dimension, 40)} gains ${listed(one.appeared, one.appearedCount)}`);
    if (one.vanishedCount > 0)
      lines.push(`${safe(one.dimension, 40)} loses ${listed(one.vanished, one.vanishedCount)}`);
  }
  return lines;
}

function listed(shares: readonly SymbolShare[], all: number): string {
  const shown = shares
    .slice(0, SHOWN)
    .map(({ symbol, share }) => `${safe(symbol, 60)} (${percent(share)})`);
  return `${all}: ${shown.join(', ')}${all > shown.length ? ', …' : ''}`;
}

function shareLine({ symbol, share }: SymbolShare): string {
  return `- ${safe(symbol, 100)} (${percent(share)} of all)`;
}

function quantileLines(rows: readonly QuantileReview[]): string[] {
  if (rows.length === 0) return [];
  const pair = (old: number | undefined, fresh: number | undefined): string =>
    `${figure(old ?? null)} → ${figure(fresh ?? null)}`;
  const body = rows.map((row) => [
    `${safe(row.dimension, 40)} ${safe(row.cell, 20)}`,
    `${row.old?.n ?? '-'} → ${row.new?.n ?? '-'}`,
    pair(row.old?.p50, row.new?.p50),
    pair(row.old?.p90, row.new?.p90),
    pair(row.old?.p99, row.new?.p99),
  ]);
  return table([['DIMENSION AND CELL', 'UNITS', 'P50', 'P90', 'P99'], ...body]);
}

function influenceLines({ influence }: ReviewReport): string[] {
  if (influence === undefined || influence === null) return [];
  const top = (shares: readonly { readonly id: string; readonly share: number }[]): string =>
    shares
      .slice(0, 5)
      .map(({ id, share }) => `${safe(id, 60)} ${percent(share)}`)
      .join(', ');
  return [`sessions: ${top(influence.sessions)}`, `days: ${top(influence.days)}`];
}

function ledgerLines({ ledger }: ReviewReport): string[] {
  const moved = ledger.filter(({ afterBits }) => afterBits > 0);
  if (moved.length === 0) return [];
  const rows = moved.map((row) => [
    safe(row.dimension, 40),
    figure(row.beforeBits),
    figure(row.stepBits),
    figure(row.afterBits),
    `${figure(row.capBits)}${row.isOver ? '  OVER: needs a full re-approval' : ''}`,
  ]);
  return table([['DIMENSION', 'BEFORE', 'STEP', 'AFTER', 'CAP (BITS)'], ...rows]);
}

function maskingLines({ masking }: ReviewReport): string[] {
  return masking.map(
    ({ dimension, cell, n, bestE, maskedE }) =>
      `${safe(dimension, 40)} ${safe(cell, 20)} (${n}): strongest evidence ${figure(bestE)} → ${figure(maskedE)}`,
  );
}

function backtestLines({ backtest }: ReviewReport): string[] {
  if (backtest === null) return [];
  const only = (flag: 'old' | 'new'): string[] =>
    backtest.rows
      .filter((row) => row[flag] && !row[flag === 'old' ? 'new' : 'old'])
      .slice(0, SHOWN)
      .map((row) => `${safe(row.session, 60)} (${safe(row.rung, 20)}, ${timeOf(row.atMs)})`);
  const both = backtest.rows.filter((row) => row.old && row.new).length;
  const lines = [
    `${count(backtest.units, 'unit')} of ${Math.round(backtest.days * 10) / 10} days; flagged by both: ${both}`,
  ];
  const [lost, gained] = [only('old'), only('new')];
  lines.push(`no longer flagged: ${lost.length === 0 ? 'none' : lost.join(', ')}`);
  lines.push(`newly flagged: ${gained.length === 0 ? 'none' : gained.join(', ')}`);
  return lines;
}

function predictedLines({ predicted }: ReviewReport): string[] {
  if (predicted.length === 0) return [];
  const rows = predicted.map((row) => [
    safe(row.rung, 40),
    figure(row.oldPerDay),
    figure(row.newPerDay),
    figure(row.declaredPerDay),
  ]);
  return table([['RUNG', 'OLD', 'NEW', 'DECLARED'], ...rows]);
}

function figure(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
