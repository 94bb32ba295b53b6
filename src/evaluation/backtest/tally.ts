/** Tally of a backtest: what each detector said, of whom, and where it could not see. */
import type { CoverageGap, Family, Level, Maturity } from '../../model/detection.ts';
import type { Detector } from '../../model/detector.ts';
import { EVIDENCE_LEVELS, type Kind } from '../../model/event.ts';
import { type Alert, compareAlerts, compareText } from './alert.ts';
import { daysOf, type Traffic } from './traffic.ts';

/** One corpus as it was run. */
export interface CorpusRun {
  readonly name: string;
  readonly traffic: Traffic;
  readonly alerts: readonly Alert[];
  /** Alerts beyond the bound, by detector: counted and not kept. */
  readonly unkept: Readonly<Record<string, number>>;
  /** What exceptions excused, and so is in no other figure: detector → exception → how often. */
  readonly excused: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly gaps: readonly CoverageGap[];
  readonly records: number;
  readonly deadLetters: number;
  readonly late: number;
}

/** Label of each session, as somebody else judged it. */
export type Labels = ReadonlyMap<string, string>;

/** Of one label: how many alerts, in how many of its sessions. */
export interface LabelTally {
  readonly label: string;
  readonly alerts: number;
  readonly sessions: number;
  /** Sessions of this label in the corpora that were run. */
  readonly of: number;
}

/** Where a detector could not judge, or only with less than it asks for. */
export interface Blindness {
  /** Why it could say nothing in this run, whatever the records hold; null: it could. */
  readonly abstained: string | null;
  /** Needed sources of which the corpora hold no record at all. */
  readonly unheard: readonly Kind[];
  /** Share of the events of its sources below the evidence level it needs; null: no such event. */
  readonly belowEvidence: number | null;
  /** Intervals in which a needed source was blind, and hours of them together. */
  readonly gaps: number;
  readonly gapHours: number;
  /** Sessions that acted meanwhile, as coverage counts them. */
  readonly sessions: number;
  /** Alerts in sessions one of whose books was blind. */
  readonly alerts: number;
}

/** What one detector said. */
export interface DetectorTally {
  readonly detector: string;
  readonly title: string;
  readonly family: Family;
  readonly level: Level;
  readonly maturity: Maturity;
  readonly version: string;
  readonly alerts: number;
  readonly sessions: number;
  readonly agents: number;
  /** Alerts of each corpus, by its name. */
  readonly byCorpus: Readonly<Record<string, number>>;
  /** Per day of event time, and per agent and day; null where there is no such day. */
  readonly perDay: number | null;
  readonly perAgentDay: number | null;
  /** Empty where no labels were given. Sessions without a label are `unlabelled`. */
  readonly byLabel: readonly LabelTally[];
  readonly late: number;
  /** Alerts that were counted and not kept: nothing else here knows of them. */
  readonly unkept: number;
  /** Alerts that exceptions excused, by exception; counted nowhere else. */
  readonly excused: Readonly<Record<string, number>>;
  readonly blindness: Blindness;
  /** The first few, in order of event time. */
  readonly examples: readonly Alert[];
}

/** Label of sessions that nobody labelled. */
export const UNLABELLED = 'unlabelled';
/** Label of alerts that name no session. */
export const NO_SESSION = 'no session';

const EXAMPLES_MAX = 3;
const HOUR_MS = 3_600_000;

/** One tally for each detector, by stem. `abstainers`: those that could say nothing, and why. */
export function tallyOf(
  detectors: readonly Detector[],
  runs: readonly CorpusRun[],
  labels: Labels,
  abstainers: ReadonlyMap<string, string> = new Map(),
): DetectorTally[] {
  const days = sumOf(runs, ({ traffic }) => daysOf(traffic) ?? 0);
  const agentDays = sumOf(runs, ({ traffic }) => traffic.agentDays);
  const totals = labelTotals(runs, labels);
  const byDetector = new Map<string, Alert[]>();
  for (const alert of runs.flatMap(({ alerts }) => alerts)) {
    const list = byDetector.get(alert.detector);
    if (list === undefined) byDetector.set(alert.detector, [alert]);
    else list.push(alert);
  }
  return [...detectors]
    .sort((one, other) => compareText(one.stem, other.stem))
    .map((detector) => {
      const alerts = (byDetector.get(detector.stem) ?? []).sort(compareAlerts);
      const unkept = sumOf(runs, (run) => run.unkept[detector.stem] ?? 0);
      const count = alerts.length + unkept;
      const corpora = runs.map(({ name, unkept: more }): [string, number] => [
        name,
        alerts.filter(({ corpus }) => corpus === name).length + (more[detector.stem] ?? 0),
      ]);
      return {
        detector: detector.stem,
        ...{ title: detector.title, family: detector.family, level: detector.level },
        ...{ maturity: alerts[0]?.maturity ?? detector.maturity, version: detector.version },
        alerts: count,
        sessions: new Set(alerts.flatMap(sessionKey)).size,
        agents: new Set(alerts.map(({ tenant, agent }) => `${tenant} ${agent}`)).size,
        byCorpus: Object.fromEntries(corpora),
        perDay: days > 0 ? count / days : null,
        perAgentDay: agentDays > 0 ? count / agentDays : null,
        byLabel: labels.size === 0 ? [] : byLabel(alerts, labels, totals),
        late: alerts.filter(({ late }) => late).length,
        unkept,
        excused: excusedOf(detector.stem, runs),
        blindness: blindnessOf(detector, runs, alerts, abstainers),
        examples: alerts.slice(0, EXAMPLES_MAX),
      };
    });
}

function excusedOf(stem: string, runs: readonly CorpusRun[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { excused } of runs)
    for (const [exception, times] of Object.entries(excused[stem] ?? {}))
      found[exception] = (found[exception] ?? 0) + times;
  return found;
}

/** Label of an alert. */
export function labelOf({ session }: Alert, labels: Labels): string {
  return session === null ? NO_SESSION : (labels.get(session) ?? UNLABELLED);
}

/** Alerts by label, labels in alphabetical order. */
export function byLabel(
  alerts: readonly Alert[],
  labels: Labels,
  totals: ReadonlyMap<string, number>,
): LabelTally[] {
  const found = new Map<string, { alerts: number; sessions: Set<string> }>();
  for (const alert of alerts) {
    const label = labelOf(alert, labels);
    const tally = found.get(label) ?? { alerts: 0, sessions: new Set() };
    tally.alerts += 1;
    for (const session of sessionKey(alert)) tally.sessions.add(session);
    found.set(label, tally);
  }
  const names = new Set([...totals.keys(), ...found.keys()]);
  return [...names].sort(compareText).map((label) => ({
    label,
    alerts: found.get(label)?.alerts ?? 0,
    sessions: found.get(label)?.sessions.size ?? 0,
    of: totals.get(label) ?? 0,
  }));
}

/** How many sessions of each label the corpora hold. Session ids are unique within a corpus. */
export function labelTotals(runs: readonly CorpusRun[], labels: Labels): Map<string, number> {
  const totals = new Map<string, number>();
  if (labels.size === 0) return totals;
  for (const { traffic } of runs)
    for (const session of traffic.sessions) {
      const label = labels.get(session) ?? UNLABELLED;
      totals.set(label, (totals.get(label) ?? 0) + 1);
    }
  return totals;
}

function sessionKey({ corpus, session }: Alert): string[] {
  return session === null ? [] : [`${corpus} ${session}`];
}

function blindnessOf(
  { stem, needs }: Detector,
  runs: readonly CorpusRun[],
  alerts: readonly Alert[],
  abstainers: ReadonlyMap<string, string>,
): Blindness {
  const sources = new Set(needs.sources);
  const least = EVIDENCE_LEVELS.indexOf(needs.evidence);
  const unheard = needs.sources.filter((kind) =>
    runs.every(({ traffic }) => traffic.levels[kind].every((count) => count === 0)),
  );
  let events = 0;
  let below = 0;
  // Governance and metrics carry no content to be graded: they are there or not.
  for (const kind of needs.sources.filter((one) => one === 'gateway' || one === 'reasoning'))
    for (const { traffic } of runs)
      traffic.levels[kind].forEach((count, at) => {
        events += count;
        if (at < least) below += count;
      });
  const gaps = runs.flatMap(({ gaps: all, traffic }) =>
    all
      .filter(({ kind }) => sources.has(kind))
      .map(({ fromMs, toMs, sessions }) => ({
        ms: Math.max(0, (toMs ?? traffic.toMs ?? fromMs) - fromMs),
        sessions,
      })),
  );
  return {
    abstained: abstainers.get(stem) ?? null,
    unheard,
    belowEvidence: events === 0 ? null : below / events,
    gaps: gaps.length,
    gapHours: sumOf(gaps, ({ ms }) => ms) / HOUR_MS,
    sessions: sumOf(gaps, ({ sessions }) => sessions),
    alerts: alerts.filter(({ blind }) => blind.some((kind) => sources.has(kind))).length,
  };
}

/** Sum of a figure over a list. */
export function sumOf<T>(list: readonly T[], figure: (each: T) => number): number {
  return list.reduce((sum, each) => sum + figure(each), 0);
}
