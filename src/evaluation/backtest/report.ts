/** Report of a backtest: everything it found, as data for programs and for pages. */
import { type EvidenceLevel, KINDS, type Kind } from '../../model/event.ts';
import type { DetectorDiff } from './diff.ts';
import type { JudgedExpectation, Unexpected } from './expectations.ts';
import { type CorpusRun, type DetectorTally, sumOf } from './tally.ts';
import { daysOf } from './traffic.ts';

/** What detection costs, measured apart from everything else. */
export interface Cost {
  /** Facts that were put before detectors, and the events among them. */
  readonly facts: number;
  readonly events: number;
  readonly rounds: number;
  /** µs of CPU an event for each detector by itself, less what no detector at all costs. */
  readonly byDetector: Readonly<Record<string, number>>;
  /** The same for all of them together. */
  readonly together: number;
  /** By how much the best rounds of one set differ, µs an event: less is no difference. */
  readonly noise: number;
}

/** One corpus in figures. */
export interface CorpusSummary {
  readonly name: string;
  readonly records: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly events: number;
  /** Events of each log source. */
  readonly byKind: Readonly<Record<Kind, number>>;
  readonly sessions: number;
  readonly agents: number;
  readonly agentDays: number;
  readonly days: number | null;
  readonly gaps: number;
}

/** A backtest as a whole. */
export interface BacktestReport {
  readonly corpora: readonly CorpusSummary[];
  readonly evidence: EvidenceLevel;
  /** What behaviour was judged by, in words. */
  readonly baselines: string;
  readonly detectors: readonly DetectorTally[];
  readonly cost: Cost | null;
  readonly expectations: readonly JudgedExpectation[];
  readonly unexpected: readonly Unexpected[];
  /** Do unexpected detectors fail the run? */
  readonly isUnexpectedFatal: boolean;
  readonly against: Comparison | null;
}

/** Another version over the same corpora. */
export interface Comparison {
  readonly name: string;
  /** Files of it that could not be used. */
  readonly problems: readonly string[];
  readonly diffs: readonly DetectorDiff[];
  readonly cost: Cost | null;
}

/** True where every expectation is met, and nothing unexpected is forbidden. */
export function isPassed(report: BacktestReport): boolean {
  const { expectations, unexpected, isUnexpectedFatal } = report;
  return expectations.every(({ isMet }) => isMet) && !(isUnexpectedFatal && unexpected.length > 0);
}

/** A run in figures. */
export function summaryOf(run: CorpusRun): CorpusSummary {
  const { name, traffic, records, deadLetters, late, gaps } = run;
  const kinds = KINDS.map((kind) => [kind, sumOf(traffic.levels[kind], (count) => count)]);
  return {
    ...{ name, records, deadLetters, late, events: traffic.events },
    byKind: Object.fromEntries(kinds) as Record<Kind, number>,
    ...{ sessions: traffic.sessions.size, agents: traffic.agents.size },
    ...{ agentDays: traffic.agentDays, days: daysOf(traffic), gaps: gaps.length },
  };
}

/** Days of all corpora together. */
export function totalDays(corpora: readonly CorpusSummary[]): number {
  return sumOf(corpora, ({ days }) => days ?? 0);
}
