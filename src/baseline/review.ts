/** Review: everything a person needs to know before a baseline is promoted, as data. */
import { canonicalJson } from '../model/canonical-json.ts';
import type { Criterion } from '../model/window.ts';
import { marginalE } from '../stats/e-value.ts';
import {
  type Counts,
  expectedJensenShannonBits,
  expectedStability,
  jensenShannonBits,
  stabilityIndex,
} from '../stats/jensen-shannon.ts';
import { quantileSorted } from '../stats/summary.ts';
import { driftBits, type LedgerRow, type LedgerStep, rawDriftBits } from './ledger.ts';
import type { Profile } from './profile.ts';
import type { ProposalEvidence, Registry } from './proposal.ts';
import { namesDimension } from './window.ts';

/** A symbol that one side has and the other has not, with its share of that side's weight. */
export interface SymbolShare {
  readonly symbol: string;
  readonly share: number;
}

/** One dimension, old → new. Null: cannot be said, with one side absent or sessions not at hand. */
export interface DimensionReview {
  readonly dimension: string;
  readonly status: 'kept' | 'added' | 'removed';
  readonly oldSymbols: number;
  readonly newSymbols: number;
  /** Jensen–Shannon in bits, and what it would be on average without any change. */
  readonly jsBits: number | null;
  readonly expectedBits: number | null;
  readonly psi: number | null;
  readonly expectedPsi: number | null;
  /** Permuting sessions, not events. */
  readonly p: number | null;
  /** Largest shares first, at most 20 of each; `…Count` says how many there are. */
  readonly appeared: readonly SymbolShare[];
  readonly appearedCount: number;
  readonly vanished: readonly SymbolShare[];
  readonly vanishedCount: number;
}

/** Calibration scores of one dimension and cell, old → new. */
export interface QuantileReview {
  readonly dimension: string;
  readonly cell: string;
  readonly old: Quantiles | null;
  readonly new: Quantiles | null;
}

/** Size and quantiles of a set of scores. */
export interface Quantiles {
  readonly n: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** How far a share of smuggled extreme scores could lower the strongest evidence. */
export interface MaskingBand {
  readonly dimension: string;
  readonly cell: string;
  readonly n: number;
  /** Best e-value possible, and what is left of it if 1 % of the scores were planted. */
  readonly bestE: number;
  readonly maskedE: number;
}

/** Firings of one rung in the backtest, and what was declared. Per day. */
export interface PredictedFirings {
  readonly rung: string;
  readonly oldPerDay: number;
  readonly newPerDay: number;
  readonly declaredPerDay: number | null;
}

/** The report. */
export interface ReviewReport {
  readonly level: Profile['level'];
  readonly subject: string;
  readonly proposed: string;
  readonly previous: string | null;
  readonly meta: Omit<Profile['meta'], 'excluded'>;
  readonly criteria: readonly Criterion[];
  readonly dimensions: readonly DimensionReview[];
  readonly quantiles: readonly QuantileReview[];
  /** New symbols of `provenance`: an argument got values from where none came before. */
  readonly origins: readonly SymbolShare[];
  readonly literals: readonly string[];
  /** Reasons with their number, most frequent first; the sessions by reason, at most 50 each. */
  readonly excluded: readonly {
    readonly reason: string;
    readonly count: number;
    readonly sessions: readonly string[];
  }[];
  readonly influence: ProposalEvidence['influence'] | null;
  readonly ledger: readonly LedgerRow[];
  readonly masking: readonly MaskingBand[];
  readonly backtest: NonNullable<ProposalEvidence['backtest']> | null;
  readonly predicted: readonly PredictedFirings[];
  /** What was not measured and should be known before one says yes. */
  readonly missing: readonly string[];
}

/** What a report is made of. */
export interface ReviewInput {
  readonly proposed: Profile;
  readonly proposedHash: string;
  readonly previous: Profile | null;
  readonly previousHash: string | null;
  readonly registry: Registry;
  readonly criteria: readonly Criterion[];
  readonly ledger: readonly LedgerRow[];
  readonly evidence: ProposalEvidence;
}

const SHOWN = 20;
const SESSIONS_SHOWN = 50;
/** Share of planted calibration scores that the masking band assumes. */
export const MASKED_SHARE = 0.01;

/** Makes the report. Pure: the same documents give the same report. */
export function review(input: ReviewInput): ReviewReport {
  const { proposed, previous, registry, evidence } = input;
  const { excluded, ...meta } = proposed.meta;
  const dimensions = namesOf(previous, proposed).map((name) =>
    reviewDimension(name, previous, proposed, registry, evidence),
  );
  return {
    level: proposed.level,
    subject: proposed.subject,
    proposed: input.proposedHash,
    previous: input.previousHash,
    meta,
    criteria: input.criteria,
    dimensions,
    quantiles: quantileReviews(previous, proposed),
    origins: dimensions.find(({ dimension }) => dimension === 'provenance')?.appeared ?? [],
    literals: evidence.literals ?? [],
    excluded: byReason(excluded),
    influence: evidence.influence ?? null,
    ledger: input.ledger,
    masking: maskingBands(proposed),
    backtest: evidence.backtest ?? null,
    predicted: predictedFirings(evidence),
    missing: missingIn(previous, evidence),
  };
}

/**
 * The steps a proposal makes in the drift ledger. A dimension new to the baseline adds sight and no
 * drift. Dimensions the registry does not know have no symbols to compare.
 */
export function ledgerSteps(
  registry: Registry,
  proposed: Profile,
  previous: Profile | null,
  anchor: Profile | null,
): LedgerStep[] {
  const steps: LedgerStep[] = [];
  for (const name of Object.keys(proposed.dimensions).sort()) {
    const next = symbolsOf(registry, proposed, name);
    if (next === null) continue;
    const before = previous === null ? null : symbolsOf(registry, previous, name);
    const first = anchor === null ? null : symbolsOf(registry, anchor, name);
    steps.push({
      dimension: name,
      stepBits: before === null ? 0 : driftBits(before, next),
      rawBits: before === null ? 0 : rawDriftBits(before, next),
      // Genesis, and a dimension younger than the anchor, are where the walk begins.
      anchorBits: first === null ? (before === null ? 0 : null) : driftBits(first, next),
    });
  }
  return steps;
}

/** Dimensions that were in force and are not in the proposal: sight is lost. */
export function removedDimensions(previous: Profile | null, proposed: Profile): readonly string[] {
  return Object.keys(previous?.dimensions ?? {})
    .filter((name) => !Object.hasOwn(proposed.dimensions, name))
    .sort();
}

/**
 * Dimensions a proposal changed although its window does not name them: a change opens the dimensions
 * it names and nothing else. `joint` and the rehearsed model rest on all of them and may follow.
 */
export function changedOutside(
  dimensions: readonly string[],
  previous: Profile,
  proposed: Profile,
): readonly string[] {
  const isSameIn = (part: 'dimensions' | 'calibration', name: string): boolean =>
    canonicalJson(previous[part][name] ?? null) === canonicalJson(proposed[part][name] ?? null);
  const names = new Set([
    ...namesOf(previous, proposed),
    ...Object.keys(previous.calibration),
    ...Object.keys(proposed.calibration),
  ]);
  return [...names]
    .filter((name) => name !== 'joint' && name !== 'rehearsed')
    .filter((name) => !namesDimension(dimensions, name))
    .filter((name) => !isSameIn('dimensions', name) || !isSameIn('calibration', name))
    .sort();
}

/** Symbols of one dimension of a profile; null where profile or registry lacks it. */
export function symbolsOf(registry: Registry, profile: Profile, name: string): Counts | null {
  const dimension = registry.get(name);
  if (dimension === undefined || !Object.hasOwn(profile.dimensions, name)) return null;
  return dimension.symbols(profile.dimensions[name] ?? null);
}

function namesOf(previous: Profile | null, proposed: Profile): readonly string[] {
  const names = [...Object.keys(previous?.dimensions ?? {}), ...Object.keys(proposed.dimensions)];
  return [...new Set(names)].sort();
}

function reviewDimension(
  dimension: string,
  previous: Profile | null,
  proposed: Profile,
  registry: Registry,
  evidence: ProposalEvidence,
): DimensionReview {
  const old = previous === null ? null : symbolsOf(registry, previous, dimension);
  const fresh = symbolsOf(registry, proposed, dimension);
  const isNew = !Object.hasOwn(proposed.dimensions, dimension);
  const wasThere = previous !== null && Object.hasOwn(previous.dimensions, dimension);
  const appeared = old === null || fresh === null ? [] : missingFrom(old, fresh);
  const vanished = old === null || fresh === null ? [] : missingFrom(fresh, old);
  return {
    dimension,
    status: isNew ? 'removed' : wasThere ? 'kept' : 'added',
    oldSymbols: old?.size ?? 0,
    newSymbols: fresh?.size ?? 0,
    ...divergences(old, fresh),
    p: ownNumber(evidence.permutation, dimension),
    appeared: appeared.slice(0, SHOWN),
    appearedCount: appeared.length,
    vanished: vanished.slice(0, SHOWN),
    vanishedCount: vanished.length,
  };
}

function divergences(
  old: Counts | null,
  fresh: Counts | null,
): Pick<DimensionReview, 'jsBits' | 'expectedBits' | 'psi' | 'expectedPsi'> {
  if (old === null || fresh === null)
    return { jsBits: null, expectedBits: null, psi: null, expectedPsi: null };
  const symbols = new Set([...old.keys(), ...fresh.keys()]).size;
  const [n1, n2] = [total(old), total(fresh)];
  return {
    jsBits: jensenShannonBits(old, fresh),
    expectedBits: expectedJensenShannonBits(symbols, n1, n2),
    psi: stabilityIndex(old, fresh),
    expectedPsi: expectedStability(symbols, n1, n2),
  };
}

/** Symbols of `more` that `less` lacks, by share, largest first. */
function missingFrom(less: Counts, more: Counts): SymbolShare[] {
  const all = total(more);
  return [...more]
    .filter(([symbol, n]) => n > 0 && !((less.get(symbol) ?? 0) > 0))
    .map(([symbol, n]) => ({ symbol, share: n / all }))
    .sort((a, b) => b.share - a.share || (a.symbol < b.symbol ? -1 : 1));
}

function total(counts: Counts): number {
  let sum = 0;
  for (const n of counts.values()) sum += Math.max(0, n);
  return sum;
}

function quantileReviews(previous: Profile | null, proposed: Profile): QuantileReview[] {
  const rows = new Map<string, QuantileReview>();
  const cellsOf = (profile: Profile | null) =>
    Object.entries(profile?.calibration ?? {}).flatMap(([dimension, cells]) =>
      Object.entries(cells).map(([cell, scores]) => ({ dimension, cell, scores })),
    );
  for (const { dimension, cell, scores } of cellsOf(previous))
    rows.set(`${dimension} ${cell}`, { dimension, cell, old: quantiles(scores), new: null });
  for (const { dimension, cell, scores } of cellsOf(proposed)) {
    const old = rows.get(`${dimension} ${cell}`)?.old ?? null;
    rows.set(`${dimension} ${cell}`, { dimension, cell, old, new: quantiles(scores) });
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** Size and quantiles of ascending scores; null where there are none. */
export function quantiles(sorted: readonly number[]): Quantiles | null {
  if (sorted.length === 0) return null;
  const at = (share: number): number => quantileSorted(sorted, share);
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

/** Masking band of every calibrated cell (statistics §9.6). */
function maskingBands(profile: Profile): MaskingBand[] {
  return Object.entries(profile.calibration)
    .flatMap(([dimension, cells]) =>
      Object.entries(cells).map(([cell, scores]) => ({ dimension, cell, n: scores.length })),
    )
    .filter(({ n }) => n > 0)
    .map((row) => ({ ...row, bestE: marginalE(row.n, 1), maskedE: maskedE(row.n, 1) }));
}

/**
 * e-value of rank k if a share of the n calibration scores had been planted above it.
 * @example maskedE(2000, 1).toFixed(1) // '4.9'
 */
export function maskedE(n: number, k: number, planted = MASKED_SHARE): number {
  return marginalE(n, Math.min(n + 1, k + Math.round(planted * n)));
}

function byReason(excluded: Profile['meta']['excluded']): ReviewReport['excluded'] {
  const reasons = new Map<string, string[]>();
  for (const { session, reason } of excluded) {
    const sessions = reasons.get(reason) ?? [];
    sessions.push(session);
    reasons.set(reason, sessions);
  }
  return [...reasons]
    .map(([reason, sessions]) => ({
      reason,
      count: sessions.length,
      sessions: sessions.slice(0, SESSIONS_SHOWN),
    }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}

function predictedFirings({ backtest, budgets }: ProposalEvidence): PredictedFirings[] {
  const rungs = new Set([
    ...Object.keys(budgets ?? {}),
    ...(backtest?.rows ?? []).map(({ rung }) => rung),
  ]);
  const days = backtest?.days ?? 0;
  return [...rungs].sort().map((rung) => {
    const rows = (backtest?.rows ?? []).filter((row) => row.rung === rung);
    const perDay = (n: number): number => (days > 0 ? n / days : 0);
    return {
      rung,
      oldPerDay: perDay(rows.filter((row) => row.old).length),
      newPerDay: perDay(rows.filter((row) => row.new).length),
      declaredPerDay: ownNumber(budgets, rung),
    };
  });
}

function ownNumber(
  record: Readonly<Record<string, number>> | undefined,
  key: string,
): number | null {
  return record !== undefined && Object.hasOwn(record, key) ? (record[key] ?? null) : null;
}

function missingIn(previous: Profile | null, evidence: ProposalEvidence): string[] {
  const missing: string[] = [];
  if (evidence.influence === undefined) missing.push('influence of sessions and days');
  if (evidence.backtest === undefined) missing.push('backtest on recent history');
  if (evidence.budgets === undefined) missing.push('declared budgets');
  if (previous !== null && evidence.permutation === undefined)
    missing.push('permutation p of the changes');
  return missing;
}
